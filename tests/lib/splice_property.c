/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/num.h"
#include "mail/splice.h"
#include "splice_property.h"

#define MAX_LEAF (1U << 20)

enum flag { CRLF = 1, STRETCH = 2, LINES = 4, ENCODE = 8, AT_END = 16 };

struct trial {
	enum mt_encoding encoding;
	struct mt_str leaf;
	struct mt_buf was; /* the leaf, decoded */
	struct mt_buf text;
	struct mt_insertion ins;
};

static void
give_up(const struct trial *t, const char *wrong, struct mt_str out)
{
	(void)fprintf(stderr,
	    "%s: %s, at %zu of %zu\nleaf '%.*s'\nout '%.*s'\n",
	    mt_words_encoding[t->encoding], wrong, t->ins.at, t->ins.leaf_n,
	    (int)t->leaf.n, t->leaf.p, (int)out.n, out.p);
	abort();
}

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static int
digit(char c)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				     "abcdefghijklmnopqrstuvwxyz0123456789+/";
	const char *p = c != '\0' ? strchr(digits, c) : NULL;

	return p != NULL ? (int)(p - digits) : -1;
}

/* RFC 2045 6.8, one digit at a time. */
static bool
slow_base64(struct mt_str s, struct mt_buf *out)
{
	unsigned long bits = 0;
	unsigned n = 0, pads = 0;
	size_t i;

	for (i = 0; i < s.n; i++) {
		if (mt_is_space(s.p[i]))
			continue;
		if (s.p[i] == '=') {
			pads++;
			continue;
		}
		if (digit(s.p[i]) < 0 || pads > 0)
			return false;
		bits = bits << 6 | (unsigned long)digit(s.p[i]);
		if (++n % 4 != 0)
			continue;
		mt_buf_c(out, (char)(bits >> 16 & 255));
		mt_buf_c(out, (char)(bits >> 8 & 255));
		mt_buf_c(out, (char)(bits & 255));
	}
	if ((n + pads) % 4 != 0 || pads > 2)
		return false;
	if (n % 4 >= 2)
		mt_buf_c(out, (char)(bits >> (n % 4 == 2 ? 4 : 10) & 255));
	if (n % 4 == 3)
		mt_buf_c(out, (char)(bits >> 2 & 255));
	return true;
}

/* One line, without its line end; *ret_soft: it ends in a soft break. */
static bool
slow_line(struct mt_str s, bool *ret_soft, struct mt_buf *out)
{
	size_t i;

	while (s.n > 0 && is_blank(s.p[s.n - 1]))
		s.n--;
	*ret_soft = s.n > 0 && s.p[s.n - 1] == '=';
	s.n -= *ret_soft;
	for (i = 0; i < s.n; i++) {
		if (s.p[i] != '=') {
			mt_buf_c(out, s.p[i]);
			continue;
		}
		if (s.n - i < 3 || mt_hex_digit(s.p[i + 1]) < 0 ||
		    mt_hex_digit(s.p[i + 2]) < 0)
			return false;
		mt_buf_c(out,
		    (char)(mt_hex_digit(s.p[i + 1]) << 4 |
			mt_hex_digit(s.p[i + 2])));
		i += 2;
	}
	return true;
}

/* RFC 2045 6.7, line by line. */
static bool
slow_qp(struct mt_str s, struct mt_buf *out)
{
	struct mt_str line;
	bool soft, more, cr;

	for (more = s.n > 0; more;) {
		more = mt_str_cut(s, '\n', &line, &s);
		cr = more && line.n > 0 && line.p[line.n - 1] == '\r';
		line.n -= cr;
		if (!slow_line(line, &soft, out))
			return false;
		if (more && !soft && cr)
			mt_buf_c(out, '\r');
		if (more && !soft)
			mt_buf_c(out, '\n');
		more = more && s.n > 0;
	}
	return true;
}

static bool
slow_decode(enum mt_encoding encoding, struct mt_str s, struct mt_buf *out)
{
	if (encoding == MT_encoding_base64)
		return slow_base64(s, out);
	if (encoding == MT_encoding_quoted_printable)
		return slow_qp(s, out);
	mt_buf_str(out, s);
	return true;
}

/* Encode content in lines of so many bytes, as other programs might. */
static void
encode_base64(struct mt_str s, size_t line, struct mt_buf *out)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				     "abcdefghijklmnopqrstuvwxyz0123456789+/";
	unsigned long bits;
	size_t i, k, column = 0;

	for (i = 0; i < s.n; i += 3) {
		bits = 0;
		for (k = 0; k < 3; k++)
			bits = bits << 8 |
			    (i + k < s.n ? (unsigned char)s.p[i + k] : 0);
		for (k = 0; k < 4; k++) {
			mt_buf_c(out,
			    i + k <= s.n ? digits[bits >> (18 - 6 * k) & 63]
					 : '=');
			if (++column < line)
				continue;
			mt_buf_z(out, "\r\n");
			column = 0;
		}
	}
}

static void
encode_qp(struct mt_str s, size_t line, struct mt_buf *out)
{
	size_t i, column = 0;
	char c;

	for (i = 0; i < s.n; i++) {
		c = s.p[i];
		if (c == '\n') {
			mt_buf_c(out, c);
			column = 0;
			continue;
		}
		if (column >= line) {
			mt_buf_z(out, "=\n");
			column = 0;
		}
		if (c > ' ' && c <= '~' && c != '=') {
			mt_buf_c(out, c);
			column++;
		} else {
			mt_buf_printf(out, "=%02X", (unsigned)(unsigned char)c);
			column += 3;
		}
	}
}

/* A text of all kinds of bytes; it ends in ">" as a tag does. */
static void
make_text(struct trial *t, unsigned n)
{
	static const char some[] = "<a b=\"1\">.-=\t\xe4--x..";
	bool lines = t->ins.lines;
	unsigned i;
	char c;

	for (i = 1; i < n; i++) {
		c = some[(i * 7 + n) % (sizeof(some) - 1)];
		if (lines && i % 31 == 1 &&
		    (t->text.n == 0 || !is_blank(t->text.p[t->text.n - 1])))
			mt_buf_str(&t->text, t->ins.eol);
		mt_buf_c(&t->text, c);
	}
	mt_buf_c(&t->text, '>');
	t->ins.text = mt_buf_view(&t->text);
}

static bool
starts(struct mt_str *s, struct mt_str with)
{
	if (s->n < with.n || memcmp(s->p, with.p, with.n) != 0)
		return false;
	*s = mt_str_n(s->p + with.n, s->n - with.n);
	return true;
}

/* Is the decoded leaf what it was, with the text in its place? */
static bool
is_inserted(const struct trial *t, struct mt_str is)
{
	struct mt_str text = t->ins.text, was = mt_buf_view(&t->was);
	struct mt_str tail = mt_str_n(was.p + t->ins.at, was.n - t->ins.at);
	bool identity = t->encoding == MT_encoding_eightbit;

	if (!starts(&is, mt_str_n(was.p, t->ins.at)))
		return false;
	/* Where no soft break can be, or no encoding hides a line end. */
	if (t->encoding != MT_encoding_base64 && is.n > text.n + tail.n)
		(void)starts(&is, t->ins.eol);
	if (!starts(&is, mt_str_n(text.p, text.n - 1)))
		return false;
	while (t->encoding == MT_encoding_base64 && t->ins.stretch &&
	    is.n > 1 + tail.n)
		if (!starts(&is, MT_LIT(" ")))
			return false;
	if (!starts(&is, mt_str_n(text.p + text.n - 1, 1)))
		return false;
	if (identity && is.n > tail.n)
		(void)starts(&is, t->ins.eol);
	return mt_str_eq(is, tail);
}

static size_t
longest_line(struct mt_str s)
{
	struct mt_str line;
	size_t most = 0;

	while (s.n > 0) {
		if (mt_str_cut(s, '\n', &line, &s) && line.n > 0 &&
		    line.p[line.n - 1] == '\r')
			line.n--;
		most = line.n > most ? line.n : most;
	}
	return most;
}

/*
 * A soft break's "=" may have to stand on a line that is full: one that was too
 * long before, or that ends in a CR, which a line end would make its own.
 */
static bool
is_full(const struct trial *t, size_t longest)
{
	size_t at = t->ins.at;

	return t->encoding == MT_encoding_quoted_printable &&
	    (longest > 76 || (at > 0 && t->was.p[at - 1] == '\r'));
}

static void
check_lines(const struct trial *t, struct mt_str out)
{
	size_t longest = longest_line(t->leaf);
	size_t may = t->encoding == MT_encoding_eightbit ? 998 : 76;

	may = longest > may ? longest : may;
	if (longest_line(out) > may + is_full(t, longest))
		give_up(t, "a line is too long", out);
}

static void
try(struct trial *t)
{
	struct mt_edit edit;
	struct mt_buf out, is;

	mt_transfer_splice(t->encoding, t->leaf, &t->ins, &edit);
	if (edit.at > t->leaf.n || edit.remove > t->leaf.n - edit.at)
		give_up(t, "the edit leaves the leaf", t->leaf);
	mt_buf_init(&out, 2 * (size_t)MAX_LEAF);
	mt_buf_init(&is, 2 * (size_t)MAX_LEAF);
	mt_buf_add(&out, t->leaf.p, edit.at);
	mt_buf_str(&out, mt_buf_view(&edit.insert));
	mt_buf_add(&out, t->leaf.p + edit.at + edit.remove,
	    t->leaf.n - edit.at - edit.remove);
	if (!slow_decode(t->encoding, mt_buf_view(&out), &is))
		give_up(t, "it does not decode any more", mt_buf_view(&out));
	if (!is_inserted(t, mt_buf_view(&is)))
		give_up(t, "not the text in its place", mt_buf_view(&out));
	check_lines(t, mt_buf_view(&out));
	mt_buf_done(&out);
	mt_buf_done(&is);
	mt_buf_done(&edit.insert);
}

/* Decode the leaf in two ways, which have to agree. */
static bool
decode(struct trial *t)
{
	struct mt_buf fast;
	bool ok, coded = t->encoding != MT_encoding_eightbit;

	mt_buf_init(&fast, MAX_LEAF);
	ok = mt_transfer_decode(t->encoding, t->leaf, &fast) == MT_OK;
	if (slow_decode(t->encoding, t->leaf, &t->was) != ok)
		give_up(t, "two decoders differ on whether it decodes",
		    mt_buf_view(&t->was));
	if (ok && coded && !mt_str_eq(mt_buf_view(&fast), mt_buf_view(&t->was)))
		give_up(t, "two decoders differ", mt_buf_view(&fast));
	mt_buf_done(&fast);
	return ok;
}

/* Between the two bytes of one line end there is no place. */
static bool
splits_eol(struct mt_str s, size_t at)
{
	return at > 0 && at < s.n && s.p[at - 1] == '\r' && s.p[at] == '\n';
}

void
splice_property(enum mt_encoding encoding, const uint8_t *data, size_t size)
{
	struct trial t = { .encoding = encoding };
	struct mt_buf encoded;
	size_t at;

	if (size < 5 || size > MAX_LEAF / 4)
		return;
	t.leaf = mt_str_n((const char *)data + 4, size - 4);
	mt_buf_init(&encoded, MAX_LEAF);
	mt_buf_init(&t.was, MAX_LEAF);
	mt_buf_init(&t.text, 4096);
	if ((data[2] & ENCODE) != 0 && encoding == MT_encoding_base64)
		encode_base64(t.leaf, data[2] / 2U + 1, &encoded);
	else if ((data[2] & ENCODE) != 0 && encoding != MT_encoding_eightbit)
		encode_qp(t.leaf, data[2] / 2U + 1, &encoded);
	if (encoded.n > 0)
		t.leaf = mt_buf_view(&encoded);
	if (decode(&t)) {
		at = (size_t)(data[0] | data[1] << 8) % (t.was.n + 1);
		t.ins = (struct mt_insertion){
			.at = (data[2] & AT_END) != 0 ? t.was.n : at,
			.leaf_n = t.was.n,
			.eol = (data[2] & CRLF) != 0 ? MT_LIT("\r\n")
						     : MT_LIT("\n"),
			.stretch = (data[2] & STRETCH) != 0,
			.lines = (data[2] & LINES) != 0 &&
			    encoding == MT_encoding_quoted_printable
		};
		make_text(&t, data[3]);
		if (!splits_eol(mt_buf_view(&t.was), t.ins.at))
			try(&t);
	}
	mt_buf_done(&encoded);
	mt_buf_done(&t.was);
	mt_buf_done(&t.text);
}
