/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Any bytes as HTML, judged by a slow reader (tests/lib/html_reader.h): the
 * insertion point is inside the text and where markup is read as markup, never
 * within a tag, comment, script or other raw text; it is the one that
 * mail/html.h promises, exactly where no conditional comment stands in the
 * text, else at least the begin or end of a tag; the tag inserted there is read
 * as a tag, and a second one would go right before or after it or later, never
 * before. The first byte chooses how much text is too much for the end.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../lib/html_reader.h"
#include "base/buf.h"
#include "mail/html.h"

#define TAG "<img src=\"https://t.example.org/i/x.gif\" alt=\"\">"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
give_up(const char *wrong, size_t point, struct mt_str html)
{
	(void)fprintf(stderr, "%s: at %zu of %zu\n", wrong, point, html.n);
	abort();
}

static size_t
first(size_t a, size_t b)
{
	return a != HTML_NOWHERE ? a : b;
}

static size_t
without_space(struct mt_str html)
{
	while (html.n > 0 && html.p[html.n - 1] != '\0' &&
	    strchr(" \t\r\n\f", html.p[html.n - 1]) != NULL)
		html.n--;
	return html.n;
}

/* What the header promises of text without conditional comments. */
static size_t
promised(struct mt_str html, const struct html_reading *r, bool top)
{
	size_t point = HTML_NOWHERE;

	if (top)
		point = first(r->body_start, r->head_end);
	point = first(point, first(r->body_end, r->html_end));
	return first(point, first(r->unclosed, without_space(html)));
}

static void
insert(struct mt_str html, size_t point, bool top)
{
	struct html_reading r;
	struct mt_buf out;
	size_t again;

	mt_buf_init(&out, html.n + sizeof(TAG));
	mt_buf_add(&out, html.p, point);
	mt_buf_z(&out, TAG);
	mt_buf_add(&out, html.p + point, html.n - point);
	html_read(mt_buf_view(&out), &r);
	if (!r.edge[point] || !r.edge[point + sizeof(TAG) - 1])
		give_up("the tag is not read as one", point, html);
	again = mt_html_point(mt_buf_view(&out), top ? 0 : SIZE_MAX);
	if (again < point || (again > point && again < point + sizeof(TAG) - 1))
		give_up("a second tag goes elsewhere", again, html);
	html_reading_done(&r);
	mt_buf_done(&out);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct html_reading r;
	struct mt_str html;
	size_t point;
	bool top;

	if (size == 0)
		return 0;
	html = mt_str_n((const char *)data + 1, size - 1);
	top = html.n > data[0];
	point = mt_html_point(html, data[0]);
	if (point > html.n)
		give_up("outside the text", point, html);
	html_read(html, &r);
	if (!r.open[point])
		give_up("not where markup is read", point, html);
	if (!r.conditional && point != promised(html, &r, top))
		give_up("not the promised place", point, html);
	if (r.conditional && !r.edge[point] && point != r.unclosed &&
	    point != without_space(html))
		give_up("not at a tag's begin or end", point, html);
	insert(html, point, top);
	html_reading_done(&r);
	return 0;
}
