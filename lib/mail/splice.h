/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One insertion into a leaf, in the leaf's own transfer encoding. Offsets
 * "at" count decoded bytes; the edit that comes out counts encoded bytes from
 * the leaf's start. Bytes of the leaf outside the edit stay as they are, and
 * the leaf decodes to what it was plus the insertion at that place. No line
 * gets longer than its encoding allows because of us.
 *
 * Base64 has to be encoded anew from the insertion on, unless the insertion is
 * as many bytes as fill whole lines: then all that follows keeps its place.
 * Where much follows, the text is stretched to that length with spaces.
 *
 * Leaves that do not decode without doubt (foreign characters or padding
 * inside base64, "=" without two hex digits) are refused at decoding.
 */
#ifndef MT_MAIL_SPLICE_H
#define MT_MAIL_SPLICE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/str.h"
#include "base/words.h"
#include "mail/markup.h"
#include "mail/quoted.h"

struct mt_insertion {
	size_t at; /* in decoded bytes, at most leaf_n */
	size_t leaf_n; /* the leaf's length, decoded */
	struct mt_str text; /* decoded bytes */
	struct mt_str eol; /* the leaf's: LF or CRLF */
	bool stretch; /* spaces may go in before text's last byte */
	bool lines; /* line ends in text, which are eol, are the text's */
	/* Overwritten in what is encoded anew; NULL: none. */
	const struct mt_quoted_pixels *pixels;
};

/*
 * Append the decoded leaf; its ceiling is out's. MT_FORMAT: damaged.
 * MT_LIMIT: longer than the ceiling. The identity encodings append nothing:
 * their decoded bytes are the leaf's.
 */
MT_MUST_CHECK enum mt_rc mt_transfer_decode(
    enum mt_encoding encoding, struct mt_str leaf, struct mt_buf *out);
/* *ret_edit is initialised here; the caller frees its insert. */
void mt_transfer_splice(enum mt_encoding encoding, struct mt_str leaf,
    const struct mt_insertion *ins, struct mt_edit *ret_edit);

/* The decoded byte with which the leaf goes on behind the edit. */
size_t mt_transfer_resumes(
    enum mt_encoding encoding, const struct mt_insertion *ins);
/*
 * Overwrite quoted pixels in a piece of a leaf that decodes, which begins with
 * decoded byte `at` (tags are in decoded bytes of the leaf): as many encoded
 * bytes as before, and all others as they are.
 */
void mt_transfer_overwrite(enum mt_encoding encoding, char *piece, size_t n,
    size_t at, const struct mt_quoted_pixels *pixels);

/* The encodings, one file each. */
MT_MUST_CHECK enum mt_rc mt_base64_decode(struct mt_str in, struct mt_buf *out);
void mt_base64_splice(struct mt_str leaf, const struct mt_insertion *ins,
    struct mt_edit *ret_edit);
MT_MUST_CHECK enum mt_rc mt_qp_decode(struct mt_str in, struct mt_buf *out);
void mt_qp_splice(struct mt_str leaf, const struct mt_insertion *ins,
    struct mt_edit *ret_edit);
size_t mt_base64_resumes(const struct mt_insertion *ins);
void mt_base64_overwrite(
    char *piece, size_t n, size_t at, const struct mt_quoted_pixels *pixels);
void mt_qp_overwrite(
    char *piece, size_t n, size_t at, const struct mt_quoted_pixels *pixels);

#endif
