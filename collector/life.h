/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Lives of a queue id: which of its events belong to one message. A long id is
 * never used twice: one life, born at the time in it. A short one is used again
 * once its queue file is gone, so its events are told apart by what they are:
 *
 *   a life begins  with client or pickup; with an offer, when the life so far
 *                  has one; with anything at all after an end
 *   it ends        with removed, deleted, requeued, canceled or discarded, or
 *                  when all of it was refused
 *
 * It is born at its offer's time, else at its first event's. The result depends
 * on the set of events only. Most logs know whole seconds: what happened within
 * one is put into the order in which it can have happened, and where an end and
 * a beginning share one, both lives are ambiguous.
 */
#ifndef COLLECTOR_LIFE_H
#define COLLECTOR_LIFE_H

#include <stdbool.h>
#include <stddef.h>

#include "store.h"

struct life {
	int64_t born;
	int64_t offered_at; /* 0: no offer */
	int64_t first_at; /* of any event */
	bool ambiguous;
	const struct store_event *const *events; /* sorted */
	size_t n;
	/* What names it by its Message-ID only (stray.h). */
	const struct store_event *const *strays;
	size_t n_strays;
};

/* The time of an event; for what comes from a log, of its line. */
int64_t life_at(const struct store_event *event);

/*
 * Split the events of one host and queue id, which are put into order. lives
 * has room for n; returns how many there are.
 */
size_t life_split(struct mt_str queue_id, const struct store_event **events,
    size_t n, struct life *lives);

#endif
