/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the events of a life say of the whole message, whatever its recipients:
 * where it came from, where it is, and what therefore becomes of a recipient
 * for whom no attempt to deliver has decided.
 */
#ifndef COLLECTOR_WHOLE_H
#define COLLECTOR_WHOLE_H

#include <stdbool.h>

#include "life.h"

struct whole {
	int64_t first_at, last_at; /* of what the log says; 0: nothing */
	int64_t removed_at; /* left the queue; 0: it is there */
	/* The first of each, or NULL; the verdict is the last. */
	const struct mt_ev_queue *origin; /* client or pickup */
	const struct mt_ev_queue *active;
	const struct mt_ev_queue *message_id;
	const struct mt_ev_scan *scan;
	bool redirected; /* one copy, to another address, is for everybody */
	enum mt_status status; /* 0: nothing is known */
	int64_t status_at;
	const struct mt_ev_reject *refusal; /* what decided, when one did */
};

void whole_read(struct whole *w, const struct life *life);
/* Is a refusal one of the whole? smtpd's at RCPT is about one recipient. */
bool whole_is_meant(const struct mt_ev_reject *e);
/* Is rspamd's action one that keeps a message from its recipients? */
bool whole_spam(const struct whole *w);

#endif
