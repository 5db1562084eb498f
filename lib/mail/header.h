/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Header blocks as bytes: an iterator that borrows, copies nothing and never
 * fails. Lines end in LF or CRLF; a line that begins with space or tab
 * continues the field before it. An mbox "From " line at the start is passed
 * over. Lines that are no field (no colon, control or 8-bit bytes in the name)
 * are passed over and set `junk`; a continuation line of white space only,
 * where some programs see the end of the header, sets `blank`. Both stay set,
 * so that a reader can distrust the fields that follow.
 *
 *     struct mt_header_iter it = { .block = head };
 *     struct mt_header h;
 *     while (mt_header_next(&it, &h))
 *             if (mt_str_eqz_nocase(h.name, "Subject")) ...
 */
#ifndef MT_MAIL_HEADER_H
#define MT_MAIL_HEADER_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/str.h"

struct mt_header {
	struct mt_str name; /* without white space before the colon */
	struct mt_str value; /* raw: after the colon, folds kept, no last EOL */
	size_t at; /* offset in the block of the field's first byte */
	size_t end; /* offset after its last line's EOL */
	bool spaced; /* white space stood before the colon */
};

struct mt_header_iter {
	struct mt_str block; /* may go on beyond the empty line */
	size_t at; /* where the next line begins; the body, at the end */
	bool ended; /* the empty line was seen and is before `at` */
	bool junk;
	bool blank;
};

bool mt_header_next(struct mt_header_iter *it, struct mt_header *ret_header);
/* Offset of the body: after the first empty line, or s.n without one. */
size_t mt_header_end(struct mt_str s);
/* The first field of this name; false when there is none. */
bool mt_header_find(
    struct mt_str block, const char *name, struct mt_header *ret_header);
/* Append a raw value without line ends and without white space at its ends. */
void mt_header_unfold(struct mt_str value, struct mt_buf *out);

/*
 * Structured values such as Content-Type: "text/html; charset=utf-8". All
 * functions take the raw or the unfolded value and read it once, in linear
 * time; comments are passed over.
 */
enum mt_param {
	MT_PARAM_ABSENT,
	MT_PARAM_OK,
	MT_PARAM_BAD /* damaged, ambiguous, or longer than out's ceiling */
};

/*
 * Append the value's first word in lower case, without white space:
 * "text/html", "attachment", "quoted-printable". False when there is none or
 * something else than ";" follows it.
 */
bool mt_header_word(struct mt_str value, struct mt_buf *out);
/*
 * Append a parameter, quotes and RFC 2231 (sections, charset'language'%XX)
 * resolved. BAD when it is given twice with different values.
 */
enum mt_param mt_header_param(
    struct mt_str value, const char *name, struct mt_buf *out);

#endif
