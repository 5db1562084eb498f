/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Text for a terminal. What strangers wrote is shown with every byte that a
 * terminal might act on (control characters, C1, line and paragraph
 * separators, marks that turn the writing direction, bytes that are no UTF-8)
 * as \xHH, so that a Subject can neither move the cursor nor pass for
 * another. Columns are aligned by display width.
 */
#ifndef CTL_TEXT_H
#define CTL_TEXT_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "base/buf.h"
#include "base/str.h"

enum ctl_color {
	CTL_PLAIN,
	CTL_BOLD,
	CTL_DIM,
	CTL_GREEN,
	CTL_YELLOW,
	CTL_RED,
	CTL_CYAN
};

/* Append s as described above. */
void ctl_clean(struct mt_str s, struct mt_buf *out);
/* Columns that clean text takes. */
size_t ctl_width(struct mt_str s);
/* Print text, in a colour when `color`. */
void ctl_paint(FILE *out, bool color, enum ctl_color paint, const char *text);
/* "3 s", "4 min", "2 h", "5 d": how long, rounded down. */
void ctl_span(int64_t us, struct mt_buf *out);
/* "1.5 MiB" */
void ctl_bytes(uint64_t n, struct mt_buf *out);

/* Rows of cells; the columns are as wide as their widest cell. */
struct ctl_table;

struct ctl_table *ctl_table_new(size_t columns);
void ctl_table_free(struct ctl_table *t); /* NULL is fine */
/* The next cell, by rows; foreign text is cleaned; absent is empty. */
void ctl_table_cell(struct ctl_table *t, enum ctl_color paint, struct mt_str s);
void ctl_table_cellz(struct ctl_table *t, enum ctl_color paint, const char *s);
void ctl_table_num(struct ctl_table *t, uint64_t n); /* to the right */
/* A row of titles. */
void ctl_table_head(struct ctl_table *t, const char *const *titles);
size_t ctl_table_rows(const struct ctl_table *t);
/* Each line begins with `indent` spaces. */
void ctl_table_print(
    const struct ctl_table *t, FILE *out, bool color, unsigned indent);

#endif
