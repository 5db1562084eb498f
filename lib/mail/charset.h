/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Character sets of text that is searched and extended. Three families can be
 * read without converting anything:
 *
 *   ASCII  supersets of ASCII without shift states, in which "<" and ">" are
 *          never part of a longer character: UTF-8, ISO 8859, Windows, KOI8,
 *          the East Asian double-byte sets;
 *   WIDE   UTF-16 and UTF-32 (RFC 2781), in either byte order;
 *   SHIFT  ISO-2022-JP and -KR (RFC 1468, 1554, 1557), 7-bit, whose escape
 *          sequences make other characters of ASCII's bytes.
 *
 * UTF-7, HZ, ISO-2022-CN, EBCDIC and names we do not know are none of them.
 *
 * A text is flattened for the search: one byte for each of its units (bytes,
 * or words of 2 or 4 bytes), which is the ASCII character there, or
 * MT_CHARSET_OTHER. An offset in the flat text times the width is the one in
 * the text, and where a unit is ASCII, so is what may be put before or after.
 */
#ifndef MT_MAIL_CHARSET_H
#define MT_MAIL_CHARSET_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/str.h"

#define MT_CHARSET_OTHER '\x80'

enum mt_charset_family {
	MT_CHARSET_NONE, /* not to be touched */
	MT_CHARSET_ASCII,
	MT_CHARSET_WIDE,
	MT_CHARSET_SHIFT
};

struct mt_charset {
	enum mt_charset_family family;
	unsigned width; /* bytes of a unit: 1, 2 or 4 */
	/* Of a wide one: known from the name, or from the text. */
	bool little;
	bool big;
	bool korean; /* ISO-2022-KR */
};

/* What a name means. Case, "-" and "_" do not matter. */
struct mt_charset mt_charset_find(struct mt_str name);
/*
 * Append the flat text of a WIDE or SHIFT one, with a ceiling of out's.
 * MT_FORMAT: not a whole number of units, no telling in which byte order, an
 * unknown escape sequence, or one that is not ended on its line.
 * A wide one's byte order is known from then on.
 */
MT_MUST_CHECK enum mt_rc mt_charset_flatten(
    struct mt_charset *cs, struct mt_str text, struct mt_buf *out);
/* Append ASCII as text of the set; its state is ASCII at that place. */
void mt_charset_widen(
    const struct mt_charset *cs, struct mt_str ascii, struct mt_buf *out);
/*
 * Append UTF-8 as text of the set, which begins and ends in ASCII. MT_FORMAT:
 * the set lacks a character, or the system's iconv(3) the set.
 */
MT_MUST_CHECK enum mt_rc mt_charset_convert(const struct mt_charset *cs,
    struct mt_str name, struct mt_str utf8, struct mt_buf *out);

#endif
