/* SPDX-License-Identifier: BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "mail/header.h"
#include "mail/splice.h"
#include "mail/tag.h"
#include "../lib/mail_property.h"

#define N(table) (sizeof(table) / sizeof((table)[0]))

#define TAG \
	"<img src=\"" MAIL_PROPERTY_URL "\" width=\"1\" height=\"1\" alt=\"\"" \
	" border=\"0\"" \
	" style=\"display:block;position:absolute;width:1px;height:1px;" \
	"border:0\">"

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
	{ HTML "G PGP -----BEGIN PGP-----BEGIN PGP ",
	    "markup=refused reason=armour" },
	{ HTML "BEG-----BEGIN PGP\n-----BEGIN PGx",
	    "markup=done part=1 encoding=7bit charset=us-ascii at=59" },
	{ HTML "x\r--", "markup=refused reason=malformed" },
	{ HTML "--m\r-----x", "markup=refused reason=malformed" },
	{ HTML "\r-\n--m\r-x",
	    "markup=done part=1 encoding=7bit charset=us-ascii at=36" },
	{ "Content-Type: text/plain\n" HTML "x",
	    "markup=refused reason=malformed" },
	{ "Content-Type : text/html\n\nx", "markup=refused reason=malformed" },
	{ "A: b\n \n" HTML "x",
	    "markup=done part=1 encoding=7bit charset=us-ascii at=35" },
	{ "\xef\xbb\xbf" HTML "x",
	    "markup=done part=1 encoding=7bit charset=us-ascii at=31" },
	{ "Content-Type: text/html;\n \n charset=utf-8\n\nx",
	    "markup=refused reason=malformed" },
	{ "Content-Transfer-Encoding: base64\n" MIXED "--m\r\n" HTML
	  "x\r\n--m--\r\n",
	    "markup=done part=1 encoding=7bit charset=us-ascii at=112" },
	{ MIXED "--m\r\n\r\n--mm\r\n--m\r\n" HTML "x\r\n--m--\r\n",
	    "markup=done part=2 encoding=7bit charset=us-ascii at=91" },
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
	    " style=\"display:block;position:absolute;width:1px;height:1px;"
	    "border:0\">");
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
		cmocka_unit_test(every_message_gets_its_reason),
		cmocka_unit_test(what_the_caller_says_decides_first),
		cmocka_unit_test(html_in_one_long_line_gets_a_line_of_ours),
		cmocka_unit_test(the_notice_is_text_whatever_it_holds),
		cmocka_unit_test(a_long_notice_makes_no_long_line),
		cmocka_unit_test(urls_that_could_break_out_are_refused),
		cmocka_unit_test(what_a_stranger_can_send_is_limited),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
