/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>

#include "base/mem.h"
#include "maillog/early.h"

/* Where a process may stand, so that hardly one takes another's place. */
#define PLACES 8

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

/* The places of that process. */
static struct mt_early_process *
places_of(const struct mt_early *e, uint64_t who)
{
	return &e->processes[(who >> 1) % (MT_EARLY / PLACES) * PLACES];
}

static struct mt_early_process *
find(const struct mt_early *e, uint64_t who)
{
	struct mt_early_process *p = places_of(e, who);
	size_t i;

	for (i = 0; i < PLACES; i++)
		if (p[i].who == who)
			return &p[i];
	return NULL;
}

/* A free place, or that of whom we have waited for longest. */
static struct mt_early_process *
make_room(struct mt_early *e, uint64_t who)
{
	struct mt_early_process *p, *eldest;
	size_t i;

	if (e->processes == NULL)
		e->processes = mt_alloc_array(MT_EARLY, sizeof(*e->processes));
	p = eldest = places_of(e, who);
	for (i = 0; i < PLACES; i++) {
		if (p[i].who == 0)
			return &p[i];
		if (p[i].number < eldest->number)
			eldest = &p[i];
	}
	return eldest;
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
static struct mt_early_process *
begin(struct mt_early *e, uint64_t who, struct mt_str pid)
{
	struct mt_early_process *p = make_room(e, who);

	waits_no_more(e, p);
	forget(p);
	e->n += p->who == 0;
	p->who = who;
	p->pid = mt_str_hash(pid, MT_HASH);
	p->number = ++e->number;
	e->waiting++;
	return p;
}

static void
put(struct mt_early *e, uint64_t who, struct mt_str pid, struct mt_str text,
    uint64_t key)
{
	struct mt_early_process *p = e->processes == NULL ? NULL : find(e, who);
	size_t i;

	if (p == NULL)
		p = begin(e, who, pid);
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
	if (pid.n == 0 || (e->n == 0 && !is_early(id, ev)))
		return NULL;
	who = who_is(tag, pid);
	if (is_early(id, ev)) { /* the id is still to come */
		if (is_told_again(ev->reject.action))
			put(e, who, pid, text, key);
		return NULL;
	}
	if ((p = find(e, who)) == NULL)
		return NULL;
	waits_no_more(e, p);
	p->who = 0;
	e->n--;
	e->taken = p;
	e->taken_who = who;
	if (id != MT_EV_queue || ev->queue.step != MT_step_client)
		return NULL;
	*ret_n = p->n_said;
	return p->said;
}

void
mt_early_master(struct mt_early *e, struct mt_str text)
{
	static const char word[] = " pid ";
	struct mt_early_process *p;
	struct mt_str pid;
	const char *at;
	uint64_t hash;
	size_t i;

	if (e->n == 0 || !mt_str_starts(text, "warning: process ") ||
	    (at = memmem(text.p, text.n, word, sizeof(word) - 1)) == NULL)
		return;
	pid = mt_str_n(at + sizeof(word) - 1, 0);
	while (pid.p + pid.n < text.p + text.n && pid.p[pid.n] >= '0' &&
	    pid.p[pid.n] <= '9')
		pid.n++;
	hash = mt_str_hash(pid, MT_HASH);
	for (i = 0; i < MT_EARLY; i++) {
		p = &e->processes[i];
		if (p->who == 0 || p->pid != hash)
			continue;
		waits_no_more(e, p);
		p->who = 0;
		e->n--;
	}
}

void
mt_early_take_back(struct mt_early *e)
{
	struct mt_early_process *p = e->taken;

	if (p == NULL)
		return;
	e->taken = NULL;
	p->who = e->taken_who;
	e->n++;
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
