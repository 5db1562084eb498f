/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/mem.h"
#include "maillog/early.h"

void
mt_early_init(struct mt_early *e)
{
	*e = (struct mt_early){ .processes = NULL };
}

static void
forget(struct mt_early_process *p)
{
	while (p->n_said > 0)
		mt_free(p->said[--p->n_said].text);
}

void
mt_early_done(struct mt_early *e)
{
	size_t i;

	for (i = 0; e->processes != NULL && i < MT_EARLY; i++)
		forget(&e->processes[i]);
	mt_free(e->processes);
	e->processes = NULL;
}

/* Never 0. */
static uint64_t
who_is(struct mt_str tag, struct mt_str pid)
{
	return mt_str_hash(pid, mt_str_hash(tag, MT_HASH)) | 1;
}

/* Who has the same place is long done, or one in a thousand unlucky. */
static struct mt_early_process *
place_of(struct mt_early *e, uint64_t who)
{
	if (e->processes == NULL)
		e->processes = mt_alloc_array(MT_EARLY, sizeof(*e->processes));
	return &e->processes[(who >> 1) % MT_EARLY];
}

/* Said by smtpd of a message that has no id, and does not end it. */
static bool
is_early(enum mt_event id, const union mt_event_any *ev)
{
	return id == MT_EV_reject && ev->reject.queue_id.n == 0 &&
	    ev->reject.judge == MT_judge_smtpd &&
	    ev->reject.action != MT_action_reject;
}

/* Some others, such as a warning, change nothing of what becomes of it. */
static bool
is_told_again(enum mt_action action)
{
	return action == MT_action_hold || action == MT_action_discard ||
	    action == MT_action_redirect;
}

/* Does the mark depend on it? */
static bool
is_before(const struct mt_early *e, const struct mt_early_process *p)
{
	return e->marked && p->number <= e->mark;
}

static void
waits_no_more(struct mt_early *e, const struct mt_early_process *p)
{
	if (p->who == 0 || p->number == 0)
		return;
	e->waiting--;
	e->unsettled -= is_before(e, p);
}

/* The first that this process says of a message. */
static void
begin(struct mt_early *e, struct mt_early_process *p, uint64_t who)
{
	waits_no_more(e, p);
	forget(p);
	p->who = who;
	p->number = ++e->number;
	e->waiting++;
}

static void
put(struct mt_early_process *p, struct mt_str text, uint64_t key)
{
	size_t i;

	for (i = 0; i < p->n_said; i++)
		if (p->said[i].key == key)
			return;
	if (p->n_said == MT_EARLY_SAID)
		return;
	p->said[p->n_said++] = (struct mt_early_said){
		.text = mt_str_dup(text), .n = text.n, .key = key
	};
}

const struct mt_early_said *
mt_early_line(struct mt_early *e, struct mt_str tag, struct mt_str pid,
    struct mt_str text, enum mt_event id, const union mt_event_any *ev,
    uint64_t key, size_t *ret_n)
{
	struct mt_early_process *p;
	uint64_t who;

	e->taken = NULL;
	if (pid.n == 0 || (e->processes == NULL && !is_early(id, ev)))
		return NULL;
	who = who_is(tag, pid);
	p = place_of(e, who);
	if (is_early(id, ev)) { /* the id is still to come */
		if (!is_told_again(ev->reject.action))
			return NULL;
		if (p->who != who)
			begin(e, p, who);
		put(p, text, key);
		return NULL;
	}
	if (p->who != who)
		return NULL;
	waits_no_more(e, p);
	p->who = 0;
	e->taken = p;
	e->taken_who = who;
	if (id != MT_EV_queue || ev->queue.step != MT_step_client)
		return NULL;
	*ret_n = p->n_said;
	return p->said;
}

void
mt_early_take_back(struct mt_early *e)
{
	struct mt_early_process *p = e->taken;

	if (p == NULL)
		return;
	e->taken = NULL;
	p->who = e->taken_who;
	if (p->number == 0)
		return;
	e->waiting++;
	e->unsettled += is_before(e, p);
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
		if (!is_before(e, &e->processes[i]))
			continue;
		waits_no_more(e, &e->processes[i]);
		e->processes[i].number = 0;
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
