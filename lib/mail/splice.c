/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>

#include "mail/splice.h"

#define MAX_LINE 998 /* RFC 5322 2.1.1 */

enum mt_rc
mt_transfer_decode(
    enum mt_encoding encoding, struct mt_str leaf, struct mt_buf *out)
{
	if (encoding == MT_encoding_base64)
		return mt_base64_decode(leaf, out);
	if (encoding == MT_encoding_quoted_printable)
		return mt_qp_decode(leaf, out);
	return leaf.n > out->max ? MT_LIMIT : MT_OK;
}

static size_t
bytes_before(struct mt_str s, size_t at)
{
	const char *eol = at > 0 ? memrchr(s.p, '\n', at) : NULL;

	return eol != NULL ? at - (size_t)(eol - s.p) - 1 : at;
}

static size_t
bytes_after(struct mt_str s, size_t at)
{
	const char *eol = at < s.n ? memchr(s.p + at, '\n', s.n - at) : NULL;

	return eol != NULL ? (size_t)(eol - s.p) - at : s.n - at;
}

/* 7bit, 8bit, binary: lines of our own only where one would get too long. */
static void
splice_identity(
    struct mt_str leaf, const struct mt_insertion *ins, struct mt_edit *edit)
{
	size_t before = bytes_before(leaf, ins->at);
	size_t after = bytes_after(leaf, ins->at);
	bool own = before + ins->text.n + after > MAX_LINE;

	edit->at = ins->at;
	mt_buf_init(&edit->insert, ins->text.n + 2 * ins->eol.n);
	if (own && before > 0)
		mt_buf_str(&edit->insert, ins->eol);
	mt_buf_str(&edit->insert, ins->text);
	if (own && after > 0)
		mt_buf_str(&edit->insert, ins->eol);
}

void
mt_transfer_splice(enum mt_encoding encoding, struct mt_str leaf,
    const struct mt_insertion *ins, struct mt_edit *ret_edit)
{
	*ret_edit = (struct mt_edit){ .at = 0 };
	if (encoding == MT_encoding_base64)
		mt_base64_splice(leaf, ins, ret_edit);
	else if (encoding == MT_encoding_quoted_printable)
		mt_qp_splice(leaf, ins, ret_edit);
	else
		splice_identity(leaf, ins, ret_edit);
}

size_t
mt_transfer_resumes(enum mt_encoding encoding, const struct mt_insertion *ins)
{
	return encoding == MT_encoding_base64 ? mt_base64_resumes(ins)
					      : ins->at;
}

static void
overwrite_identity(
    char *piece, size_t n, size_t at, const struct mt_quoted_pixels *pixels)
{
	size_t i, k = 0;

	for (i = 0; i < n && k < pixels->n; i++)
		piece[i] = mt_quoted_byte(pixels, &k, at + i, piece[i]);
}

void
mt_transfer_overwrite(enum mt_encoding encoding, char *piece, size_t n,
    size_t at, const struct mt_quoted_pixels *pixels)
{
	if (encoding == MT_encoding_base64)
		mt_base64_overwrite(piece, n, at, pixels);
	else if (encoding == MT_encoding_quoted_printable)
		mt_qp_overwrite(piece, n, at, pixels);
	else
		overwrite_identity(piece, n, at, pixels);
}
