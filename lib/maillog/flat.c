/* SPDX-License-Identifier: BSD-2-Clause */
#include <stddef.h>
#include <string.h>

#include "base/num.h"
#include "maillog/flat.h"
#include "maillog/scan.h"

#define SURROGATE 0xd800u
#define LOW_SURROGATE 0xdc00u
#define BEYOND 0xe000u

static void
drop(struct mt_str *s, size_t n)
{
	s->p += n;
	s->n -= n;
}

static void
skip_space(struct mt_str *s)
{
	while (s->n > 0 && mt_is_space(s->p[0]))
		drop(s, 1);
}

/* Bytes of the string at the front, with its quotes; 0: it has no end. */
static size_t
string_size(struct mt_str s)
{
	const char *quote;
	size_t i = 1, slashes;

	while (i < s.n) {
		quote = memchr(s.p + i, '"', s.n - i);
		if (quote == NULL)
			return 0;
		for (slashes = 0; quote - slashes > s.p + i; slashes++)
			if (quote[-1 - (ptrdiff_t)slashes] != '\\')
				break;
		i = (size_t)(quote - s.p) + 1;
		if (slashes % 2 == 0)
			return i;
	}
	return 0;
}

/* Bytes of the object or array at the front; 0: it has no end. */
static size_t
nested_size(struct mt_str s)
{
	size_t i, n, depth = 0;

	for (i = 0; i < s.n; i++) {
		if (s.p[i] == '{' || s.p[i] == '[')
			depth++;
		else if ((s.p[i] == '}' || s.p[i] == ']') && --depth == 0)
			return i + 1;
		else if (s.p[i] == '"') {
			n = string_size(mt_str_n(s.p + i, s.n - i));
			if (n == 0)
				return 0;
			i += n - 1;
		}
	}
	return 0;
}

static size_t
value_size(struct mt_str s)
{
	size_t n = 0;

	if (s.n == 0)
		return 0;
	if (s.p[0] == '"')
		return string_size(s);
	if (s.p[0] == '{' || s.p[0] == '[')
		return nested_size(s);
	while (
	    n < s.n && s.p[n] != ',' && s.p[n] != '}' && !mt_is_space(s.p[n]))
		n++;
	return n;
}

bool
mt_flat_next(
    struct mt_flat *f, struct mt_str *ret_name, struct mt_str *ret_value)
{
	struct mt_str rest = f->rest;
	size_t n;

	skip_space(&rest);
	if (rest.n == 0)
		return false;
	if (rest.p[0] == '}' && f->begun) {
		drop(&rest, 1);
		skip_space(&rest);
		f->whole = rest.n == 0;
		return false;
	}
	if (rest.p[0] != (f->begun ? ',' : '{'))
		return false;
	drop(&rest, 1);
	skip_space(&rest);
	if (!f->begun && rest.n > 0 && rest.p[0] == '}') {
		f->begun = true;
		f->rest = rest;
		return mt_flat_next(f, ret_name, ret_value);
	}
	f->begun = true;
	if (rest.n == 0 || rest.p[0] != '"' || (n = string_size(rest)) == 0)
		return false;
	*ret_name = mt_str_n(rest.p + 1, n - 2);
	drop(&rest, n);
	skip_space(&rest);
	if (!mt_scan_text(&rest, MT_LIT(":")))
		return false;
	skip_space(&rest);
	if ((n = value_size(rest)) == 0)
		return false;
	*ret_value = mt_str_n(rest.p, n);
	drop(&rest, n);
	f->rest = rest;
	return true;
}

/* The four digits of \uXXXX. */
static bool
read_unit(struct mt_str *s, unsigned *ret_unit)
{
	unsigned unit = 0;
	int i, digit;

	if (s->n < 6 || s->p[0] != '\\' || s->p[1] != 'u')
		return false;
	for (i = 2; i < 6; i++) {
		digit = mt_hex_digit(s->p[i]);
		if (digit < 0)
			return false;
		unit = unit * 16 + (unsigned)digit;
	}
	drop(s, 6);
	*ret_unit = unit;
	return true;
}

static void
put_character(struct mt_buf *buf, unsigned c)
{
	if (c < 0x80) {
		mt_buf_c(buf, (char)c);
		return;
	}
	if (c < 0x800) {
		mt_buf_c(buf, (char)(0xc0 | c >> 6));
	} else if (c < 0x10000) {
		mt_buf_c(buf, (char)(0xe0 | c >> 12));
		mt_buf_c(buf, (char)(0x80 | (c >> 6 & 0x3f)));
	} else {
		mt_buf_c(buf, (char)(0xf0 | c >> 18));
		mt_buf_c(buf, (char)(0x80 | (c >> 12 & 0x3f)));
		mt_buf_c(buf, (char)(0x80 | (c >> 6 & 0x3f)));
	}
	mt_buf_c(buf, (char)(0x80 | (c & 0x3f)));
}

/* \u escapes, two of them for what is beyond U+FFFF. Half of a pair is not a
 * character; it becomes U+FFFD. */
static bool
unescape_unicode(struct mt_str *s, struct mt_buf *buf)
{
	struct mt_str after;
	unsigned unit, low;

	if (!read_unit(s, &unit))
		return false;
	if (unit >= SURROGATE && unit < BEYOND) {
		after = *s;
		if (unit < LOW_SURROGATE && read_unit(&after, &low) &&
		    low >= LOW_SURROGATE && low < BEYOND) {
			unit = 0x10000 + ((unit - SURROGATE) << 10) +
			    (low - LOW_SURROGATE);
			*s = after;
		} else {
			unit = 0xfffd;
		}
	}
	put_character(buf, unit);
	return true;
}

static bool
unescape(struct mt_str s, struct mt_buf *buf)
{
	static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
	const char *at;
	size_t plain;

	while (s.n > 0) {
		at = memchr(s.p, '\\', s.n);
		plain = at == NULL ? s.n : (size_t)(at - s.p);
		mt_buf_add(buf, s.p, plain);
		drop(&s, plain);
		if (s.n == 0)
			break;
		if (s.n < 2)
			return false;
		if (s.p[1] == 'u') {
			if (!unescape_unicode(&s, buf))
				return false;
			continue;
		}
		if (s.p[1] == '\0' || (at = strchr(from, s.p[1])) == NULL)
			return false;
		mt_buf_c(buf, to[at - from]);
		drop(&s, 2);
	}
	return true;
}

static bool
read_bytes(struct mt_str s, struct mt_buf *buf)
{
	uint64_t byte;

	drop(&s, 1);
	skip_space(&s);
	while (mt_scan_number(&s, 255, &byte)) {
		mt_buf_c(buf, (char)byte);
		skip_space(&s);
		if (!mt_scan_text(&s, MT_LIT(",")))
			break;
		skip_space(&s);
	}
	return mt_str_eqz(s, "]");
}

bool
mt_flat_text(struct mt_str value, struct mt_buf *buf, struct mt_str *ret_text)
{
	size_t at = buf->n;
	bool good;

	if (value.n == 0)
		return false;
	if (value.p[0] == '"') {
		value = mt_str_n(value.p + 1, value.n - 2);
		if (value.n == 0 || memchr(value.p, '\\', value.n) == NULL) {
			*ret_text = value;
			return true;
		}
		good = unescape(value, buf);
	} else if (value.p[0] == '[') {
		good = read_bytes(value, buf);
	} else {
		*ret_text = value;
		return mt_is_digit(value.p[0]) || value.p[0] == '-';
	}
	if (!good || mt_buf_over(buf))
		return false;
	*ret_text = mt_str_n(buf->p + at, buf->n - at);
	return true;
}
