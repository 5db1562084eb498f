/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>

#include "base/buf.h"
#include "mail/header.h"
#include "mail/mime.h"
#include "mail/splice.h"
#include "mail_insertion.h"
#include "mail_property.h"

/* Two versions of one message, and the leaf as found in each. */
struct pair {
	struct mt_markup_in was, is;
	struct mt_leaf was_leaf, is_leaf;
	struct mt_leaf was_plain, is_plain; /* the text beside it, or none */
	bool noticed;
	unsigned quoted;
};

struct mt_markup_in
mail_input(struct mt_str message, struct mt_str notice)
{
	size_t end = mt_header_end(message);
	struct mt_markup_in in = { .url = MT_LIT(MAIL_PROPERTY_URL),
		.notice = notice,
		.notice_plain = notice.n > 0,
		.is_ours = mail_is_ours };

	in.head = mt_str_n(message.p, end);
	in.body = mt_str_n(message.p + end, message.n - end);
	return in;
}

static bool
is_coded(enum mt_encoding e)
{
	return e == MT_encoding_base64 || e == MT_encoding_quoted_printable;
}

static bool
same(const char *a, const char *b, size_t n)
{
	return n == 0 || memcmp(a, b, n) == 0;
}

static size_t
longest_line(struct mt_str s)
{
	struct mt_str line;
	size_t most = 0;

	while (s.n > 0) {
		(void)mt_str_cut(s, '\n', &line, &s);
		if (line.n > 0 && line.p[line.n - 1] == '\r')
			line.n--;
		most = line.n > most ? line.n : most;
	}
	return most;
}

/* The bytes of a leaf, decoded into out when they are coded. */
static bool
decode(const struct mt_markup_in *in, const struct mt_leaf *leaf,
    struct mt_buf *out, struct mt_str *ret_text)
{
	struct mt_str raw =
	    mt_str_n(in->body.p + leaf->at, leaf->end - leaf->at);

	*ret_text = raw;
	if (!is_coded(leaf->encoding))
		return true;
	if (mt_transfer_decode(leaf->encoding, raw, out) != MT_OK)
		return false;
	*ret_text = mt_buf_view(out);
	return true;
}

static const char *
lines(const struct pair *p, const struct mt_leaf *a, const struct mt_leaf *b)
{
	size_t max = is_coded(a->encoding) ? 76 : 998, was_max, is_max;

	was_max = longest_line(mt_str_n(p->was.body.p + a->at, a->end - a->at));
	is_max = longest_line(mt_str_n(p->is.body.p + b->at, b->end - b->at));
	max = was_max > max ? was_max : max;
	/* A soft break's "=" may have to follow a line that is too long. */
	return is_max > max + (max > 76) ? "a line is too long" : NULL;
}

/* One leaf, before and after. */
static const char *
leaf(const struct pair *p, const struct mt_leaf *a, const struct mt_leaf *b,
    bool html)
{
	struct mail_change c = { .url = p->was.url,
		.notice = p->was.notice,
		.charset = a->charset,
		.coded = is_coded(a->encoding),
		.quoted = p->quoted };
	const char *wrong = lines(p, a, b);
	struct mt_buf was, is;

	if (wrong != NULL)
		return wrong;
	mt_buf_init(&was, MT_MAX_HTML);
	mt_buf_init(&is, 2 * (size_t)MT_MAX_HTML);
	if (!decode(&p->was, a, &was, &c.was) || !decode(&p->is, b, &is, &c.is))
		wrong = "the leaf does not decode";
	else
		wrong = html ? mail_html_changed(&c) : mail_text_changed(&c);
	mt_buf_done(&was);
	mt_buf_done(&is);
	return wrong;
}

static bool
is_same_leaf(const struct mt_leaf *a, const struct mt_leaf *b)
{
	return a->encoding == b->encoding && strcmp(a->part, b->part) == 0 &&
	    strcmp(a->charset, b->charset) == 0;
}

/* All bytes outside the leaves; the text, when there is one, comes first. */
static const char *
outside(const struct pair *p)
{
	const struct mt_leaf *a = &p->was_leaf, *b = &p->is_leaf;
	struct mt_leaf at = p->was_plain, bt = p->is_plain;
	size_t between, rest = p->was.body.n - a->end;

	if (!p->noticed)
		at = bt = (struct mt_leaf){ .at = 0 };
	if (at.at != bt.at || at.end > a->at || bt.end > b->at)
		return "the text is not where it was";
	between = a->at - at.end;
	if (b->at - bt.end != between || p->is.body.n - b->end != rest)
		return "the leaf is another one in the marked message";
	if (!same(p->was.head.p, p->is.head.p, p->was.head.n) ||
	    !same(p->was.body.p, p->is.body.p, at.at) ||
	    !same(p->was.body.p + at.end, p->is.body.p + bt.end, between) ||
	    !same(p->was.body.p + a->end, p->is.body.p + b->end, rest))
		return "bytes outside the leaf changed";
	return NULL;
}

static const char *
structure(struct pair *p)
{
	const char *wrong;

	if (mt_mime_find_both(p->was.head, p->was.body, &p->was_leaf,
		&p->was_plain) != MT_reason_done)
		return "the leaf is not found a second time";
	if (mt_mime_find_both(p->is.head, p->is.body, &p->is_leaf,
		&p->is_plain) != MT_reason_done)
		return "the leaf is not found in the marked message";
	if (!is_same_leaf(&p->was_leaf, &p->is_leaf) ||
	    !is_same_leaf(&p->was_plain, &p->is_plain))
		return "the leaf is another one in the marked message";
	if (p->noticed && p->was_plain.part[0] == '\0')
		return "a notice, but no text to hold it";
	if ((wrong = outside(p)) != NULL)
		return wrong;
	if (p->noticed)
		wrong = leaf(p, &p->was_plain, &p->is_plain, false);
	return wrong != NULL ? wrong : leaf(p, &p->was_leaf, &p->is_leaf, true);
}

static const char *
again(const struct mt_markup_in *in, const struct mt_markup *m)
{
	struct mt_markup twice;
	const char *wrong = NULL;

	mt_markup_make(in, &twice);
	if (twice.reason != MT_reason_done || strcmp(twice.part, m->part) != 0)
		wrong = "the marked message cannot be marked again";
	mt_markup_done(&twice);
	return wrong;
}

/* In order, inside the body; all but one or two keep the length. */
static const char *
edits(const struct mt_markup_in *in, const struct mt_markup *m)
{
	size_t i, at = 0, longer = 0;

	for (i = 0; i < m->edits_n; i++) {
		if (m->edits[i].at < at ||
		    m->edits[i].remove > in->body.n - m->edits[i].at)
			return "edits that overlap or leave the body";
		at = m->edits[i].at + m->edits[i].remove;
		longer += m->edits[i].insert.n != m->edits[i].remove;
	}
	if (longer != 1U + m->noticed_plain)
		return "not one edit that inserts";
	if (m->edits_n > longer && m->quoted == 0)
		return "edits without a reason";
	return NULL;
}

static const char *
marked(
    const struct mt_markup_in *in, const struct mt_markup *m, struct mt_str out)
{
	struct pair p = { .was = *in,
		.is = *in,
		.noticed = m->noticed_plain,
		.quoted = m->quoted };
	const char *wrong = edits(in, m);

	if (wrong != NULL)
		return wrong;
	if (m->noticed_plain && (!in->notice_plain || in->notice.n == 0))
		return "a notice that nobody asked for";
	p.is.head = mt_str_n(out.p, in->head.n);
	p.is.body = mt_str_n(out.p + in->head.n, out.n - in->head.n);
	wrong = structure(&p);
	return wrong != NULL ? wrong : again(&p.is, m);
}

const char *
mail_property(const struct mt_markup_in *in, const struct mt_markup *m)
{
	const char *wrong = NULL;
	struct mt_buf out;

	if (m->reason == MT_reason_absent || m->reason >= MT_reason_end)
		return "no reason";
	mt_buf_init(&out, 3 * (in->head.n + in->body.n) + 65536);
	mt_markup_apply(m, in, &out);
	if (mt_buf_over(&out))
		wrong = "the marked message is far too large";
	else if (m->reason == MT_reason_done)
		wrong = marked(in, m, mt_buf_view(&out));
	else if (m->edits_n != 0)
		wrong = "refused, but with an edit";
	else if (out.n != in->head.n + in->body.n ||
	    !same(out.p, in->head.p, in->head.n) ||
	    !same(out.p + in->head.n, in->body.p, in->body.n))
		wrong = "refused, but not the same bytes";
	mt_buf_done(&out);
	return wrong;
}
