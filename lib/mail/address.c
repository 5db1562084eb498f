/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/limits.h"
#include "mail/address.h"

struct mt_str
mt_address_strip(struct mt_str s)
{
	s = mt_str_trim(s);
	if (s.n >= 2 && s.p[0] == '<' && s.p[s.n - 1] == '>')
		s = mt_str_trim(mt_str_n(s.p + 1, s.n - 2));
	return s;
}

/* Offset of the last @ outside quotes, or s.n. */
static size_t
find_at(struct mt_str s)
{
	size_t i, at = s.n;
	bool quoted = false;

	for (i = 0; i < s.n; i++) {
		if (s.p[i] == '\\' && quoted)
			i++;
		else if (s.p[i] == '"')
			quoted = !quoted;
		else if (s.p[i] == '@' && !quoted)
			at = i;
	}
	return quoted ? s.n : at;
}

bool
mt_address_split(struct mt_str s, struct mt_address *ret_address)
{
	struct mt_address a = { { NULL, 0 }, { NULL, 0 } };
	size_t at;

	s = mt_address_strip(s);
	if (s.n == 0 || s.n > MT_MAX_ADDRESS)
		return false;
	at = find_at(s);
	a.local = mt_str_n(s.p, at);
	if (at < s.n)
		a.domain = mt_str_n(s.p + at + 1, s.n - at - 1);
	if (a.local.n == 0 || (at < s.n && a.domain.n == 0))
		return false;
	*ret_address = a;
	return true;
}

static void
add_lower(struct mt_str s, struct mt_buf *out)
{
	size_t i;

	for (i = 0; i < s.n; i++)
		mt_buf_c(out, mt_lower(s.p[i]));
}

void
mt_domain_key(struct mt_str domain, struct mt_buf *out)
{
	if (domain.n > 1 && domain.p[domain.n - 1] == '.')
		domain.n--;
	add_lower(domain, out);
}

bool
mt_address_key(struct mt_str s, struct mt_buf *out)
{
	struct mt_address a;

	if (!mt_address_split(s, &a))
		return false;
	add_lower(a.local, out);
	if (a.domain.p != NULL) {
		mt_buf_c(out, '@');
		mt_domain_key(a.domain, out);
	}
	return !mt_buf_over(out);
}

/*
 * The first mailbox of a From value. One walk over the value collects the
 * current mailbox's characters without comments and white space; "<" starts
 * the address anew (what came before was a display name), ":" ends a group's
 * name or, inside <>, a source route.
 */
struct from {
	struct mt_buf text;
	bool angle; /* inside <> */
	bool ended; /* after ">" */
};

/* The offset after the comment that begins at i; comments nest. */
static size_t
skip_comment(struct mt_str v, size_t i)
{
	size_t depth = 0;

	for (; i < v.n; i++) {
		if (v.p[i] == '\\')
			i++;
		else if (v.p[i] == '(')
			depth++;
		else if (v.p[i] == ')' && --depth == 0)
			return i + 1;
	}
	return v.n;
}

/* Copy the quoted string that begins at i; the offset after it. */
static size_t
copy_quoted(struct from *f, struct mt_str v, size_t i)
{
	mt_buf_c(&f->text, '"');
	for (i++; i < v.n && v.p[i] != '"'; i++) {
		if (v.p[i] == '\r' || v.p[i] == '\n')
			continue;
		mt_buf_c(&f->text, v.p[i]);
		if (v.p[i] == '\\' && i + 1 < v.n)
			mt_buf_c(&f->text, v.p[++i]);
	}
	mt_buf_c(&f->text, '"');
	return i + 1;
}

/* Copy the domain literal that begins at i; the offset after it. */
static size_t
copy_literal(struct from *f, struct mt_str v, size_t i)
{
	for (; i < v.n && v.p[i] != ']'; i++)
		if (!mt_is_space(v.p[i]))
			mt_buf_c(&f->text, v.p[i]);
	mt_buf_c(&f->text, ']');
	return i + 1;
}

/* Take one special or plain character; true when a mailbox ends with it. */
static bool
take(struct from *f, char c)
{
	switch (c) {
	case '<':
		f->angle = true;
		f->ended = false;
		mt_buf_reset(&f->text);
		return false;
	case '>':
		f->ended = f->angle;
		return false;
	case ':':
		mt_buf_reset(&f->text);
		return false;
	case ',':
		/* A source route's comma does not end the mailbox. */
		return !f->angle || f->ended;
	case ';':
		return true;
	default:
		if (!mt_is_space(c) && !f->ended)
			mt_buf_c(&f->text, c);
		return false;
	}
}

static bool
is_mailbox(const struct from *f, struct mt_address *ret_address)
{
	return !mt_buf_over(&f->text) &&
	    mt_address_split(mt_buf_view(&f->text), ret_address) &&
	    ret_address->domain.p != NULL;
}

/* Walk on from *i to the end of the next mailbox. */
static void
next_mailbox(struct from *f, struct mt_str v, size_t *i)
{
	mt_buf_reset(&f->text);
	f->angle = false;
	f->ended = false;
	while (*i < v.n) {
		if (v.p[*i] == '(')
			*i = skip_comment(v, *i);
		else if (v.p[*i] == '"' && !f->ended)
			*i = copy_quoted(f, v, *i);
		else if (v.p[*i] == '[' && !f->ended)
			*i = copy_literal(f, v, *i);
		else if (take(f, v.p[(*i)++]))
			return;
	}
}

/* Into f->text, which the caller frees. */
static bool
find_mailbox(struct from *f, struct mt_str v, struct mt_address *ret_address)
{
	size_t i = 0;

	mt_buf_init(&f->text, 4 * (size_t)MT_MAX_ADDRESS);
	while (i < v.n) {
		next_mailbox(f, v, &i);
		if (is_mailbox(f, ret_address))
			return true;
	}
	return false;
}

bool
mt_address_from(struct mt_str value, struct mt_buf *out)
{
	struct from f;
	struct mt_address a;
	bool found = find_mailbox(&f, value, &a);

	if (found) {
		mt_buf_str(out, a.local);
		mt_buf_c(out, '@');
		mt_buf_str(out, a.domain);
	}
	mt_buf_done(&f.text);
	return found && !mt_buf_over(out);
}

bool
mt_address_from_domain(struct mt_str value, struct mt_buf *out)
{
	struct from f;
	struct mt_address a;
	bool found = find_mailbox(&f, value, &a);

	if (found)
		mt_domain_key(a.domain, out);
	mt_buf_done(&f.text);
	return found && !mt_buf_over(out);
}
