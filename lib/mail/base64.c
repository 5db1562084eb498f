/* SPDX-License-Identifier: BSD-2-Clause */
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "mail/splice.h"

#define LINE 76 /* RFC 2045 6.8; of leaves whose own line says nothing */
#define LEAST_LINE 60 /* shorter lines would cost memory for their ends */
#define MOST_LINE 996 /* RFC 5322 2.1.1, in whole quanta */

#define LONG_TAIL 8192 /* digits: rather stretch the text than encode them */

#define PAD 64
#define SPACE 65
#define FOREIGN 66
/* These three, and no digit, have the bit of PAD. */

static const char digits[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/* The value of every byte: 0 to 63, or one of the three above. */
struct table {
	unsigned char value[256];
};

static void
fill(struct table *t)
{
	unsigned i;

	memset(t->value, FOREIGN, sizeof(t->value));
	for (i = 0; i < 64; i++)
		t->value[(unsigned char)digits[i]] = (unsigned char)i;
	t->value['='] = PAD;
	t->value[' '] = t->value['\t'] = SPACE;
	t->value['\r'] = t->value['\n'] = SPACE;
}

/* Bits of a quantum not yet complete. */
struct quantum {
	unsigned bits;
	unsigned n; /* digits read, 0 to 3 */
};

/* The bytes of a quantum that ends after n digits, and their number. */
static unsigned
unpack(struct quantum q, unsigned char out[3])
{
	unsigned bits = q.bits << (6 * (4 - q.n));

	out[0] = (unsigned char)(bits >> 16);
	out[1] = (unsigned char)(bits >> 8);
	out[2] = (unsigned char)bits;
	return q.n > 0 ? q.n - 1 : 0;
}

/* What may follow the first "=": the right number of them, and white space. */
static bool
is_padding(const struct table *t, struct mt_str in, struct quantum q)
{
	size_t i;
	unsigned pads = 0, v;

	for (i = 0; i < in.n; i++) {
		v = t->value[(unsigned char)in.p[i]];
		if (v == PAD)
			pads++;
		else if (v != SPACE)
			return false;
	}
	return q.n >= 2 && pads == 4 - q.n;
}

/* For each digit of a quantum: its bits where they go, or BAD if it is none. */
struct quick {
	uint32_t bits[4][256];
};

#define BAD UINT32_C(0xff000000)

static void
fill_quick(struct quick *q)
{
	unsigned char digit;
	uint32_t v;

	memset(q, 0xff, sizeof(*q));
	for (v = 0; v < 64; v++) {
		/* The first byte is the lowest: it is written first. */
		digit = (unsigned char)digits[v];
		q->bits[0][digit] = v << 2;
		q->bits[1][digit] = v >> 4 | (v & 15) << 12;
		q->bits[2][digit] = (v >> 2) << 8 | (v & 3) << 22;
		q->bits[3][digit] = v << 16;
	}
}

/* Whole quanta without anything between, fast; how many digits were read. */
static size_t
copy_quanta(const struct quick *q, struct mt_str in, struct mt_buf *out)
{
	const unsigned char *p = (const unsigned char *)in.p;
	const unsigned char *end = p + in.n;
	unsigned char *to = (unsigned char *)out->p + out->n;
	uint32_t bits;

	for (; end - p >= 4; p += 4) {
		bits = q->bits[0][p[0]] | q->bits[1][p[1]] | q->bits[2][p[2]] |
		    q->bits[3][p[3]];
		if (bits >= BAD)
			break;
		*to++ = (unsigned char)bits;
		*to++ = (unsigned char)(bits >> 8);
		*to++ = (unsigned char)(bits >> 16);
	}
	out->n = (size_t)((char *)to - out->p);
	return (size_t)((const char *)p - in.p);
}

static size_t
skip_space(const struct table *t, struct mt_str in, size_t i)
{
	while (i < in.n && t->value[(unsigned char)in.p[i]] == SPACE)
		i++;
	return i;
}

enum mt_rc
mt_base64_decode(struct mt_str in, struct mt_buf *out)
{
	struct table t;
	struct quick quick;
	struct quantum q = { 0, 0 };
	unsigned char last[3];
	unsigned v;
	size_t i, from;

	fill(&t);
	fill_quick(&quick);
	if (!mt_buf_reserve(out, in.n / 4 * 3 + 3))
		return MT_LIMIT;
	for (i = skip_space(&t, in, 0); i < in.n; i = skip_space(&t, in, i)) {
		if (q.n == 0) {
			from = i;
			i += copy_quanta(
			    &quick, mt_str_n(in.p + i, in.n - i), out);
			if (i > from)
				continue;
		}
		v = t.value[(unsigned char)in.p[i]];
		if (v == PAD)
			break;
		if (v == FOREIGN)
			return MT_FORMAT;
		i++;
		q.bits = q.bits << 6 | v;
		if (++q.n < 4)
			continue;
		(void)unpack(q, last);
		mt_buf_add(out, last, 3);
		q = (struct quantum){ 0, 0 };
	}
	if (i < in.n && !is_padding(&t, mt_str_n(in.p + i, in.n - i), q))
		return MT_FORMAT;
	if (i == in.n && q.n != 0)
		return MT_FORMAT;
	mt_buf_add(out, last, unpack(q, last));
	out->p[out->n] = '\0';
	return MT_OK;
}

/* Where the edit begins and what it takes away. */
struct span {
	size_t from; /* the touched quantum's first digit */
	size_t to; /* after the last digit, padding or blank on its line */
	size_t column; /* of from, in its line */
};

static bool
is_quantum(const struct table *t, const char *p)
{
	return ((t->value[(unsigned char)p[0]] | t->value[(unsigned char)p[1]] |
		    t->value[(unsigned char)p[2]] |
		    t->value[(unsigned char)p[3]]) &
		   PAD) == 0;
}

/* The offset after so many digits and the white space behind them. */
static size_t
skip_digits(const struct table *t, struct mt_str s, size_t n)
{
	size_t i = 0;

	for (;;) {
		for (; n >= 4 && s.n - i >= 4 && is_quantum(t, s.p + i); i += 4)
			n -= 4;
		i = skip_space(t, s, i);
		if (n == 0 || i == s.n)
			return i;
		i++;
		n--;
	}
}

/* The offset of the digit with so many from it to the end; s.n for none. */
static size_t
skip_digits_back(const struct table *t, struct mt_str s, size_t n)
{
	size_t i = s.n;
	unsigned v;

	while (n > 0) {
		for (; n >= 4 && i >= 4 && is_quantum(t, s.p + i - 4); i -= 4)
			n -= 4;
		if (n == 0)
			break;
		assert(i > 0);
		v = t->value[(unsigned char)s.p[--i]];
		n -= v != SPACE && v != PAD;
	}
	return i;
}

/* Digits that so many bytes take, padding not counted. */
static size_t
digits_of(size_t bytes)
{
	return bytes / 3 * 4 + (bytes % 3 > 0 ? bytes % 3 + 1 : 0);
}

static bool
at_eol(struct mt_str s)
{
	return s.p[0] == '\n' || (s.n > 1 && s.p[0] == '\r' && s.p[1] == '\n');
}

static struct span
find_span(
    const struct table *t, struct mt_str leaf, const struct mt_insertion *ins)
{
	struct span s = { 0, leaf.n, 0 };
	size_t all = leaf.n;
	size_t before = ins->at / 3 * 4,
	       after = digits_of(ins->leaf_n) - before;
	const char *eol = NULL;

	assert(ins->at <= ins->leaf_n);
	while (s.to > 0 && t->value[(unsigned char)leaf.p[s.to - 1]] == SPACE)
		s.to--;
	leaf.n = s.to;
	s.from = before < after ? skip_digits(t, leaf, before)
				: skip_digits_back(t, leaf, after);
	/* What is left of its line would make ours longer than it may be. */
	while (s.to < all && !at_eol(mt_str_n(leaf.p + s.to, all - s.to)))
		s.to++;
	if (s.from > 0)
		eol = memrchr(leaf.p, '\n', s.from);
	s.column = eol != NULL ? s.from - (size_t)(eol - leaf.p) - 1 : s.from;
	return s;
}

/* How many digits the leaf's own lines have, as its first one shows. */
static size_t
line_length(struct mt_str leaf)
{
	const char *eol;
	size_t n;

	while (leaf.n > 0 && mt_is_space(leaf.p[0])) {
		leaf.p++;
		leaf.n--;
	}
	if (leaf.n == 0 || (eol = memchr(leaf.p, '\n', leaf.n)) == NULL)
		return LINE;
	n = mt_str_trim(mt_str_n(leaf.p, (size_t)(eol - leaf.p))).n;
	return n < LEAST_LINE || n > MOST_LINE ? LINE : n - n % 4;
}

struct encoder {
	struct mt_buf *out;
	struct mt_str eol;
	size_t line;
	size_t column;
	unsigned bits;
	unsigned n; /* bytes in bits */
};

static void
flush(struct encoder *e)
{
	unsigned bits = e->bits << (8 * (3 - e->n));
	char four[4];
	unsigned i;

	for (i = 0; i < 4; i++)
		four[i] = i > e->n ? '=' : digits[bits >> (6 * (3 - i)) & 63];
	if (e->column > 0 && e->column + 4 > e->line) {
		mt_buf_str(e->out, e->eol);
		e->column = 0;
	}
	mt_buf_add(e->out, four, 4);
	e->column += 4;
	e->bits = e->n = 0;
}

static void
encode(struct encoder *e, struct mt_str bytes)
{
	size_t i;

	for (i = 0; i < bytes.n; i++) {
		e->bits = e->bits << 8 | (unsigned char)bytes.p[i];
		if (++e->n == 3)
			flush(e);
	}
}

/* Decoded bytes, the first of which is byte `at` of the leaf. */
static void
overwrite_bytes(unsigned char *bytes, unsigned n, size_t at,
    const struct mt_quoted_pixels *pixels, size_t *k)
{
	unsigned i;

	for (i = 0; pixels != NULL && i < n; i++)
		bytes[i] = (unsigned char)mt_quoted_byte(
		    pixels, k, at + i, (char)bytes[i]);
}

/* The bytes of `tail`, with the text put in where it belongs. */
static void
recode(const struct table *t, struct mt_str tail,
    const struct mt_insertion *ins, struct encoder *e)
{
	struct quantum q = { 0, 0 };
	unsigned char three[3];
	const char *bytes = (const char *)three;
	unsigned v, n;
	size_t i, at = ins->at / 3 * 3, skip = ins->at % 3, k = 0;
	bool done = false;

	for (i = 0; i <= tail.n; i++) {
		v = i < tail.n ? t->value[(unsigned char)tail.p[i]] : PAD;
		if (v == SPACE)
			continue;
		if (v != PAD) {
			q.bits = q.bits << 6 | v;
			if (++q.n < 4)
				continue;
		}
		n = unpack(q, three);
		overwrite_bytes(three, n, at, ins->pixels, &k);
		at += n;
		q = (struct quantum){ 0, 0 };
		if (!done) {
			encode(e, mt_str_n(bytes, skip));
			encode(e, ins->text);
			encode(e, mt_str_n(bytes + skip, n - skip));
			done = true;
		} else {
			encode(e, mt_str_n(bytes, n));
		}
		if (v == PAD)
			break;
	}
	if (e->n > 0)
		flush(e);
}

/* May whole lines come in at the span, everything behind staying as it is? */
static bool
is_regular(const struct table *t, struct mt_str leaf, const struct span *span,
    size_t line)
{
	const char *p = leaf.p + span->from;
	size_t i, left = leaf.n - span->from;
	const char *eol = memchr(p, '\n', left);

	if (span->column % 4 != 0 || eol == NULL)
		return false;
	if (eol > p && eol[-1] == '\r')
		eol--;
	if (span->column + (size_t)(eol - p) != line)
		return false;
	for (i = 0; i < 4; i++)
		if (t->value[(unsigned char)p[i]] >= PAD)
			return false;
	return true;
}

/* Encode text, with as many spaces as make it whole lines. */
static void
stretch(struct mt_str text, size_t bytes, struct encoder *e)
{
	size_t spaces = (bytes - text.n % bytes) % bytes;

	encode(e, mt_str_n(text.p, text.n - 1));
	while (spaces-- > 0)
		encode(e, MT_LIT(" "));
	encode(e, mt_str_n(text.p + text.n - 1, 1));
}

static void
splice_lines(const struct table *t, struct mt_str leaf,
    const struct mt_insertion *ins, struct encoder *e, struct span *span)
{
	struct quantum q = { 0, 4 };
	unsigned char three[3];
	const char *bytes = (const char *)three;
	size_t i, skip = ins->at % 3, k = 0;

	span->to = span->from + 4;
	for (i = span->from; i < span->to; i++)
		q.bits = q.bits << 6 | t->value[(unsigned char)leaf.p[i]];
	(void)unpack(q, three);
	overwrite_bytes(three, 3, ins->at / 3 * 3, ins->pixels, &k);
	encode(e, mt_str_n(bytes, skip));
	stretch(ins->text, e->line / 4 * 3, e);
	encode(e, mt_str_n(bytes + skip, 3 - skip));
}

void
mt_base64_splice(struct mt_str leaf, const struct mt_insertion *ins,
    struct mt_edit *ret_edit)
{
	struct table t;
	struct encoder e = { .out = &ret_edit->insert, .eol = ins->eol };
	struct span span;
	size_t digits_n;
	bool lines;

	fill(&t);
	span = find_span(&t, leaf, ins);
	e.line = line_length(leaf);
	e.column = span.column;
	lines = ins->stretch && ins->text.n > 0 &&
	    span.to - span.from > LONG_TAIL &&
	    is_regular(&t, leaf, &span, e.line);
	digits_n =
	    (lines ? e.line : span.to - span.from) + (ins->text.n / 3 + 3) * 4;
	mt_buf_init(
	    &ret_edit->insert, digits_n + (digits_n / e.line + 2) * ins->eol.n);
	(void)mt_buf_reserve(&ret_edit->insert, ret_edit->insert.max);
	if (lines)
		splice_lines(&t, leaf, ins, &e, &span);
	else
		recode(&t, mt_str_n(leaf.p + span.from, span.to - span.from),
		    ins, &e);
	assert(!mt_buf_over(&ret_edit->insert));
	ret_edit->at = span.from;
	ret_edit->remove = span.to - span.from;
}

size_t
mt_base64_resumes(const struct mt_insertion *ins)
{
	return ins->at / 3 * 3 + 3;
}

/*
 * The quantum with so many digits, at these places of the piece, whose first
 * byte is decoded byte `at`: encode it again with the tags' new bytes.
 */
static void
overwrite_quantum(char *piece, const size_t place[4], struct quantum q,
    size_t at, const struct mt_quoted_pixels *pixels, size_t *k)
{
	unsigned char three[3];
	unsigned i, n = unpack(q, three), bits = 0;

	overwrite_bytes(three, n, at, pixels, k);
	for (i = 0; i < 3; i++)
		bits = bits << 8 | three[i];
	for (i = 0; i < q.n; i++)
		piece[place[i]] = digits[bits >> (6 * (3 - i)) & 63];
}

void
mt_base64_overwrite(
    char *piece, size_t n, size_t at, const struct mt_quoted_pixels *pixels)
{
	struct table t;
	struct quantum q = { 0, 0 };
	size_t place[4] = { 0, 0, 0, 0 }, i, k = 0;
	unsigned v;

	fill(&t);
	for (i = 0; i <= n && k < pixels->n; i++) {
		v = i < n ? t.value[(unsigned char)piece[i]] : PAD;
		if (v == SPACE)
			continue;
		if (v != PAD) {
			q.bits = q.bits << 6 | v;
			place[q.n++] = i;
			if (q.n < 4)
				continue;
		}
		overwrite_quantum(piece, place, q, at, pixels, &k);
		if (v == PAD)
			return;
		q = (struct quantum){ 0, 0 };
		at += 3;
	}
}
