/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * MIME structure by byte offsets, as far as the one eligible HTML leaf needs
 * it: a walk over the body that ends with the delimiter after that leaf. It
 * keeps a stack of boundaries (MT_MAX_MIME_DEPTH), copies nothing else and is
 * linear. Wherever two readers could see different parts (a field given
 * twice, a boundary that begins another one, a line in the leaf that begins
 * like a delimiter and is none, a delimiter missing), it says malformed.
 * Where the other reader could only see plain text, it does not: a mark is no
 * harm to him.
 *
 * Parts below signed, encrypted, report, digest and other multiparts, below
 * attachments and message/rfc822 are walked too, so that their boundaries are
 * known, but hold no eligible leaf.
 */
#ifndef MT_MAIL_MIME_H
#define MT_MAIL_MIME_H

#include <stdbool.h>
#include <stddef.h>

#include "base/limits.h"
#include "base/str.h"
#include "base/words.h"

struct mt_leaf {
	size_t at; /* offset in body of the encoded content */
	size_t end; /* without the line end that belongs to the delimiter */
	/*
	 * It holds "--" after a bare CR: who takes that for a line end could
	 * see a delimiter where we see text.
	 */
	bool hidden;
	enum mt_encoding encoding;
	char charset[MT_MAX_CHARSET]; /* lower-case; us-ascii when not given */
	char part[MT_MAX_PART_PATH];
};

/*
 * MT_reason_done: *ret_leaf is whole. Else why there is none; charset and
 * encoding: what is known of the leaf is in *ret_leaf.
 */
enum mt_reason mt_mime_find(
    struct mt_str head, struct mt_str body, struct mt_leaf *ret_leaf);
/*
 * The same, and the text/plain that readers may show in its place: the last
 * one before it in a multipart/alternative around both. Its part is "" when
 * there is none.
 */
enum mt_reason mt_mime_find_both(struct mt_str head, struct mt_str body,
    struct mt_leaf *ret_html, struct mt_leaf *ret_plain);

#endif
