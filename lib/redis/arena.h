/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Memory for one answer of Redis: given out piece by piece, taken back all at
 * once. What a large answer needed is returned when it is reset.
 */
#ifndef MT_REDIS_ARENA_H
#define MT_REDIS_ARENA_H

#include <stddef.h>

struct mt_arena_block;

struct mt_arena {
	struct mt_arena_block *blocks; /* owned, the newest first */
	size_t free; /* bytes left in the newest */
};

void mt_arena_init(struct mt_arena *arena);
void mt_arena_done(struct mt_arena *arena);
void mt_arena_reset(struct mt_arena *arena);
void *mt_arena_get(struct mt_arena *arena, size_t n); /* not zeroed */

#endif
