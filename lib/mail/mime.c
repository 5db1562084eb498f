/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdio.h>
#include <string.h>

#include "mail/entity.h"
#include "mail/header.h"
#include "mail/mime.h"

/* An open multipart. */
struct level {
	char boundary[MT_MAX_BOUNDARY + 1];
	size_t n; /* of boundary */
	enum mt_entity_kind kind;
	char start[MT_ENTITY_ID];
	unsigned parts; /* seen so far */
	unsigned serial; /* tells it from others at the same depth */
	bool eligible; /* its parts may be the leaf */
	bool closed; /* the close delimiter was seen */
};

/* What was passed by; says why there was no leaf. */
struct seen {
	bool malformed;
	bool encrypted;
	bool is_signed;
	bool partial;
	bool attachment; /* HTML, but attached */
	bool html; /* HTML where none may be marked */
	bool text;
};

struct walk {
	struct mt_str body;
	size_t i; /* a line begins here */
	struct level level[MT_MAX_MIME_DEPTH];
	size_t depth;
	unsigned parts;
	struct seen seen;
	struct mt_leaf *leaf;
	struct mt_leaf *plain;
	size_t plain_level; /* of the alternative that holds it */
	unsigned plain_serial;
	unsigned serial; /* of the last multipart */
	struct mt_leaf *open; /* the one whose end is not known yet, or NULL */
	enum mt_reason over; /* why to end at once; absent: go on */
};

/* A line of the body that is a delimiter. */
struct delimiter {
	size_t at;
	size_t next; /* where the line after it begins */
	size_t level;
	bool close;
};

static bool
is_blank_byte(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

/*
 * Is the line a delimiter of a level, innermost first? One that only begins
 * like a delimiter is none by RFC 2046, yet some readers take it for one: to
 * them the leaf would end there.
 */
static bool
match(struct walk *w, struct mt_str line, struct delimiter *d)
{
	const struct level *l;
	struct mt_str rest;
	size_t k;
	bool alike = false;

	while (line.n > 0 && is_blank_byte(line.p[line.n - 1]))
		line.n--;
	for (k = w->depth; k-- > 0;) {
		l = &w->level[k];
		if (line.n < l->n + 2 ||
		    memcmp(line.p + 2, l->boundary, l->n) != 0)
			continue;
		rest = mt_str_n(line.p + 2 + l->n, line.n - 2 - l->n);
		if (rest.n == 0 || mt_str_eqz(rest, "--")) {
			d->level = k;
			d->close = rest.n > 0;
			return true;
		}
		alike = alike || l->eligible;
	}
	if (alike && w->open == w->leaf)
		w->seen.malformed = true;
	return false;
}

/* The line at w->i, which begins with "--", as a delimiter. */
static bool
match_here(struct walk *w, struct delimiter *d)
{
	const char *p = w->body.p + w->i;
	size_t left = w->body.n - w->i, n = left;
	const char *eol = memchr(p, '\n', left);

	if (eol != NULL)
		n = (size_t)(eol - p);
	d->at = w->i;
	d->next = w->i + n + (eol != NULL);
	return match(w, mt_str_n(p, n), d);
}

static bool
begins_dashes(const struct walk *w)
{
	return w->body.n - w->i >= 2 && w->body.p[w->i] == '-' &&
	    w->body.p[w->i + 1] == '-';
}

/* Move to the next line; false at the end. */
static bool
next_line(struct walk *w)
{
	const char *p = w->body.p + w->i, *eol;
	size_t left = w->body.n - w->i;

	eol = left > 0 ? memchr(p, '\n', left) : NULL;
	w->i = eol != NULL ? w->i + (size_t)(eol - p) + 1 : w->body.n;
	return w->i < w->body.n;
}

#define BLOCK 64

static bool
is_dashes(const char *p)
{
	return p[0] == '-' && p[1] == '-' && (p[-1] == '\n' || p[-1] == '\r');
}

/* Is there one that begins in this block? */
static bool
dashes_in(const char *p)
{
	unsigned char hit = 0;
	unsigned i;

	/*
	 * Without a branch: the compiler makes a few wide compares of it. What
	 * is no line end but as low comes too; it is rare.
	 */
	for (i = 0; i < BLOCK; i++)
		hit |= (unsigned char)((p[i] == '-') & (p[i + 1] == '-') &
		    (p[(int)i - 1] <= '\r'));
	return hit != 0;
}

/*
 * Move to the next "--" that follows a line end or a bare CR, or begins the
 * body; false and to the end without one.
 */
static bool
next_dashes(struct walk *w)
{
	const char *p = w->body.p;
	size_t i = w->i, n = w->body.n, stop;

	if (i == 0 && n >= 2 && p[0] == '-' && p[1] == '-')
		return true;
	for (i += i == 0; i + 1 < n;) {
		while (n - i > BLOCK && !dashes_in(p + i))
			i += BLOCK;
		for (stop = n - i > BLOCK ? i + BLOCK : n - 1; i < stop; i++)
			if (is_dashes(p + i)) {
				w->i = i;
				return true;
			}
	}
	w->i = n;
	return false;
}

static void
hide(struct mt_leaf *leaf)
{
	if (leaf != NULL)
		leaf->hidden = true;
}

/* The next delimiter at or after w->i, which moves to it or to the end. */
static bool
next_delimiter(struct walk *w, struct delimiter *d)
{
	for (; next_dashes(w); w->i += 2) {
		if (w->i > 0 && w->body.p[w->i - 1] == '\r')
			hide(w->open);
		else if (match_here(w, d))
			return true;
	}
	return false;
}

/* The header block at w->i, moving to its body or to a delimiter. */
static struct mt_str
read_block(struct walk *w, bool *ret_ended)
{
	size_t from = w->i;
	struct delimiter d;
	const char *p;

	*ret_ended = false;
	for (; w->i < w->body.n; (void)next_line(w)) {
		p = w->body.p + w->i;
		if (*p == '\n' ||
		    (*p == '\r' && w->body.n - w->i > 1 && p[1] == '\n')) {
			(void)next_line(w);
			*ret_ended = true;
			break;
		}
		if (begins_dashes(w) && match_here(w, &d))
			break;
	}
	return mt_str_n(w->body.p + from, w->i - from);
}

static void
push(struct walk *w, const struct mt_entity *e, bool eligible)
{
	struct level *l;
	size_t n = strlen(e->boundary), k;

	if (w->depth == MT_MAX_MIME_DEPTH) {
		w->over = MT_reason_too_deep;
		return;
	}
	/* A boundary that begins an outer one makes the outer's lines ours. */
	for (k = 0; k < w->depth; k++)
		if (n <= w->level[k].n &&
		    memcmp(e->boundary, w->level[k].boundary, n) == 0)
			w->seen.malformed = true;
	l = &w->level[w->depth++];
	*l = (struct level){ .n = n,
		.kind = e->kind,
		.eligible = eligible,
		.serial = ++w->serial };
	memcpy(l->boundary, e->boundary, sizeof(l->boundary));
	memcpy(l->start, e->start, sizeof(l->start));
}

/* May this child be, or hold, the leaf? A related's parts may not: its root. */
static bool
is_shown(const struct level *parent, const struct mt_entity *e)
{
	if (e->attached)
		return false;
	if (parent == NULL || parent->kind == MT_ENTITY_ALTERNATIVE)
		return true;
	if (parent->kind == MT_ENTITY_RELATED) {
		if (parent->start[0] != '\0')
			return mt_str_eqz(e->id, parent->start);
		return parent->parts == 1;
	}
	return e->multi || !e->named;
}

static void
write_path(const struct walk *w, char *out, size_t size)
{
	size_t k, n = 0;
	int wrote;

	if (w->depth == 0)
		(void)snprintf(out, size, "1");
	for (k = 0; k < w->depth && n < size; k++) {
		wrote = snprintf(out + n, size - n, "%s%u", k > 0 ? "." : "",
		    w->level[k].parts);
		n += (size_t)wrote;
	}
}

static void
open_leaf(struct walk *w, const struct mt_entity *e, struct mt_leaf *leaf)
{
	*leaf = (struct mt_leaf){ .at = w->i, .end = w->i };
	leaf->encoding = e->encoding;
	memcpy(leaf->charset, e->charset, sizeof(leaf->charset));
	write_path(w, leaf->part, sizeof(leaf->part));
	w->open = leaf;
}

/* A text/html at w->i that could be the leaf. */
static void
found_html(struct walk *w, const struct mt_entity *e)
{
	size_t k = w->plain_level;

	open_leaf(w, e, w->leaf);
	/* Not below the same alternative any more. */
	if (k >= w->depth || w->level[k].serial != w->plain_serial)
		w->plain->part[0] = '\0';
}

/* A text/plain at w->i that could stand for the leaf. */
static void
found_plain(struct walk *w, const struct mt_entity *e)
{
	open_leaf(w, e, w->plain);
	w->plain_level = w->depth - 1;
	w->plain_serial = w->level[w->depth - 1].serial;
}

/* A container or whole message we never touch. */
static bool
forbids(struct walk *w, const struct mt_entity *e, bool root)
{
	if (!root && !e->multi)
		return false;
	if (e->kind == MT_ENTITY_SIGNED)
		w->over = MT_reason_signed;
	else if (e->kind == MT_ENTITY_ENCRYPTED)
		w->over = MT_reason_encrypted;
	else if (e->kind == MT_ENTITY_REPORT)
		w->over = MT_reason_report;
	else if (e->kind == MT_ENTITY_PARTIAL)
		w->over = MT_reason_partial;
	return w->over != MT_reason_absent;
}

static void
remember(struct seen *seen, const struct mt_entity *e)
{
	if (e->kind == MT_ENTITY_HTML)
		*(e->attached || e->named ? &seen->attachment : &seen->html) =
		    true;
	else if (e->kind == MT_ENTITY_TEXT)
		seen->text = true;
	else if (e->kind == MT_ENTITY_SIGNED)
		seen->is_signed = true;
	else if (e->kind == MT_ENTITY_ENCRYPTED)
		seen->encrypted = true;
	else if (e->kind == MT_ENTITY_PARTIAL)
		seen->partial = true;
}

static bool
is_path(enum mt_entity_kind kind)
{
	return kind == MT_ENTITY_MIXED || kind == MT_ENTITY_ALTERNATIVE ||
	    kind == MT_ENTITY_RELATED;
}

static bool
is_identity(enum mt_encoding e)
{
	return e == MT_encoding_sevenbit || e == MT_encoding_eightbit ||
	    e == MT_encoding_binary;
}

/* An entity whose header was read; its body is at w->i. */
static void
enter(struct walk *w, const struct mt_entity *e, bool eligible)
{
	const struct level *parent =
	    w->depth > 0 ? &w->level[w->depth - 1] : NULL;
	bool shown = eligible && is_shown(parent, e);

	if (eligible && e->bad)
		w->seen.malformed = true;
	if (eligible && forbids(w, e, parent == NULL))
		return;
	if (eligible && !e->multi && !(e->kind == MT_ENTITY_HTML && shown))
		remember(&w->seen, e);
	/* Nobody heeds a transfer encoding of a multipart: RFC 2045 6.4. */
	if (e->multi && !e->bad) {
		push(w, e, shown && is_path(e->kind));
	} else if (e->kind == MT_ENTITY_HTML && shown) {
		found_html(w, e);
	} else if (e->kind == MT_ENTITY_TEXT && shown && !e->bad &&
	    parent != NULL && parent->kind == MT_ENTITY_ALTERNATIVE) {
		found_plain(w, e);
	}
}

/* The entity after an open delimiter; also messages directly inside it. */
static void
read_part(struct walk *w, bool eligible)
{
	struct mt_entity e;
	struct mt_str block;
	bool ended;

	for (;;) {
		block = read_block(w, &ended);
		mt_entity_read(block, &e);
		/* HTML that ends within its header. */
		if (eligible && e.kind == MT_ENTITY_HTML && !ended)
			w->seen.malformed = true;
		enter(w, &e, eligible);
		if (e.kind != MT_ENTITY_MESSAGE || !ended ||
		    !is_identity(e.encoding))
			break;
		eligible = false;
	}
}

/*
 * The open leaf's content ends before the line end in front of a delimiter;
 * its own multipart has to go on or to end there.
 */
static void
end_leaf(struct walk *w, const struct delimiter *d)
{
	struct mt_leaf *leaf = w->open;
	size_t end = d->at;

	if (end > leaf->at && w->body.p[end - 1] == '\n')
		end--;
	if (end > leaf->at && w->body.p[end - 1] == '\r')
		end--;
	leaf->end = end;
	w->open = NULL;
	if (leaf != w->leaf) {
		if (d->level + 1 != w->depth)
			leaf->part[0] = '\0';
		return;
	}
	if (d->level + 1 != w->depth)
		w->seen.malformed = true;
	w->over = w->seen.malformed ? MT_reason_malformed : MT_reason_done;
}

static void
step(struct walk *w, const struct delimiter *d)
{
	struct level *l = &w->level[d->level];

	if (w->open != NULL)
		end_leaf(w, d);
	if (w->over != MT_reason_absent)
		return;
	for (; w->depth > d->level + 1; w->depth--)
		if (w->level[w->depth - 1].eligible &&
		    !w->level[w->depth - 1].closed)
			w->seen.malformed = true;
	if (l->closed && l->eligible)
		w->seen.malformed = true;
	w->i = d->next;
	if (d->close) {
		l->closed = true;
		return;
	}
	l->parts++;
	if (++w->parts > MT_MAX_MIME_PARTS)
		w->over = MT_reason_too_many;
	else
		read_part(w, l->eligible);
}

/* Why there is no leaf. */
static enum mt_reason
verdict(const struct seen *seen)
{
	if (seen->malformed)
		return MT_reason_malformed;
	if (seen->encrypted)
		return MT_reason_encrypted;
	if (seen->is_signed)
		return MT_reason_signed;
	if (seen->partial)
		return MT_reason_partial;
	if (seen->attachment)
		return MT_reason_attachment;
	return seen->text && !seen->html ? MT_reason_plain : MT_reason_no_html;
}

static enum mt_reason
end_of_body(struct walk *w)
{
	size_t k;

	if (w->open != NULL && w->depth == 0) {
		w->open->end = w->body.n;
		if (w->open->end > w->open->at && !w->seen.malformed)
			return MT_reason_done;
	}
	/* A leaf that no delimiter ends, or a multipart. */
	for (k = 0; k < w->depth; k++)
		if (w->level[k].eligible && !w->level[k].closed)
			w->seen.malformed = true;
	return verdict(&w->seen);
}

enum mt_reason
mt_mime_find_both(struct mt_str head, struct mt_str body,
    struct mt_leaf *ret_html, struct mt_leaf *ret_plain)
{
	struct walk w = { .body = body, .leaf = ret_html, .plain = ret_plain };
	struct delimiter d;
	struct mt_entity e;

	*ret_html = *ret_plain = (struct mt_leaf){ .at = 0 };
	mt_entity_read(head, &e);
	enter(&w, &e, true);
	while (w.over == MT_reason_absent && (w.depth > 0 || w.open != NULL) &&
	    next_delimiter(&w, &d))
		step(&w, &d);
	if (w.over == MT_reason_absent)
		w.over = end_of_body(&w);
	return w.over;
}

enum mt_reason
mt_mime_find(struct mt_str head, struct mt_str body, struct mt_leaf *ret_leaf)
{
	struct mt_leaf plain;

	return mt_mime_find_both(head, body, ret_leaf, &plain);
}
