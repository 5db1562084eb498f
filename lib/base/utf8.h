/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * UTF-8 (RFC 3629): no overlong forms, no surrogates, nothing above U+10FFFF.
 * Text fields of events are valid UTF-8 without NUL; what strangers send that
 * is not becomes \xHH, one escape a byte, so that different bytes stay
 * different.
 */
#ifndef MT_BASE_UTF8_H
#define MT_BASE_UTF8_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/str.h"

/* Bytes of the valid character at the start of s, 0 when there is none. */
size_t mt_utf8_char(struct mt_str s);
/* Valid, and without NUL. */
bool mt_utf8_clean(struct mt_str s);
/* Append s with every byte that breaks the rule as \xHH. */
void mt_utf8_escape(struct mt_buf *out, struct mt_str s);
/* The longest prefix of at most max bytes that cuts no character. */
struct mt_str mt_utf8_cut(struct mt_str s, size_t max);

#endif
