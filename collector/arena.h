/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Memory of one batch: many small pieces that stay where they are and go away
 * together. Its size is bounded by the batch that fills it.
 */
#ifndef COLLECTOR_ARENA_H
#define COLLECTOR_ARENA_H

#include <stddef.h>

#include "base/str.h"

struct arena_block;

struct arena {
	struct arena_block *first; /* all blocks */
	struct arena_block *at; /* the one being filled */
};

void arena_init(struct arena *a);
void arena_done(struct arena *a);
/* Everything given is void; one block is kept. */
void arena_reset(struct arena *a);
void *arena_alloc(struct arena *a, size_t n); /* zeroed, aligned */
struct mt_str arena_copy(struct arena *a, struct mt_str s);

#endif
