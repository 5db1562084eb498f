/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Character sets: what a name means, what is plain ASCII in a text, and how
 * ASCII and UTF-8 are written into it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "mail/charset.h"
#include "mail/mime.h"
#include "mail/splice.h"
#include "../lib/mail_property.h"

#define N(table) (sizeof(table) / sizeof((table)[0]))
#define TEXT(literal) \
	{ \
		(literal), sizeof(literal) - 1 \
	}
#define O "\x80"

static void
names_are_known_by_any_spelling(void **state)
{
	static const struct {
		const char *name;
		enum mt_charset_family family;
		unsigned width;
	} cases[] = {
		{ "utf-8", MT_CHARSET_ASCII, 1 },
		{ "UTF8", MT_CHARSET_ASCII, 1 },
		{ "us-ascii", MT_CHARSET_ASCII, 1 },
		{ "ISO-8859-1", MT_CHARSET_ASCII, 1 },
		{ "iso_8859-15", MT_CHARSET_ASCII, 1 },
		{ "iso-8859-8-i", MT_CHARSET_ASCII, 1 },
		{ "Windows-1252", MT_CHARSET_ASCII, 1 },
		{ "cp1251", MT_CHARSET_ASCII, 1 },
		{ "koi8-r", MT_CHARSET_ASCII, 1 },
		{ "GB18030", MT_CHARSET_ASCII, 1 },
		{ "shift_jis", MT_CHARSET_ASCII, 1 },
		{ "big5", MT_CHARSET_ASCII, 1 },
		{ "ks_c_5601-1987", MT_CHARSET_ASCII, 1 },
		{ "euc-jp", MT_CHARSET_ASCII, 1 },
		{ "tis-620", MT_CHARSET_ASCII, 1 },
		{ "utf-16", MT_CHARSET_WIDE, 2 },
		{ "UTF-16LE", MT_CHARSET_WIDE, 2 },
		{ "utf32be", MT_CHARSET_WIDE, 4 },
		{ "ISO-2022-JP", MT_CHARSET_SHIFT, 1 },
		{ "iso-2022-kr", MT_CHARSET_SHIFT, 1 },
		{ "", MT_CHARSET_NONE, 0 },
		{ "utf-7", MT_CHARSET_NONE, 0 },
		{ "hz-gb-2312", MT_CHARSET_NONE, 0 },
		{ "iso-2022-cn", MT_CHARSET_NONE, 0 },
		{ "ibm037", MT_CHARSET_NONE, 0 },
		{ "iso-8859-17", MT_CHARSET_NONE, 0 },
		{ "iso-8859-", MT_CHARSET_NONE, 0 },
		{ "windows-1259", MT_CHARSET_NONE, 0 },
		{ "x-unknown", MT_CHARSET_NONE, 0 },
	};
	struct mt_charset cs;
	size_t i;

	(void)state;
	for (i = 0; i < N(cases); i++) {
		cs = mt_charset_find(mt_str(cases[i].name));
		if (cs.family != cases[i].family || cs.width != cases[i].width)
			fail_msg(
			    "%s: %d %u", cases[i].name, cs.family, cs.width);
	}
}

static void
texts_are_flattened(void **state)
{
	static const struct {
		const char *name;
		struct mt_str text;
		const char *flat; /* NULL: refused */
	} cases[] = {
		{ "utf-16le", TEXT("<\0b\0\xe4\0>\0"), "<b" O ">" },
		{ "utf-16be", TEXT("\0<\0b\x30\x42\0>"), "<b" O ">" },
		/* The mark says which, then what is in it. */
		{ "utf-16", TEXT("\xff\xfe<\0"), O "<" },
		{ "utf-16", TEXT("\xfe\xff\0<"), O "<" },
		{ "utf-16", TEXT("a\0<\0"), "a<" },
		{ "utf-16", TEXT("\0a\0<"), "a<" },
		{ "utf-16", TEXT("a\0b\0"), NULL },
		{ "utf-16", TEXT(""), NULL },
		/* Not whole, wrong way round, a NUL character. */
		{ "utf-16le", TEXT("<\0b"), NULL },
		{ "utf-16le", TEXT("\xfe\xff\0<"), NULL },
		{ "utf-16le", TEXT("<\0\0\0"), NULL },
		/* Both orders hold a "<" at the same place. */
		{ "utf-16", TEXT("<<"), NULL },
		{ "utf-32le", TEXT("<\0\0\0\0\xf6\x01\0"), "<" O },
		{ "utf-32", TEXT("\0\0\xfe\xff\0\0\0<"), O "<" },
		{ "utf-32be", TEXT("\0\0\0<\0\0"), NULL },
		/* "</" stands inside a character here. */
		{ "iso-2022-jp", TEXT("a\033$B</<b\033(B<b>"),
		    "a" O O O O O O O O O O "<b>" },
		{ "iso-2022-jp", TEXT("\033(Ja\033(I</\033(Bb"),
		    O O O "a" O O O O O O O O "b" },
		{ "iso-2022-jp-2", TEXT("\033.A<\033Nab"),
		    O O O "<" O O O "b" },
		{ "iso-2022-jp", TEXT("\033$B<<"), NULL },
		{ "iso-2022-jp", TEXT("\033$B<\033(B"), NULL },
		{ "iso-2022-jp", TEXT("\033$B<<\n\033(B"), NULL },
		{ "iso-2022-jp", TEXT("\033(Z"), NULL },
		{ "iso-2022-jp", TEXT("a\xe4"), NULL },
		{ "iso-2022-jp", TEXT("\016<<\017"), NULL },
		{ "iso-2022-kr", TEXT("\033$)C<\016<<\017b"),
		    O O O O "<" O O O O "b" },
		/* Something else than the one character it is for. */
		{ "iso-2022-jp-2", TEXT("\033N\033$B<<\033(B"), NULL },
		/* Japanese shifts mean nothing in Korean, nor the other way. */
		{ "iso-2022-kr", TEXT("\016<<\033(B<b>"), NULL },
		{ "iso-2022-kr", TEXT("\033N\016<<\017"), NULL },
		{ "iso-2022-jp", TEXT("\033$)C<b>"), NULL },
		{ "iso-2022-kr", TEXT("\016<<"), NULL },
		{ "iso-2022-kr", TEXT("\016<<\n\017"), NULL },
	};
	struct mt_charset cs;
	struct mt_buf flat;
	enum mt_rc rc;
	size_t i;

	(void)state;
	for (i = 0; i < N(cases); i++) {
		mt_buf_init(&flat, 1000);
		cs = mt_charset_find(mt_str(cases[i].name));
		rc = mt_charset_flatten(&cs, cases[i].text, &flat);
		if ((rc == MT_OK) != (cases[i].flat != NULL) ||
		    (rc == MT_OK && strcmp(flat.p, cases[i].flat) != 0))
			fail_msg(
			    "%zu %s: %d '%s'", i, cases[i].name, rc, flat.p);
		mt_buf_done(&flat);
	}
}

static void
utf8_is_written_where_the_set_has_it(void **state)
{
	static const struct {
		const char *name;
		const char *utf8;
		struct mt_str is; /* absent: refused */
	} cases[] = {
		{ "utf-8", "\xc3\xa4", TEXT("\xc3\xa4") },
		{ "iso-8859-1", "\xc3\xa4", TEXT("\xe4") },
		{ "windows-1252", "\xe2\x82\xac", TEXT("\x80") },
		{ "iso-8859-1", "\xe2\x82\xac", { NULL, 0 } },
		{ "us-ascii", "\xc3\xa4", { NULL, 0 } },
		{ "iso-2022-jp", "a\xe3\x81\x82", TEXT("a\033$B$\"\033(B") },
		{ "iso-2022-kr", "\xea\xb0\x80", { NULL, 0 } },
		{ "utf-16le", "\xc3\xa4", TEXT("\xe4\0") },
		{ "utf-32be", "\xc3\xa4", TEXT("\0\0\0\xe4") },
	};
	struct mt_charset cs;
	struct mt_buf out;
	enum mt_rc rc;
	size_t i;

	(void)state;
	for (i = 0; i < N(cases); i++) {
		mt_buf_init(&out, 1000);
		cs = mt_charset_find(mt_str(cases[i].name));
		rc = mt_charset_convert(
		    &cs, mt_str(cases[i].name), mt_str(cases[i].utf8), &out);
		if ((rc == MT_OK) != (cases[i].is.p != NULL) ||
		    (rc == MT_OK && !mt_str_eq(mt_buf_view(&out), cases[i].is)))
			fail_msg("%zu %s: %d", i, cases[i].name, rc);
		mt_buf_done(&out);
	}
}

/* The leaf of a marked message, decoded. */
static void
marked_leaf(struct mt_str message, struct mt_buf *decoded)
{
	struct mt_markup_in in = mail_input(message, mt_str(NULL));
	struct mt_markup_in is = in;
	struct mt_markup m;
	struct mt_leaf leaf;
	struct mt_buf out;

	mt_markup_make(&in, &m);
	assert_int_equal(m.reason, MT_reason_done);
	mt_buf_init(&out, 100000);
	mt_markup_apply(&m, &in, &out);
	is.body = mt_str_n(out.p + in.head.n, out.n - in.head.n);
	assert_int_equal(mt_mime_find(is.head, is.body, &leaf), MT_reason_done);
	assert_int_equal(
	    mt_transfer_decode(leaf.encoding,
		mt_str_n(is.body.p + leaf.at, leaf.end - leaf.at), decoded),
	    MT_OK);
	mt_buf_done(&out);
	mt_markup_done(&m);
}

static void
wide_leaves_take_the_tag_in_their_own_units(void **state)
{
	static const char tag[] = "<img src=\"" MAIL_PROPERTY_URL "\"";
	struct mt_buf is;
	size_t i, at = 4; /* "x" and "y" are before it */

	(void)state;
	mt_buf_init(&is, 10000);
	/* xy</body> in UTF-16LE */
	marked_leaf(MT_LIT("Content-Type: text/html; charset=utf-16\r\n"
			   "Content-Transfer-Encoding: base64\r\n\r\n"
			   "eAB5ADwALwBiAG8AZAB5AD4A\r\n"),
	    &is);
	assert_int_equal(is.n % 2, 0);
	for (i = 0; i < sizeof(tag) - 1; i++) {
		assert_int_equal(is.p[at + 2 * i], tag[i]);
		assert_int_equal(is.p[at + 2 * i + 1], 0);
	}
	assert_memory_equal(is.p + is.n - 4, "y\0>", 4);
	mt_buf_reset(&is);
	/* The same in UTF-32BE, quoted-printable. */
	marked_leaf(
	    MT_LIT("Content-Type: text/html; charset=utf-32be\r\n"
		   "Content-Transfer-Encoding: quoted-printable\r\n\r\n"
		   "=00=00=00x=00=00=00<=00=00=00/=00=00=00b=00=00=00o=\r\n"
		   "=00=00=00d=00=00=00y=00=00=00>"),
	    &is);
	assert_int_equal(is.n % 4, 0);
	for (i = 0; i < sizeof(tag) - 1; i++)
		assert_memory_equal(
		    is.p + 4 + 4 * i, ((char[4]){ 0, 0, 0, tag[i] }), 4);
	mt_buf_done(&is);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_are_known_by_any_spelling),
		cmocka_unit_test(texts_are_flattened),
		cmocka_unit_test(utf8_is_written_where_the_set_has_it),
		cmocka_unit_test(wide_leaves_take_the_tag_in_their_own_units),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
