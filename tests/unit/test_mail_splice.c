/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Transfer encodings: decoding, and insertions into what is encoded.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "mail/splice.h"
#include "../lib/mail_encode.h"
#include "../lib/mail_property.h"

#define N(table) (sizeof(table) / sizeof((table)[0]))
#define HTML "Content-Type: text/html\r\n\r\n"

static const struct {
	enum mt_encoding encoding;
	enum mt_rc rc;
	const char *leaf;
	const char *is;
} decode_cases[] = {
	{ MT_encoding_quoted_printable, MT_OK, "", "" },
	{ MT_encoding_quoted_printable, MT_OK, "a=3Db=e4\n", "a=b\xe4\n" },
	{ MT_encoding_quoted_printable, MT_OK, "a \t\r\nb \n", "a\r\nb\n" },
	{ MT_encoding_quoted_printable, MT_OK, " \r\n \n\t", "\r\n\n" },
	{ MT_encoding_quoted_printable, MT_OK, "a=20 \r\n=09", "a \r\n\t" },
	{ MT_encoding_quoted_printable, MT_OK, "a =\r\n b= \t\nc=", "a  bc" },
	{ MT_encoding_quoted_printable, MT_OK,
	    "a=\r\n\r\n=\n\nb= ", "a\r\n\nb" },
	{ MT_encoding_quoted_printable, MT_OK, "a\rb\r\r\nc \r\r\n",
	    "a\rb\r\r\nc \r\r\n" },
	{ MT_encoding_quoted_printable, MT_OK,
	    "0123456789=3D0123456789abcdef=3D\r\n",
	    "0123456789=0123456789abcdef=\r\n" },
	{ MT_encoding_quoted_printable, MT_FORMAT, "a=3", "" },
	{ MT_encoding_quoted_printable, MT_FORMAT, "a=3\nb", "" },
	{ MT_encoding_quoted_printable, MT_FORMAT, "a= b", "" },
	{ MT_encoding_quoted_printable, MT_FORMAT, "a=\r", "" },
	{ MT_encoding_quoted_printable, MT_FORMAT, "a=\rb", "" },
	{ MT_encoding_base64, MT_OK, "", "" },
	{ MT_encoding_base64, MT_OK, " YWJj\r\nZGVm\n", "abcdef" },
	{ MT_encoding_base64, MT_OK, "Y W\tJ\nj\r\nZG\r\nVm", "abcdef" },
	{ MT_encoding_base64, MT_OK, "YWJjYW\r\nJjYWI=\r\n", "abcabcab" },
	{ MT_encoding_base64, MT_OK, "YWJjYQ=\r\n=\r\n", "abca" },
	{ MT_encoding_base64, MT_FORMAT, "YWJjYQ", "" },
	{ MT_encoding_base64, MT_FORMAT, "YWJjYQ=", "" },
	{ MT_encoding_base64, MT_FORMAT, "YWJj=", "" },
	{ MT_encoding_base64, MT_FORMAT, "YWJj====", "" },
	{ MT_encoding_base64, MT_FORMAT, "YWJj-WJj", "" },
	{ MT_encoding_base64, MT_FORMAT, "YWJj\xffWJj", "" },
};

static void
leaves_decode_strictly(void **state)
{
	struct mt_buf out;
	enum mt_rc rc;
	size_t i;

	(void)state;
	for (i = 0; i < N(decode_cases); i++) {
		mt_buf_init(&out, 1000);
		rc = mt_transfer_decode(decode_cases[i].encoding,
		    mt_str(decode_cases[i].leaf), &out);
		if (rc != decode_cases[i].rc ||
		    (rc == MT_OK && strcmp(out.p, decode_cases[i].is) != 0))
			fail_msg(
			    "'%s': %d '%s'", decode_cases[i].leaf, rc, out.p);
		mt_buf_done(&out);
	}
}

static void
a_leaf_above_the_ceiling_is_not_decoded(void **state)
{
	struct mt_buf out;

	(void)state;
	mt_buf_init(&out, 10);
	assert_int_equal(
	    mt_qp_decode(MT_LIT("=30=31=32=33=34=35=36=37=38=39"), &out),
	    MT_OK);
	assert_string_equal(out.p, "0123456789");
	mt_buf_reset(&out);
	assert_int_equal(mt_qp_decode(MT_LIT("0123456789a"), &out), MT_LIMIT);
	mt_buf_reset(&out);
	assert_int_equal(mt_qp_decode(MT_LIT("0123456789=61"), &out), MT_LIMIT);
	mt_buf_reset(&out);
	assert_int_equal(
	    mt_base64_decode(MT_LIT("YWJjYWJjYWJjYWJj"), &out), MT_LIMIT);
	mt_buf_done(&out);
}

/* Decoded bytes of a leaf that decodes. */
static size_t
decoded_length(enum mt_encoding encoding, struct mt_str leaf)
{
	struct mt_buf out;
	size_t n;

	mt_buf_init(&out, 100000);
	assert_int_equal(mt_transfer_decode(encoding, leaf, &out), MT_OK);
	n = encoding == MT_encoding_quoted_printable ||
		encoding == MT_encoding_base64
	    ? out.n
	    : leaf.n;
	mt_buf_done(&out);
	return n;
}

/* Append leaf with "INSERTED" before its decoded byte `at`. */
static void
splice_at(enum mt_encoding encoding, struct mt_str leaf, size_t at,
    struct mt_buf *out)
{
	struct mt_insertion ins = { .at = at,
		.leaf_n = decoded_length(encoding, leaf),
		.text = MT_LIT("INSERTED"),
		.eol = MT_LIT("\r\n") };
	struct mt_edit edit;

	mt_transfer_splice(encoding, leaf, &ins, &edit);
	mt_buf_add(out, leaf.p, edit.at);
	mt_buf_str(out, mt_buf_view(&edit.insert));
	mt_buf_add(out, leaf.p + edit.at + edit.remove,
	    leaf.n - edit.at - edit.remove);
	mt_buf_done(&edit.insert);
}

/* Places are counted from whichever end is nearer: every one, of any line. */
static void
every_place_is_found(void **state)
{
	static const struct {
		enum mt_encoding encoding;
		const char *leaf;
	} cases[] = {
		{ MT_encoding_quoted_printable,
		    "a=3Db \r\n=\r\n\r\n=C3=A4=\r\n=\r\nb=\r\n" },
		{ MT_encoding_quoted_printable, "=\n=\nab\n c=\n\nd \n\n" },
		{ MT_encoding_quoted_printable, "a=\n=\n" },
		{ MT_encoding_quoted_printable, "\n\n\nx  " },
		{ MT_encoding_base64,
		    "YWJj\r\nZGVmYWJj\r\nZ\r\nG Vm YW\tJjZGVm\r\n" },
		{ MT_encoding_base64, "\nYWJjZGVmYWJjZGVmYQ=\n=\n" },
		{ MT_encoding_base64, "YWJjZGVmYWJjZGVmYWI=" },
	};
	struct mt_buf plain, spliced, is, must;
	size_t i, at;

	(void)state;
	mt_buf_init(&plain, 1000);
	mt_buf_init(&spliced, 1000);
	mt_buf_init(&is, 1000);
	mt_buf_init(&must, 1000);
	for (i = 0; i < N(cases); i++) {
		mt_buf_reset(&plain);
		assert_int_equal(mt_transfer_decode(cases[i].encoding,
				     mt_str(cases[i].leaf), &plain),
		    MT_OK);
		for (at = 0; at <= plain.n; at++) {
			/* Not between the bytes of a line end. */
			if (at > 0 && plain.p[at - 1] == '\r')
				continue;
			mt_buf_reset(&must);
			mt_buf_add(&must, plain.p, at);
			mt_buf_z(&must, "INSERTED");
			mt_buf_add(&must, plain.p + at, plain.n - at);
			mt_buf_reset(&spliced);
			splice_at(cases[i].encoding, mt_str(cases[i].leaf), at,
			    &spliced);
			mt_buf_reset(&is);
			assert_int_equal(mt_transfer_decode(cases[i].encoding,
					     mt_buf_view(&spliced), &is),
			    MT_OK);
			if (!mt_str_eq(mt_buf_view(&is), mt_buf_view(&must)))
				fail_msg("'%s' at %zu gave '%s'", cases[i].leaf,
				    at, spliced.p);
		}
	}
	mt_buf_done(&plain);
	mt_buf_done(&spliced);
	mt_buf_done(&is);
	mt_buf_done(&must);
}

/* A leaf with an insertion "INSERTED" at a decoded offset. */
static void
leaves_take_insertions_in_their_own_encoding(void **state)
{
	static const struct {
		enum mt_encoding encoding;
		const char *leaf;
		size_t at;
		const char *is;
	} cases[] = {
		{ MT_encoding_sevenbit, "ab", 1, "aINSERTEDb" },
		{ MT_encoding_eightbit, "", 0, "INSERTED" },
		{ MT_encoding_quoted_printable, "ab", 0, "INSERTEDab" },
		{ MT_encoding_quoted_printable, "a=3Db\r\n", 2,
		    "a=3D=\r\nINSERTEDb\r\n" },
		{ MT_encoding_quoted_printable, "a=\r\nb", 1,
		    "a=\r\nINSERTEDb" },
		{ MT_encoding_quoted_printable, "a \r\nb", 1,
		    "a=\r\nINSERTED \r\nb" },
		{ MT_encoding_quoted_printable, "ab", 2, "ab=\r\nINSERTED" },
		{ MT_encoding_quoted_printable, "ab=\r\n", 2,
		    "ab=\r\nINSERTED=\r\n" },
		{ MT_encoding_base64, "YWJj\r\n", 0, "SU5TRVJURURhYmM=\r\n" },
		{ MT_encoding_base64, "YWJj\r\n", 1, "YUlOU0VSVEVEYmM=\r\n" },
		{ MT_encoding_base64, "YWJj\r\n", 3, "YWJjSU5TRVJURUQ=\r\n" },
		{ MT_encoding_base64, "YW\r\nJjZA==", 4,
		    "YW\r\nJjZElOU0VSVEVE" },
		{ MT_encoding_base64, "", 0, "SU5TRVJURUQ=" },
		{ MT_encoding_base64, "YWJj \t\r\n \r\n", 3,
		    "YWJjSU5TRVJURUQ=\r\n \r\n" },
		{ MT_encoding_base64, "YWI=\t", 0, "SU5TRVJURURhYg==" },
		{ MT_encoding_base64, "YWJj\t\r\t\t\r\n\r\n", 3,
		    "YWJjSU5TRVJURUQ=\r\n\r\n" },
	};
	struct mt_buf is;
	size_t i;

	(void)state;
	mt_buf_init(&is, 1000);
	for (i = 0; i < N(cases); i++) {
		mt_buf_reset(&is);
		splice_at(
		    cases[i].encoding, mt_str(cases[i].leaf), cases[i].at, &is);
		if (strcmp(is.p, cases[i].is) != 0)
			fail_msg("'%s' at %zu gave '%s'", cases[i].leaf,
			    cases[i].at, is.p);
	}
	mt_buf_done(&is);
}

static void
lines_stay_as_long_as_they_were(void **state)
{
	static const size_t widths[] = { 60, 64, 72, 76, 100 };
	struct mt_buf html, message;
	struct mt_markup_in in;
	struct mt_markup m;
	const char *wrong;
	size_t i, n;

	(void)state;
	for (n = 0; n < 240; n++) {
		mt_buf_init(&html, 2000);
		for (i = 0; i < n; i++)
			mt_buf_c(&html, (char)('a' + i % 26));
		mt_buf_z(&html, "</body>and what follows it, whatever it is");
		mt_buf_init(&message, 4000);
		mt_buf_z(
		    &message, "Content-Transfer-Encoding: base64\r\n" HTML);
		mail_add_base64(
		    mt_buf_view(&html), widths[n % N(widths)], &message);
		in = mail_input(mt_buf_view(&message), mt_str(NULL));
		mt_markup_make(&in, &m);
		assert_int_equal(m.reason, MT_reason_done);
		if ((wrong = mail_property(&in, &m)) != NULL)
			fail_msg("%zu: %s", n, wrong);
		mt_markup_done(&m);
		mt_buf_done(&html);
		mt_buf_done(&message);
	}
}

/* Where much follows, only whole lines come in and one quantum changes. */
static void
a_long_tail_keeps_its_bytes(void **state)
{
	static const size_t widths[] = { 76, 60, 77, 72, 40, 1000 };
	struct mt_buf html, message;
	struct mt_markup_in in;
	struct mt_markup m;
	const char *wrong;
	size_t i, n, width;

	(void)state;
	for (n = 0; n < 180; n++) {
		width = widths[n % N(widths)];
		mt_buf_init(&html, 20000);
		for (i = 0; i < n; i++)
			mt_buf_c(&html, (char)('a' + i % 26));
		mt_buf_z(&html, "</body>");
		for (i = 0; i < 9000; i++)
			mt_buf_c(&html, (char)('a' + i % 26));
		mt_buf_init(&message, 40000);
		mt_buf_z(
		    &message, "Content-Transfer-Encoding: base64\r\n" HTML);
		mail_add_base64(mt_buf_view(&html), width, &message);
		in = mail_input(mt_buf_view(&message), mt_str(NULL));
		mt_markup_make(&in, &m);
		assert_int_equal(m.edits_n, 1);
		if ((wrong = mail_property(&in, &m)) != NULL)
			fail_msg("%zu, %zu: %s", width, n, wrong);
		if (width % 4 == 0 && width >= 60 && width < 998)
			assert_int_equal(m.edits[0].remove, 4);
		else
			assert_true(m.edits[0].remove > 10000);
		mt_markup_done(&m);
		mt_buf_done(&html);
		mt_buf_done(&message);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(leaves_decode_strictly),
		cmocka_unit_test(a_leaf_above_the_ceiling_is_not_decoded),
		cmocka_unit_test(every_place_is_found),
		cmocka_unit_test(leaves_take_insertions_in_their_own_encoding),
		cmocka_unit_test(lines_stay_as_long_as_they_were),
		cmocka_unit_test(a_long_tail_keeps_its_bytes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
