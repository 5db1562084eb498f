/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What could not be appended, counted for everybody in the spool's file
 * "lost": 48 bytes, little-endian: "MTLOST1\n", records, bytes, time of the
 * last loss (µs UTC), errno of the last loss (0: spool full or event too
 * long), CRC-32 of the foregoing. It is read and rewritten in place under
 * flock(2), never waiting for the lock. It is not mapped: writing to a mapped
 * page of a full or truncated file would kill the producer with SIGBUS. What
 * cannot be written yet stays in the producer's memory and is added later.
 *
 * What the shipper found damaged and passed over is counted alike in "damage":
 * records are places there, which may have been several records each.
 */
#ifndef MT_SPOOL_LOST_H
#define MT_SPOOL_LOST_H

#include <stdint.h>

#include "base/err.h"

#define MT_LOST_FILE "lost"
#define MT_DAMAGE_FILE "damage"

struct mt_lost {
	uint64_t records;
	uint64_t bytes;
	int64_t at; /* 0: nothing was ever lost */
	uint64_t sys;
};

/* All zero when there is no such file. dir_fd: the spool directory. */
MT_MUST_CHECK enum mt_rc mt_lost_read(
    int dir_fd, const char *file, struct mt_lost *ret_lost, struct mt_err *err);
/* MT_AGAIN when somebody else is just writing it. */
MT_MUST_CHECK enum mt_rc mt_lost_add(int dir_fd, const char *file,
    const struct mt_lost *more, struct mt_err *err);

#endif
