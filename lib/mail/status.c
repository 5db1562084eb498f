/* SPDX-License-Identifier: BSD-2-Clause */
#include "mail/status.h"

#include <string.h>

#include "base/num.h"

static struct mt_str
since(const struct mt_buf *out, size_t from)
{
	if (out->n == from)
		return mt_str(NULL);
	return mt_str_n(out->p + from, out->n - from);
}

/* Append with each run of white space as one space. */
static void
add_flat(struct mt_str s, struct mt_buf *out)
{
	size_t i, from;

	s = mt_str_trim(s);
	for (i = 0; i < s.n;) {
		for (from = i; i < s.n && !mt_is_space(s.p[i]);)
			i++;
		mt_buf_add(out, s.p + from, i - from);
		for (from = i; i < s.n && mt_is_space(s.p[i]);)
			i++;
		if (i > from)
			mt_buf_c(out, ' ');
	}
}

struct mt_str
mt_status_text(struct mt_str value, struct mt_buf *out)
{
	size_t from = out->n;

	add_flat(value, out);
	return since(out, from);
}

/* "type; rest"; without a type, it is absent. */
static struct mt_str
cut_type(struct mt_str value, struct mt_str *ret_rest)
{
	struct mt_str type, rest;

	if (!mt_str_cut(value, ';', &type, &rest)) {
		*ret_rest = mt_str_trim(value);
		return mt_str(NULL);
	}
	*ret_rest = mt_str_trim(rest);
	return mt_str_trim(type);
}

struct mt_str
mt_status_diagnostic(struct mt_str value, struct mt_buf *out)
{
	struct mt_str rest, type = cut_type(value, &rest);

	return mt_status_text(
	    mt_str_eqz_nocase(type, "smtp") ? rest : value, out);
}

struct mt_str
mt_status_mta(struct mt_str value, struct mt_buf *out)
{
	size_t from = out->n, i;
	struct mt_str rest;

	(void)cut_type(value, &rest);
	for (i = 0; i < rest.n; i++)
		if (mt_is_space(rest.p[i]) || rest.p[i] == '(')
			break;
	mt_buf_add(out, rest.p, i);
	return since(out, from);
}

/* Of the characters that have to be written as "+XX", those in addresses. */
static bool
is_coded(struct mt_str s, size_t i, char *ret_c)
{
	static const struct {
		char code[4];
		char c;
	} codes[] = { { "+2B", '+' }, { "+3D", '=' }, { "+20", ' ' } };
	size_t k;

	for (k = 0; s.n - i >= 3 && k < sizeof(codes) / sizeof(*codes); k++)
		if (memcmp(s.p + i, codes[k].code, 3) == 0) {
			*ret_c = codes[k].c;
			return true;
		}
	return false;
}

static bool
is_xtext(struct mt_str s)
{
	bool any = false;
	size_t i;
	char c;

	for (i = 0; i < s.n; i++)
		if (s.p[i] == '+') {
			if (!is_coded(s, i, &c))
				return false;
			any = true;
		}
	return any;
}

/* "\x{F6}" at s.p + i: its length, 0 when it is none (RFC 6533 3). */
static size_t
read_point(struct mt_str s, size_t i, unsigned *ret_point)
{
	unsigned point = 0;
	size_t at;
	int digit;

	if (s.n - i < 6 || memcmp(s.p + i, "\\x{", 3) != 0)
		return 0;
	for (at = i + 3; at < s.n && at < i + 9; at++) {
		digit = mt_hex_digit(s.p[at]);
		if (digit < 0)
			break;
		point = point << 4 | (unsigned)digit;
	}
	if (at < i + 5 || at == s.n || s.p[at] != '}' || point < ' ' ||
	    point > 0x10ffff || (point >= 0xd800 && point < 0xe000))
		return 0;
	*ret_point = point;
	return at + 1 - i;
}

static void
add_point(unsigned point, struct mt_buf *out)
{
	if (point < 0x80) {
		mt_buf_c(out, (char)point);
		return;
	}
	if (point < 0x800) {
		mt_buf_c(out, (char)(0xc0 | point >> 6));
	} else {
		if (point < 0x10000) {
			mt_buf_c(out, (char)(0xe0 | point >> 12));
		} else {
			mt_buf_c(out, (char)(0xf0 | point >> 18));
			mt_buf_c(out, (char)(0x80 | (point >> 12 & 0x3f)));
		}
		mt_buf_c(out, (char)(0x80 | (point >> 6 & 0x3f)));
	}
	mt_buf_c(out, (char)(0x80 | (point & 0x3f)));
}

/*
 * What of the value is the address: in <>, or up to white space outside
 * quotes. A line end within is a fold.
 */
static struct mt_str
find_address(struct mt_str s)
{
	bool quoted = false;
	size_t i;

	if (s.n > 0 && s.p[0] == '<') {
		for (i = 1; i < s.n && s.p[i] != '>';)
			i++;
		return mt_str_n(s.p + 1, i - 1);
	}
	for (i = 0; i < s.n; i++) {
		if (s.p[i] == '\\' && quoted)
			i++;
		else if (s.p[i] == '"')
			quoted = !quoted;
		else if (mt_is_space(s.p[i]) && !quoted)
			break;
	}
	return mt_str_n(s.p, i < s.n ? i : s.n);
}

static void
add_address(struct mt_str s, bool utf8, struct mt_buf *out)
{
	bool xtext = is_xtext(s);
	unsigned point;
	size_t i, n;
	char c;

	for (i = 0; i < s.n; i++) {
		n = utf8 ? read_point(s, i, &point) : 0;
		if (n > 0) {
			add_point(point, out);
			i += n - 1;
		} else if (xtext && is_coded(s, i, &c)) {
			mt_buf_c(out, c);
			i += 2;
		} else if (s.p[i] != '\r' && s.p[i] != '\n') {
			mt_buf_c(out, s.p[i]);
		}
	}
}

struct mt_str
mt_status_address(struct mt_str value, struct mt_buf *out)
{
	struct mt_str rest, type = cut_type(value, &rest);
	bool utf8 = mt_str_eqz_nocase(type, "utf-8"), known = utf8;
	size_t from = out->n;

	/* Some write the type twice. */
	for (; mt_str_eqz_nocase(type, "rfc822"); known = true)
		type = cut_type(rest, &rest);
	if (rest.n == 0)
		return mt_str(NULL);
	/* Of other systems' addresses we do not know where they end. */
	if (type.p != NULL && !known && rest.p[0] != '<')
		return mt_status_text(rest, out);
	add_address(find_address(rest), utf8, out);
	return mt_str_n(out->p + from, out->n - from);
}

struct mt_str
mt_status_code(struct mt_str value, struct mt_buf *out)
{
	struct mt_str s = mt_str_trim(value);
	size_t i, digits = 0, dots = 0, from = out->n;

	for (i = 0; i < s.n; i++) {
		if (mt_is_digit(s.p[i]) && digits < (dots == 0 ? 1 : 3)) {
			digits++;
		} else if (s.p[i] == '.' && digits > 0 && dots < 2) {
			dots++;
			digits = 0;
		} else {
			break;
		}
	}
	if (dots != 2 || digits == 0 ||
	    (i < s.n && !mt_is_space(s.p[i]) && s.p[i] != '('))
		return mt_str(NULL);
	mt_buf_add(out, s.p, i);
	return since(out, from);
}

struct mt_str
mt_status_word(struct mt_str value, struct mt_buf *out)
{
	struct mt_str s = mt_str_trim(value);
	size_t i, from = out->n;

	for (i = 0; i < s.n; i++) {
		if (mt_is_space(s.p[i]) || s.p[i] == '(' || s.p[i] == ';')
			break;
		mt_buf_c(out, mt_lower(s.p[i]));
	}
	return since(out, from);
}

struct mt_str
mt_status_message_id(struct mt_str value, struct mt_buf *out)
{
	struct mt_str head, s = mt_str_trim(value);

	if (mt_str_cut(s, '<', &head, &s))
		(void)mt_str_cut(s, '>', &s, &head);
	else
		s = head;
	return mt_status_text(s, out);
}

enum mt_notice
mt_status_action(struct mt_str word, struct mt_str code)
{
	enum mt_notice found = mt_word_find(mt_words_notice, word);

	if (mt_str_eqz(word, "failure"))
		return MT_notice_failed;
	if (found != MT_notice_absent && found <= MT_notice_expanded)
		return found;
	/* Without one: 4.x.x may be a failure or a delay. */
	if (word.n == 0 && code.n > 0 && code.p[0] == '5')
		return MT_notice_failed;
	return MT_notice_absent;
}
