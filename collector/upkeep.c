/* SPDX-License-Identifier: BSD-2-Clause */
#include <inttypes.h>

#include "base/clock.h"
#include "base/log.h"
#include "db/schema.h"
#include "prog/program.h"
#include "upkeep.h"

#define RETRY_MS (5 * 60 * 1000)
#define SAY_MS (60 * 1000)

static void
make_partitions(struct upkeep *u, struct store *store, int64_t now_ms)
{
	struct mt_err err;
	int64_t now = mt_clock_now();

	if (u->days_ahead == 0 || now / MT_DAY == u->day ||
	    now_ms < u->retry_at || store_db(store) == NULL)
		return;
	if (mt_partitions_ahead(store_db(store), now, u->days_ahead, &err) ==
	    MT_OK) {
		u->day = now / MT_DAY;
		return;
	}
	u->retry_at = now_ms + RETRY_MS;
	mt_log(MT_LOG_WARNING,
	    "%s; trying again in %d s, rows go to p_max until then", err.msg,
	    RETRY_MS / 1000);
	if (err.rc == MT_AGAIN)
		store_disconnect(store);
}

static void
say(struct upkeep *u, struct writer *const *writers, size_t n, int64_t now_ms)
{
	struct batch_counts c = { 0, 0, 0, 0 }, one;
	size_t i;

	if (now_ms < u->said_at + SAY_MS)
		return;
	u->said_at = now_ms;
	for (i = 0; i < n; i++) {
		one = batch_counts(writer_batch(writers[i]));
		c.events += one.events;
		c.added += one.added;
		c.dead += one.dead;
		c.batches += one.batches;
	}
	if (c.events == 0 && c.dead == 0)
		return;
	mt_log(MT_LOG_INFO,
	    "stored events=%" PRIu64 " new=%" PRIu64 " dead=%" PRIu64
	    " transactions=%" PRIu64,
	    c.events, c.added, c.dead, c.batches);
	mt_program_status("events=%" PRIu64 " in the last minute", c.events);
}

void
upkeep_step(
    struct upkeep *u, struct writer *const *writers, size_t n, int64_t now_ms)
{
	make_partitions(u, writer_store(writers[0]), now_ms);
	say(u, writers, n, now_ms);
}
