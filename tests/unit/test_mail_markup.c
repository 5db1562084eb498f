/* SPDX-License-Identifier: BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "mail/charset.h"
#include "mail/header.h"
#include "mail/html.h"
#include "mail/splice.h"
#include "mail/tag.h"
#include "../lib/mail_property.h"

#define N(table) (sizeof(table) / sizeof((table)[0]))

#define TAG \
	"<img src=\"" MAIL_PROPERTY_URL "\" width=\"1\" height=\"1\" alt=\"\"" \
	" border=\"0\"" \
	" style=\"display:block;width:1px;height:1px;border:0\">"

/* "^" in a text stands for the insertion point. */
static void
check_points(const char *const *texts, size_t unclipped)
{
	struct mt_str before, after;
	struct mt_buf html;
	size_t i, at;

	mt_buf_init(&html, 1000);
	for (i = 0; texts[i] != NULL; i++) {
		mt_buf_reset(&html);
		assert_true(mt_str_cut(mt_str(texts[i]), '^', &before, &after));
		mt_buf_str(&html, before);
		mt_buf_str(&html, after);
		at = mt_html_point(mt_buf_view(&html), unclipped);
		if (at != before.n)
			fail_msg("'%s': at %zu", texts[i], at);
	}
	mt_buf_done(&html);
}

static void
the_tag_goes_before_the_last_real_end_of_body(void **state)
{
	static const char *const texts[] = {
		"<html><body>x^</body></html>",
		"<html><body>x^</BODY\n></html>",
		"<body>x^</body class=\"a>b\">",
		"<body>a</body>b^</body>",
		"x^</html>",
		"x</body>y^</body></html></html>",
		"x^",
		"x^\r\n \r\n",
		"^",
		"a</bodyx>b</ body>c^",
		"<body>x^</body><!-- </body> -->",
		"<body>x</body><!-->^</body>",
		"<body>x</body><!--->^</body>-->",
		"<body>x^</body><!-- a --!></html><!-- </body> --!>",
		"<body>x^</body><script>'</body>'</script>",
		"<body>x^</body><script><!-- <script> </script></body> --></script>",
		"<body>x^</body><script><!-- </script><p>",
		"<body>x</body><script><!-- --><script></script>^</body>",
		"<body>x</body><script><!--></script>^</body>",
		"<body>x^</body><style></body></style>",
		"<body>x^</body><STYLE type=x></body></style >",
		"<body>x^</body><title></body></title>",
		"<body>x^</body><textarea></body></textareax></body></textarea>",
		"<body>x^</body><a title=\"</body>\">",
		"<body>x^</body><a title='</body>'>",
		"<body>x^</body><a title = \"</body>\">",
		"<body>x^</body><a \"</body>",
		"<body>x^</body><a b=\"c\"d=\"</body>\">",
		"<body>x</body><a b=c\">^</body>",
		"<body>x^</body><!--[if mso]></body><![endif]-->",
		"<body>x^</body><![if !mso]></body><![endif]>",
		"<body>x^</body><!--[if !mso]><!--></body><!--<![endif]-->",
		"<body>x</body><!--[if mso]>y<![endif]-->^</body>",
		"<body>x</body><![if mso]>y<![endif]>^</body>",
		"<body>x</body><![if mso]>y^</body>",
		"a < b^</body>",
		"a <3 b^</body>",
		"<?xml a=\"?><p>^</body>",
		"<!DOCTYPE html \">^</body>",
		"<>^</body>",
		"</>^</body>",
		"<p/</body>^",
		NULL,
	};

	(void)state;
	check_points(texts, 1000);
}

static void
the_tag_never_goes_into_what_is_not_closed(void **state)
{
	static const char *const texts[] = {
		"x ^<!-- y",
		"x ^<!-- y </body>",
		"x^</body><!-- y </body>",
		"x ^<script>y</body>",
		"x ^<textarea>y",
		"x ^<a href=\"y</body>",
		"x ^<a ",
		"x^</body",
		"x ^<plaintext>y</body>",
		"x ^<!doctype",
		NULL,
	};

	(void)state;
	check_points(texts, 1000);
}

static void
the_tag_goes_to_the_top_of_long_html(void **state)
{
	static const char *const texts[] = {
		"<html><head></head><body a=\">\">^x</body>",
		"<html><head></head>^x</html>",
		"<!-- <body> --><body>^x<body></body>",
		"<html>x^</html>",
		"<!--[if mso]><body><![endif]--><body b>^x</body>",
		NULL,
	};

	(void)state;
	check_points(texts, 1);
}

#define HTML_BODY "<html><body>x</body></html>\r\n"
#define MIXED "Content-Type: multipart/mixed; boundary=m\r\n\r\n"
#define ALTERNATIVE \
	"Content-Type: multipart/alternative; boundary=\"a\"\r\n\r\n"
#define HTML "Content-Type: text/html\r\n\r\n"

static const struct {
	const char *message, *line;
} reason_cases[] = {
	{ HTML HTML_BODY,
	    "markup=done part=1 encoding=7bit charset=us-ascii at=40" },
	{ "Content-Type: text/html; name=x\n\nx",
	    "markup=done part=1 encoding=7bit charset=us-ascii at=34" },
	{ ALTERNATIVE "--a\r\n\r\nx\r\n--a\r\n" HTML HTML_BODY "--a--\r\n",
	    "markup=done part=2 encoding=7bit charset=us-ascii at=108" },
	{ MIXED "--m\r\n" ALTERNATIVE "--a\r\n\r\nx\r\n--a\r\n" HTML
		"x\r\n--a--\r\n--m--\r\n",
	    "markup=done part=1.2 encoding=7bit charset=us-ascii at=146" },
	{ "Content-Type: multipart/related; boundary=r; start=\"<i>\"\n\n"
	  "--r\nContent-Type: text/html\n\nno\n"
	  "--r\nContent-Type: text/html\nContent-ID: <i>\n\nx\n--r--",
	    "markup=done part=2 encoding=7bit charset=us-ascii at=136" },
	{ "Content-Type: text/html; charset=\"UTF-8\" (c)\n"
	  "Content-Transfer-Encoding: Binary\n\nx",
	    "markup=done part=1 encoding=binary charset=utf-8 at=81" },
	{ "", "markup=refused reason=plain" },
	{ "x\n\ny", "markup=refused reason=plain" },
	{ "Content-Type: text\n\ny", "markup=refused reason=plain" },
	{ MIXED "--m\r\n\r\nx\r\n--m--\r\n", "markup=refused reason=plain" },
	{ HTML, "markup=refused reason=no_html" },
	{ "Content-Type: text/html\r\n", "markup=refused reason=no_html" },
	{ "Content-Type: image/gif\n\nx", "markup=refused reason=no_html" },
	{ ALTERNATIVE "--a\r\n" HTML "\r\n--a--",
	    "markup=refused reason=no_html" },
	{ MIXED "--m\r\nContent-Type: message/rfc822\r\n\r\n" HTML
		"x\r\n--m--\r\n",
	    "markup=refused reason=no_html" },
	{ "Content-Type: multipart/digest; boundary=m\n\n--m\n" HTML "x\n--m--",
	    "markup=refused reason=no_html" },
	{ "Content-Type: multipart/signed; boundary=m\n\n",
	    "markup=refused reason=signed" },
	{ MIXED "--m\r\nContent-Type: multipart/signed; boundary=s\r\n\r\n"
		"--s\r\n" HTML "x\r\n--s--\r\n--m\r\n" HTML "y\r\n--m--\r\n",
	    "markup=refused reason=signed" },
	{ "Content-Type: application/pkcs7-mime; "
	  "smime-type=signed-data\n\nx",
	    "markup=refused reason=signed" },
	{ "Content-Type: application/pkcs7-mime\n\nx",
	    "markup=refused reason=encrypted" },
	{ "Content-Type: multipart/encrypted; boundary=m\n\n",
	    "markup=refused reason=encrypted" },
	{ "Content-Type: multipart/report; boundary=m\n\n",
	    "markup=refused reason=report" },
	{ "Content-Type: message/partial; id=x\n\n" HTML "x",
	    "markup=refused reason=partial" },
	{ "Content-Disposition: attachment\n" HTML HTML_BODY,
	    "markup=refused reason=attachment" },
	{ MIXED "--m\r\nContent-Disposition: inline; filename=a\r\n" HTML
		"x\r\n--m--\r\n",
	    "markup=refused reason=attachment" },
	{ "Content-Type: text/html; charset=utf-16\n\nx",
	    "markup=refused reason=charset" },
	{ "Content-Type: text/html\n\n\x1b$B<html>",
	    "markup=refused reason=charset" },
	{ "Content-Transfer-Encoding: uuencode\n" HTML "x",
	    "markup=refused reason=encoding" },
	{ "Content-Transfer-Encoding: base64\n" HTML "AAA",
	    "markup=refused reason=encoding" },
	{ "Content-Transfer-Encoding: base64\n" HTML "AA==AAAA",
	    "markup=refused reason=encoding" },
	{ "Content-Transfer-Encoding: quoted-printable\n" HTML "a=b",
	    "markup=refused reason=encoding" },
	{ "DKIM-Signature: x\n" HTML "x", "markup=refused reason=dkim" },
	{ "Arc-Seal: x\n" HTML "x", "markup=refused reason=dkim" },
	{ HTML "-----BEGIN PGP MESSAGE-----", "markup=refused reason=armour" },
	{ "Content-Type: text/plain\n" HTML "x",
	    "markup=refused reason=malformed" },
	{ "Content-Type : text/html\n\nx", "markup=refused reason=malformed" },
	{ "A: b\n \n" HTML "x", "markup=refused reason=malformed" },
	{ "junk\n" HTML "x", "markup=refused reason=malformed" },
	{ "Content-Type: multipart/mixed\n\nx",
	    "markup=refused reason=malformed" },
	{ MIXED "--m\r\n" HTML "x\r\n", "markup=refused reason=malformed" },
	{ MIXED "--m\r\n" HTML "x\r\n--mm\r\n--m--\r\n",
	    "markup=refused reason=malformed" },
	{ MIXED "--m\r\n" HTML "x\r--m\r\n\r\n--m--\r\n",
	    "markup=refused reason=malformed" },
	{ MIXED "--m\r\n" ALTERNATIVE "--a\r\n" HTML "x\r\n--m--\r\n",
	    "markup=refused reason=malformed" },
	{ "Content-Type: multipart/mixed; boundary=ab\n\n--ab\n"
	  "Content-Type: multipart/mixed; boundary=a\n\n--a\n" HTML
	  "x\n--a--\n--ab--\n",
	    "markup=refused reason=malformed" },
	{ "Content-Transfer-Encoding: base64\n" MIXED "--m\r\n" HTML
	  "x\r\n--m--\r\n",
	    "markup=refused reason=malformed" },
	/* An outer boundary may begin an inner one. */
	{ "Content-Type: multipart/mixed; boundary=a\n\n--a\n"
	  "Content-Type: multipart/mixed; boundary=ab\n\n--ab\n"
	  "Content-Type: text/html\n\nx\n--ab--\n--a--\n",
	    "markup=done part=1.1 encoding=7bit charset=us-ascii at=122" },
};

static void
every_message_gets_its_reason(void **state)
{
	struct mt_markup_in in;
	struct mt_markup m;
	struct mt_buf line;
	const char *wrong;
	size_t i;

	(void)state;
	mt_buf_init(&line, 1000);
	for (i = 0; i < N(reason_cases); i++) {
		in = mail_input(mt_str(reason_cases[i].message), mt_str(NULL));
		mt_markup_make(&in, &m);
		mt_buf_reset(&line);
		mt_markup_explain(&m, &line);
		if (strcmp(line.p, reason_cases[i].line) != 0)
			fail_msg(
			    "%zu '%s': %s", i, reason_cases[i].message, line.p);
		if ((wrong = mail_property(&in, &m)) != NULL)
			fail_msg(
			    "%zu '%s': %s", i, reason_cases[i].message, wrong);
		/* In every message here the tag belongs after an x. */
		if (m.reason == MT_reason_done)
			assert_int_equal(
			    reason_cases[i].message[m.at - 1], 'x');
		mt_markup_done(&m);
	}
	mt_buf_done(&line);
}

static void
what_the_caller_says_decides_first(void **state)
{
	struct mt_str message = MT_LIT("DKIM-Signature: x\n" HTML "x");
	struct mt_markup_in in = mail_input(message, mt_str(NULL));
	struct mt_markup m;

	(void)state;
	in.resigned = true;
	mt_markup_make(&in, &m);
	assert_int_equal(m.reason, MT_reason_done);
	mt_markup_done(&m);
	in.max = 1;
	mt_markup_make(&in, &m);
	assert_int_equal(m.reason, MT_reason_done);
	mt_markup_done(&m);
	in.body = MT_LIT("xy");
	mt_markup_make(&in, &m);
	assert_int_equal(m.reason, MT_reason_too_large);
	in.marked = true;
	mt_markup_make(&in, &m);
	assert_int_equal(m.reason, MT_reason_already_marked);
	in.url = mt_str("https://t.example/\r\n");
	mt_markup_make(&in, &m);
	assert_int_equal(m.reason, MT_reason_url_missing);
	in.url = mt_str(NULL);
	mt_markup_make(&in, &m);
	assert_int_equal(m.reason, MT_reason_url_missing);
	assert_int_equal(m.edits_n, 0);
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
	};
	struct mt_insertion ins = { .text = MT_LIT("INSERTED"),
		.eol = MT_LIT("\r\n") };
	struct mt_edit edit;
	struct mt_str leaf;
	struct mt_buf is;
	size_t i;

	(void)state;
	mt_buf_init(&is, 1000);
	for (i = 0; i < N(cases); i++) {
		leaf = mt_str(cases[i].leaf);
		ins.at = cases[i].at;
		mt_transfer_splice(cases[i].encoding, leaf, &ins, &edit);
		mt_buf_reset(&is);
		mt_buf_add(&is, leaf.p, edit.at);
		mt_buf_str(&is, mt_buf_view(&edit.insert));
		mt_buf_add(&is, leaf.p + edit.at + edit.remove,
		    leaf.n - edit.at - edit.remove);
		if (strcmp(is.p, cases[i].is) != 0)
			fail_msg("'%s' at %zu gave '%s'", cases[i].leaf,
			    cases[i].at, is.p);
		mt_buf_done(&edit.insert);
	}
	mt_buf_done(&is);
}

/* Base64 of html in lines of n digits, for a whole message. */
static void
add_base64(struct mt_str html, size_t n, struct mt_buf *out)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghij"
				     "klmnopqrstuvwxyz0123456789+/";
	unsigned bits;
	size_t i, k, column = 0;

	for (i = 0; i < html.n; i += 3) {
		bits = 0;
		for (k = 0; k < 3; k++)
			bits = bits << 8 |
			    (unsigned char)(i + k < html.n ? html.p[i + k] : 0);
		for (k = 0; k < 4; k++) {
			mt_buf_c(out,
			    i + k > html.n ? '='
					   : digits[bits >> (18 - 6 * k) & 63]);
			if (++column % n == 0)
				mt_buf_z(out, "\r\n");
		}
	}
	mt_buf_z(out, "\r\n");
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
		add_base64(mt_buf_view(&html), widths[n % N(widths)], &message);
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
		add_base64(mt_buf_view(&html), width, &message);
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

static void
html_in_one_long_line_gets_a_line_of_ours(void **state)
{
	struct mt_buf message;
	struct mt_markup_in in;
	struct mt_markup m;
	size_t i;

	(void)state;
	mt_buf_init(&message, 4000);
	mt_buf_z(&message, HTML);
	for (i = 0; i < 900; i++)
		mt_buf_c(&message, 'x');
	mt_buf_z(&message, "</body>\r\n");
	in = mail_input(mt_buf_view(&message), mt_str(NULL));
	mt_markup_make(&in, &m);
	assert_int_equal(m.edits_n, 1);
	assert_string_equal(m.edits[0].insert.p, "\r\n" TAG "\r\n");
	assert_null(mail_property(&in, &m));
	mt_markup_done(&m);
	mt_buf_done(&message);
}

static void
the_notice_is_text_whatever_it_holds(void **state)
{
	struct mt_str notice =
	    MT_LIT("<b>\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80&\n"
		   "\"z\xff\x01");
	struct mt_buf out;

	(void)state;
	mt_buf_init(&out, MT_TAG_MAX);
	mt_tag_write(
	    MT_LIT("https://t.example/~a?b&c"), notice, mt_str(""), &out);
	assert_string_equal(out.p,
	    "<div style=\"margin:8px 0;font-size:12px\">"
	    "&#60;b&#62;&#228;&#8364;&#128512;&#38;<br>&#34;z&#65533;&#32;"
	    "</div><img src=\"https://t.example/&#126;a?b&#38;c\" width=\"1\""
	    " height=\"1\" alt=\"\" border=\"0\""
	    " style=\"display:block;width:1px;height:1px;border:0\">");
	mt_buf_done(&out);
}

static void
a_long_notice_makes_no_long_line(void **state)
{
	char text[MT_MAX_NOTICE];
	struct mt_buf out;
	size_t i, line;

	(void)state;
	memset(text, '&', sizeof(text));
	for (i = 0; i < 800; i += 7)
		text[i] = ' ';
	mt_buf_init(&out, MT_TAG_MAX);
	mt_tag_write(MT_LIT(MAIL_PROPERTY_URL), mt_str_n(text, sizeof(text)),
	    MT_LIT("\r\n"), &out);
	assert_false(mt_buf_over(&out));
	for (i = line = 0; i < out.n; i++) {
		assert_true(i - line < 998);
		if (out.p[i] == '\n')
			line = i + 1;
	}
	mt_buf_done(&out);
}

static void
urls_that_could_break_out_are_refused(void **state)
{
	char text[MT_MAX_URL + 1];

	(void)state;
	assert_true(mt_tag_url_valid(MT_LIT("https://t.example/i/a.gif")));
	assert_true(mt_tag_url_valid(MT_LIT("https://t.example/\">")));
	assert_false(mt_tag_url_valid(MT_LIT("")));
	assert_false(mt_tag_url_valid(MT_LIT("https://t.example/a b")));
	assert_false(mt_tag_url_valid(MT_LIT("https://t.example/\n")));
	assert_false(mt_tag_url_valid(MT_LIT("https://t.ex\xc3\xa4mple/")));
	memset(text, 'a', sizeof(text));
	assert_true(mt_tag_url_valid(mt_str_n(text, MT_MAX_URL)));
	assert_false(mt_tag_url_valid(mt_str_n(text, MT_MAX_URL + 1)));
	memset(text, '&', sizeof(text));
	assert_false(mt_tag_url_valid(mt_str_n(text, MT_MAX_URL)));
}

static void
charsets_are_known_by_any_spelling(void **state)
{
	static const char *const good[] = { "utf-8", "UTF8", "us-ascii",
		"ISO-8859-1", "iso_8859-15", "iso-8859-8-i", "Windows-1252",
		"cp1251", "koi8-r", "GB18030", "shift_jis", "big5",
		"ks_c_5601-1987", "euc-jp", "tis-620", NULL };
	static const char *const bad[] = { "", "utf-16", "utf-16le", "utf-32",
		"utf-7", "iso-2022-jp", "hz-gb-2312", "ibm037", "iso-8859-17",
		"iso-8859-", "windows-1259", "x-unknown", NULL };
	size_t i;

	(void)state;
	for (i = 0; good[i] != NULL; i++)
		if (!mt_charset_ascii(mt_str(good[i])))
			fail_msg("%s", good[i]);
	for (i = 0; bad[i] != NULL; i++)
		if (mt_charset_ascii(mt_str(bad[i])))
			fail_msg("%s", bad[i]);
}

static void
what_a_stranger_can_send_is_limited(void **state)
{
	struct mt_buf message;
	struct mt_markup_in in;
	struct mt_markup m;
	size_t i;

	(void)state;
	mt_buf_init(&message, 1 << 20);
	mt_buf_z(&message, "Content-Type: multipart/mixed; boundary=0p\n\n");
	for (i = 1; i < 40; i++)
		mt_buf_printf(&message,
		    "--%zup\nContent-Type: multipart/mixed; boundary=%zup\n\n",
		    i - 1, i);
	in = mail_input(mt_buf_view(&message), mt_str(NULL));
	mt_markup_make(&in, &m);
	assert_int_equal(m.reason, MT_reason_too_deep);
	mt_buf_reset(&message);
	mt_buf_z(&message, MIXED);
	for (i = 0; i <= MT_MAX_MIME_PARTS; i++)
		mt_buf_z(&message, "--m\n\n");
	in = mail_input(mt_buf_view(&message), mt_str(NULL));
	mt_markup_make(&in, &m);
	assert_int_equal(m.reason, MT_reason_too_many);
	mt_buf_done(&message);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_tag_goes_before_the_last_real_end_of_body),
		cmocka_unit_test(the_tag_never_goes_into_what_is_not_closed),
		cmocka_unit_test(the_tag_goes_to_the_top_of_long_html),
		cmocka_unit_test(every_message_gets_its_reason),
		cmocka_unit_test(what_the_caller_says_decides_first),
		cmocka_unit_test(leaves_take_insertions_in_their_own_encoding),
		cmocka_unit_test(lines_stay_as_long_as_they_were),
		cmocka_unit_test(a_long_tail_keeps_its_bytes),
		cmocka_unit_test(html_in_one_long_line_gets_a_line_of_ours),
		cmocka_unit_test(the_notice_is_text_whatever_it_holds),
		cmocka_unit_test(a_long_notice_makes_no_long_line),
		cmocka_unit_test(urls_that_could_break_out_are_refused),
		cmocka_unit_test(charsets_are_known_by_any_spelling),
		cmocka_unit_test(what_a_stranger_can_send_is_limited),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
