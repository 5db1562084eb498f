/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Where every message ends, by whatever way it came: what it reports is put
 * into the spool, and what became of it is logged and counted.
 */
#ifndef FEED_TAKER_H
#define FEED_TAKER_H

#include <stdint.h>

#include "base/trouble.h"
#include "options.h"
#include "report/notices.h"

struct feed_taker {
	struct mt_conf *conf; /* a reference */
	const struct feed_options *o; /* of conf */
	struct mt_notices_site site;
	struct mt_spool *spool;
	struct mt_trouble trouble; /* with the spool */
	uint64_t reports, notices, others; /* since the last summary */
};

/* Takes a reference of its own. */
MT_MUST_CHECK enum mt_rc feed_taker_init(
    struct feed_taker *t, struct mt_conf *conf, struct mt_err *err);
void feed_taker_done(struct feed_taker *t); /* a zeroed one is fine */
/* As mt_notices_take(). via is for the log: "lmtp", "imap". */
MT_MUST_CHECK enum mt_rc feed_take(struct feed_taker *t, const char *via,
    struct mt_str message, struct mt_notices_outcome *ret_outcome,
    struct mt_err *err);
/* Say in the log what was done since the last time, if anything was. */
void feed_taker_summarize(struct feed_taker *t);

#endif
