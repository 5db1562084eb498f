/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/num.h"

bool
mt_num_read(struct mt_str s, uint64_t max, uint64_t *ret_n)
{
	uint64_t n = 0, digit;
	size_t i;

	if (s.n == 0)
		return false;
	for (i = 0; i < s.n; i++) {
		if (!mt_is_digit(s.p[i]))
			return false;
		digit = (uint64_t)(s.p[i] - '0');
		/* Fewer digits always fit. */
		if (i >= MT_NUM_LEN - 1 && n > (UINT64_MAX - digit) / 10)
			return false;
		n = n * 10 + digit;
	}
	if (n > max)
		return false;
	*ret_n = n;
	return true;
}

bool
mt_num_read_size(struct mt_str s, uint64_t max, uint64_t *ret_n)
{
	uint64_t n;
	unsigned shift = 0;

	if (s.n > 1) {
		switch (mt_lower(s.p[s.n - 1])) {
		case 'k':
			shift = 10;
			break;
		case 'm':
			shift = 20;
			break;
		case 'g':
			shift = 30;
			break;
		default:
			break;
		}
	}
	if (shift > 0)
		s.n--;
	if (!mt_num_read(s, max >> shift, &n))
		return false;
	*ret_n = n << shift;
	return true;
}

char *
mt_num_put(char *out, uint64_t n)
{
	uint64_t rest;
	char *end = out + 1, *p;

	for (rest = n; rest >= 10; rest /= 10)
		end++;
	for (p = end; p > out; n /= 10)
		*--p = (char)('0' + n % 10);
	return end;
}

void
mt_num_write(uint64_t n, struct mt_buf *out)
{
	char text[MT_NUM_LEN];

	mt_buf_add(out, text, (size_t)(mt_num_put(text, n) - text));
}

#define DEC_PLACES 3
#define DEC_MOST 999999999999 /* before the point */

bool
mt_num_read_dec(struct mt_str s, int64_t *ret_thousandths)
{
	bool minus = s.n > 0 && s.p[0] == '-';
	struct mt_str whole, part = MT_LIT("");
	uint64_t n, digit, places = 0;
	size_t i;

	if (s.n > 0 && (s.p[0] == '-' || s.p[0] == '+'))
		s = mt_str_n(s.p + 1, s.n - 1);
	if (!mt_str_cut(s, '.', &whole, &part))
		whole = s;
	else if (part.n == 0)
		return false;
	if (!mt_num_read(whole, DEC_MOST, &n))
		return false;
	for (i = 0; i < part.n; i++) {
		if (!mt_is_digit(part.p[i]))
			return false;
		digit = (uint64_t)(part.p[i] - '0');
		if (i < DEC_PLACES)
			places = places * 10 + digit;
		else if (i == DEC_PLACES && digit >= 5)
			places++;
	}
	for (i = part.n; i < DEC_PLACES; i++)
		places *= 10;
	*ret_thousandths = (int64_t)(n * 1000 + places);
	if (minus)
		*ret_thousandths = -*ret_thousandths;
	return true;
}

size_t
mt_num_put_dec(int64_t thousandths, char out[MT_DEC_LEN])
{
	uint64_t n = (uint64_t)thousandths;
	char *p = out;

	if (thousandths < 0) {
		*p++ = '-';
		n = 0 - n;
	}
	p = mt_num_put(p, n / 1000);
	if (n % 1000 != 0) {
		*p++ = '.';
		*p++ = (char)('0' + n / 100 % 10);
		*p++ = (char)('0' + n / 10 % 10);
		*p++ = (char)('0' + n % 10);
		while (p[-1] == '0')
			p--;
	}
	*p = '\0';
	return (size_t)(p - out);
}

int
mt_hex_digit(char c)
{
	if (mt_is_digit(c))
		return c - '0';
	c = mt_lower(c);
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return -1;
}
