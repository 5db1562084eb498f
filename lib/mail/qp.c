/* SPDX-License-Identifier: BSD-2-Clause */
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "mail/splice.h"

#define LINE 76 /* RFC 2045 6.7: with the "=" of a soft break */

/* Eight bytes at once, the first one lowest. */
static uint64_t
load(const char *p)
{
	const unsigned char *b = (const unsigned char *)p;

	return (uint64_t)b[0] | (uint64_t)b[1] << 8 | (uint64_t)b[2] << 16 |
	    (uint64_t)b[3] << 24 | (uint64_t)b[4] << 32 | (uint64_t)b[5] << 40 |
	    (uint64_t)b[6] << 48 | (uint64_t)b[7] << 56;
}

#define EACH(c) (UINT64_C(0x0101010101010101) * (unsigned char)(c))

/*
 * The top bit of the first byte that is "=" or a line feed; 0 without one. Of
 * those after it more may be set.
 */
static uint64_t
find_special(uint64_t word)
{
	uint64_t equals = word ^ EACH('='), lf = word ^ EACH('\n');

	return (((equals - EACH(1)) & ~equals) | ((lf - EACH(1)) & ~lf)) &
	    EACH(0x80);
}

struct decoder {
	const char *begin, *p, *end; /* encoded */
	char *to, *limit;
};

/* Copy up to the next "=" or line feed; false when there is no room. */
static bool
copy_plain(struct decoder *d)
{
	const char *p = d->p, *stop = d->end;
	char *to = d->to;
	uint64_t hits = 0;

	if (stop - p > d->limit - to)
		stop = p + (d->limit - to);
	while (stop - p >= 8) {
		hits = find_special(load(p));
		/* What is copied too much is written over. */
		memcpy(to, p, 8);
		if (hits != 0)
			break;
		p += 8;
		to += 8;
	}
	if (hits != 0) {
		p += __builtin_ctzll(hits) / 8;
		to += __builtin_ctzll(hits) / 8;
	} else {
		while (p < stop && *p != '=' && *p != '\n')
			*to++ = *p++;
	}
	d->p = p;
	d->to = to;
	return to < d->limit || p == d->end;
}

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/*
 * The text ends at p, at a line's end or the end of all; its blanks there were
 * copied and are not part of it. What stands before the line is no blank.
 */
static void
drop_blanks(struct decoder *d, const char *p)
{
	for (; p > d->begin && is_blank(p[-1]); p--)
		d->to--;
}

/* The line feed at d->p, which is not in a soft break. */
static void
end_line(struct decoder *d)
{
	const char *p = d->p++;
	bool cr = p > d->begin && p[-1] == '\r';

	p -= cr;
	if (p > d->begin && is_blank(p[-1])) {
		d->to -= cr;
		drop_blanks(d, p);
		if (cr)
			*d->to++ = '\r';
	}
	*d->to++ = '\n';
}

/* A hexadecimal digit's value and one more; 0 of anything else. */
/* clang-format off */
static const unsigned char hex_digit[256] = {
	['0'] = 1, ['1'] = 2, ['2'] = 3, ['3'] = 4, ['4'] = 5, ['5'] = 6,
	['6'] = 7, ['7'] = 8, ['8'] = 9, ['9'] = 10, ['A'] = 11, ['B'] = 12,
	['C'] = 13, ['D'] = 14, ['E'] = 15, ['F'] = 16, ['a'] = 11, ['b'] = 12,
	['c'] = 13, ['d'] = 14, ['e'] = 15, ['f'] = 16
};
/* clang-format on */

/* Decode what "=XX" there is at d->p: in many languages all letters are. */
static bool
decode_codes(struct decoder *d)
{
	const char *p = d->p;
	char *to = d->to;
	unsigned high, low;

	for (; d->end - p >= 3 && *p == '=' && to < d->limit; p += 3) {
		high = hex_digit[(unsigned char)p[1]];
		low = hex_digit[(unsigned char)p[2]];
		if (high == 0 || low == 0)
			break;
		*to++ = (char)((high - 1) << 4 | (low - 1));
	}
	if (p == d->p)
		return false;
	d->p = p;
	d->to = to;
	return true;
}

/* Pass over the soft break at d->p; false when it is none. */
static bool
skip_break(struct decoder *d)
{
	const char *p = d->p + 1;

	while (p < d->end && is_blank(*p))
		p++;
	if (d->end - p >= 2 && p[0] == '\r' && p[1] == '\n')
		p++;
	if (p < d->end && *p++ != '\n')
		return false;
	d->p = p;
	return true;
}

enum mt_rc
mt_qp_decode(struct mt_str in, struct mt_buf *out)
{
	size_t room = out->max - out->n;
	struct decoder d = { .begin = in.p, .p = in.p, .end = in.p + in.n };

	/* All at once: it cannot grow. */
	if (in.n < room)
		room = in.n;
	if (in.n == 0 || !mt_buf_reserve(out, room))
		return in.n == 0 ? MT_OK : MT_LIMIT;
	d.to = out->p + out->n;
	d.limit = d.to + room;
	while (d.p < d.end) {
		if (!copy_plain(&d))
			return MT_LIMIT;
		if (d.p == d.end)
			drop_blanks(&d, d.p);
		else if (*d.p == '\n')
			end_line(&d);
		else if (!decode_codes(&d) && !skip_break(&d))
			return MT_FORMAT;
	}
	out->n = (size_t)(d.to - out->p);
	out->p[out->n] = '\0';
	return MT_OK;
}

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

/* Decoded bytes of a line. */
static size_t
line_bytes(const struct line *l)
{
	return decoded_length(l->text) + (l->soft ? 0 : l->eol.n);
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

/* Before the line's decoded byte `at`, or after its last one. */
static struct place
place_on(struct mt_str leaf, const struct line *l, size_t at)
{
	size_t n = decoded_length(l->text);

	if (at < n)
		return place_in(leaf, l, at);
	if (!l->soft && l->eol.n > 0 && at >= n + l->eol.n)
		return (struct place){ .at = l->next };
	return place_in(leaf, l, n);
}

/* Before the encoding of decoded byte `at`; at the end, after the last one. */
static struct place
find_from_start(struct mt_str leaf, size_t at)
{
	struct line l = line_at(leaf, 0);
	size_t n = line_bytes(&l);

	while (at >= n && l.next < leaf.n) {
		at -= n;
		l = line_at(leaf, l.next);
		n = line_bytes(&l);
	}
	return place_on(leaf, &l, at);
}

/* The same, of the decoded byte so many before the end. */
static struct place
find_from_end(struct mt_str leaf, size_t left)
{
	size_t at = leaf.n, n;
	const char *eol;
	struct line l;

	for (;;) {
		eol = memrchr(leaf.p, '\n', at - 1);
		at = eol != NULL ? (size_t)(eol - leaf.p) + 1 : 0;
		l = line_at(leaf, at);
		n = line_bytes(&l);
		if (left <= n)
			return place_on(leaf, &l, n - left);
		left -= n;
		assert(at > 0);
	}
}

static struct place
find_place(struct mt_str leaf, const struct mt_insertion *ins)
{
	size_t left = ins->leaf_n - ins->at;

	assert(ins->at <= ins->leaf_n);
	if (leaf.n == 0)
		return (struct place){ .at = 0 };
	return left < ins->at ? find_from_end(leaf, left)
			      : find_from_start(leaf, ins->at);
}

static const char hex[] = "0123456789ABCDEF";

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

/* A line end's byte: they stand for themselves, never in a code. */
static bool
ends_line(struct mt_str s, size_t i)
{
	return s.p[i] == '\n' ||
	    (s.p[i] == '\r' && i + 1 < s.n && s.p[i + 1] == '\n');
}

void
mt_qp_splice(struct mt_str leaf, const struct mt_insertion *ins,
    struct mt_edit *ret_edit)
{
	struct place is = find_place(leaf, ins);
	struct encoder e = {
		.out = &ret_edit->insert, .eol = ins->eol, .column = is.before
	};
	size_t i, last;

	mt_buf_init(&ret_edit->insert,
	    (3 + ins->lines) * ins->text.n +
		(ins->text.n / 20 + 4) * (1 + ins->eol.n));
	if (is.before >= LINE && !is.blank) {
		/* No room for the "=" of a soft break. */
		mt_buf_str(e.out, ins->eol);
		e.column = 0;
	} else if (is.before > 0) {
		soft_break(&e);
	}
	for (i = 0; i < ins->text.n; i++) {
		if (ins->lines && ends_line(ins->text, i)) {
			if (ins->text.p[i] == '\n')
				mt_buf_str(e.out, ins->eol);
			e.column = 0;
			continue;
		}
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

static unsigned char
code_at(const char *p)
{
	return (unsigned char)((hex_digit[(unsigned char)p[1]] - 1) << 4 |
	    (hex_digit[(unsigned char)p[2]] - 1));
}

/* A line's bytes, the first of which is decoded byte *at, which moves on. */
static void
overwrite_line(char *text, size_t n, size_t *at,
    const struct mt_quoted_pixels *pixels, size_t *k)
{
	unsigned char c;
	size_t i, step;

	for (i = 0; i < n; i += step, ++*at) {
		step = text[i] == '=' ? 3 : 1;
		if (step == 1) {
			text[i] = mt_quoted_byte(pixels, k, *at, text[i]);
			continue;
		}
		c = (unsigned char)mt_quoted_byte(
		    pixels, k, *at, (char)code_at(text + i));
		if (c == code_at(text + i))
			continue;
		text[i + 1] = hex[c >> 4];
		text[i + 2] = hex[c & 15];
	}
}

void
mt_qp_overwrite(
    char *piece, size_t n, size_t at, const struct mt_quoted_pixels *pixels)
{
	struct mt_str s = { piece, n };
	size_t from = 0, k = 0;
	struct line l;

	while (from < n && k < pixels->n) {
		l = line_at(s, from);
		overwrite_line(piece + from, l.text.n, &at, pixels, &k);
		at += l.soft ? 0 : l.eol.n;
		from = l.next;
	}
}
