/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Character sets in which HTML can be searched and extended with plain ASCII
 * bytes: supersets of ASCII without shift states, in which "<" and ">" are
 * never part of a longer character. So UTF-8, the ISO 8859, Windows and KOI8
 * families and the East Asian double-byte sets are; UTF-16, UTF-32, UTF-7,
 * ISO-2022-*, HZ and EBCDIC are not, and neither is a name we do not know.
 */
#ifndef MT_MAIL_CHARSET_H
#define MT_MAIL_CHARSET_H

#include <stdbool.h>

#include "base/str.h"

/* Case, "-" and "_" in the name do not matter. */
bool mt_charset_ascii(struct mt_str name);

#endif
