/* SPDX-License-Identifier: BSD-2-Clause */
#include <assert.h>
#include <string.h>

#include "base/mem.h"
#include "mail/charset.h"
#include "mail/header.h"
#include "mail/html.h"
#include "mail/markup.h"
#include "mail/mime.h"
#include "mail/notice.h"
#include "mail/splice.h"
#include "mail/tag.h"
#include "mail/text.h"

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

static struct mt_str
find_eol(struct mt_str leaf, const struct mt_markup_in *in)
{
	struct mt_str eol = mt_text_eol(leaf);

	if (eol.p == NULL)
		eol = mt_text_eol(in->body);
	if (eol.p == NULL)
		eol = mt_text_eol(in->head);
	return eol.p != NULL ? eol : MT_LIT("\r\n");
}

/* What was found in the decoded leaf. */
struct plan {
	struct mt_charset cs;
	struct mt_insertion ins; /* all but its text */
	struct mt_quoted_pixels pixels;
};

static enum mt_reason
find_places(const struct mt_markup_in *in, const struct mt_leaf *leaf,
    struct plan *ret_plan)
{
	struct mt_text text;
	enum mt_reason reason = mt_text_read(leaf, in->body, &text);
	size_t at;

	*ret_plan = (struct plan){ .cs = text.cs };
	if (reason == MT_reason_done) {
		at = mt_html_point(text.flat, MT_MAX_UNCLIPPED / text.cs.width);
		at *= text.cs.width;
		ret_plan->ins.at = at;
		ret_plan->ins.leaf_n = text.bytes.n;
		ret_plan->ins.stretch = text.cs.width == 1;
		/* Two bytes of a line end can stand in two wide characters. */
		if (at > 0 && at < text.bytes.n && text.cs.width > 1 &&
		    text.bytes.p[at - 1] == '\r' && text.bytes.p[at] == '\n')
			reason = MT_reason_charset;
		if (in->is_ours != NULL && text.cs.width == 1)
			mt_quoted_find(text.flat, in->is_ours, in->is_ours_arg,
			    &ret_plan->pixels);
	}
	mt_text_done(&text);
	return reason;
}

static void
add_edit(struct mt_markup *m, struct mt_edit edit)
{
	/* Nearly always there are one or two. */
	m->edits =
	    mt_realloc_array(m->edits, m->edits_n + 1, sizeof(*m->edits));
	m->edits[m->edits_n++] = edit;
}

/*
 * Edits for what differs between a piece of the body, which is at `at` of it,
 * and its copy, run by run; each tag of a quoted pixel is one.
 */
static void
add_differences(
    struct mt_str piece, const char *copy, size_t at, struct mt_markup *m)
{
	struct mt_edit edit;
	size_t i, from, to;

	for (i = 0; i < piece.n;) {
		if (piece.p[i] == copy[i]) {
			i++;
			continue;
		}
		/* Bytes that stay are copied over themselves in short gaps. */
		from = to = i;
		for (; i < piece.n && i - to <= MT_MAX_QUOTED_TAG; i++)
			if (piece.p[i] != copy[i])
				to = i + 1;
		edit = (struct mt_edit){ .at = at + from, .remove = to - from };
		mt_buf_init(&edit.insert, to - from);
		mt_buf_add(&edit.insert, copy + from, to - from);
		add_edit(m, edit);
		i = to;
	}
}

/*
 * What becomes of the quoted pixels in the leaf's bytes from..to, the first of
 * which is decoded byte `decoded`.
 */
static void
add_overwritten(struct mt_str body, const struct mt_range *where,
    size_t decoded, const struct mt_quoted_pixels *pixels, struct mt_markup *m)
{
	struct mt_str piece =
	    mt_str_n(body.p + where->from, where->to - where->from);
	char *copy;

	if (pixels->n == 0 || piece.n == 0)
		return;
	copy = mt_alloc(piece.n);
	memcpy(copy, piece.p, piece.n);
	mt_transfer_overwrite(m->encoding, copy, piece.n, decoded, pixels);
	add_differences(piece, copy, where->from, m);
	mt_free(copy);
}

/* The leaf's insertion, between what becomes of its quoted pixels. */
static void
edit_leaf(const struct mt_markup_in *in, const struct mt_leaf *where,
    struct plan *plan, struct mt_markup *m)
{
	struct mt_str leaf =
	    mt_str_n(in->body.p + where->at, where->end - where->at);
	struct mt_range before = { where->at, 0 }, after = { 0, where->end };
	struct mt_edit edit;

	if (plan->pixels.n > 0)
		plan->ins.pixels = &plan->pixels;
	mt_transfer_splice(m->encoding, leaf, &plan->ins, &edit);
	edit.at += where->at;
	before.to = edit.at;
	after.from = edit.at + edit.remove;
	add_overwritten(in->body, &before, 0, &plan->pixels, m);
	add_edit(m, edit);
	add_overwritten(in->body, &after,
	    mt_transfer_resumes(m->encoding, &plan->ins), &plan->pixels, m);
	m->at = in->head.n + edit.at;
	m->quoted = (unsigned)plan->pixels.n;
}

static void
write_tag(const struct mt_markup_in *in, const struct plan *plan,
    enum mt_encoding encoding, struct mt_buf *text)
{
	struct mt_str eol =
	    mt_encoding_coded(encoding) ? MT_LIT("") : plan->ins.eol;
	struct mt_buf narrow;

	mt_buf_init(&narrow, MT_TAG_MAX);
	mt_tag_write(in->url, in->notice, eol, &narrow);
	assert(!mt_buf_over(&narrow));
	mt_charset_widen(&plan->cs, mt_buf_view(&narrow), text);
	mt_buf_done(&narrow);
}

static enum mt_reason
mark_leaf(const struct mt_markup_in *in, const struct mt_leaf *where,
    const struct mt_leaf *plain, struct mt_markup *m)
{
	struct mt_str leaf =
	    mt_str_n(in->body.p + where->at, where->end - where->at);
	struct mt_edit notice;
	struct plan plan;
	struct mt_buf text;
	enum mt_reason reason;

	if (leaf.n == 0)
		return MT_reason_no_html;
	reason = find_places(in, where, &plan);
	if (reason != MT_reason_done)
		return reason;
	plan.ins.eol = find_eol(leaf, in);
	mt_buf_init(&text, 4 * (size_t)MT_TAG_MAX);
	write_tag(in, &plan, m->encoding, &text);
	assert(!mt_buf_over(&text));
	plan.ins.text = mt_buf_view(&text);
	if (in->notice_plain && in->notice.n > 0 && plain->part[0] != '\0' &&
	    mt_notice_plain(
		plain, in->body, in->notice, plan.ins.eol, &notice)) {
		add_edit(m, notice);
		m->noticed_plain = true;
	}
	edit_leaf(in, where, &plan, m);
	mt_buf_done(&text);
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
	struct mt_leaf leaf, plain;

	*ret_m = (struct mt_markup){ .reason = judge_input(in) };
	if (ret_m->reason != MT_reason_done)
		return;
	ret_m->reason = mt_mime_find_both(in->head, in->body, &leaf, &plain);
	ret_m->encoding = leaf.encoding;
	memcpy(ret_m->part, leaf.part, sizeof(ret_m->part));
	memcpy(ret_m->charset, leaf.charset, sizeof(ret_m->charset));
	if (ret_m->reason == MT_reason_done)
		ret_m->reason = mark_leaf(in, &leaf, &plain, ret_m);
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
