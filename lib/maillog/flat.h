/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One JSON object on one line (RFC 8259), member by member, nothing copied:
 * what frames of log lines need, at the speed of log lines. Names are compared
 * as they stand; values that hold objects or arrays are passed over whole.
 */
#ifndef MT_MAILLOG_FLAT_H
#define MT_MAILLOG_FLAT_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/str.h"

struct mt_flat {
	struct mt_str rest;
	bool begun;
	bool whole; /* the object ended, with nothing behind it */
};

/*
 * The next member: its name without quotes, its value as it stands. False at
 * the end (whole) or where it is no JSON (not whole).
 */
bool mt_flat_next(
    struct mt_flat *f, struct mt_str *ret_name, struct mt_str *ret_value);
/*
 * What a value says: a string's text, the bytes of an array of numbers (the
 * journal's way with what is no UTF-8), or a number as it stands. It borrows
 * from value where nothing has to be decoded, else from buf, which it is
 * appended to. False when it is none of these, or buf is full.
 */
bool mt_flat_text(
    struct mt_str value, struct mt_buf *buf, struct mt_str *ret_text);

#endif
