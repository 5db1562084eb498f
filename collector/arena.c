/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>

#include "arena.h"
#include "base/mem.h"

#define BLOCK 262144u
#define ALIGN 16u

struct arena_block {
	struct arena_block *next;
	size_t used;
	size_t size;
	_Alignas(ALIGN) char bytes[];
};

static struct arena_block *
new_block(size_t least)
{
	size_t size = least > BLOCK ? least : BLOCK;
	struct arena_block *b = mt_alloc(sizeof(*b) + size);

	b->size = size;
	return b;
}

void
arena_init(struct arena *a)
{
	a->first = a->at = new_block(0);
}

static void
free_blocks(struct arena_block *b)
{
	struct arena_block *next;

	for (; b != NULL; b = next) {
		next = b->next;
		mt_free(b);
	}
}

void
arena_done(struct arena *a)
{
	free_blocks(a->first);
	a->first = a->at = NULL;
}

void
arena_reset(struct arena *a)
{
	free_blocks(a->first->next);
	a->first->next = NULL;
	a->first->used = 0;
	a->at = a->first;
}

void *
arena_alloc(struct arena *a, size_t n)
{
	void *p;

	n = (n + ALIGN - 1) / ALIGN * ALIGN;
	if (a->at->size - a->at->used < n) {
		a->at->next = new_block(n);
		a->at = a->at->next;
	}
	p = a->at->bytes + a->at->used;
	a->at->used += n;
	memset(p, 0, n);
	return p;
}

struct mt_str
arena_copy(struct arena *a, struct mt_str s)
{
	char *p = arena_alloc(a, s.n == 0 ? 1 : s.n);

	if (s.n > 0)
		memcpy(p, s.p, s.n);
	return mt_str_n(p, s.n);
}
