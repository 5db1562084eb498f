/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What mailtrail-ship remembers across a restart, in the spool's file
 * ship.state (replaced by rename): for each Redis endpoint which Redis it was
 * and how far every segment has come. Lines of text:
 *
 *     mailtrail-ship 1
 *     boot <kernel's boot id>
 *     endpoint <text> <run id> <entries added> <marker id>
 *     segment <id> <nonce> <sent> <acked> <id of the last entry sent>
 *     end <CRC-32 of the lines above>
 *
 * A state of another boot says nothing about segments: after a power loss a
 * segment may be shorter than it was, and hold other records where "sent" is.
 * "sent" is what was in that Redis when the marker was set (shipper/shipper.h
 * has the rules); "acked" is what the collectors have stored. A state that is
 * missing, damaged or about other segments costs sending twice, never a loss.
 */
#ifndef MT_SPOOL_STATE_H
#define MT_SPOOL_STATE_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "spool/format.h"

struct mt_state_id {
	uint64_t ms;
	uint64_t seq;
};

struct mt_state_segment {
	uint64_t id;
	unsigned char nonce[MT_NONCE];
	uint64_t sent; /* offsets */
	uint64_t acked;
	struct mt_state_id last;
};

struct mt_state_endpoint {
	char name[256];
	char run_id[41];
	uint64_t entries_added;
	struct mt_state_id marker;
	struct mt_state_segment *segments; /* owned */
	size_t n;
};

#define MT_BOOT_ID 36 /* bytes of its text, without NUL */

struct mt_state {
	char boot[MT_BOOT_ID + 1]; /* filled in by mt_state_write */
	int64_t at; /* when it was written (from the file's time) */
	struct mt_state_endpoint *endpoints; /* owned */
	size_t n;
};

/* The kernel's boot id; empty when it does not tell. */
void mt_state_boot(char out[MT_BOOT_ID + 1]);
/* MT_ABSENT: no state. MT_FORMAT: damaged. */
MT_MUST_CHECK enum mt_rc mt_state_read(
    int dir_fd, struct mt_state *ret_state, struct mt_err *err);
MT_MUST_CHECK enum mt_rc mt_state_write(
    int dir_fd, const struct mt_state *state, struct mt_err *err);
void mt_state_done(struct mt_state *state);
struct mt_state_endpoint *mt_state_add_endpoint(struct mt_state *state);
struct mt_state_segment *mt_state_add_segment(struct mt_state_endpoint *e);

#endif
