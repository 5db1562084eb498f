/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Any bytes as a message. Where a leaf is found that is not empty:
 *
 *   - it is inside the body, and so is the text beside it, before it;
 *   - a reader of the test, which splits multiparts from the outside in instead
 *     of walking through them once, has an HTML part with the same number and
 *     the same bytes, and no line of the leaf is a delimiter of what is around;
 *   - what follows the delimiter behind it changes nothing: cut off, an
 *     epilogue, another HTML part.
 *
 * Of every message: converted to CRLF, it has the same answer and, line ends
 * aside, the same leaf; a field of no meaning in front changes no entity.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "mail/entity.h"
#include "mail/header.h"
#include "mail/mime.h"

#define MAX_PATH 256

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
give_up(const char *wrong, const struct mt_leaf *leaf, struct mt_str s)
{
	(void)fprintf(stderr, "%s: part %s at %zu to %zu of\n%.*s\n", wrong,
	    leaf->part, leaf->at, leaf->end, (int)s.n, s.p);
	abort();
}

/* What is looked for from the outside in. */
struct wanted {
	struct mt_str body;
	const struct mt_leaf *leaf;
	bool cut; /* what is looked at ends without a delimiter of its own */
	bool found;
};

/* A line without its line end and blanks. */
static struct mt_str
bare(struct mt_str line)
{
	while (line.n > 0 && strchr(" \t\r\n", line.p[line.n - 1]) != NULL &&
	    line.p[line.n - 1] != '\0')
		line.n--;
	return line;
}

static size_t
line_end(struct mt_str s, size_t at)
{
	const char *eol = memchr(s.p + at, '\n', s.n - at);

	return eol != NULL ? (size_t)(eol - s.p) + 1 : s.n;
}

/* 1: an open delimiter of the boundary, 2: the close delimiter, 0: neither. */
static int
delimits(struct mt_str line, const char *boundary)
{
	size_t n = strlen(boundary);

	line = bare(line);
	if (line.n < n + 2 || memcmp(line.p, "--", 2) != 0 ||
	    memcmp(line.p + 2, boundary, n) != 0)
		return 0;
	if (line.n == n + 2)
		return 1;
	return line.n == n + 4 && memcmp(line.p + n + 2, "--", 2) == 0 ? 2 : 0;
}

static void look(struct wanted *w, struct mt_str head, struct mt_str body,
    const char *path, int depth);

/* The bytes from a delimiter line to the next one, or to the end. */
static void
look_at_part(struct wanted *w, struct mt_str part, const char *path, int depth)
{
	size_t n = mt_header_end(part);

	look(w, mt_str_n(part.p, n), mt_str_n(part.p + n, part.n - n), path,
	    depth);
}

/* Without the line end that is the next delimiter's. */
static struct mt_str
without_eol(struct mt_str part)
{
	if (part.n > 0 && part.p[part.n - 1] == '\n')
		part.n--;
	if (part.n > 0 && part.p[part.n - 1] == '\r')
		part.n--;
	return part;
}

static void
look_at_parts(struct wanted *w, struct mt_str body, const char *boundary,
    const char *path, int depth)
{
	char below[MAX_PATH];
	struct mt_str part;
	size_t at, next, from = 0;
	unsigned n = 0;
	int is = 0;

	for (at = 0; at <= body.n && is != 2; at = next) {
		next = at < body.n ? line_end(body, at) : body.n + 1;
		if (at < body.n)
			is = delimits(
			    mt_str_n(body.p + at, next - at), boundary);
		if (at < body.n && is == 0)
			continue;
		(void)snprintf(below, sizeof(below), "%s%s%u", path,
		    path[0] != '\0' ? "." : "", n);
		part = mt_str_n(body.p + from, at - from);
		w->cut = at == body.n;
		if (n++ > 0)
			look_at_part(
			    w, w->cut ? part : without_eol(part), below, depth);
		from = next;
	}
}

static void
look(struct wanted *w, struct mt_str head, struct mt_str body, const char *path,
    int depth)
{
	const struct mt_leaf *leaf = w->leaf;
	struct mt_entity e;

	mt_entity_read(head, &e);
	if (e.multi && !e.bad && depth < MT_MAX_MIME_DEPTH)
		look_at_parts(w, body, e.boundary, path, depth + 1);
	else if (e.kind == MT_ENTITY_HTML && !w->cut &&
	    strcmp(path[0] != '\0' ? path : "1", leaf->part) == 0 &&
	    body.p + body.n == w->body.p + leaf->end &&
	    body.p == w->body.p + leaf->at)
		w->found = true;
}

static bool
is_same(const struct mt_leaf *a, const struct mt_leaf *b)
{
	return a->at == b->at && a->end == b->end &&
	    a->encoding == b->encoding && strcmp(a->part, b->part) == 0 &&
	    strcmp(a->charset, b->charset) == 0;
}

static bool
is_again(struct mt_str head, struct mt_str body, const struct mt_leaf *leaf)
{
	struct mt_leaf other;

	return mt_mime_find(head, body, &other) == MT_reason_done &&
	    is_same(leaf, &other);
}

/* The leaf, this delimiter behind it, one more HTML part, then the rest. */
static bool
is_with_part(struct mt_str head, struct mt_str body, size_t rest,
    struct mt_str delimiter, const struct mt_leaf *leaf)
{
	struct mt_buf out;
	bool is;

	mt_buf_init(&out, body.n + delimiter.n + 100);
	mt_buf_add(&out, body.p, rest);
	mt_buf_str(&out, delimiter);
	mt_buf_z(&out, "\nContent-Type: text/html\n\n<p>other\n");
	mt_buf_add(&out, body.p + rest, body.n - rest);
	is = is_again(head, mt_buf_view(&out), leaf);
	mt_buf_done(&out);
	return is;
}

/* Behind the leaf stands a delimiter: change what is beyond it. */
static void
change_rest(struct mt_str head, struct mt_str body, const struct mt_leaf *leaf)
{
	struct mt_str delimiter;
	struct mt_buf out;
	size_t at = leaf->end;

	at += at < body.n && body.p[at] == '\r';
	at += at < body.n && body.p[at] == '\n';
	delimiter = mt_str_n(body.p + at, line_end(body, at) - at);
	if (!is_again(head, mt_str_n(body.p, at + delimiter.n), leaf))
		give_up("what follows the leaf matters", leaf, body);
	mt_buf_init(&out, body.n + 100);
	mt_buf_str(&out, body);
	mt_buf_z(&out, "\n--x\nepilogue\n");
	if (!is_again(head, mt_buf_view(&out), leaf))
		give_up("an epilogue matters", leaf, body);
	mt_buf_done(&out);
	delimiter = bare(delimiter);
	if (!is_with_part(head, body, at, delimiter, leaf) &&
	    !is_with_part(
		head, body, at, mt_str_n(delimiter.p, delimiter.n - 2), leaf))
		give_up("one more part matters", leaf, body);
}

static void
check_leaf(struct mt_str head, struct mt_str body, const struct mt_leaf *leaf,
    const struct mt_leaf *plain)
{
	struct wanted w = { .body = body, .leaf = leaf };

	if (leaf->at > leaf->end || leaf->end > body.n)
		give_up("a leaf outside the body", leaf, body);
	if (plain->part[0] != '\0' &&
	    (plain->at > plain->end || plain->end > leaf->at))
		give_up("a text that is not before the leaf", plain, body);
	/* An empty leaf is none: the line end before it is its header's. */
	if (leaf->at == leaf->end)
		return;
	look(&w, head, body, "", 0);
	if (!w.found)
		give_up("not found from the outside in", leaf, body);
	if (strcmp(leaf->part, "1") != 0 || leaf->end < body.n)
		change_rest(head, body, leaf);
}

/* Append s with CRLF for LF; false when a CR stands alone in it. */
static bool
to_crlf(struct mt_str s, struct mt_buf *out)
{
	size_t i;

	for (i = 0; i < s.n; i++) {
		if (s.p[i] == '\r') {
			if (i + 1 == s.n || s.p[i + 1] != '\n')
				return false;
			continue;
		}
		if (s.p[i] == '\n')
			mt_buf_c(out, '\r');
		mt_buf_c(out, s.p[i]);
	}
	return true;
}

/* An offset as it would be if all lines ended in LF. */
static size_t
with_lf(struct mt_str s, size_t at)
{
	size_t i, n = 0;

	for (i = 0; i < at && i + 1 < s.n; i++)
		n += s.p[i] == '\r' && s.p[i + 1] == '\n';
	return at - n;
}

static void
compare_crlf(struct mt_str head, struct mt_str body, enum mt_reason reason,
    const struct mt_leaf *leaf)
{
	struct mt_leaf other;
	struct mt_buf h, b;

	mt_buf_init(&h, 2 * head.n + 1);
	mt_buf_init(&b, 2 * body.n + 1);
	if (to_crlf(head, &h) && to_crlf(body, &b)) {
		if (mt_mime_find(mt_buf_view(&h), mt_buf_view(&b), &other) !=
		    reason)
			give_up("another answer with CRLF", leaf, body);
		other.at = with_lf(mt_buf_view(&b), other.at);
		other.end = with_lf(mt_buf_view(&b), other.end);
		if (reason == MT_reason_done &&
		    (strcmp(leaf->part, other.part) != 0 ||
			strcmp(leaf->charset, other.charset) != 0 ||
			leaf->encoding != other.encoding ||
			with_lf(body, leaf->at) != other.at ||
			with_lf(body, leaf->end) != other.end))
			give_up("another leaf with CRLF", leaf, body);
	}
	mt_buf_done(&h);
	mt_buf_done(&b);
}

static void
check_entity(struct mt_str head)
{
	static const struct mt_leaf none = { .at = 0 };
	struct mt_entity a, b;
	struct mt_buf out;
	size_t i;

	if (head.n > 0 &&
	    (head.p[0] == ' ' || head.p[0] == '\t' ||
		mt_str_starts(head, "From ") ||
		mt_str_starts(head, "\xef\xbb\xbf")))
		return;
	mt_entity_read(head, &a);
	if (a.multi && !a.bad && a.boundary[0] == '\0')
		give_up("a multipart without a boundary", &none, head);
	for (i = 0; a.charset[i] != '\0'; i++)
		if (a.charset[i] <= ' ' || a.charset[i] > '~')
			give_up("a charset with strange bytes", &none, head);
	mt_buf_init(&out, head.n + 16);
	mt_buf_z(&out, "X-A: b\r\n");
	mt_buf_str(&out, head);
	mt_entity_read(mt_buf_view(&out), &b);
	if (a.kind != b.kind || a.bad != b.bad || a.named != b.named ||
	    a.attached != b.attached || a.encoding != b.encoding ||
	    strcmp(a.charset, b.charset) != 0 ||
	    strcmp(a.boundary, b.boundary) != 0 ||
	    strcmp(a.start, b.start) != 0 || !mt_str_eq(a.id, b.id))
		give_up("another entity", &none, head);
	mt_buf_done(&out);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct mt_str s = mt_str_n((const char *)data, size), head, body;
	struct mt_leaf leaf, plain;
	enum mt_reason reason;
	size_t n = mt_header_end(s);

	head = mt_str_n(s.p, n);
	body = mt_str_n(s.p + n, s.n - n);
	check_entity(head);
	reason = mt_mime_find_both(head, body, &leaf, &plain);
	if (reason == MT_reason_absent || reason >= MT_reason_end)
		give_up("no answer", &leaf, s);
	if (reason == MT_reason_done)
		check_leaf(head, body, &leaf, &plain);
	compare_crlf(head, body, reason, &leaf);
	return 0;
}
