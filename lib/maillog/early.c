/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/mem.h"
#include "maillog/early.h"

void
mt_early_init(struct mt_early *e)
{
	*e = (struct mt_early){ .lines = NULL };
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

/* Does the mark depend on it? */
static bool
is_before(const struct mt_early *e, const struct mt_early_line *line)
{
	return e->marked && line->number <= e->mark;
}

static void
waits_no_more(struct mt_early *e, const struct mt_early_line *line)
{
	if (line->who == 0 || line->number == 0)
		return;
	e->waiting--;
	e->unsettled -= is_before(e, line);
}

static void
put(struct mt_early *e, struct mt_early_line *line, uint64_t who,
    struct mt_str text, uint64_t key)
{
	waits_no_more(e, line);
	mt_free(line->text);
	line->text = mt_str_dup(text);
	line->n = text.n;
	line->who = who;
	line->key = key;
	line->number = ++e->number;
	e->waiting++;
}

struct mt_str
mt_early_line(struct mt_early *e, struct mt_str tag, struct mt_str pid,
    struct mt_str text, enum mt_event id, const union mt_event_any *ev,
    uint64_t key, uint64_t *ret_key)
{
	struct mt_early_line *line;
	uint64_t who;

	e->taken = NULL;
	if (pid.n == 0 || (e->lines == NULL && !is_early(id, ev)))
		return mt_str(NULL);
	who = who_is(tag, pid);
	line = place_of(e, who);
	if (is_early(id, ev)) {
		/* Others, such as warnings: the id is still to come. */
		if (ev->reject.action == MT_action_hold ||
		    ev->reject.action == MT_action_discard ||
		    ev->reject.action == MT_action_redirect)
			put(e, line, who, text, key);
		return mt_str(NULL);
	}
	if (line->who != who)
		return mt_str(NULL);
	waits_no_more(e, line);
	line->who = 0;
	*ret_key = line->key ^ MT_EARLY_AGAIN;
	e->taken = line;
	e->taken_who = who;
	return id == MT_EV_queue && ev->queue.step == MT_step_client
	    ? mt_str_n(line->text, line->n)
	    : mt_str(NULL);
}

void
mt_early_take_back(struct mt_early *e)
{
	struct mt_early_line *line = e->taken;

	if (line == NULL)
		return;
	e->taken = NULL;
	line->who = e->taken_who;
	if (line->number == 0)
		return;
	e->waiting++;
	e->unsettled += is_before(e, line);
}

bool
mt_early_mark(struct mt_early *e, int64_t at)
{
	if (e->marked)
		return false;
	e->marked = true;
	e->mark = e->number;
	e->marked_at = at;
	e->unsettled = e->waiting;
	return true;
}

void
mt_early_unmark(struct mt_early *e)
{
	e->marked = false;
}

/* Should they get an id all the same, it is told; but nobody waits. */
static void
give_up(struct mt_early *e)
{
	size_t i;

	for (i = 0; i < MT_EARLY; i++) {
		if (!is_before(e, &e->lines[i]))
			continue;
		waits_no_more(e, &e->lines[i]);
		e->lines[i].number = 0;
	}
}

bool
mt_early_settled(struct mt_early *e, int64_t at)
{
	if (!e->marked ||
	    (e->unsettled > 0 && at < e->marked_at + MT_EARLY_WAIT))
		return false;
	if (e->unsettled > 0)
		give_up(e);
	e->marked = false;
	return true;
}
