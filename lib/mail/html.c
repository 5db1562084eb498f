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

/* Elements whose content is text up to their end tag. */
static const struct mt_str raw_elements[] = { { "script", 6 }, { "style", 5 },
	{ "title", 5 }, { "textarea", 8 }, { "xmp", 3 }, { "iframe", 6 },
	{ "noembed", 7 }, { "noframes", 8 } };

/* What a byte means inside a tag. Most of mail is read with this table. */
enum kind {
	OTHER,
	SPACE,
	CLOSE, /* > */
	SLASH,
	EQUALS
};

static const unsigned char kinds[256] = {
	[' '] = SPACE,
	['\t'] = SPACE,
	['\n'] = SPACE,
	['\f'] = SPACE,
	['\r'] = SPACE,
	['>'] = CLOSE,
	['/'] = SLASH,
	['='] = EQUALS,
};

static enum kind
kind_at(const struct scan *s)
{
	return (enum kind)kinds[(unsigned char)s->h.p[s->i]];
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

static bool
is(struct mt_str name, struct mt_str lower)
{
	return name.n == lower.n && equals(name.p, lower);
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

static bool
ends_name(const struct scan *s)
{
	enum kind c;

	if (s->i >= s->h.n)
		return false;
	c = kind_at(s);
	return c == SPACE || c == SLASH || c == CLOSE;
}

/* The tag name here, moving behind it. */
static struct mt_str
read_name(struct scan *s)
{
	size_t from = s->i;

	while (s->i < s->h.n && !ends_name(s))
		s->i++;
	return mt_str_n(s->h.p + from, s->i - from);
}

static void
skip_space(struct scan *s)
{
	while (s->i < s->h.n && kind_at(s) == SPACE)
		s->i++;
}

/* An attribute's value, after "=". False when it is not closed. */
static bool
skip_value(struct scan *s)
{
	char quote;

	skip_space(s);
	if (s->i >= s->h.n)
		return false;
	quote = s->h.p[s->i];
	if (quote == '"' || quote == '\'') {
		s->i++;
		if (!seek(s, quote))
			return false;
		s->i++;
		return true;
	}
	while (s->i < s->h.n && kind_at(s) != SPACE && kind_at(s) != CLOSE)
		s->i++;
	return true;
}

/* To behind the ">" of the tag whose name was read; false without one. */
static bool
skip_attributes(struct scan *s)
{
	bool named = false; /* an "=" that begins a name is part of it */
	enum kind c;

	while (s->i < s->h.n) {
		c = kind_at(s);
		s->i++;
		if (c == OTHER || (c == EQUALS && !named)) {
			named = true;
		} else if (c == CLOSE) {
			return true;
		} else if (c == EQUALS) {
			if (!skip_value(s))
				return false;
			named = false;
		} else if (c == SLASH) {
			named = false;
		} else {
			/* White space may stand between a name and its "=". */
			skip_space(s);
			if (s->i < s->h.n && kind_at(s) != EQUALS)
				named = false;
		}
	}
	return false;
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
	size_t from = s->i;

	if (!at(s, name))
		return false;
	s->i += name.n;
	if (ends_name(s))
		return true;
	s->i = from;
	return false;
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
			if (!take_name(s, raw_elements[0]))
				continue;
			if (!twice) {
				s->i = from;
				return true;
			}
			twice = false;
		} else if (escaped && take_name(s, raw_elements[0])) {
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

/* "</" was read; from is where. */
static bool
end_tag(struct scan *s, size_t from)
{
	struct mt_str name = read_name(s);

	if (!skip_attributes(s))
		return false;
	if (is(name, MT_LIT("body")))
		points(s)->body_end = from;
	else if (is(name, MT_LIT("html")))
		points(s)->html_end = from;
	else if (is(name, MT_LIT("head")) && points(s)->head_end == NOWHERE)
		points(s)->head_end = s->i;
	return true;
}

static bool
start_tag(struct scan *s)
{
	struct mt_str name = read_name(s);
	size_t i;

	if (!skip_attributes(s))
		return false;
	if (is(name, MT_LIT("body")) && points(s)->body_start == NOWHERE)
		points(s)->body_start = s->i;
	if (is(name, MT_LIT("plaintext")))
		return false;
	for (i = 0; i < sizeof(raw_elements) / sizeof(raw_elements[0]); i++)
		if (is(name, raw_elements[i]))
			return i == 0 ? skip_script(s)
				      : skip_raw(s, raw_elements[i]);
	return true;
}

/* What begins with "<" at from; false when it is not closed. */
static bool
markup(struct scan *s, size_t from)
{
	s->i = from + 1;
	if (s->i >= s->h.n)
		return true;
	if (is_letter(s->h.p[s->i]))
		return start_tag(s);
	if (s->h.p[s->i] == '/') {
		s->i++;
		if (s->i >= s->h.n)
			return true;
		return is_letter(s->h.p[s->i]) ? end_tag(s, from)
					       : declaration(s);
	}
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
