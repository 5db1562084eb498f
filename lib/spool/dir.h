/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The spool directory: segments by number. A number is the time it was made,
 * in µs since 1970, or one more than that of every segment there is: so it is
 * not used again, also when the directory was emptied. Two producers may make
 * a segment at the same time; both are then read.
 *
 *     <16 hex digits>.seg    a segment
 *     .new-*                 a segment being made; left behind by a crash
 *     <16 hex digits>.bad    a segment nobody can read, put aside for a person
 *     lost, damage, ship.state, ship.lock
 */
#ifndef MT_SPOOL_DIR_H
#define MT_SPOOL_DIR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

#define MT_SEGMENT_NAME 24 /* "0123456789abcdef.seg" and NUL */

struct mt_segment_list {
	uint64_t *ids; /* owned, ascending */
	size_t n;
	size_t strange; /* files that are none of ours */
	size_t bad; /* segments put aside */
};

void mt_segment_name(uint64_t id, char out[MT_SEGMENT_NAME]);
bool mt_segment_name_read(const char *name, uint64_t *ret_id);
MT_MUST_CHECK enum mt_rc mt_dir_open(
    const char *path, int *ret_fd, struct mt_err *err);
MT_MUST_CHECK enum mt_rc mt_dir_list(
    int dir_fd, struct mt_segment_list *ret_list, struct mt_err *err);
void mt_segment_list_done(struct mt_segment_list *list);
/* Bytes of all segments of a list. */
uint64_t mt_dir_bytes(int dir_fd, const struct mt_segment_list *list);
/* Make the next segment after the newest id, without opening it. */
MT_MUST_CHECK enum mt_rc mt_segment_make(int dir_fd, uint64_t newest, bool sync,
    uint64_t *ret_id, struct mt_err *err);
/*
 * Has a segment ended? On MT_OK nobody appends to it or can begin to as long
 * as the descriptor is open, and its size is final. MT_AGAIN: somebody has it.
 */
MT_MUST_CHECK enum mt_rc mt_segment_end(int dir_fd, uint64_t id, int *ret_fd,
    uint64_t *ret_size, struct mt_err *err);
/* Delete a segment, which must have ended. */
MT_MUST_CHECK enum mt_rc mt_segment_delete(
    int dir_fd, uint64_t id, struct mt_err *err);
/* Put a segment that nobody can read aside, as <id>.bad. */
MT_MUST_CHECK enum mt_rc mt_segment_put_aside(
    int dir_fd, uint64_t id, struct mt_err *err);
/* Remove what crashes left of segments being made. */
void mt_dir_sweep(int dir_fd);

#endif
