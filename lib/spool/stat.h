/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What stands in a spool directory, for `mailtrail spool status` and doctor:
 * segments, what was lost, and how far mailtrail-ship has come with each Redis
 * endpoint. Reads only, needs no running program.
 */
#ifndef MT_SPOOL_STAT_H
#define MT_SPOOL_STAT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "spool/lost.h"

struct mt_spool_endpoint {
	char *endpoint; /* owned */
	uint64_t sent; /* bytes Redis had when the state was written */
	uint64_t unsent; /* bytes it does not have yet */
	uint64_t unacked; /* bytes it has, but the collector has not stored */
};

struct mt_spool_stat {
	size_t segments;
	uint64_t bytes;
	int64_t oldest_at; /* when the oldest segment was made; 0: none */
	int64_t grown_at; /* last append; 0: none */
	size_t damaged; /* segments whose header cannot be read */
	size_t strange; /* files that are none of ours */
	struct mt_lost lost;
	struct mt_lost damage; /* what the shipper passed over */
	bool shipped; /* a shipper has left its state */
	int64_t shipped_at; /* when it last wrote it */
	struct mt_spool_endpoint *endpoints; /* owned */
	size_t n;
};

/* MT_ABSENT: no such directory. MT_SYSTEM: it cannot be read. */
MT_MUST_CHECK enum mt_rc mt_spool_stat_read(
    const char *dir, struct mt_spool_stat *ret_stat, struct mt_err *err);
void mt_spool_stat_done(struct mt_spool_stat *stat);
/*
 * Does a mailtrail-ship work on the directory? Takes the lock that tells, for
 * a moment, when none does. True when it cannot be found out.
 */
bool mt_spool_served(const char *dir);
/* As "name=value" lines, one endpoint a line. */
void mt_spool_stat_print(const struct mt_spool_stat *stat, struct mt_buf *out);

#endif
