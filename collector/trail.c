/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "db/bulk.h"
#include "fresh.h"
#include "gather.h"
#include "life.h"
#include "mail/queue_id.h"
#include "stray.h"
#include "trail.h"
#include "wrong.h"

#define FIRST_ROOM 256
#define SLOTS 4096 /* of life_lock */
#define MOST_TOUCHED 1000u /* by strays, in one transaction */

/* The order in which tables are locked and written. */
static const enum mt_table_id order[] = { MT_TABLE_message, MT_TABLE_recipient,
	MT_TABLE_delivery, MT_TABLE_tie };
#define ORDER_N (sizeof(order) / sizeof(order[0]))

struct trail {
	struct mt_db *db;
	struct query query;
	struct mt_bulk *tables[ORDER_N];
	struct mt_bulk *locks; /* life_lock */
	struct gathered gathered;
	struct fold fold; /* the rows worked out */
	struct target *targets; /* short ones first */
	size_t n, cap;
	const struct store_event **own; /* what touched them */
	size_t cap_own;
	/* Of one target. */
	const struct store_event **events;
	struct life *lives;
	size_t cap_events;
	struct wrong wrong;
	struct stray_tales tales;
};

struct trail *
trail_new(struct mt_db *db)
{
	struct trail *t = mt_alloc(sizeof(*t));
	size_t i;

	t->db = db;
	query_init(&t->query, db);
	for (i = 0; i < ORDER_N; i++)
		t->tables[i] = mt_bulk_new(db, &mt_tables[order[i]]);
	t->locks = mt_bulk_new(db, &mt_tables[MT_TABLE_life_lock]);
	gathered_init(&t->gathered);
	fold_init(&t->fold);
	stray_init(&t->tales);
	wrong_init(&t->wrong, &t->query);
	return t;
}

void
trail_free(struct trail *t)
{
	size_t i;

	if (t == NULL)
		return;
	query_done(&t->query);
	for (i = 0; i < ORDER_N; i++)
		mt_bulk_free(t->tables[i]);
	mt_bulk_free(t->locks);
	gathered_done(&t->gathered);
	fold_done(&t->fold);
	mt_free(t->targets);
	mt_free(t->own);
	mt_free(t->events);
	mt_free(t->lives);
	wrong_done(&t->wrong);
	stray_done(&t->tales);
	mt_free(t);
}

void
trail_begin(struct trail *t)
{
	t->n = 0;
	stray_begin(&t->tales);
}

static void
touch(struct trail *t, struct mt_str host, struct mt_str queue_id, int64_t at,
    const struct store_event *event)
{
	if (queue_id.n == 0)
		return;
	if (t->n == t->cap) {
		t->cap = t->cap == 0 ? FIRST_ROOM : t->cap * 2;
		t->targets =
		    mt_realloc_array(t->targets, t->cap, sizeof(*t->targets));
	}
	t->targets[t->n++] = (struct target){ .host = host,
		.queue_id = queue_id,
		.least = at,
		.most = at,
		.event = event };
}

void
trail_touch(
    struct trail *t, struct mt_str host, struct mt_str queue_id, int64_t at)
{
	touch(t, host, queue_id, at, NULL);
}

void
trail_touch_event(struct trail *t, const struct store_event *event, bool added)
{
	const union mt_event_any *e = &event->event;
	const struct store_event *own = added ? event : NULL;

	stray_tell(&t->tales, event);
	if (event->id == MT_EV_queue)
		touch(t, e->queue.host, e->queue.queue_id, e->queue.at, own);
	else if (event->id == MT_EV_deliver)
		touch(t, e->deliver.host, e->deliver.queue_id, e->deliver.at,
		    own);
	else if (event->id == MT_EV_reject)
		touch(t, e->reject.host, e->reject.queue_id, e->reject.at, own);
	else if (event->id == MT_EV_scan)
		touch(t, e->scan.host, e->scan.queue_id, e->scan.at, own);
	else if (event->id == MT_EV_notice)
		touch(t, e->notice.host, e->notice.queue_id, e->notice.at, own);
}

static int
compare_targets(const void *a, const void *b)
{
	const struct target *x = a, *y = b;

	if (x->is_long != y->is_long)
		return (int)x->is_long - (int)y->is_long;
	return target_compare(x, y);
}

/* What touched one target more than once. */
static void
join(struct trail *t, struct target *into, const struct target *more,
    size_t *n_own)
{
	if (more->event != NULL) {
		t->own[(*n_own)++] = more->event;
		into->n_events++;
	} else {
		into->unseen = false;
	}
	if (more->least < into->least)
		into->least = more->least;
	if (more->most > into->most)
		into->most = more->most;
}

/* Each once, short ones first; returns how many of those there are. */
static size_t
sort_targets(struct trail *t)
{
	struct target *all = t->targets, one;
	size_t i, n = 0, n_own = 0, is_short = 0;

	if (t->n > t->cap_own) {
		t->cap_own = t->cap;
		t->own =
		    mt_realloc_array(t->own, t->cap_own, sizeof(const void *));
	}
	for (i = 0; i < t->n; i++)
		all[i].is_long = mt_queue_id_time(all[i].queue_id, NULL);
	qsort(all, t->n, sizeof(*all), compare_targets);
	for (i = 0; i < t->n; i++) {
		one = all[i];
		if (n == 0 || target_compare(&all[n - 1], &one) != 0) {
			all[n] = one;
			all[n].unseen = true;
			all[n++].first_event = n_own;
		}
		join(t, &all[n - 1], &one, &n_own);
	}
	t->n = n;
	for (i = 0; i < t->n; i++) {
		all[i].born = mt_message_born(all[i].queue_id, all[i].least);
		is_short += !all[i].is_long;
	}
	return is_short;
}

/* Make or lock the rows of messages with long ids, in the order of their key.
 */
static enum mt_rc
lock_messages(
    struct trail *t, const struct target *targets, size_t n, struct mt_err *err)
{
	const enum mt_table_id id = MT_TABLE_message;
	struct fold_rows *rows = &t->fold.tables[id];
	size_t i;

	for (i = 0; i < n; i++)
		(void)fold_row(&t->fold, id,
		    &(struct mt_row_message){ .born = targets[i].born,
			.host = targets[i].host,
			.queue_id = targets[i].queue_id });
	rows->n = mt_table_fold(&mt_tables[id], rows->rows, rows->n);
	mt_bulk_clear(t->tables[0]);
	for (i = 0; i < rows->n; i++)
		mt_bulk_add(t->tables[0], rows->rows[i]);
	rows->n = 0;
	return mt_bulk_upsert(t->tables[0], NULL, err);
}

static enum mt_rc
lock_slots(
    struct trail *t, const struct target *targets, size_t n, struct mt_err *err)
{
	const enum mt_table_id id = MT_TABLE_life_lock;
	struct fold_rows *rows = &t->fold.tables[id];
	uint64_t hash;
	size_t i;

	for (i = 0; i < n; i++) {
		hash = mt_str_hash(
		    targets[i].queue_id, mt_str_hash(targets[i].host, MT_HASH));
		(void)fold_row(&t->fold, id,
		    &(struct mt_row_life_lock){ .slot = hash % SLOTS });
	}
	rows->n = mt_table_fold(&mt_tables[id], rows->rows, rows->n);
	mt_bulk_clear(t->locks);
	for (i = 0; i < rows->n; i++)
		mt_bulk_add(t->locks, rows->rows[i]);
	rows->n = 0;
	return mt_bulk_upsert(t->locks, NULL, err);
}

/* The recipients that an offer of this message named. */
static size_t
named_of(const struct gathered *g, size_t *at, size_t target, int64_t born,
    struct fold *f, const struct fate_rcpt **ret)
{
	struct fate_rcpt *list;
	size_t i, n = 0, offered = 0;

	while (*at < g->n_named &&
	    (g->named[*at].target < target ||
		(g->named[*at].target == target && g->named[*at].born < born)))
		(*at)++;
	while (*at + n < g->n_named && g->named[*at + n].target == target &&
	    g->named[*at + n].born == born)
		n++;
	list = arena_alloc(&f->arena, (n + 1) * sizeof(*list));
	for (i = 0; i < n; i++)
		if (g->named[*at + i].offered)
			list[offered++] = g->named[*at + i].rcpt;
	*ret = list;
	return offered;
}

static void
make_room(struct trail *t, size_t n)
{
	if (n <= t->cap_events)
		return;
	t->cap_events = n * 2;
	t->events =
	    mt_realloc_array(t->events, t->cap_events, sizeof(const void *));
	t->lives = mt_realloc_array(t->lives, t->cap_events, sizeof(*t->lives));
}

static void
attach_strays(struct trail *t, const struct target *target,
    const struct known *known, size_t n_known, size_t lives)
{
	const struct gathered *g = &t->gathered;
	struct mt_str named;
	size_t i, k;

	for (i = 0; i < lives && g->strays.n > 0; i++) {
		named = mt_str(NULL);
		for (k = 0; k < n_known; k++)
			if (known[k].born == t->lives[i].born)
				named = known[k].message_id;
		adopt(&g->strays, target->host, named, &t->lives[i],
		    &t->fold.arena);
	}
}

/* Where each target's part of what was gathered begins. */
struct place {
	size_t found, known, named;
};

static void
work_out(struct trail *t, size_t i, struct place *at)
{
	const struct gathered *g = &t->gathered;
	const struct target *target = &g->targets[i];
	const struct fate_rcpt *rcpts;
	size_t k, n, n_rcpts, lives, known = 0;

	for (n = 0;
	     at->found + n < g->n_found && g->found[at->found + n].target == i;)
		n++;
	make_room(t, n);
	for (k = 0; k < n; k++)
		t->events[k] = g->found[at->found + k].event;
	at->found += n;
	while (at->known + known < g->n_known &&
	    g->known[at->known + known].target == i)
		known++;
	lives = life_split(target->queue_id, t->events, n, t->lives);
	attach_strays(t, target, g->known + at->known, known, lives);
	if (!target->is_long)
		wrong_find(&t->wrong, target, g->known + at->known, known,
		    t->lives, lives);
	at->known += known;
	for (k = target->context ? 1 : 0; k < lives; k++) {
		n_rcpts = named_of(
		    g, &at->named, i, t->lives[k].born, &t->fold, &rcpts);
		fate_fold(&t->fold, &t->lives[k], target->host,
		    target->queue_id, rcpts, n_rcpts);
	}
}

static enum mt_rc
write_rows(struct trail *t, struct mt_err *err)
{
	size_t i, k;

	fold_finish(&t->fold);
	for (i = 0; i < ORDER_N; i++) {
		const struct fold_rows *rows = &t->fold.tables[order[i]];

		mt_bulk_clear(t->tables[i]);
		for (k = 0; k < rows->n; k++)
			mt_bulk_add(t->tables[i], rows->rows[k]);
		if (mt_bulk_upsert(t->tables[i], NULL, err) != MT_OK)
			return err->rc;
	}
	return MT_OK;
}

/* What is known of targets of one kind, locked. */
static enum mt_rc
read_all(struct trail *t, struct target *targets, size_t n, struct mt_err *err)
{
	struct place at = { 0 };
	size_t i;

	if (n == 0)
		return MT_OK;
	if ((targets[0].is_long ? lock_messages(t, targets, n, err)
				: lock_slots(t, targets, n, err)) != MT_OK ||
	    gather(&t->gathered, &t->query, targets, n, err) != MT_OK)
		return err->rc;
	for (i = 0; i < n; i++)
		work_out(t, i, &at);
	if (wrong_undo(&t->wrong, err) != MT_OK)
		return err->rc;
	return wrong_drop_renamed(&t->wrong, &t->gathered, err);
}

/* Make the rows of those that nobody knew; returns how many are left. */
static enum mt_rc
make_unseen(struct trail *t, struct target *targets, size_t n, size_t *ret_left,
    struct mt_err *err)
{
	struct fresh fresh = { .message = t->tables[0],
		.fold = &t->fold,
		.targets = targets,
		.n = n,
		.events = t->own };
	size_t i, left = 0;

	if (fresh_make(&fresh, err) != MT_OK)
		return err->rc;
	for (i = 0; i < n; i++)
		if (!targets[i].unseen)
			targets[left++] = targets[i];
	*ret_left = left;
	return MT_OK;
}

/* Targets of one kind, in one transaction. */
static enum mt_rc
follow(struct trail *t, struct target *targets, size_t n, struct mt_err *err)
{
	if (n == 0)
		return MT_OK;
	fold_reset(&t->fold);
	wrong_begin(&t->wrong);
	if (mt_db_exec(t->db, "START TRANSACTION", err) != MT_OK ||
	    (targets[0].is_long &&
		make_unseen(t, targets, n, &n, err) != MT_OK) ||
	    read_all(t, targets, n, err) != MT_OK ||
	    write_rows(t, err) != MT_OK)
		return err->rc;
	return mt_db_exec(t->db, "COMMIT", err);
}

static enum mt_rc
follow_all(struct trail *t, struct mt_err *err)
{
	size_t is_short;

	if (t->n == 0)
		return MT_OK;
	is_short = sort_targets(t);
	if (follow(t, t->targets, is_short, err) != MT_OK)
		return err->rc;
	return follow(t, t->targets + is_short, t->n - is_short, err);
}

/* Those that strays are about; one Message-ID may be of very many. */
static enum mt_rc
follow_strays(struct trail *t, struct mt_err *err)
{
	const struct stray_tales *s = &t->tales;
	size_t i, from, to;

	if (stray_find(&t->tales, &t->query, err) != MT_OK)
		return err->rc;
	for (from = 0; from < s->n_touched; from = to) {
		to = s->n_touched - from < MOST_TOUCHED ? s->n_touched
							: from + MOST_TOUCHED;
		t->n = 0;
		for (i = from; i < to; i++)
			touch(t, s->touched[i].host, s->touched[i].queue_id,
			    s->touched[i].at, NULL);
		if (follow_all(t, err) != MT_OK)
			return err->rc;
	}
	return MT_OK;
}

enum mt_rc
trail_follow(struct trail *t, struct mt_err *err)
{
	enum mt_rc rc = follow_all(t, err);

	if (rc == MT_OK)
		rc = follow_strays(t, err);
	if (rc == MT_FORMAT || rc == MT_LIMIT)
		err->rc = rc = MT_CONFIG; /* no single event's fault */
	if (rc != MT_OK)
		mt_err_in(err, "trail");
	return rc;
}
