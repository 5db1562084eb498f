/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/mem.h"
#include "maillog/early.h"

void
mt_early_init(struct mt_early *e)
{
	e->lines = NULL;
}

void
mt_early_done(struct mt_early *e)
{
	size_t i;

	for (i = 0; e->lines != NULL && i < MT_EARLY; i++)
		mt_free(e->lines[i].text);
	mt_free(e->lines);
	e->lines = NULL;
}

/* Never 0. */
static uint64_t
who_is(struct mt_str tag, struct mt_str pid)
{
	return mt_str_hash(pid, mt_str_hash(tag, MT_HASH)) | 1;
}

/* Who has the same place is long done, or one in a thousand unlucky. */
static struct mt_early_line *
place_of(struct mt_early *e, uint64_t who)
{
	if (e->lines == NULL)
		e->lines = mt_alloc_array(MT_EARLY, sizeof(*e->lines));
	return &e->lines[(who >> 1) % MT_EARLY];
}

/* Said by smtpd of a message that has no id. */
static bool
is_early(enum mt_event id, const union mt_event_any *ev)
{
	return id == MT_EV_reject && ev->reject.queue_id.n == 0 &&
	    ev->reject.judge == MT_judge_smtpd &&
	    ev->reject.action != MT_action_reject;
}

struct mt_str
mt_early_line(struct mt_early *e, struct mt_str tag, struct mt_str pid,
    struct mt_str text, enum mt_event id, const union mt_event_any *ev,
    uint64_t key, uint64_t *ret_key)
{
	struct mt_early_line *line;
	uint64_t who;

	if (pid.n == 0 || (e->lines == NULL && !is_early(id, ev)))
		return mt_str(NULL);
	who = who_is(tag, pid);
	line = place_of(e, who);
	if (is_early(id, ev)) {
		/* Others, such as warnings: the id is still to come. */
		if (ev->reject.action != MT_action_hold &&
		    ev->reject.action != MT_action_discard &&
		    ev->reject.action != MT_action_redirect)
			return mt_str(NULL);
		mt_free(line->text);
		line->text = mt_str_dup(text);
		line->n = text.n;
		line->who = who;
		line->key = key;
		return mt_str(NULL);
	}
	if (line->who != who)
		return mt_str(NULL);
	line->who = 0;
	*ret_key = line->key ^ MT_EARLY_AGAIN;
	return id == MT_EV_queue && ev->queue.step == MT_step_client
	    ? mt_str_n(line->text, line->n)
	    : mt_str(NULL);
}
