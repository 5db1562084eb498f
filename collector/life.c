/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "life.h"
#include "mail/queue_id.h"
#include "whole.h"

/* The order in which things happen within one moment of the log. */
enum rank {
	RANK_BEGIN,
	RANK_REFUSAL,
	RANK_MESSAGE,
	RANK_VERDICT,
	RANK_QUEUE,
	RANK_RELEASE,
	RANK_DELIVERY,
	RANK_AFTER,
	RANK_END
};

static const enum rank rank_of_event[MT_EV_N] = {
	[MT_EV_reject] = RANK_REFUSAL,
	[MT_EV_offer] = RANK_MESSAGE,
	[MT_EV_scan] = RANK_VERDICT,
	[MT_EV_deliver] = RANK_DELIVERY,
	[MT_EV_notice] = RANK_AFTER,
};

static const enum rank rank_of_step[MT_step_end] = {
	[MT_step_client] = RANK_BEGIN,
	[MT_step_pickup] = RANK_BEGIN,
	[MT_step_message_id] = RANK_MESSAGE,
	[MT_step_active] = RANK_QUEUE,
	[MT_step_held] = RANK_QUEUE,
	[MT_step_released] = RANK_RELEASE,
	[MT_step_expired] = RANK_AFTER,
	[MT_step_force_expired] = RANK_AFTER,
	[MT_step_notified_failure] = RANK_AFTER,
	[MT_step_notified_delay] = RANK_AFTER,
	[MT_step_notified_success] = RANK_AFTER,
	[MT_step_notified_postmaster] = RANK_AFTER,
	[MT_step_proxied] = RANK_AFTER,
	[MT_step_lost] = RANK_AFTER,
	[MT_step_removed] = RANK_END,
	[MT_step_deleted] = RANK_END,
	[MT_step_requeued] = RANK_END,
	[MT_step_canceled] = RANK_END,
	[MT_step_discarded] = RANK_END,
};

/* Refused as a whole: of what came of it, older Postfix logs no end. */
static bool
refuses(const struct store_event *e)
{
	return e->id == MT_EV_reject &&
	    e->event.reject.action == MT_action_reject &&
	    whole_is_meant(&e->event.reject);
}

static enum rank
rank_of(const struct store_event *e)
{
	if (e->id == MT_EV_queue)
		return rank_of_step[e->event.queue.step];
	return refuses(e) ? RANK_AFTER : rank_of_event[e->id];
}

static bool
begins(const struct store_event *e)
{
	return e->id == MT_EV_queue && rank_of(e) == RANK_BEGIN;
}

static bool
ends(const struct store_event *e)
{
	return e->id == MT_EV_queue && rank_of(e) == RANK_END;
}

int64_t
life_at(const struct store_event *e)
{
	/* Every event's first field, which its key begins with. */
	return e->event.queue.at;
}

/* What tells events of one moment and rank apart. */
static uint64_t
line_of(const struct store_event *e)
{
	if (e->id == MT_EV_queue)
		return e->event.queue.line;
	if (e->id == MT_EV_deliver)
		return e->event.deliver.line;
	if (e->id == MT_EV_reject)
		return e->event.reject.line;
	if (e->id == MT_EV_scan)
		return e->event.scan.twin;
	return e->id == MT_EV_notice ? e->event.notice.ordinal : 0;
}

static int
compare_numbers(uint64_t a, uint64_t b)
{
	return a < b ? -1 : a > b;
}

/* resolution: 1 µs, or a second when the log knows no less. */
static int
compare(const void *a, const void *b, void *resolution)
{
	const struct store_event *x = *(const struct store_event *const *)a;
	const struct store_event *y = *(const struct store_event *const *)b;
	int64_t unit = *(const int64_t *)resolution;
	int r = compare_numbers(
	    (uint64_t)(life_at(x) / unit), (uint64_t)(life_at(y) / unit));

	if (r == 0)
		r = compare_numbers(rank_of(x), rank_of(y));
	if (r == 0)
		r = compare_numbers((uint64_t)life_at(x), (uint64_t)life_at(y));
	if (r == 0)
		r = compare_numbers(line_of(x), line_of(y));
	/* Two reports of one second. */
	if (r == 0 && x->id == MT_EV_notice && y->id == MT_EV_notice)
		r = mt_str_cmp(x->event.notice.report, y->event.notice.report);
	return r;
}

/* A log's line on the very second: its times are whole seconds. */
static int64_t
resolution_of(const struct store_event *const *events, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		if ((events[i]->id == MT_EV_queue ||
			events[i]->id == MT_EV_deliver) &&
		    life_at(events[i]) % MT_SECOND == 0)
			return MT_SECOND;
	return 1;
}

/* A life under construction. */
struct state {
	struct life *life;
	bool ended;
	bool refused; /* and that is its end, so far */
	int64_t end; /* moment of it */
};

static void
open_life(
    struct state *s, struct life *life, const struct store_event *const *events)
{
	*s = (struct state){ .life = life };
	*life = (struct life){ .events = events };
}

/*
 * A beginning, but no end before it: when the moment that begins at events[0]
 * holds an end, it can only be that of the life before; put it in front.
 */
static bool
fetch_end(const struct store_event **events, size_t n, int64_t unit)
{
	const struct store_event *end;
	size_t i;

	for (i = 0;
	     i < n && life_at(events[i]) / unit == life_at(events[0]) / unit;
	     i++) {
		if (!ends(events[i]))
			continue;
		end = events[i];
		memmove(events + 1, events, i * sizeof(const void *));
		events[0] = end;
		return true;
	}
	return false;
}

static bool
starts_new(const struct state *s, const struct store_event *e)
{
	/* A report comes at any time, about what was before. */
	if (e->id == MT_EV_notice)
		return false;
	if (s->ended || begins(e))
		return true;
	if (s->refused)
		return e->id == MT_EV_offer || e->id == MT_EV_deliver ||
		    (e->id == MT_EV_queue &&
			e->event.queue.step == MT_step_active);
	return e->id == MT_EV_offer && s->life->offered_at != 0;
}

static void
take(struct state *s, const struct store_event *e)
{
	struct life *l = s->life;

	if (l->n++ == 0)
		l->first_at = life_at(e);
	if (e->id == MT_EV_offer && l->offered_at == 0)
		l->offered_at = life_at(e);
	s->refused = s->refused || refuses(e);
	if (ends(e)) {
		s->ended = true;
		s->end = life_at(e);
	}
}

static size_t
split_short(const struct store_event **events, size_t n, int64_t unit,
    struct life *lives)
{
	struct state s;
	size_t i, count = 1;
	bool tied;

	open_life(&s, &lives[0], events);
	for (i = 0; i < n; i++) {
		if (s.life->n > 0 && starts_new(&s, events[i])) {
			if (!s.ended && !s.refused &&
			    fetch_end(events + i, n - i, unit))
				take(&s, events[i++]);
			tied = s.ended &&
			    s.end / unit == life_at(events[i]) / unit;
			s.life->ambiguous = s.life->ambiguous || tied;
			open_life(&s, &lives[count++], events + i);
			s.life->ambiguous = tied;
		}
		take(&s, events[i]);
	}
	return count;
}

size_t
life_split(struct mt_str queue_id, const struct store_event **events, size_t n,
    struct life *lives)
{
	int64_t unit = resolution_of(events, n);
	struct state s;
	size_t i, count;

	if (n == 0)
		return 0;
	qsort_r(events, n, sizeof(const void *), compare, &unit);
	if (mt_queue_id_time(queue_id, NULL)) {
		open_life(&s, &lives[0], events);
		for (i = 0; i < n; i++)
			take(&s, events[i]);
		lives[0].born = mt_message_born(queue_id, life_at(events[0]));
		return 1;
	}
	count = split_short(events, n, unit, lives);
	for (i = 0; i < count; i++)
		lives[i].born = lives[i].offered_at != 0 ? lives[i].offered_at
							 : lives[i].first_at;
	return count;
}
