/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>

#include "base/str.h"

struct mt_str
mt_str(const char *text)
{
	return (struct mt_str){ text, text != NULL ? strlen(text) : 0 };
}

struct mt_str
mt_str_n(const char *p, size_t n)
{
	return (struct mt_str){ p, n };
}

bool
mt_str_eq(struct mt_str a, struct mt_str b)
{
	return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

bool
mt_str_eqz(struct mt_str a, const char *b)
{
	return mt_str_eq(a, mt_str(b));
}

bool
mt_str_eq_nocase(struct mt_str a, struct mt_str b)
{
	size_t i;

	if (a.n != b.n)
		return false;
	for (i = 0; i < a.n; i++)
		if (mt_lower(a.p[i]) != mt_lower(b.p[i]))
			return false;
	return true;
}

bool
mt_str_eqz_nocase(struct mt_str a, const char *b)
{
	return mt_str_eq_nocase(a, mt_str(b));
}

bool
mt_str_starts(struct mt_str s, const char *prefix)
{
	size_t n = strlen(prefix);

	return s.n >= n && (n == 0 || memcmp(s.p, prefix, n) == 0);
}

int
mt_str_cmp(struct mt_str a, struct mt_str b)
{
	size_t n = a.n < b.n ? a.n : b.n;
	int c = n == 0 ? 0 : memcmp(a.p, b.p, n);

	if (c != 0)
		return c;
	return (a.n > b.n) - (a.n < b.n);
}

struct mt_str
mt_str_trim(struct mt_str s)
{
	while (s.n > 0 && mt_is_space(s.p[0])) {
		s.p++;
		s.n--;
	}
	while (s.n > 0 && mt_is_space(s.p[s.n - 1]))
		s.n--;
	return s;
}

static bool
cut_at(struct mt_str s, const char *hit, struct mt_str *ret_head,
    struct mt_str *ret_tail)
{
	if (hit == NULL) {
		*ret_head = s;
		*ret_tail = (struct mt_str){ NULL, 0 };
		return false;
	}
	*ret_head = mt_str_n(s.p, (size_t)(hit - s.p));
	*ret_tail = mt_str_n(hit + 1, s.n - ret_head->n - 1);
	return true;
}

bool
mt_str_cut(
    struct mt_str s, char at, struct mt_str *ret_head, struct mt_str *ret_tail)
{
	return cut_at(
	    s, s.n > 0 ? memchr(s.p, at, s.n) : NULL, ret_head, ret_tail);
}

bool
mt_str_cut_last(
    struct mt_str s, char at, struct mt_str *ret_head, struct mt_str *ret_tail)
{
	return cut_at(
	    s, s.n > 0 ? memrchr(s.p, at, s.n) : NULL, ret_head, ret_tail);
}

char
mt_lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

bool
mt_is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

bool
mt_is_digit(char c)
{
	return c >= '0' && c <= '9';
}

bool
mt_is_alpha(char c)
{
	c = mt_lower(c);
	return c >= 'a' && c <= 'z';
}

uint64_t
mt_str_hash(struct mt_str s, uint64_t h)
{
	size_t i;

	for (i = 0; i < s.n; i++) {
		h ^= (unsigned char)s.p[i];
		h *= UINT64_C(0x100000001b3);
	}
	return h;
}
