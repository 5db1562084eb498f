/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Messages of which nothing was known, as most are: they are worked out from
 * the events that were stored just now, and nothing is read. That nothing was
 * known is sure when all of these events were new and the row of message is
 * ours: whoever stores more of it later, or has just stored it, finds the row
 * there, and reads all (trail.h).
 *
 * It is tried with those only whose beginning is among the events. Others are
 * mostly there already, and to be told so costs a lock.
 */
#ifndef COLLECTOR_FRESH_H
#define COLLECTOR_FRESH_H

#include "db/bulk.h"
#include "fold.h"
#include "gather.h"

struct fresh {
	struct mt_bulk *message; /* borrowed */
	struct fold *fold; /* borrowed */
	struct target *targets; /* sorted, of long queue ids */
	size_t n;
	const struct store_event **events; /* of all targets */
};

/*
 * Work out the unseen targets, and make their rows of message. What is not
 * unseen after all is marked so; of the rest the fold has the rows of all other
 * tables.
 */
MT_MUST_CHECK enum mt_rc fresh_make(struct fresh *f, struct mt_err *err);

#endif
