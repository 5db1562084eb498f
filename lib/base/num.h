/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Numbers from text, strictly: decimal digits only, all of the text, no sign,
 * no spaces, and never above max. The only place text becomes a number. And
 * back, without printf's cost.
 */
#ifndef MT_BASE_NUM_H
#define MT_BASE_NUM_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/str.h"

bool mt_num_read(struct mt_str s, uint64_t max, uint64_t *ret_n);
/* A number with an optional unit k, m or g (1024-based): "64m". */
bool mt_num_read_size(struct mt_str s, uint64_t max, uint64_t *ret_n);
#define MT_NUM_LEN 20 /* digits of UINT64_MAX */
/* n in decimal, at most MT_NUM_LEN bytes and no NUL; where it ends. */
char *mt_num_put(char *out, uint64_t n);
/* Append n in decimal. */
void mt_num_write(uint64_t n, struct mt_buf *out);
/*
 * Thousandths from a decimal number: an optional sign, at most twelve digits,
 * and a point with digits behind it; those after the third are rounded off.
 */
bool mt_num_read_dec(struct mt_str s, int64_t *ret_thousandths);
#define MT_DEC_LEN 24 /* "-9223372036854775.808" and a NUL */
/* Write thousandths as a decimal, "-1.5"; the text's length. */
size_t mt_num_put_dec(int64_t thousandths, char out[MT_DEC_LEN]);
/* One hexadecimal digit, or -1. */
int mt_hex_digit(char c);

#endif
