/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdlib.h>
#include <string.h>

#include "fate.h"
#include "mail/gravity.h"
#include "whole.h"

/* What is known of one final address, or of a recipient without any. */
struct leg {
	struct mt_str rcpt, orig_to; /* orig_to absent: the same */
	struct mt_str key, orig_key; /* as looked up */
	enum mt_status status;
	int64_t status_at, first_at, last_at;
	uint64_t attempts;
	const struct mt_ev_deliver *attempt; /* that decided; or NULL */
	const struct mt_ev_reject *refusal; /* that decided; or NULL */
};

/* A leg, or an envelope recipient, under the address it is asked for by. */
struct entry {
	struct mt_str key;
	struct mt_str rcpt;
	bool offered;
	const struct leg *leg; /* NULL: only offered */
};

struct fate {
	struct fold *f;
	const struct life *life;
	struct mt_str host, queue_id;
	struct whole whole;
	struct leg *legs;
	size_t n_legs;
	struct entry *entries;
	size_t n_entries;
	enum mt_status gravest;
};

static bool
is_final(enum mt_status status)
{
	return status == MT_status_delivered || status == MT_status_bounced ||
	    status == MT_status_discarded || status == MT_status_rejected;
}

/* "postfix/discard" */
static bool
discards(struct mt_str tag)
{
	struct mt_str head, process;

	if (!mt_str_cut_last(tag, '/', &head, &process))
		process = tag;
	return mt_str_eqz(process, "discard");
}

/* 0: an attempt that delivers nothing (a probe, a trace). */
static enum mt_status
status_of(const struct mt_ev_deliver *e)
{
	switch ((enum mt_outcome)e->outcome) {
	case MT_outcome_sent:
		return discards(e->tag) ? MT_status_discarded
					: MT_status_delivered;
	case MT_outcome_deferred:
	case MT_outcome_softbounce:
		return MT_status_deferred;
	case MT_outcome_bounced:
		return MT_status_bounced;
	case MT_outcome_deliverable:
	case MT_outcome_undeliverable:
	case MT_outcome_expanded:
	case MT_outcome_delivered:
	case MT_outcome_relayed:
	case MT_outcome_absent:
	case MT_outcome_end:
		break;
	}
	return MT_status_absent;
}

static void
name_leg(
    struct fate *t, struct leg *leg, struct mt_str rcpt, struct mt_str orig_to)
{
	struct mt_str domain;

	leg->rcpt = rcpt;
	fold_address(t->f, rcpt, &leg->key, &domain);
	leg->orig_to = orig_to;
	leg->orig_key = leg->key;
	if (orig_to.n > 0)
		fold_address(t->f, orig_to, &leg->orig_key, &domain);
	else
		leg->orig_to = mt_str(NULL);
}

static int
compare_legs(const void *a, const void *b)
{
	const struct leg *x = a, *y = b;
	int r = mt_str_cmp(x->orig_key, y->orig_key);

	if (r == 0)
		r = mt_str_cmp(x->key, y->key);
	if (r == 0)
		r = x->first_at < y->first_at ? -1 : x->first_at > y->first_at;
	/* Their places in the life's order. */
	return r != 0 ? r : x->attempts < y->attempts ? -1 : 1;
}

/* Add an attempt, which came later, to what is known. */
static void
add_attempt(struct leg *leg, const struct leg *later)
{
	leg->attempts += later->attempts;
	if (later->last_at > leg->last_at)
		leg->last_at = later->last_at;
	if (is_final(leg->status) && !is_final(later->status))
		return;
	leg->status = later->status;
	leg->status_at = later->status_at;
	leg->attempt = later->attempt;
	leg->refusal = later->refusal;
}

/* One leg for each attempt and refused recipient, then those of one merged. */
static void
find_legs(struct fate *t)
{
	struct leg *legs;
	size_t i, n = 0, left = 0;

	legs = arena_alloc(&t->f->arena, (t->life->n + 1) * sizeof(*legs));
	for (i = 0; i < t->life->n; i++) {
		const struct store_event *e = t->life->events[i];
		const struct mt_ev_deliver *d = &e->event.deliver;
		const struct mt_ev_reject *r = &e->event.reject;
		struct leg *leg = &legs[n];

		if (e->id == MT_EV_deliver && status_of(d) != 0) {
			name_leg(t, leg, d->rcpt, d->orig_to);
			leg->status = status_of(d);
			leg->attempt = d;
		} else if (e->id == MT_EV_reject && r->rcpt.n > 0 &&
		    r->action == MT_action_reject &&
		    r->judge == MT_judge_smtpd && r->stage == MT_stage_rcpt) {
			name_leg(t, leg, r->rcpt, mt_str(NULL));
			leg->status = MT_status_rejected;
			leg->refusal = r;
		} else {
			continue;
		}
		leg->first_at = leg->last_at = leg->status_at = life_at(e);
		leg->attempts = i; /* their order, until they are sorted */
		n++;
	}
	qsort(legs, n, sizeof(*legs), compare_legs);
	for (i = 0; i < n; i++) {
		legs[i].attempts = legs[i].attempt != NULL;
		if (i == 0)
			continue;
		if (mt_str_eq(legs[left].key, legs[i].key) &&
		    mt_str_eq(legs[left].orig_key, legs[i].orig_key))
			add_attempt(&legs[left], &legs[i]);
		else
			legs[++left] = legs[i];
	}
	t->legs = legs;
	t->n_legs = n == 0 ? 0 : left + 1;
}

/* What an attempt left open is what the whole message says. */
static void
settle_leg(const struct fate *t, struct leg *leg)
{
	const struct whole *w = &t->whole;

	if (is_final(leg->status) || w->status == MT_status_absent ||
	    w->status == MT_status_queued)
		return;
	leg->status = w->status;
	leg->status_at = w->status_at;
	leg->refusal = w->refusal;
}

static void
add_delivery(struct fate *t, const struct leg *leg)
{
	const struct mt_ev_deliver *d = leg->attempt;
	struct mt_row_delivery row = { .born = t->life->born,
		.host = t->host,
		.queue_id = t->queue_id,
		.leg =
		    mt_str_hash(leg->orig_key, mt_str_hash(leg->key, MT_HASH)),
		.rcpt = leg->rcpt,
		.orig_to = leg->orig_to,
		.status = leg->status,
		.attempts = leg->attempts,
		.first_at = leg->first_at,
		.last_at = leg->last_at };

	if (d != NULL) {
		row.dsn = d->dsn;
		row.relay = d->relay;
		row.reply = d->text;
		row.delay = d->delay;
		row.next = d->next;
	}
	fold_row(t->f, MT_TABLE_delivery, &row);
}

static int
compare_entries(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;
	int r = mt_str_cmp(x->key, y->key);

	if (r == 0)
		r = (int)y->offered - (int)x->offered;
	return r != 0 ? r : mt_str_cmp(x->rcpt, y->rcpt);
}

static void
list_entries(struct fate *t, const struct fate_rcpt *rcpts, size_t n)
{
	size_t i;

	t->entries = arena_alloc(
	    &t->f->arena, (t->n_legs + n + 1) * sizeof(*t->entries));
	for (i = 0; i < n; i++)
		t->entries[i] = (struct entry){ .key = rcpts[i].key,
			.rcpt = rcpts[i].rcpt,
			.offered = true };
	for (i = 0; i < t->n_legs; i++)
		t->entries[n + i] = (struct entry){ .key = t->legs[i].orig_key,
			.rcpt = t->legs[i].orig_to.n > 0 ? t->legs[i].orig_to
							 : t->legs[i].rcpt,
			.leg = &t->legs[i] };
	t->n_entries = n + t->n_legs;
	qsort(t->entries, t->n_entries, sizeof(*t->entries), compare_entries);
}

/* The gravest leg of the entries from..to, and the sum of their attempts. */
static struct leg
gravest_leg(const struct fate *t, size_t from, size_t to)
{
	struct leg all = { .status = MT_status_absent };
	const struct leg *leg;
	uint64_t attempts = 0;
	size_t i;

	for (i = from; i < to; i++) {
		if ((leg = t->entries[i].leg) == NULL)
			continue;
		attempts += leg->attempts;
		if (all.status == MT_status_absent ||
		    mt_status_graver(leg->status, all.status) ||
		    (leg->status == all.status &&
			leg->status_at > all.status_at))
			all = *leg;
	}
	all.attempts = attempts;
	return all;
}

/* The same; without a leg, what is known of the whole. */
static struct leg
gather(const struct fate *t, size_t from, size_t to)
{
	struct leg all = gravest_leg(t, from, to);

	/* Of a redirected message Postfix names one recipient. */
	if (all.status == MT_status_absent && t->whole.redirected)
		all = gravest_leg(t, 0, t->n_entries);
	if (all.status == MT_status_absent) {
		all.status = t->whole.status;
		all.status_at = t->whole.status_at;
		all.refusal = t->whole.refusal;
	}
	return all;
}

/* Is a report about this recipient, by its own or by its final address? */
static bool
is_meant(struct fate *t, const struct mt_ev_notice *e, size_t from, size_t to)
{
	struct mt_str keys[2], domain;
	size_t i, k;

	fold_address(t->f, e->rcpt, &keys[0], &domain);
	fold_address(t->f, e->orig_to, &keys[1], &domain);
	for (k = 0; k < 2; k++) {
		if (keys[k].n == 0)
			continue;
		for (i = from; i < to; i++)
			if (mt_str_eq(keys[k], t->entries[i].key) ||
			    (t->entries[i].leg != NULL &&
				mt_str_eq(keys[k], t->entries[i].leg->key)))
				return true;
	}
	/* A complaint that names nobody, of a message to one. */
	return keys[0].n + keys[1].n == 0 && from == 0 && to == t->n_entries;
}

/*
 * What reports say stands beside the status, never in its place: anybody who
 * has seen a message can send one.
 */
static void
add_notices(
    struct fate *t, size_t from, size_t to, struct mt_row_recipient *row)
{
	const struct life *l = t->life;
	const struct store_event *e;
	const struct mt_ev_notice *n;
	size_t i;

	for (i = 0; i < l->n + l->n_strays; i++) {
		e = i < l->n ? l->events[i] : l->strays[i - l->n];
		n = &e->event.notice;
		if (e->id != MT_EV_notice || n->at < row->notice_at ||
		    !is_meant(t, n, from, to))
			continue;
		row->notice = n->kind;
		row->notice_at = n->at;
	}
}

/* One recipient: the entries from..to, which have one key. */
static void
add_recipient(struct fate *t, size_t from, size_t to)
{
	const struct leg all = gather(t, from, to);
	struct mt_row_recipient row = { .born = t->life->born,
		.host = t->host,
		.queue_id = t->queue_id,
		.status = all.status,
		.status_at = all.status_at,
		.attempts = all.attempts };
	size_t i;

	if (all.attempt != NULL) {
		row.dsn = all.attempt->dsn;
		row.relay = all.attempt->relay;
		row.reply = all.attempt->text;
		row.delay = all.attempt->delay;
	} else if (all.refusal != NULL) {
		row.dsn = all.refusal->dsn;
		row.reply = all.refusal->text;
	}
	add_notices(t, from, to, &row);
	if (t->gravest == MT_status_absent ||
	    mt_status_graver(row.status, t->gravest))
		t->gravest = row.status;
	/* As offered, in each way it was written; else by its key. */
	for (i = from; i < to && (i == from || t->entries[i].offered); i++) {
		row.rcpt = t->entries[i].offered ? t->entries[i].rcpt
						 : t->entries[i].key;
		fold_address(t->f, row.rcpt, &row.rcpt_key, &row.rcpt_domain);
		fold_row(t->f, MT_TABLE_recipient, &row);
	}
}

static void
add_message(struct fate *t)
{
	const struct whole *w = &t->whole;
	struct mt_row_message row = { .born = t->life->born,
		.host = t->host,
		.queue_id = t->queue_id,
		.status = t->gravest,
		.first_at = w->first_at,
		.last_at = w->last_at,
		.removed_at = w->removed_at,
		.ambiguous = t->life->ambiguous };

	if (w->active != NULL) {
		row.sender = w->active->sender;
		row.size = w->active->size;
		row.nrcpt = w->active->nrcpt;
	} else if (w->refusal != NULL) {
		row.sender = w->refusal->sender;
	}
	if (row.sender.p != NULL)
		fold_address(
		    t->f, row.sender, &row.sender_key, &row.sender_domain);
	if (w->origin != NULL) {
		row.client = w->origin->client;
		row.user = w->origin->user;
	}
	if (w->message_id != NULL && w->message_id->message_id.n > 0)
		row.message_id = w->message_id->message_id;
	if (w->scan != NULL) {
		row.action = w->scan->action;
		row.score = w->scan->score;
		row.scanned_at = w->scan->at;
	}
	fold_row(t->f, MT_TABLE_message, &row);
}

static void
add_tie(struct fate *t, enum mt_tie tie, struct mt_str other,
    struct mt_str other_host, int64_t at)
{
	struct mt_row_tie row = { .born = t->life->born,
		.host = t->host,
		.queue_id = t->queue_id,
		.tie = tie,
		.other = other,
		.other_host = other_host,
		.at = at };

	if (other.n > 0)
		fold_row(t->f, MT_TABLE_tie, &row);
}

static void
add_ties(struct fate *t)
{
	const struct mt_str here = mt_str(NULL);
	size_t i;

	/* Backwards, so that of two that say the same the first is kept. */
	for (i = t->life->n; i-- > 0;) {
		const struct store_event *e = t->life->events[i];
		const struct mt_ev_deliver *d = &e->event.deliver;
		const struct mt_ev_queue *q = &e->event.queue;

		if (e->id == MT_EV_deliver && d->relay_name.n > 0)
			add_tie(
			    t, MT_tie_queued_as, d->next, d->relay_name, d->at);
		else if (e->id == MT_EV_deliver)
			add_tie(t, MT_tie_forwarded, d->next, here, d->at);
		else if (e->id != MT_EV_queue)
			continue;
		else if (q->step == MT_step_client)
			add_tie(t, MT_tie_reinjected, q->other, q->other_host,
			    q->at);
		else if (q->step == MT_step_pickup)
			add_tie(t, MT_tie_requeued, q->other, here, q->at);
		else if (q->step == MT_step_proxied)
			add_tie(t, MT_tie_queued_as, q->other, q->other_host,
			    q->at);
		else
			add_tie(t, MT_tie_notification, q->other, here, q->at);
	}
}

void
fate_fold(struct fold *f, const struct life *life, struct mt_str host,
    struct mt_str queue_id, const struct fate_rcpt *rcpts, size_t n)
{
	struct fate t = {
		.f = f, .life = life, .host = host, .queue_id = queue_id
	};
	size_t i, from;

	whole_read(&t.whole, life);
	find_legs(&t);
	for (i = 0; i < t.n_legs; i++) {
		settle_leg(&t, &t.legs[i]);
		add_delivery(&t, &t.legs[i]);
	}
	list_entries(&t, rcpts, n);
	for (from = 0; from < t.n_entries; from = i) {
		for (i = from + 1; i < t.n_entries &&
		     mt_str_eq(t.entries[i].key, t.entries[from].key);)
			i++;
		add_recipient(&t, from, i);
	}
	if (t.gravest == MT_status_absent)
		t.gravest = t.whole.status;
	add_message(&t);
	add_ties(&t);
}
