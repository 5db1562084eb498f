/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a plain reading of a message, by GMime and a few lines here that share
 * nothing with lib/mail, calls eligible for the pixel: GMime finds nothing
 * wrong with the structure; exactly one text/html is inline, without a file
 * name, and reached through multipart/mixed, alternative and related (its
 * root) only; its transfer encoding is known and its data sound; its character
 * set is one that iconv knows and that holds ASCII as it is, or ISO-2022-JP,
 * UTF-16, UTF-32 (these two in base64 or quoted-printable) and iconv can read
 * it; it is not empty and holds no PGP armour.
 */
#ifndef MT_TESTS_PLAIN_READING_H
#define MT_TESTS_PLAIN_READING_H

#include "base/str.h"

/* NULL when eligible, else why not. */
const char *plain_reading(struct mt_str message);

#endif
