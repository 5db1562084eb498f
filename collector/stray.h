/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Strays: verdicts and reports that name their message by its Message-ID only,
 * as rspamd's history and most reports do. A stray is of every message that has
 * its Message-ID, in the log or in an offer, and that it fits:
 *
 *   a verdict  is of the same host and client, was given while the message came
 *              in, and is not asked where there is one with the queue id
 *   a report   came after the message and names a recipient; whether one of
 *              the message's, fate.h knows
 *
 * Either may be stored first, by different collectors. So after its COMMIT each
 * looks for the other: a stray for messages (rows of message), and what tells a
 * Message-ID for strays. Who commits later finds what the other committed.
 */
#ifndef COLLECTOR_STRAY_H
#define COLLECTOR_STRAY_H

#include "arena.h"
#include "base/clock.h"
#include "query.h"
#include "store.h"

/* Clocks of Postfix's log and of rspamd may differ by this much. */
#define STRAY_SKEW (60 * MT_SECOND)

/* A Message-ID that an event tells, and the message that has it. */
struct stray_told {
	struct mt_str message_id;
	struct mt_str host, queue_id; /* queue_id empty: a stray's */
	int64_t at; /* of the event */
	bool verdict; /* of a stray */
};

/* A message to look after. */
struct stray_touched {
	struct mt_str host, queue_id;
	int64_t at;
};

/* What the events of one batch tell; texts are borrowed until stray_begin. */
struct stray_tales {
	struct stray_told *told;
	size_t n, cap;
	struct stray_touched *touched;
	size_t n_touched, cap_touched;
	struct arena texts; /* of touched */
};

void stray_init(struct stray_tales *s);
void stray_done(struct stray_tales *s);
/* Forget what was told. */
void stray_begin(struct stray_tales *s);
/* Note what an event tells of Message-IDs, if it does. */
void stray_tell(struct stray_tales *s, const struct store_event *event);
/* Find the messages whose strays, or whose Message-ID, have become known. */
MT_MUST_CHECK enum mt_rc stray_find(
    struct stray_tales *s, struct query *q, struct mt_err *err);

/* Is there any stray from that time on? *ret stays false when not. */
MT_MUST_CHECK enum mt_rc stray_any(
    struct query *q, int64_t from, bool *ret, struct mt_err *err);
/* The rows of a table that are strays: a condition on its index `message`. */
#define STRAY_ROWS "(queue_id = '' OR queue_id IS NULL)"

#endif
