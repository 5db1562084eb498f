/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Markup: where a message takes the pixel, and how. Given header block and
 * body, the answer is a reason and, when that is MT_reason_done, edits of the
 * body (offset, remove, insert) inside one leaf, in the leaf's own transfer
 * encoding and character set. All other bytes are the caller's, untouched:
 * nothing is ever re-serialised. Any doubt is a reason not to edit.
 *
 * The eligible leaf is the first text/html in reading order that is no
 * attachment and is reached through multipart/mixed, alternative and related
 * (its root) only. The tag goes before the last real </body, else before the
 * last </html, else to the end; in HTML above MT_MAX_UNCLIPPED after <body>.
 *
 * There is one edit. Only who asks for it gets more: the notice at the end of
 * the text/plain alternative (notice.h), and the pixels that the leaf quotes,
 * overwritten in place (quoted.h).
 *
 * Time is linear in the message. Memory is at most 1.1 times the message
 * beside the message itself. The answer borrows nothing from the input.
 *
 *     struct mt_markup m;
 *     mt_markup_make(&in, &m);
 *     for (i = 0; mt_markup_piece(&m, in.body, i, &piece); i++)
 *             write piece;
 *     mt_markup_done(&m);
 */
#ifndef MT_MAIL_MARKUP_H
#define MT_MAIL_MARKUP_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/limits.h"
#include "base/str.h"
#include "base/words.h"

struct mt_markup_in {
	/*
	 * Header block and body. Of a whole message: split it at
	 * mt_header_end() (the empty line belongs to head). Of a milter: at
	 * least the fields Content-*, DKIM-Signature and ARC-*, in their order,
	 * as "Name: value" LF or CRLF; other fields may be left out.
	 */
	struct mt_str head;
	struct mt_str body;
	/* The pixel's absolute URL: printable ASCII, at most MT_MAX_URL. */
	struct mt_str url;
	/* UTF-8 text shown before the pixel; absent: none. LF is a line break.
	 */
	struct mt_str notice;
	/* The notice goes into the text/plain alternative as well, if it can.
	 */
	bool notice_plain;
	/*
	 * Is this text, shaped as a token, one of ours? Given, all <img> with
	 * such a token that the leaf quotes are made to show nothing, byte for
	 * byte in their place. NULL: they stay.
	 */
	bool (*is_ours)(void *arg, struct mt_str token);
	void *is_ours_arg;
	/* The caller found a mark of ours in head (a header whose MAC holds).
	 */
	bool marked;
	/* Mark it even if head holds a DKIM or ARC signature, which breaks. */
	bool resigned;
	/* Most bytes of body; 0: MT_MAX_MARKUP. */
	size_t max;
};

struct mt_edit {
	size_t at; /* offset in body */
	size_t remove; /* bytes of body that go */
	struct mt_buf insert; /* owned: bytes that come */
};

struct mt_markup {
	enum mt_reason reason; /* never absent */
	struct mt_edit *edits; /* owned; in order, not overlapping */
	size_t edits_n; /* 0 unless reason is done */
	/* Of the leaf, as far as one was found; for people and the event: */
	char part[MT_MAX_PART_PATH]; /* "1.2", as IMAP numbers parts */
	enum mt_encoding encoding;
	char charset[MT_MAX_CHARSET]; /* lower-case, as declared */
	size_t at; /* head.n + where the insertion begins */
	bool noticed_plain; /* the text/plain alternative has the notice */
	unsigned quoted; /* pixels that were quoted and show nothing now */
};

void mt_markup_make(const struct mt_markup_in *in, struct mt_markup *ret_m);
void mt_markup_done(struct mt_markup *m);
/*
 * The marked body in pieces, i = 0, 1, ...: parts of body and insertions.
 * Without edits the body is one piece. Pieces may be empty.
 */
bool mt_markup_piece(const struct mt_markup *m, struct mt_str body, size_t i,
    struct mt_str *ret_piece);
/* Append the whole marked message: head, then all pieces. */
void mt_markup_apply(const struct mt_markup *m, const struct mt_markup_in *in,
    struct mt_buf *out);
/*
 * Append the one line of --explain, without EOL:
 *     markup=done part=1.2 encoding=quoted-printable charset=utf-8 at=1234
 *     markup=refused reason=signed
 */
void mt_markup_explain(const struct mt_markup *m, struct mt_buf *out);

#endif
