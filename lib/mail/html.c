/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdint.h>
#include <string.h>

#include "mail/html.h"

#define NOWHERE SIZE_MAX

/* The points seen so far, in bytes from the start. */
struct points {
	size_t body_start; /* after the first <body ...> */
	size_t head_end; /* after the first </head> */
	size_t body_end; /* of the last </body */
	size_t html_end; /* of the last </html */
};

struct scan {
	struct mt_str h;
	size_t i;
	/* In what <![if ...]> or <!--[if ...]><!--> shows to some only. */
	bool conditional;
	struct points all; /* those open to everyone */
	struct points some; /* those in a condition */
	size_t unclosed; /* where what is not closed begins */
};

/* The elements that matter, by length; others only have to be passed over. */
enum element {
	XMP,
	BODY,
	HEAD,
	HTML,
	STYLE,
	TITLE,
	IFRAME,
	SCRIPT,
	NOEMBED,
	NOFRAMES,
	TEXTAREA,
	PLAINTEXT,
	NO_ELEMENT
};

static const struct mt_str elements[NO_ELEMENT] = { { "xmp", 3 }, { "body", 4 },
	{ "head", 4 }, { "html", 4 }, { "style", 5 }, { "title", 5 },
	{ "iframe", 6 }, { "script", 6 }, { "noembed", 7 }, { "noframes", 8 },
	{ "textarea", 8 }, { "plaintext", 9 } };

/* The first element whose name has so many letters. */
static const enum element by_length[] = { NO_ELEMENT, NO_ELEMENT, NO_ELEMENT,
	XMP, BODY, STYLE, IFRAME, NOEMBED, NOFRAMES, PLAINTEXT };

/* What a byte means inside a tag. Most of mail is read with this table. */
enum kind {
	OTHER,
	SPACE,
	CLOSE, /* > */
	SLASH
};

static const unsigned char kinds[256] = {
	[' '] = SPACE,
	['\t'] = SPACE,
	['\n'] = SPACE,
	['\f'] = SPACE,
	['\r'] = SPACE,
	['>'] = CLOSE,
	['/'] = SLASH,
};

static enum kind
kind(char c)
{
	return (enum kind)kinds[(unsigned char)c];
}

static bool
equals(const char *p, struct mt_str lower)
{
	size_t i;

	for (i = 0; i < lower.n; i++)
		if (p[i] != lower.p[i] && mt_lower(p[i]) != lower.p[i])
			return false;
	return true;
}

static bool
at(const struct scan *s, struct mt_str lower)
{
	return s->h.n - s->i >= lower.n && equals(s->h.p + s->i, lower);
}

static enum element
identify(const char *name, size_t n)
{
	unsigned k = NO_ELEMENT;

	if (n < sizeof(by_length) / sizeof(by_length[0]))
		k = by_length[n];
	for (; k < NO_ELEMENT && elements[k].n == n; k++)
		if (equals(name, elements[k]))
			return (enum element)k;
	return NO_ELEMENT;
}

/* Move to the next c; false and to the end when there is none. */
static bool
seek(struct scan *s, char c)
{
	const char *p =
	    s->i < s->h.n ? memchr(s->h.p + s->i, c, s->h.n - s->i) : NULL;

	s->i = p != NULL ? (size_t)(p - s->h.p) : s->h.n;
	return p != NULL;
}

static bool
is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static const char *
skip_name(const char *p, const char *end)
{
	while (p < end && kind(*p) == OTHER)
		p++;
	return p;
}

static const char *
skip_space(const char *p, const char *end)
{
	while (p < end && kind(*p) == SPACE)
		p++;
	return p;
}

/* An attribute's value, after "=". NULL when it is not closed. */
static const char *
skip_value(const char *p, const char *end)
{
	p = skip_space(p, end);
	if (p == end)
		return NULL;
	if (*p == '"' || *p == '\'') {
		p = memchr(p + 1, *p, (size_t)(end - p) - 1);
		return p != NULL ? p + 1 : NULL;
	}
	while (p < end && kind(*p) != SPACE && kind(*p) != CLOSE)
		p++;
	return p;
}

/*
 * Does the "=" at p end an attribute's name? It is a part of the name where
 * that would be empty: first of all since `from`, or after a slash.
 */
static bool
ends_attribute(const char *p, const char *from)
{
	while (p > from && kind(p[-1]) == SPACE)
		p--;
	return p > from && p[-1] != '/';
}

/* From behind a tag's name to behind its ">"; NULL without one. */
static const char *
skip_attributes(const char *p, const char *end)
{
	const char *from = p; /* where no name has begun yet */

	for (;;) {
		/* Quotes mean something in values only. */
		while (p < end && *p != '>' && *p != '=')
			p++;
		if (p == end)
			return NULL;
		if (*p == '>')
			return p + 1;
		if (!ends_attribute(p++, from))
			continue;
		if ((p = skip_value(p, end)) == NULL)
			return NULL;
		from = p;
	}
}

/* Read the tag whose name begins here, to behind it; false: not closed. */
static bool
read_tag(struct scan *s, enum element *ret_element)
{
	const char *name = s->h.p + s->i, *end = s->h.p + s->h.n;
	const char *p = skip_name(name, end);

	*ret_element = identify(name, (size_t)(p - name));
	p = skip_attributes(p, end);
	if (p != NULL)
		s->i = (size_t)(p - s->h.p);
	return p != NULL;
}

/* After "<!--": to behind "-->" or "--!>". */
static bool
skip_comment(struct scan *s)
{
	size_t from = s->i;
	const char *p;

	/* <!--> and <!---> are whole comments. */
	if (at(s, MT_LIT(">")) || at(s, MT_LIT("->"))) {
		s->i += s->h.p[s->i] == '>' ? 1 : 2;
		return true;
	}
	for (; seek(s, '>'); s->i++) {
		p = s->h.p + s->i;
		if ((s->i - from >= 2 && p[-1] == '-' && p[-2] == '-') ||
		    (s->i - from >= 3 && p[-1] == '!' && p[-2] == '-' &&
			p[-3] == '-')) {
			s->i++;
			return true;
		}
	}
	return false;
}

static bool
has_suffix_endif(struct mt_str text)
{
	struct mt_str t = mt_str_trim(text);

	return t.n >= 9 &&
	    mt_str_eqz_nocase(mt_str_n(t.p + t.n - 9, 9), "<![endif]");
}

static bool
comment(struct scan *s)
{
	size_t from = s->i;
	struct mt_str text;
	bool opens;

	opens = at(s, MT_LIT("[if"));
	if (!skip_comment(s))
		return false;
	text = mt_str_n(s->h.p + from, s->i - from);
	text.n -= text.n > 3 ? 3 : text.n; /* --> */
	if (has_suffix_endif(text))
		s->conditional = false;
	else if (opens)
		s->conditional = true;
	return true;
}

/* <!doctype>, <?xml>, <![if]>, </3>: to behind the next ">". */
static bool
declaration(struct scan *s)
{
	if (at(s, MT_LIT("![if")))
		s->conditional = true;
	else if (at(s, MT_LIT("![endif")))
		s->conditional = false;
	if (!seek(s, '>'))
		return false;
	s->i++;
	return true;
}

/* Is this the tag name, and does it end here? Moves behind it if so. */
static bool
take_name(struct scan *s, struct mt_str name)
{
	if (!at(s, name) || s->h.n - s->i == name.n ||
	    kind(s->h.p[s->i + name.n]) == OTHER)
		return false;
	s->i += name.n;
	return true;
}

/* After the start tag of a raw element: to its end tag. */
static bool
skip_raw(struct scan *s, struct mt_str name)
{
	size_t from;

	while (seek(s, '<')) {
		from = s->i++;
		if (!at(s, MT_LIT("/")))
			continue;
		s->i++;
		if (take_name(s, name)) {
			s->i = from;
			return true;
		}
	}
	return false;
}

/*
 * The same for a script, where "<!--" with "<script" after it hides one end
 * tag, until "-->".
 */
static bool
skip_script(struct scan *s)
{
	bool escaped = false, twice = false;
	size_t from;

	while (s->i < s->h.n) {
		from = s->i++;
		if (s->h.p[from] == '-' && escaped && at(s, MT_LIT("->"))) {
			escaped = twice = false;
		} else if (s->h.p[from] != '<') {
			continue;
		} else if (at(s, MT_LIT("!--"))) {
			s->i++; /* its dashes may begin the "-->" */
			escaped = true;
		} else if (at(s, MT_LIT("/"))) {
			s->i++;
			if (!take_name(s, elements[SCRIPT]))
				continue;
			if (!twice) {
				s->i = from;
				return true;
			}
			twice = false;
		} else if (escaped && take_name(s, elements[SCRIPT])) {
			twice = true;
		}
	}
	return false;
}

static struct points *
points(struct scan *s)
{
	return s->conditional ? &s->some : &s->all;
}

/* The end tag at `from` was read. */
static void
end_tag(struct scan *s, enum element element, size_t from)
{
	if (element == BODY)
		points(s)->body_end = from;
	else if (element == HTML)
		points(s)->html_end = from;
	else if (element == HEAD && points(s)->head_end == NOWHERE)
		points(s)->head_end = s->i;
}

/* A start tag was read; to behind what it makes text. */
static bool
start_tag(struct scan *s, enum element element)
{
	if (element == BODY && points(s)->body_start == NOWHERE)
		points(s)->body_start = s->i;
	if (element == BODY || element == HEAD || element == HTML)
		return true;
	if (element == PLAINTEXT) /* all that follows is text */
		return false;
	if (!(element == SCRIPT ? skip_script(s)
				: skip_raw(s, elements[element])))
		return false;
	s->i += 2; /* an end tag that is not closed itself is still inside */
	return read_tag(s, &element);
}

/* "<" or "</" and a letter. */
static bool
tag(struct scan *s, size_t from, bool ends)
{
	enum element element;

	if (!read_tag(s, &element))
		return false;
	if (element == NO_ELEMENT)
		return true;
	if (!ends)
		return start_tag(s, element);
	end_tag(s, element, from);
	return true;
}

/* What begins with "<" at from; false when it is not closed. */
static bool
markup(struct scan *s, size_t from)
{
	bool ends;

	s->i = from + 1;
	if (s->i >= s->h.n)
		return true;
	/* Start and end tags alternate: no branch before both were read. */
	ends = s->h.p[s->i] == '/';
	s->i += ends;
	if (s->i >= s->h.n)
		return !ends; /* behind "</" a tag would be a comment */
	if (is_letter(s->h.p[s->i]))
		return tag(s, from, ends);
	if (ends)
		return declaration(s);
	if (at(s, MT_LIT("!--"))) {
		s->i += 3;
		return comment(s);
	}
	if (s->h.p[s->i] == '!' || s->h.p[s->i] == '?')
		return declaration(s);
	return true; /* a "<" that is text */
}

/* The end without white space. */
static size_t
last_of(struct mt_str h)
{
	while (h.n > 0 && (mt_is_space(h.p[h.n - 1]) || h.p[h.n - 1] == '\f'))
		h.n--;
	return h.n;
}

static size_t
first(size_t a, size_t b)
{
	return a != NOWHERE ? a : b;
}

size_t
mt_html_point(struct mt_str html, size_t unclipped)
{
	static const struct points none = { NOWHERE, NOWHERE, NOWHERE,
		NOWHERE };
	struct scan s = { .h = html, .all = none, .some = none };
	size_t from, point;
	bool top = html.n > unclipped;

	s.unclosed = NOWHERE;
	while (!(top && s.all.body_start != NOWHERE) && seek(&s, '<')) {
		from = s.i;
		if (!markup(&s, from)) {
			s.unclosed = from;
			break;
		}
	}
	/* A condition nobody closed is none. */
	if (s.conditional) {
		s.all.body_end = first(s.some.body_end, s.all.body_end);
		s.all.html_end = first(s.some.html_end, s.all.html_end);
	}
	point = NOWHERE;
	if (top)
		point = first(s.all.body_start, s.all.head_end);
	point = first(point, first(s.all.body_end, s.all.html_end));
	return point != NOWHERE ? point : first(s.unclosed, last_of(html));
}

size_t
mt_html_tag(struct mt_str html)
{
	struct scan s = { .h = html, .i = 1 };
	enum element element;

	if (html.n < 2 || html.p[0] != '<' || !is_letter(html.p[1]) ||
	    !read_tag(&s, &element))
		return 0;
	return s.i;
}
