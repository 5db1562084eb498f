/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Taking messages that may be reports (mail/report.h): each recipient that a
 * report speaks of becomes a `notice` event in the spool. Whoever feeds us
 * (a pipe, LMTP, a mailbox) calls mt_notices_take and keeps the message unless
 * it returns MT_OK.
 *
 * The same report counts once, however often and by whatever way it comes: its
 * events' keys are made of the report alone. `report` is the first half of an
 * HMAC-SHA256 with a fixed key over mt_report_identity(). `at` is when the
 * report arrived by its own Received and Date fields; the time of feeding
 * stands in only where those say nothing, or a time more than a day ahead.
 */
#ifndef MT_REPORT_NOTICES_H
#define MT_REPORT_NOTICES_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/str.h"
#include "event/event.h"
#include "mail/report.h"
#include "spool/spool.h"

#define MT_NOTICES_HASH 32 /* hexadecimal digits */

struct mt_notices_site {
	struct mt_str host; /* of the events */
	/* Our names in Received fields, one space apart; empty: host. */
	struct mt_str names;
};

/* A report and what its events share. */
struct mt_notices {
	struct mt_report report;
	struct mt_str host; /* borrowed */
	int64_t at;
	char hash[MT_NOTICES_HASH + 1];
};

/* As mt_report_read(); message and site outlive what is returned. */
MT_MUST_CHECK enum mt_rc mt_notices_read(const struct mt_notices_site *site,
    struct mt_str message, int64_t now, struct mt_notices *ret_notices,
    struct mt_err *err);
void mt_notices_done(struct mt_notices *notices);
/* The event of recipient i, which borrows. */
struct mt_ev_notice mt_notices_get(const struct mt_notices *notices, size_t i);
/*
 * Append all to the spool. After a failure some may be there; to put all again
 * does no harm. Nothing is counted as lost, for the report comes again.
 */
MT_MUST_CHECK enum mt_rc mt_notices_put(const struct mt_notices *notices,
    struct mt_spool *spool, struct mt_err *err);

/* What became of a message that was taken. */
struct mt_notices_outcome {
	size_t notices; /* 0: it is no report, or a damaged one */
	char hash[MT_NOTICES_HASH + 1]; /* of a report */
	struct mt_err why; /* MT_ABSENT, MT_FORMAT, MT_LIMIT: no notices */
};

/*
 * Taken: all notices are in the spool, or there are none. Anything else is
 * what the spool said, and the message has to be kept and fed again.
 */
MT_MUST_CHECK enum mt_rc mt_notices_take(const struct mt_notices_site *site,
    struct mt_spool *spool, struct mt_str message, int64_t now,
    struct mt_notices_outcome *ret_outcome, struct mt_err *err);

#endif
