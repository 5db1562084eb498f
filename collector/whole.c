/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>

#include "whole.h"

/* When each happened last; 0: never. */
struct acts {
	int64_t refused, discarded, expired, deleted, requeued, canceled, held,
	    active, offered;
	const struct mt_ev_reject *refusal, *discard;
};

static void
read_queue(struct whole *w, struct acts *a, const struct mt_ev_queue *e)
{
	switch ((enum mt_step)e->step) {
	case MT_step_client:
	case MT_step_pickup:
		if (w->origin == NULL)
			w->origin = e;
		break;
	case MT_step_message_id:
		if (w->message_id == NULL)
			w->message_id = e;
		break;
	case MT_step_active:
		if (w->active == NULL)
			w->active = e;
		a->active = e->at;
		/* Within one moment the log has no order; held lasts. */
		if (e->at > a->held)
			a->held = 0;
		break;
	case MT_step_held:
		a->held = e->at;
		break;
	case MT_step_released:
		a->held = 0;
		a->active = e->at;
		break;
	case MT_step_expired:
	case MT_step_force_expired:
		a->expired = e->at;
		break;
	case MT_step_removed:
		w->removed_at = e->at;
		break;
	case MT_step_deleted:
		a->deleted = w->removed_at = e->at;
		break;
	case MT_step_requeued:
		a->requeued = w->removed_at = e->at;
		break;
	case MT_step_canceled:
	case MT_step_lost:
		a->canceled = e->at;
		break;
	case MT_step_discarded:
		a->discarded = w->removed_at = e->at;
		break;
	case MT_step_notified_failure:
	case MT_step_notified_delay:
	case MT_step_notified_success:
	case MT_step_notified_postmaster:
	case MT_step_proxied:
	case MT_step_absent:
	case MT_step_end:
		break;
	}
}

bool
whole_is_meant(const struct mt_ev_reject *e)
{
	return e->judge != MT_judge_smtpd || e->stage == MT_stage_data ||
	    e->stage == MT_stage_eom;
}

static void
read_reject(struct whole *w, struct acts *a, const struct mt_ev_reject *e)
{
	if (e->action == MT_action_redirect)
		w->redirected = true;
	if (e->action == MT_action_hold) {
		a->held = e->at;
	} else if (e->action == MT_action_discard) {
		a->discarded = e->at;
		a->discard = e;
	} else if (e->action == MT_action_reject && whole_is_meant(e)) {
		a->refused = e->at;
		a->refusal = e;
	}
}

static void
set(struct whole *w, enum mt_status status, int64_t at,
    const struct mt_ev_reject *why)
{
	bool milter = why != NULL &&
	    (why->judge == MT_judge_milter ||
		why->judge == MT_judge_milter_header);

	w->status = milter && whole_spam(w) ? (enum mt_status)MT_status_filtered
					    : status;
	w->status_at = at;
	w->refusal = why;
}

/* The first of these that happened says what becomes of the undecided. */
static void
decide(struct whole *w, const struct acts *a)
{
	if (a->refused != 0)
		set(w, MT_status_rejected, a->refused, a->refusal);
	else if (a->discarded != 0)
		set(w, MT_status_discarded, a->discarded, a->discard);
	else if (a->expired != 0)
		set(w, MT_status_expired, a->expired, NULL);
	else if (a->deleted != 0)
		set(w, MT_status_discarded, a->deleted, NULL);
	else if (a->requeued != 0)
		set(w, MT_status_requeued, a->requeued, NULL);
	else if (a->canceled != 0 && w->active == NULL)
		set(w, MT_status_aborted, a->canceled, NULL);
	else if (w->removed_at != 0)
		set(w, MT_status_unknown, w->removed_at, NULL);
	else if (a->held != 0)
		set(w, MT_status_held, a->held, NULL);
	else if (w->active != NULL)
		set(w, MT_status_queued, w->active->at, NULL);
}

static void
span(struct whole *w, int64_t at)
{
	if (w->first_at == 0 || at < w->first_at)
		w->first_at = at;
	if (at > w->last_at)
		w->last_at = at;
}

bool
whole_spam(const struct whole *w)
{
	return w->scan != NULL &&
	    (mt_str_eqz(w->scan->action, "reject") ||
		mt_str_eqz(w->scan->action, "discard"));
}

void
whole_read(struct whole *w, const struct life *life)
{
	struct acts acts = { 0 };
	size_t i;

	*w = (struct whole){ 0 };
	for (i = 0; i < life->n; i++) {
		const struct store_event *e = life->events[i];

		if (e->id != MT_EV_offer)
			span(w, life_at(e));
		if (e->id == MT_EV_queue)
			read_queue(w, &acts, &e->event.queue);
		else if (e->id == MT_EV_reject)
			read_reject(w, &acts, &e->event.reject);
		else if (e->id == MT_EV_scan)
			w->scan = &e->event.scan;
	}
	for (i = 0; i < life->n_strays; i++)
		if (life->strays[i]->id == MT_EV_scan)
			w->scan = &life->strays[i]->event.scan;
	decide(w, &acts);
}
