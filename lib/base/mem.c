/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

static void *
not_null(void *p, size_t n)
{
	if (p == NULL && n > 0) {
		(void)fprintf(stderr, "<2>out of memory bytes=%zu\n", n);
		abort();
	}
	return p;
}

void *
mt_alloc(size_t n)
{
	return mt_alloc_array(n, 1);
}

void *
mt_alloc_array(size_t n, size_t size)
{
	if (n == 0 || size == 0)
		n = size = 1;
	return not_null(calloc(n, size), n);
}

void *
mt_realloc_array(void *p, size_t n, size_t size)
{
	if (n == 0 || size == 0)
		n = size = 1;
	return not_null(reallocarray(p, n, size), n);
}

void
mt_free(void *p)
{
	free(p);
}

char *
mt_dupz(const char *text)
{
	return mt_str_dup(mt_str(text));
}

char *
mt_str_dup(struct mt_str s)
{
	char *copy = mt_alloc(s.n + 1);

	if (s.n > 0)
		memcpy(copy, s.p, s.n);
	return copy;
}

void
mt_wipe(void *p, size_t n)
{
	if (p != NULL)
		explicit_bzero(p, n);
}

void *
mt_unconst(const void *p)
{
	union {
		const void *in;
		void *out;
	} u = { .in = p };

	return u.out;
}
