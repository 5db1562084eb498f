/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A spool directory of a test's own, events that carry a number, and what of
 * them can be read back. Any failure fails the test that called.
 */
#ifndef TESTS_SPOOL_PLACE_H
#define TESTS_SPOOL_PLACE_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "spool/lost.h"
#include "spool/spool.h"

#define SEGMENT 65536
#define MAX_BYTES (8u << 20)

struct place {
	char dir[64];
	int fd;
};

struct place new_place(void);
void remove_place(struct place *place);
struct mt_spool *open_spool(const char *dir, uint64_t max, uint64_t segment);
enum mt_rc put_number(
    struct mt_spool *spool, unsigned who, unsigned number, struct mt_err *err);
uint64_t number_of(struct mt_str payload);
size_t read_everything(int dir_fd, unsigned char *seen, uint64_t *ret_skipped);
struct mt_lost lost_of(int dir_fd);

/* Damage a segment's file: n bytes from an offset on. */
enum how { FLIP, CUT, ZERO_TAIL, ZERO, GARBAGE_TAIL };
void damage_segment(const char *path, enum how how, off_t at, size_t n);
/* Make an empty file in the directory. */
void touch(const struct place *place, const char *name);

#endif
