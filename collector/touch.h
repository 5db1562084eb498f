/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which messages did committed events touch, as far as opens are concerned?
 *
 *   open       the message of its token, when its mark is there
 *   mark       its message, when its token was opened before
 *   a suspect  a message, when any of its tokens was opened: its offer came
 *              when the message (or the offer itself) was there before
 *
 * Whoever of two collectors commits later finds what the other committed, so
 * that no order of arrival leaves a message out.
 */
#ifndef COLLECTOR_TOUCH_H
#define COLLECTOR_TOUCH_H

#include "fold.h"
#include "query.h"
#include "store.h"

/* An open this much before its message is one of a clock that is wrong. */
#define TOUCH_EARLY MT_DAY

/* Texts are borrowed until the next touch_begin. */
struct touch_suspect {
	int64_t born;
	struct mt_str host;
	struct mt_str queue_id;
};

struct touch {
	struct query *query;
	struct fold *found; /* rows of message_open: keys only */
	struct touch_suspect *suspects;
	size_t n;
	size_t cap;
	int64_t last_day; /* no open is of a later one */
};

void touch_init(struct touch *t, struct query *query, struct fold *found);
void touch_done(struct touch *t);
/* Forget the suspects. */
void touch_begin(struct touch *t);
void touch_suspect(struct touch *t, const struct touch_suspect *suspect);
/* Find them, sorted and each once. */
MT_MUST_CHECK enum mt_rc touch_find(struct touch *t,
    const struct store_event *events, size_t n, struct mt_err *err);
/*
 * Look for the last day. Again with the messages locked: another collector's
 * open, stored and counted since, may be of a later one.
 */
MT_MUST_CHECK enum mt_rc touch_last_day(struct touch *t, struct mt_err *err);
/* " AND o.day >= ? AND o.day <= ?": when messages born from `born` on can
 * have been opened, so that few partitions are looked at. */
void touch_days(const struct touch *t, int64_t born);

#endif
