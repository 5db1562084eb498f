/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Base64 (RFC 4648) for this room: the plain form with padding in key files,
 * the URL form without in tokens. Reading is strict, so that bytes have one
 * text only: no other alphabet, no spaces, unused bits zero, exact length.
 */
#ifndef MT_TOKEN_TEXT64_H
#define MT_TOKEN_TEXT64_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

enum mt_text64 { MT_TEXT64_PLAIN, MT_TEXT64_URL };

/* Text of n bytes, without NUL. */
size_t mt_text64_len(enum mt_text64 form, size_t n);
/* out has room for that length and NUL. */
void mt_text64_write(
    enum mt_text64 form, const uint8_t *p, size_t n, char *out);
/* true when text stands for exactly n bytes. */
bool mt_text64_read(
    enum mt_text64 form, struct mt_str text, uint8_t *out, size_t n);

#endif
