/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>

#include "base/limits.h"
#include "base/utf8.h"
#include "mail/notice.h"
#include "mail/splice.h"
#include "mail/text.h"

#define WRAP 72 /* characters of a line, then at the last space */

/* Characters of valid UTF-8. */
static size_t
characters(struct mt_str s)
{
	size_t i, n = 0;

	for (i = 0; i < s.n; i++)
		n += ((unsigned char)s.p[i] & 0xc0) != 0x80;
	return n;
}

/*
 * Add one line, wrapped at spaces. A line that begins with "-" could be taken
 * for a delimiter or the start of a signature.
 */
static void
add_line(struct mt_str line, struct mt_str eol, struct mt_buf *out)
{
	struct mt_str word, rest = line;
	size_t column = 0;

	while (rest.n > 0) {
		(void)mt_str_cut(rest, ' ', &word, &rest);
		if (word.n == 0)
			continue;
		if (column > 0 && column + 1 + characters(word) > WRAP) {
			mt_buf_str(out, eol);
			column = 0;
		} else if (column > 0) {
			mt_buf_c(out, ' ');
			column++;
		}
		if (column == 0 && word.p[0] == '-')
			mt_buf_c(out, ' ');
		mt_buf_str(out, word);
		column += characters(word);
	}
}

/* The notice as lines behind what stands there, without a last line end. */
static void
write_lines(
    struct mt_str notice, bool follows, struct mt_str eol, struct mt_buf *out)
{
	struct mt_str line, rest = mt_str_trim(notice);

	if (follows)
		mt_buf_str(out, eol);
	while (rest.n > 0) {
		(void)mt_str_cut(rest, '\n', &line, &rest);
		if (follows || out->n > 0)
			mt_buf_str(out, eol);
		add_line(mt_str_trim(line), eol, out);
	}
}

static bool
is_ascii(struct mt_str s)
{
	size_t i;

	for (i = 0; i < s.n; i++)
		if ((unsigned char)s.p[i] >= 0x80)
			return false;
	return true;
}

/* The lines as text of the part; false when it cannot hold them. */
static bool
convert(const struct mt_leaf *leaf, const struct mt_charset *cs,
    struct mt_str lines, struct mt_buf *out)
{
	if (is_ascii(lines))
		mt_charset_widen(cs, lines, out);
	else if (mt_charset_convert(cs, mt_str(leaf->charset), lines, out) !=
	    MT_OK)
		return false;
	return !mt_buf_over(out) &&
	    (leaf->encoding != MT_encoding_sevenbit ||
		is_ascii(mt_buf_view(out)));
}

static size_t
trimmed(struct mt_str flat)
{
	while (flat.n > 0 &&
	    (mt_is_space(flat.p[flat.n - 1]) || flat.p[flat.n - 1] == '\0'))
		flat.n--;
	return flat.n;
}

/* Between the two bytes of one line end of the encoded text? */
static bool
splits_eol(struct mt_str bytes, size_t at)
{
	return at > 0 && at < bytes.n && bytes.p[at - 1] == '\r' &&
	    bytes.p[at] == '\n';
}

static bool
insert(const struct mt_leaf *leaf, struct mt_str encoded,
    const struct mt_text *t, struct mt_str notice, struct mt_str eol,
    struct mt_edit *ret_edit)
{
	struct mt_insertion ins = {
		.leaf_n = t->bytes.n, .eol = eol, .lines = t->cs.width == 1
	};
	size_t at = trimmed(t->flat);
	struct mt_buf lines, text;
	struct mt_str own = mt_text_eol(t->flat);
	bool ok;

	ins.at = at * t->cs.width;
	mt_buf_init(&lines, 4 * MT_MAX_NOTICE);
	mt_buf_init(&text, 64 * MT_MAX_NOTICE);
	/* In base64 the part's own line ends may be others than ours. */
	if (own.p == NULL)
		own =
		    leaf->encoding == MT_encoding_base64 ? MT_LIT("\r\n") : eol;
	write_lines(notice, at > 0, own, &lines);
	ok = !mt_buf_over(&lines) &&
	    convert(leaf, &t->cs, mt_buf_view(&lines), &text) &&
	    !splits_eol(t->bytes, ins.at);
	ins.text = mt_buf_view(&text);
	if (ok)
		mt_transfer_splice(leaf->encoding, encoded, &ins, ret_edit);
	mt_buf_done(&lines);
	mt_buf_done(&text);
	return ok;
}

bool
mt_notice_plain(const struct mt_leaf *leaf, struct mt_str body,
    struct mt_str notice, struct mt_str eol, struct mt_edit *ret_edit)
{
	struct mt_str encoded =
	    mt_str_n(body.p + leaf->at, leaf->end - leaf->at);
	struct mt_text text;
	bool ok = false;

	/* Without content there is no line end before the delimiter either. */
	if (encoded.n == 0 || !mt_utf8_clean(notice))
		return false;
	if (mt_text_read(leaf, body, &text) == MT_reason_done)
		ok = insert(leaf, encoded, &text, notice, eol, ret_edit);
	mt_text_done(&text);
	if (ok)
		ret_edit->at += leaf->at;
	return ok;
}
