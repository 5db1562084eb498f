/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Owned, growing bytes with a ceiling set at birth. p is always followed by a
 * NUL that n does not count (so it is a C string when it holds none). An
 * append that does not fit under the ceiling changes nothing and sets `over`;
 * later appends then do nothing. Write the whole text, ask once:
 *
 *     if (mt_buf_over(&b))
 *             return mt_fail(err, MT_LIMIT, "header: longer than %zu", b.max);
 */
#ifndef MT_BASE_BUF_H
#define MT_BASE_BUF_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "base/str.h"

struct mt_buf {
	char *p; /* owned; never NULL after init */
	size_t n;
	size_t cap;
	size_t max; /* most bytes n may reach */
	bool over;
};

void mt_buf_init(struct mt_buf *b, size_t max);
void mt_buf_done(struct mt_buf *b);
void mt_buf_reset(struct mt_buf *b); /* empty, memory kept, `over` cleared */
void mt_buf_add(struct mt_buf *b, const void *p, size_t n);
void mt_buf_str(struct mt_buf *b, struct mt_str s);
void mt_buf_z(struct mt_buf *b, const char *text);
void mt_buf_c(struct mt_buf *b, char c);
void mt_buf_printf(struct mt_buf *b, const char *fmt, ...) MT_PRINTF(2, 3);
/* Room for n more bytes at p + n, not yet counted; false when over. */
bool mt_buf_reserve(struct mt_buf *b, size_t n);
bool mt_buf_over(const struct mt_buf *b);
struct mt_str mt_buf_view(const struct mt_buf *b); /* valid until a change */
/* Hand the bytes over; b is as after init. */
char *mt_buf_take(struct mt_buf *b);

#endif
