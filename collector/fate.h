/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What became of a message: from all events of one life (life.h) the rows of
 * message, recipient, delivery and tie. A pure function of these events and of
 * the envelope recipients that the offer named.
 *
 * A delivery (one final address) has the status of its last attempt that
 * decided: sent is delivered, bounced is bounced, and deferred waits for what
 * becomes of the whole: expired, held, discarded, requeued. A recipient has the
 * gravest status of its deliveries, or that of the whole when there are none;
 * a message the gravest of its recipients.
 */
#ifndef COLLECTOR_FATE_H
#define COLLECTOR_FATE_H

#include "fold.h"
#include "life.h"

/* An envelope recipient that an offer named. */
struct fate_rcpt {
	struct mt_str rcpt; /* as given */
	struct mt_str key; /* as looked up */
};

/* Add the rows to the fold; texts are borrowed from events and recipients. */
void fate_fold(struct fold *f, const struct life *life, struct mt_str host,
    struct mt_str queue_id, const struct fate_rcpt *rcpts, size_t n);

#endif
