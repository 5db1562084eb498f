/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdint.h>

#include "base/mem.h"
#include "redis/arena.h"

#define BLOCK 65536
#define ALIGN sizeof(uint64_t)

struct mt_arena_block {
	struct mt_arena_block *next;
	size_t size;
	uint64_t bytes[]; /* aligned for any member we keep */
};

void
mt_arena_init(struct mt_arena *arena)
{
	*arena = (struct mt_arena){ NULL, 0 };
}

static void
free_all(struct mt_arena_block *block)
{
	struct mt_arena_block *next;

	for (; block != NULL; block = next) {
		next = block->next;
		mt_free(block);
	}
}

void
mt_arena_done(struct mt_arena *arena)
{
	free_all(arena->blocks);
	mt_arena_init(arena);
}

/* One block of the usual size is kept for the next answer. */
void
mt_arena_reset(struct mt_arena *arena)
{
	struct mt_arena_block *keep = arena->blocks;

	if (keep == NULL)
		return;
	free_all(keep->next);
	keep->next = NULL;
	if (keep->size != BLOCK) {
		mt_arena_done(arena);
		return;
	}
	arena->free = keep->size;
}

void *
mt_arena_get(struct mt_arena *arena, size_t n)
{
	struct mt_arena_block *block;
	size_t size;

	n = (n + ALIGN - 1) / ALIGN * ALIGN;
	if (arena->blocks == NULL || arena->free < n) {
		size = n > BLOCK ? n : BLOCK;
		block = mt_realloc_array(NULL, sizeof(*block) + size, 1);
		block->next = arena->blocks;
		block->size = size;
		arena->blocks = block;
		arena->free = size;
	}
	arena->free -= n;
	return (char *)arena->blocks->bytes + arena->blocks->size -
	    arena->free - n;
}
