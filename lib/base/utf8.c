/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdint.h>
#include <string.h>

#include "base/utf8.h"

size_t
mt_utf8_char(struct mt_str s)
{
	/* By RFC 3629: bytes of the form, and the range of the second one. */
	static const struct {
		unsigned char from, to, n, second_from, second_to;
	} forms[] = {
		{ 0x00, 0x7f, 1, 0, 0 },
		{ 0xc2, 0xdf, 2, 0x80, 0xbf },
		{ 0xe0, 0xe0, 3, 0xa0, 0xbf },
		{ 0xe1, 0xec, 3, 0x80, 0xbf },
		{ 0xed, 0xed, 3, 0x80, 0x9f },
		{ 0xee, 0xef, 3, 0x80, 0xbf },
		{ 0xf0, 0xf0, 4, 0x90, 0xbf },
		{ 0xf1, 0xf3, 4, 0x80, 0xbf },
		{ 0xf4, 0xf4, 4, 0x80, 0x8f },
	};
	const unsigned char *p = (const unsigned char *)s.p;
	size_t i, k;

	if (s.n == 0)
		return 0;
	for (i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		if (p[0] < forms[i].from || p[0] > forms[i].to)
			continue;
		if (forms[i].n == 1)
			return 1;
		if (s.n < forms[i].n || p[1] < forms[i].second_from ||
		    p[1] > forms[i].second_to)
			return 0;
		for (k = 2; k < forms[i].n; k++)
			if ((p[k] & 0xc0) != 0x80)
				return 0;
		return forms[i].n;
	}
	return 0;
}

/* Are the eight bytes at p all of 1 to 127? */
static bool
plain_eight(const char *p)
{
	uint64_t v;

	memcpy(&v, p, sizeof(v));
	/* A high bit, or one that a zero byte borrows. */
	return ((v | (v - UINT64_C(0x0101010101010101))) &
		   UINT64_C(0x8080808080808080)) == 0;
}

/* Length of the leading run of clean bytes. */
static size_t
clean_run(struct mt_str s)
{
	size_t i = 0, n;

	while (i < s.n) {
		if (s.n - i >= 8 && plain_eight(s.p + i)) {
			i += 8;
			continue;
		}
		if ((unsigned char)s.p[i] < 0x80) {
			if (s.p[i] == '\0')
				break;
			i++;
			continue;
		}
		if ((n = mt_utf8_char(mt_str_n(s.p + i, s.n - i))) == 0)
			break;
		i += n;
	}
	return i;
}

bool
mt_utf8_clean(struct mt_str s)
{
	return clean_run(s) == s.n;
}

void
mt_utf8_escape(struct mt_buf *out, struct mt_str s)
{
	size_t run;

	for (;;) {
		run = clean_run(s);
		mt_buf_add(out, s.p, run);
		if (run == s.n)
			return;
		mt_buf_printf(out, "\\x%02x", (unsigned char)s.p[run]);
		s = mt_str_n(s.p + run + 1, s.n - run - 1);
	}
}

struct mt_str
mt_utf8_cut(struct mt_str s, size_t max)
{
	if (s.n <= max)
		return s;
	s.n = max;
	while (s.n > 0 && ((unsigned char)s.p[s.n] & 0xc0) == 0x80)
		s.n--;
	return s;
}
