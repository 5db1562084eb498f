/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>

#include "base/buf.h"
#include "mail/header.h"
#include "mail/mime.h"
#include "mail/splice.h"
#include "mail_property.h"

/* Two versions of one message, and the leaf as found in each. */
struct pair {
	struct mt_markup_in was, is;
	struct mt_leaf was_leaf, is_leaf;
};

struct mt_markup_in
mail_input(struct mt_str message, struct mt_str notice)
{
	size_t end = mt_header_end(message);
	struct mt_markup_in in = { .url = MT_LIT(MAIL_PROPERTY_URL),
		.notice = notice };

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

static unsigned
count(struct mt_str s, struct mt_str what)
{
	const char *p = s.p, *end = s.p + s.n;
	unsigned n = 0;

	while (p < end && (p = memmem(p, (size_t)(end - p), what.p, what.n))) {
		p += what.n;
		n++;
	}
	return n;
}

/* Is b what a is, plus one insertion that holds the URL? */
static const char *
one_insertion(struct mt_str a, struct mt_str b)
{
	size_t head = 0, tail = 0;

	if (b.n <= a.n)
		return "nothing was inserted";
	while (head < a.n && a.p[head] == b.p[head])
		head++;
	while (tail < a.n && a.p[a.n - 1 - tail] == b.p[b.n - 1 - tail])
		tail++;
	if (head + tail < a.n)
		return "the decoded leaf is not the original plus an insertion";
	if (count(b, MT_LIT(MAIL_PROPERTY_URL)) !=
	    count(a, MT_LIT(MAIL_PROPERTY_URL)) + 1)
		return "the decoded leaf does not hold the URL once more";
	return NULL;
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

static const char *
leaves(const struct pair *p)
{
	const struct mt_leaf *a = &p->was_leaf, *b = &p->is_leaf;
	struct mt_str was = mt_str_n(p->was.body.p + a->at, a->end - a->at);
	struct mt_str is = mt_str_n(p->is.body.p + b->at, b->end - b->at);
	size_t max = is_coded(a->encoding) ? 76 : 998, was_max;
	struct mt_buf was_text, is_text;
	const char *wrong = NULL;

	was_max = longest_line(was);
	max = was_max > max ? was_max : max;
	/* A soft break's "=" may have to follow a line that is too long. */
	if (longest_line(is) > max + (max > 76))
		return "a line is too long";
	if (!is_coded(a->encoding))
		return one_insertion(was, is);
	mt_buf_init(&was_text, MT_MAX_HTML);
	mt_buf_init(&is_text, 2 * (size_t)MT_MAX_HTML);
	if (mt_transfer_decode(a->encoding, was, &was_text) != MT_OK ||
	    mt_transfer_decode(b->encoding, is, &is_text) != MT_OK)
		wrong = "the leaf does not decode";
	else
		wrong = one_insertion(
		    mt_buf_view(&was_text), mt_buf_view(&is_text));
	mt_buf_done(&was_text);
	mt_buf_done(&is_text);
	return wrong;
}

static const char *
structure(struct pair *p)
{
	const struct mt_leaf *a = &p->was_leaf, *b = &p->is_leaf;
	size_t rest = p->was.body.n;

	if (mt_mime_find(p->was.head, p->was.body, &p->was_leaf) !=
	    MT_reason_done)
		return "the leaf is not found a second time";
	if (mt_mime_find(p->is.head, p->is.body, &p->is_leaf) != MT_reason_done)
		return "the leaf is not found in the marked message";
	rest -= a->end;
	if (a->at != b->at || a->encoding != b->encoding ||
	    strcmp(a->part, b->part) != 0 || p->is.body.n - b->end != rest)
		return "the leaf is another one in the marked message";
	if (!same(p->was.head.p, p->is.head.p, p->was.head.n) ||
	    !same(p->was.body.p, p->is.body.p, a->at) ||
	    !same(p->was.body.p + a->end, p->is.body.p + b->end, rest))
		return "bytes outside the leaf changed";
	return leaves(p);
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

static const char *
marked(
    const struct mt_markup_in *in, const struct mt_markup *m, struct mt_str out)
{
	struct pair p = { .was = *in, .is = *in };
	const char *wrong;

	if (m->edits_n != 1)
		return "marked, but not by one edit";
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
