/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A text leaf, decoded: may it be read and changed without doubt, and what is
 * in it. Offsets count decoded bytes.
 */
#ifndef MT_MAIL_TEXT_H
#define MT_MAIL_TEXT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/str.h"
#include "base/words.h"
#include "mail/charset.h"
#include "mail/mime.h"

struct mt_text {
	struct mt_charset cs;
	struct mt_str bytes; /* decoded; of the leaf, or of decoded */
	struct mt_str flat; /* one byte a unit, see charset.h */
	struct mt_buf decoded, flattened; /* owned */
};

/* Is it base64 or quoted-printable? */
bool mt_encoding_coded(enum mt_encoding encoding);
/*
 * Read the leaf. MT_reason_done, else why it is left alone: charset, encoding,
 * malformed, too_large, armour. mt_text_done() in every case; body outlives it.
 */
enum mt_reason mt_text_read(
    const struct mt_leaf *leaf, struct mt_str body, struct mt_text *ret_text);
void mt_text_done(struct mt_text *t);
/* The first line end in it: LF or CRLF; absent when it has none. */
struct mt_str mt_text_eol(struct mt_str s);

#endif
