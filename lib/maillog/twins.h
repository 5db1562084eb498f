/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Keys of lines: a hash of tag and text, plus the number of equal lines before
 * it at the same time.
 */
#ifndef MT_MAILLOG_TWINS_H
#define MT_MAILLOG_TWINS_H

#include <stdint.h>

#include "base/str.h"

struct mt_twin {
	uint64_t hash;
	uint32_t lines; /* so far */
	uint32_t moment; /* of another moment: free */
};

struct mt_twins {
	struct mt_twin *slots; /* owned; a power of two of them */
	size_t n_slots, used;
	uint32_t moment;
	int64_t at;
	uint64_t last; /* hash of the last key's line */
};

void mt_twins_init(struct mt_twins *t);
void mt_twins_done(struct mt_twins *t);
/*
 * A hash of tag, process id and text (64 bits, not for hostile use: what it
 * tells apart are lines of one moment), plus the ordinal. Keys are stored: they
 * must never change. A step of eight bytes instead of FNV-1a's one, which took
 * half of the time that a line takes. Beyond a million different lines of one
 * moment, ordinals are 0.
 */
uint64_t mt_twins_key(struct mt_twins *t, int64_t at, struct mt_str tag,
    struct mt_str pid, struct mt_str text);

/* The last key was not used; its line may come again. */
void mt_twins_take_back(struct mt_twins *t);

#endif
