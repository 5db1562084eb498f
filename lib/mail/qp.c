/* SPDX-License-Identifier: BSD-2-Clause */
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "base/num.h"
#include "mail/splice.h"

#define LINE 76 /* RFC 2045 6.7: with the "=" of a soft break */

/* A line of the encoded text. */
struct line {
	struct mt_str text; /* without the white space that is not part of it */
	struct mt_str eol; /* empty at the end */
	size_t length; /* of all before eol, with that white space */
	size_t next;
	bool soft; /* text ends in the "=" of a soft break */
};

static struct line
line_at(struct mt_str s, size_t at)
{
	struct line l = { .eol = { "", 0 } };
	const char *p = s.p + at;
	const char *eol = memchr(p, '\n', s.n - at);
	size_t n = eol != NULL ? (size_t)(eol - p) : s.n - at;

	l.next = at + n + (eol != NULL);
	if (eol != NULL && n > 0 && p[n - 1] == '\r')
		n--;
	if (eol != NULL)
		l.eol = mt_str_n(p + n, l.next - at - n);
	l.length = n;
	while (n > 0 && (p[n - 1] == ' ' || p[n - 1] == '\t'))
		n--;
	l.soft = n > 0 && p[n - 1] == '=';
	l.text = mt_str_n(p, n - l.soft);
	return l;
}

/* The byte that "=XX" stands for, or -1. */
static int
read_code(const char *p, size_t n)
{
	int high, low;

	if (n < 3)
		return -1;
	high = mt_hex_digit(p[1]);
	low = mt_hex_digit(p[2]);
	return high < 0 || low < 0 ? -1 : high << 4 | low;
}

/* Decode a line's text to `to`; where the next byte goes, NULL: damaged. */
static char *
decode_line(struct mt_str s, char *to)
{
	const char *p = s.p, *end = s.p + s.n;
	int c;

	while (p < end) {
		if (*p != '=') {
			*to++ = *p++;
			continue;
		}
		if ((c = read_code(p, (size_t)(end - p))) < 0)
			return NULL;
		*to++ = (char)c;
		p += 3;
	}
	return to;
}

enum mt_rc
mt_qp_decode(struct mt_str in, struct mt_buf *out)
{
	struct line l;
	char *to;
	size_t i;

	for (i = 0; i < in.n; i = l.next) {
		l = line_at(in, i);
		/* All that is left at once: it cannot grow. */
		if (i == 0 && in.n <= out->max - out->n)
			(void)mt_buf_reserve(out, in.n);
		if (!mt_buf_reserve(out, l.text.n + l.eol.n))
			return MT_LIMIT;
		to = decode_line(l.text, out->p + out->n);
		if (to == NULL)
			return MT_FORMAT;
		out->n = (size_t)(to - out->p);
		if (!l.soft)
			mt_buf_str(out, l.eol);
	}
	/* decode_line leaves the NUL to us. */
	if (out->cap > 0)
		out->p[out->n] = '\0';
	return MT_OK;
}

/* Decoded bytes of a line's text. */
static size_t
decoded_length(struct mt_str s)
{
	const char *p = s.p, *end = s.p + s.n;
	size_t n = s.n;

	while ((p = p < end ? memchr(p, '=', (size_t)(end - p)) : NULL)) {
		n -= 2;
		p += 3;
	}
	return n;
}

/* Where an edit goes, and what stands on its line before and after it. */
struct place {
	size_t at;
	size_t before;
	size_t after;
	bool blank; /* white space stands directly before */
};

static struct place
place_in(struct mt_str leaf, const struct line *l, size_t skip)
{
	struct place is = { .at = (size_t)(l->text.p - leaf.p) };
	size_t i = 0;

	for (; skip > 0; skip--)
		i += l->text.p[i] == '=' ? 3 : 1;
	is.at += i;
	is.before = i;
	is.after = l->length - i;
	is.blank = i > 0 && mt_is_space(l->text.p[i - 1]);
	return is;
}

/* Before the encoding of decoded byte `at`; at the end, after the last one. */
static struct place
find_place(struct mt_str leaf, size_t at)
{
	struct place end = { .at = 0 };
	struct line l;
	size_t i, n;

	for (i = 0; i < leaf.n; i = l.next) {
		l = line_at(leaf, i);
		n = decoded_length(l.text);
		if (at < n)
			return place_in(leaf, &l, at);
		if (!l.soft && at < n + l.eol.n)
			return place_in(leaf, &l, n);
		at -= n;
		if (!l.soft && l.eol.n > 0) {
			at -= l.eol.n;
			end = (struct place){ .at = l.next };
		} else if (l.next == leaf.n || at == 0) {
			/* Perhaps nothing that decodes comes any more. */
			end = place_in(leaf, &l, n);
		}
	}
	return end;
}

struct encoder {
	struct mt_buf *out;
	struct mt_str eol;
	size_t column;
};

static void
soft_break(struct encoder *e)
{
	mt_buf_c(e->out, '=');
	mt_buf_str(e->out, e->eol);
	e->column = 0;
}

/*
 * Encode one byte; `last` bytes must still find room on its line. At a line's
 * start a dot meets broken SMTP servers, and a hyphen could look like the
 * start of a boundary.
 */
static void
encode(struct encoder *e, char c, size_t last)
{
	static const char hex[] = "0123456789ABCDEF";
	unsigned char byte = (unsigned char)c;
	bool plain = c != '=' && c >= ' ' && c <= '~';

	if (e->column + (plain ? 1 : 3) + last > LINE)
		soft_break(e);
	if (e->column == 0 && (c == '.' || c == '-'))
		plain = false;
	if (plain) {
		mt_buf_c(e->out, c);
		e->column++;
		return;
	}
	mt_buf_c(e->out, '=');
	mt_buf_c(e->out, hex[byte >> 4]);
	mt_buf_c(e->out, hex[byte & 15]);
	e->column += 3;
}

void
mt_qp_splice(struct mt_str leaf, const struct mt_insertion *ins,
    struct mt_edit *ret_edit)
{
	struct place is = find_place(leaf, ins->at);
	struct encoder e = {
		.out = &ret_edit->insert, .eol = ins->eol, .column = is.before
	};
	size_t i, last;

	mt_buf_init(&ret_edit->insert,
	    3 * ins->text.n + (ins->text.n / 20 + 4) * (1 + ins->eol.n));
	if (is.before >= LINE && !is.blank) {
		/* No room for the "=" of a soft break. */
		mt_buf_str(e.out, ins->eol);
		e.column = 0;
	} else if (is.before > 0) {
		soft_break(&e);
	}
	for (i = 0; i < ins->text.n; i++) {
		/* A soft break may follow all but the last; then the rest. */
		last = 1;
		if (i + 1 == ins->text.n && is.after <= 1)
			last = is.after;
		encode(&e, ins->text.p[i], last);
	}
	if (is.after > 1 && e.column + is.after > LINE)
		soft_break(&e);
	assert(!mt_buf_over(&ret_edit->insert));
	ret_edit->at = is.at;
}
