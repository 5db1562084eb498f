/* SPDX-License-Identifier: BSD-2-Clause */
#include <assert.h>
#include <string.h>

#include "base/mem.h"
#include "mail/charset.h"
#include "mail/header.h"
#include "mail/html.h"
#include "mail/markup.h"
#include "mail/mime.h"
#include "mail/splice.h"
#include "mail/tag.h"

/* Somebody's signature over body or parts of it. */
static const char *const seals[] = { "DKIM-Signature", "ARC-Seal",
	"ARC-Message-Signature", "DomainKey-Signature", NULL };

static bool
is_sealed(struct mt_str head)
{
	struct mt_header_iter it = { .block = head };
	struct mt_header h;
	size_t i;

	while (mt_header_next(&it, &h))
		for (i = 0; seals[i] != NULL; i++)
			if (mt_str_eqz_nocase(h.name, seals[i]))
				return true;
	return false;
}

/* The first line end of s; absent when it has none. */
static struct mt_str
first_eol(struct mt_str s)
{
	const char *p = s.n > 0 ? memchr(s.p, '\n', s.n) : NULL;

	if (p == NULL)
		return (struct mt_str){ NULL, 0 };
	return p > s.p && p[-1] == '\r' ? MT_LIT("\r\n") : MT_LIT("\n");
}

static struct mt_str
find_eol(struct mt_str leaf, const struct mt_markup_in *in)
{
	struct mt_str eol = first_eol(leaf);

	if (eol.p == NULL)
		eol = first_eol(in->body);
	if (eol.p == NULL)
		eol = first_eol(in->head);
	return eol.p != NULL ? eol : MT_LIT("\r\n");
}

/* PGP's armour, found by its first G: few letters are as rare in HTML. */
static bool
has_armour(struct mt_str html)
{
	static const char armour[] = "-----BEGIN PGP ";
	const size_t n = sizeof(armour) - 1, before = sizeof("-----BE") - 1;
	const char *p, *end = html.p + html.n;

	if (html.n < n)
		return false;
	end -= n - before - 1; /* of where its G can be */
	for (p = html.p + before; p < end; p++) {
		if ((p = memchr(p, 'G', (size_t)(end - p))) == NULL)
			return false;
		if (memcmp(p - before, armour, n) == 0)
			return true;
	}
	return false;
}

/* May these bytes be searched as a superset of ASCII, and changed? */
static enum mt_reason
judge_html(struct mt_str html)
{
	/* UTF-16 and ISO-2022 under another name. */
	if (html.n > 0 &&
	    (memchr(html.p, '\0', html.n) != NULL ||
		memchr(html.p, '\033', html.n) != NULL))
		return MT_reason_charset;
	return has_armour(html) ? MT_reason_armour : MT_reason_done;
}

/* Where in the decoded leaf the insertion goes. */
static enum mt_reason
find_point(
    enum mt_encoding encoding, struct mt_str leaf, struct mt_insertion *ret_ins)
{
	struct mt_buf decoded;
	struct mt_str html = leaf;
	enum mt_reason reason;
	enum mt_rc rc;

	mt_buf_init(&decoded, MT_MAX_HTML);
	rc = mt_transfer_decode(encoding, leaf, &decoded);
	if (encoding == MT_encoding_base64 ||
	    encoding == MT_encoding_quoted_printable)
		html = mt_buf_view(&decoded);
	if (rc != MT_OK) {
		reason =
		    rc == MT_LIMIT ? MT_reason_too_large : MT_reason_encoding;
	} else {
		reason = judge_html(html);
		ret_ins->leaf_n = html.n;
		if (reason == MT_reason_done)
			ret_ins->at = mt_html_point(html, MT_MAX_UNCLIPPED);
	}
	mt_buf_done(&decoded);
	return reason;
}

static void
splice(const struct mt_markup_in *in, struct mt_str leaf,
    struct mt_insertion ins, struct mt_markup *m)
{
	bool coded = m->encoding == MT_encoding_base64 ||
	    m->encoding == MT_encoding_quoted_printable;
	struct mt_buf text;

	ins.eol = find_eol(leaf, in);
	ins.stretch = true;
	mt_buf_init(&text, MT_TAG_MAX);
	mt_tag_write(in->url, in->notice, coded ? MT_LIT("") : ins.eol, &text);
	assert(!mt_buf_over(&text));
	ins.text = mt_buf_view(&text);
	m->edits = mt_alloc_array(1, sizeof(*m->edits));
	m->edits_n = 1;
	mt_transfer_splice(m->encoding, leaf, &ins, &m->edits[0]);
	mt_buf_done(&text);
}

static enum mt_reason
mark_leaf(const struct mt_markup_in *in, const struct mt_leaf *where,
    struct mt_markup *m)
{
	struct mt_str leaf =
	    mt_str_n(in->body.p + where->at, where->end - where->at);
	struct mt_insertion ins = { .at = 0 };
	enum mt_reason reason;

	if (leaf.n == 0)
		return MT_reason_no_html;
	if (m->encoding == MT_encoding_absent)
		return MT_reason_encoding;
	if (!mt_charset_ascii(mt_str(m->charset)))
		return MT_reason_charset;
	if (where->hidden)
		return MT_reason_malformed;
	reason = find_point(m->encoding, leaf, &ins);
	if (reason != MT_reason_done)
		return reason;
	splice(in, leaf, ins, m);
	m->edits[0].at += where->at;
	m->at = in->head.n + m->edits[0].at;
	return MT_reason_done;
}

/* What is wrong with the input before its structure is looked at. */
static enum mt_reason
judge_input(const struct mt_markup_in *in)
{
	if (!mt_tag_url_valid(in->url))
		return MT_reason_url_missing;
	if (in->marked)
		return MT_reason_already_marked;
	if (in->body.n > (in->max > 0 ? in->max : MT_MAX_MARKUP) ||
	    in->notice.n > MT_MAX_NOTICE)
		return MT_reason_too_large;
	if (!in->resigned && is_sealed(in->head))
		return MT_reason_dkim;
	return MT_reason_done;
}

void
mt_markup_make(const struct mt_markup_in *in, struct mt_markup *ret_m)
{
	struct mt_leaf leaf;

	*ret_m = (struct mt_markup){ .reason = judge_input(in) };
	if (ret_m->reason != MT_reason_done)
		return;
	ret_m->reason = mt_mime_find(in->head, in->body, &leaf);
	ret_m->encoding = leaf.encoding;
	memcpy(ret_m->part, leaf.part, sizeof(ret_m->part));
	memcpy(ret_m->charset, leaf.charset, sizeof(ret_m->charset));
	if (ret_m->reason == MT_reason_done)
		ret_m->reason = mark_leaf(in, &leaf, ret_m);
}

void
mt_markup_done(struct mt_markup *m)
{
	size_t i;

	if (m == NULL)
		return;
	for (i = 0; i < m->edits_n; i++)
		mt_buf_done(&m->edits[i].insert);
	mt_free(m->edits);
	m->edits = NULL;
	m->edits_n = 0;
}

bool
mt_markup_piece(const struct mt_markup *m, struct mt_str body, size_t i,
    struct mt_str *ret_piece)
{
	size_t k = i / 2, from = 0, to = body.n;

	if (k > m->edits_n || (k == m->edits_n && i % 2 != 0))
		return false;
	if (i % 2 != 0) {
		*ret_piece = mt_buf_view(&m->edits[k].insert);
		return true;
	}
	if (k > 0)
		from = m->edits[k - 1].at + m->edits[k - 1].remove;
	if (k < m->edits_n)
		to = m->edits[k].at;
	assert(from <= to && to <= body.n);
	*ret_piece = mt_str_n(body.n > 0 ? body.p + from : "", to - from);
	return true;
}

void
mt_markup_apply(const struct mt_markup *m, const struct mt_markup_in *in,
    struct mt_buf *out)
{
	struct mt_str piece;
	size_t i;

	mt_buf_str(out, in->head);
	for (i = 0; mt_markup_piece(m, in->body, i, &piece); i++)
		mt_buf_str(out, piece);
}

void
mt_markup_explain(const struct mt_markup *m, struct mt_buf *out)
{
	if (m->reason == MT_reason_done)
		mt_buf_printf(out,
		    "markup=done part=%s encoding=%s charset=%s at=%zu",
		    m->part, mt_words_encoding[m->encoding], m->charset, m->at);
	else
		mt_buf_printf(out, "markup=refused reason=%s",
		    mt_words_reason[m->reason]);
}
