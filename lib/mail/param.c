/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/limits.h"
#include "base/num.h"
#include "mail/header.h"

#define MAX_NAME 64 /* bytes of a parameter's name, with *0* */
#define MAX_SECTIONS 100 /* of one RFC 2231 parameter */

/* A reader's place in a structured value. */
struct reader {
	struct mt_str v;
	size_t i;
	bool bad;
};

static void
skip_comment(struct reader *r)
{
	size_t depth = 0;

	for (; r->i < r->v.n; r->i++) {
		if (r->v.p[r->i] == '\\')
			r->i++;
		else if (r->v.p[r->i] == '(')
			depth++;
		else if (r->v.p[r->i] == ')' && --depth == 0)
			break;
	}
	if (r->i >= r->v.n)
		r->bad = true;
	else
		r->i++;
}

static void
skip_space(struct reader *r)
{
	while (r->i < r->v.n && !r->bad) {
		if (r->v.p[r->i] == '(')
			skip_comment(r);
		else if (mt_is_space(r->v.p[r->i]))
			r->i++;
		else
			break;
	}
}

static bool
at(const struct reader *r, char c)
{
	return r->i < r->v.n && r->v.p[r->i] == c;
}

static void
read_quoted(struct reader *r, struct mt_buf *out)
{
	char c;

	for (r->i++; r->i < r->v.n; r->i++) {
		c = r->v.p[r->i];
		if (c == '"') {
			r->i++;
			return;
		}
		if (c == '\r' || c == '\n')
			continue;
		if (c == '\\' && r->i + 1 < r->v.n)
			c = r->v.p[++r->i];
		mt_buf_c(out, c);
	}
	r->bad = true;
}

/*
 * A value without quotes ends at ";" or white space. "=" and the like may
 * stand in it, though no token allows them: boundaries with them are common.
 * A bracket inside could begin a comment or not, a quote could end one.
 */
static void
read_bare(struct reader *r, struct mt_buf *out)
{
	char c;

	for (; r->i < r->v.n; r->i++) {
		c = r->v.p[r->i];
		if (c == ';' || mt_is_space(c))
			return;
		if (c == '(' || c == ')' || c == '"' || c == '\\')
			r->bad = true;
		mt_buf_c(out, c);
	}
}

static void
read_value(struct reader *r, struct mt_buf *out)
{
	skip_space(r);
	if (at(r, '"'))
		read_quoted(r, out);
	else
		read_bare(r, out);
	skip_space(r);
	if (r->i < r->v.n && !at(r, ';'))
		r->bad = true;
}

/* Up to the next "=", ";" or white space, in lower case. */
static void
read_name(struct reader *r, struct mt_buf *out)
{
	char c;

	skip_space(r);
	for (; r->i < r->v.n; r->i++) {
		c = r->v.p[r->i];
		if (c == '=' || c == ';' || c == '(' || mt_is_space(c))
			break;
		mt_buf_c(out, mt_lower(c));
	}
	skip_space(r);
}

/* What a name says: name, name*, name*0, name*0*. */
struct spelling {
	bool ours;
	bool coded; /* ends in *: charset'language'%XX */
	bool section; /* has a number */
	uint64_t number;
};

static struct spelling
read_spelling(struct mt_str text, const char *name)
{
	struct spelling s = { false, false, false, 0 };
	struct mt_str head, tail;

	mt_str_cut(text, '*', &head, &tail);
	if (!mt_str_eqz(head, name))
		return s;
	s.ours = true;
	if (tail.p == NULL)
		return s;
	if (tail.n == 0 || tail.p[tail.n - 1] == '*') {
		s.coded = true;
		tail.n -= tail.n > 0;
		s.section = tail.n > 0;
	} else {
		s.section = true;
	}
	if (s.section && !mt_num_read(tail, MAX_SECTIONS, &s.number))
		s.ours = false;
	return s;
}

/* Append a coded value: %XX resolved, charset'language' dropped when first. */
static bool
add_coded(struct mt_str v, bool first, struct mt_buf *out)
{
	struct mt_str head, rest;
	size_t i;
	int high, low;

	if (first) {
		if (!mt_str_cut(v, '\'', &head, &rest) ||
		    !mt_str_cut(rest, '\'', &head, &v))
			return false;
	}
	for (i = 0; i < v.n; i++) {
		if (v.p[i] != '%') {
			mt_buf_c(out, v.p[i]);
			continue;
		}
		if (v.n - i < 3)
			return false;
		high = mt_hex_digit(v.p[i + 1]);
		low = mt_hex_digit(v.p[i + 2]);
		if (high < 0 || low < 0)
			return false;
		mt_buf_c(out, (char)(high << 4 | low));
		i += 2;
	}
	return true;
}

/* What was found so far of the parameter looked for. */
struct search {
	const char *name;
	struct mt_buf value;
	bool found;
	bool plain; /* in one piece: a second one must be equal */
	uint64_t sections; /* read so far, in order */
	bool bad;
};

static void
take(struct search *s, struct spelling is, struct mt_str value)
{
	struct mt_str have = mt_buf_view(&s->value);
	bool first = !is.section || is.number == 0;

	if (s->found && s->plain && !is.section && !is.coded) {
		s->bad = s->bad || !mt_str_eq(value, have);
		return;
	}
	if (s->found && (!is.section || s->plain || is.number != s->sections)) {
		s->bad = true;
		return;
	}
	if (!s->found && !first)
		s->bad = true;
	s->found = true;
	s->plain = !is.section;
	s->sections++;
	if (!is.coded)
		mt_buf_str(&s->value, value);
	else if (!add_coded(value, first, &s->value))
		s->bad = true;
}

/* One "; name=value". */
static void
read_param(struct reader *r, struct search *s, struct mt_buf *name,
    struct mt_buf *value)
{
	struct spelling is;

	mt_buf_reset(name);
	mt_buf_reset(value);
	read_name(r, name);
	is = read_spelling(mt_buf_view(name), s->name);
	if (mt_buf_over(name))
		is.ours = false;
	if (!at(r, '=')) {
		if (is.ours)
			s->bad = true;
		return;
	}
	r->i++;
	r->bad = false;
	read_value(r, value);
	if (!is.ours)
		return;
	if (r->bad || mt_buf_over(value))
		s->bad = true;
	take(s, is, mt_buf_view(value));
}

enum mt_param
mt_header_param(struct mt_str v, const char *name, struct mt_buf *out)
{
	struct reader r = { .v = v };
	struct search s = { .name = name };
	struct mt_buf text, value;
	enum mt_param got = MT_PARAM_ABSENT;

	mt_buf_init(&text, MAX_NAME);
	mt_buf_init(&value, out->max);
	mt_buf_init(&s.value, out->max);
	while (r.i < v.n) {
		/* To the next ";" outside quotes and comments. */
		if (at(&r, ';')) {
			r.i++;
			read_param(&r, &s, &text, &value);
		} else if (at(&r, '"')) {
			mt_buf_reset(&value);
			read_quoted(&r, &value);
		} else if (at(&r, '(')) {
			skip_comment(&r);
		} else {
			r.i++;
		}
	}
	if (s.bad)
		got = MT_PARAM_BAD;
	else if (s.found)
		got = MT_PARAM_OK;
	if (got == MT_PARAM_OK)
		mt_buf_str(out, mt_buf_view(&s.value));
	if (mt_buf_over(&s.value) || mt_buf_over(out))
		got = MT_PARAM_BAD;
	mt_buf_done(&text);
	mt_buf_done(&value);
	mt_buf_done(&s.value);
	return got;
}

bool
mt_header_word(struct mt_str v, struct mt_buf *out)
{
	struct reader r = { .v = v };
	size_t n = out->n;
	char c;

	for (;;) {
		skip_space(&r);
		if (r.i >= v.n || r.bad || at(&r, ';'))
			break;
		c = v.p[r.i++];
		/* Two words with space between are none, unless at "/". */
		if (out->n > n && c != '/' && out->p[out->n - 1] != '/' &&
		    r.i >= 2 &&
		    (mt_is_space(v.p[r.i - 2]) || v.p[r.i - 2] == ')'))
			return false;
		if (c == '"' || c == '\\' || c == ')')
			return false;
		mt_buf_c(out, mt_lower(c));
	}
	return !r.bad && out->n > n && !mt_buf_over(out);
}
