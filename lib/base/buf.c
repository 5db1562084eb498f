/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"

#define FIRST_ALLOC 64

/* An initialised, empty buffer needs no memory: p points here. */
static char empty[1];

void
mt_buf_init(struct mt_buf *b, size_t max)
{
	*b = (struct mt_buf){ .p = empty, .max = max };
}

void
mt_buf_done(struct mt_buf *b)
{
	if (b == NULL)
		return;
	if (b->cap > 0)
		mt_free(b->p);
	mt_buf_init(b, b->max);
}

void
mt_buf_reset(struct mt_buf *b)
{
	b->n = 0;
	b->over = false;
	if (b->cap > 0)
		b->p[0] = '\0';
}

bool
mt_buf_reserve(struct mt_buf *b, size_t n)
{
	size_t need, cap;

	if (b->over || n > b->max - b->n) {
		b->over = true;
		return false;
	}
	need = b->n + n + 1;
	if (need <= b->cap)
		return true;
	/* What is reserved first is often all that comes. */
	cap = b->cap > 0 || need < FIRST_ALLOC ? b->cap : need;
	if (cap == 0)
		cap = FIRST_ALLOC;
	while (cap < need)
		cap += cap / 2;
	/* The last step must not reach far above the ceiling. */
	if (cap > b->max + 1)
		cap = b->max + 1;
	b->p = mt_realloc_array(b->cap > 0 ? b->p : NULL, cap, 1);
	b->cap = cap;
	b->p[b->n] = '\0';
	return true;
}

void
mt_buf_add(struct mt_buf *b, const void *p, size_t n)
{
	if (n == 0)
		return;
	/* Without a call where there is room; cap is at most max + 1. */
	if ((b->over || b->cap - b->n <= n) && !mt_buf_reserve(b, n))
		return;
	memcpy(b->p + b->n, p, n);
	b->n += n;
	b->p[b->n] = '\0';
}

void
mt_buf_str(struct mt_buf *b, struct mt_str s)
{
	mt_buf_add(b, s.p, s.n);
}

void
mt_buf_z(struct mt_buf *b, const char *text)
{
	mt_buf_add(b, text, strlen(text));
}

void
mt_buf_c(struct mt_buf *b, char c)
{
	/* cap is at most max + 1. */
	if (b->over || b->cap - b->n < 2) {
		mt_buf_add(b, &c, 1);
		return;
	}
	b->p[b->n++] = c;
	b->p[b->n] = '\0';
}

void
mt_buf_printf(struct mt_buf *b, const char *fmt, ...)
{
	char small[256];
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(small, sizeof(small), fmt, ap);
	va_end(ap);
	if (n < 0) {
		b->over = true;
		return;
	}
	if ((size_t)n < sizeof(small)) {
		mt_buf_add(b, small, (size_t)n);
		return;
	}
	if (!mt_buf_reserve(b, (size_t)n))
		return;
	va_start(ap, fmt);
	(void)vsnprintf(b->p + b->n, (size_t)n + 1, fmt, ap);
	va_end(ap);
	b->n += (size_t)n;
}

bool
mt_buf_over(const struct mt_buf *b)
{
	return b->over;
}

struct mt_str
mt_buf_view(const struct mt_buf *b)
{
	return mt_str_n(b->p, b->n);
}

char *
mt_buf_take(struct mt_buf *b)
{
	char *p = b->cap > 0 ? b->p : mt_alloc(1);

	mt_buf_init(b, b->max);
	return p;
}
