/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What else is done to a marked message: pixels of ours that it quotes show
 * nothing any more, and the notice stands in its plain text too.
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
#define OURS "ABCDEFGHIJKLMNOPQRSTUVWXYZ01234-_9"
#define THEIRS "THEIRSTHEIRSTHEIRSTHEIRSTHEIRS0000"
#define URL(token) "https://p.example/i/" token ".gif"
#define X10 "xxxxxxxxxx"
#define B64 "Content-Transfer-Encoding: base64\r\n"

static bool
is_ours(void *arg, struct mt_str token)
{
	unsigned *asked = arg;

	++*asked;
	return mt_str_eqz(token, OURS);
}

static void
find_and_overwrite(enum mt_encoding encoding, const char *leaf,
    struct mt_buf *out, unsigned *ret_n)
{
	struct mt_quoted_pixels pixels;
	struct mt_buf decoded;
	unsigned asked = 0;
	struct mt_str html = mt_str(leaf);

	mt_buf_init(&decoded, 100000);
	assert_int_equal(
	    mt_transfer_decode(encoding, mt_str(leaf), &decoded), MT_OK);
	if (decoded.n > 0)
		html = mt_buf_view(&decoded);
	mt_quoted_find(html, is_ours, &asked, &pixels);
	*ret_n = (unsigned)pixels.n;
	mt_buf_reset(out);
	mt_buf_z(out, leaf);
	mt_transfer_overwrite(encoding, out->p, out->n, 0, &pixels);
	mt_buf_done(&decoded);
}

static void
quoted_pixels_are_overwritten_in_place(void **state)
{
	static const struct {
		enum mt_encoding encoding;
		const char *leaf, *is;
	} cases[] = {
		{ MT_encoding_sevenbit, "a<img src=" URL(OURS) ">b",
		    "a<wbr " X10 X10 X10 X10 X10 X10 "xx>b" },
		{ MT_encoding_eightbit,
		    "<p><IMG\r\n alt=\"a b\" src=\"" URL(OURS) "\" /><br>",
		    "<p><wbr\r\n xxxxxx xx " X10 X10 X10 X10 X10 X10
		    "xxxx /><br>" },
		/* Somebody's proxy around it. */
		{ MT_encoding_sevenbit,
		    "<img src=\"https://c/#" URL(OURS) "\">",
		    "<wbr " X10 X10 X10 X10 X10 X10 X10 "xxxxx>" },
		/* Two, side by side. */
		{ MT_encoding_sevenbit,
		    "<img a=/i/" OURS ".gif><img b=/i/" OURS ".gif>",
		    "<wbr " X10 X10 X10 X10 "xxx><wbr " X10 X10 X10 X10
		    "xxx>" },
		/* In a comment it stays a comment. */
		{ MT_encoding_sevenbit, "<!-- <img src=/i/" OURS ".gif> -->",
		    "<!-- <wbr " X10 X10 X10 X10 "xxxxx> -->" },
		/* Not ours, no image, no whole token, no end. */
		{ MT_encoding_sevenbit, "<img src=" URL(THEIRS) ">",
		    "<img src=" URL(THEIRS) ">" },
		{ MT_encoding_sevenbit, "<a href=" URL(OURS) ">",
		    "<a href=" URL(OURS) ">" },
		{ MT_encoding_sevenbit, "<imgx src=" URL(OURS) ">",
		    "<imgx src=" URL(OURS) ">" },
		{ MT_encoding_sevenbit, "<img src=" URL(OURS) "",
		    "<img src=" URL(OURS) "" },
		{ MT_encoding_sevenbit, "<img>" URL(OURS) "",
		    "<img>" URL(OURS) "" },
		{ MT_encoding_sevenbit, "<img src=/i/x" OURS ".gif>",
		    "<img src=/i/x" OURS ".gif>" },
		{ MT_encoding_sevenbit, "/i/", "/i/" },
		/* A quote that is not closed takes in what is not the tag's. */
		{ MT_encoding_sevenbit,
		    "<!--<img src=\"" URL(OURS) " -->a<b c=\"d\">",
		    "<!--<img src=\"" URL(OURS) " -->a<b c=\"d\">" },
		{ MT_encoding_sevenbit,
		    "<!--<img src=\"" URL(OURS) " -->a \"b\">",
		    "<!--<img src=\"" URL(OURS) " -->a \"b\">" },
		{ MT_encoding_quoted_printable,
		    "=3D<img=20src=3D\"/i/ABCDEFGHIJK=\r\n"
		    "LMNOPQRSTUVWXYZ01234-_9.gif\"\r\n  >=3D",
		    "=3D<wbr=20xxx=78xxxxxxxxxxxxxxx=\r\n"
		    "xxxxxxxxxxxxxxxxxxxxxxxxxxxx\r\n  >=3D" },
	};
	struct mt_buf out;
	unsigned n;
	size_t i;

	(void)state;
	mt_buf_init(&out, 10000);
	for (i = 0; i < N(cases); i++) {
		find_and_overwrite(cases[i].encoding, cases[i].leaf, &out, &n);
		if (strcmp(out.p, cases[i].is) != 0)
			fail_msg("%zu: '%s'", i, out.p);
		if (out.n != strlen(cases[i].leaf))
			fail_msg("%zu: another length", i);
	}
	mt_buf_done(&out);
}

/* At each of the three places a tag can have in a quantum. */
static void
base64_is_overwritten_quantum_by_quantum(void **state)
{
	static const struct {
		const char *leaf, *is;
	} cases[] = {
		/* a<img b=/i/OURS.gif><img c=/i/OURS.gif>d */
		{ "YTxpbWcgYj0vaS9BQkNERUZHSElKS0xNTk9QUVJTVFVWV1hZWjAxMjM0"
		  "LV85\r\nLmdpZj48aW1nIGM9L2kvQUJDREVGR0hJSktMTU5PUFFSU1RV"
		  "VldYWVow MTIzNC1fOS5naWY+ZA==\r\n",
		    "a<wbr " X10 X10 X10 X10 "xxx><wbr " X10 X10 X10 X10
		    "xxx>d" },
		/* ab<img b=/i/OURS.gif> */
		{ "YWI8aW1nIGI9L2kvQUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVowMTIz"
		  "NC1fOS5naWY+",
		    "ab<wbr " X10 X10 X10 X10 "xxx>" },
	};
	struct mt_buf out, decoded;
	unsigned n;
	size_t i;

	(void)state;
	mt_buf_init(&out, 10000);
	mt_buf_init(&decoded, 10000);
	for (i = 0; i < N(cases); i++) {
		find_and_overwrite(MT_encoding_base64, cases[i].leaf, &out, &n);
		assert_int_equal(n, 2 - i);
		mt_buf_reset(&decoded);
		assert_int_equal(
		    mt_base64_decode(mt_buf_view(&out), &decoded), MT_OK);
		assert_string_equal(decoded.p, cases[i].is);
		assert_int_equal(out.n, strlen(cases[i].leaf));
	}
	mt_buf_done(&out);
	mt_buf_done(&decoded);
}

static void
no_more_than_so_many_are_asked_about(void **state)
{
	struct mt_quoted_pixels pixels;
	struct mt_buf html;
	unsigned asked = 0, i;

	(void)state;
	mt_buf_init(&html, 1000000);
	for (i = 0; i < 2 * MT_MAX_QUOTED; i++)
		mt_buf_z(&html, "<img src=" URL(OURS) ">");
	mt_quoted_find(mt_buf_view(&html), is_ours, &asked, &pixels);
	assert_int_equal(asked, MT_MAX_QUOTED);
	assert_int_equal(pixels.n, MT_MAX_QUOTED);
	mt_buf_done(&html);
}

static void
mark(struct mt_str message, struct mt_str notice, struct mt_markup *m,
    struct mt_buf *out)
{
	static unsigned asked;
	struct mt_markup_in in = mail_input(message, notice);

	in.notice_plain = true;
	in.is_ours = is_ours;
	in.is_ours_arg = &asked;
	mt_markup_make(&in, m);
	mt_buf_reset(out);
	mt_markup_apply(m, &in, out);
}

#define TOP_PIXEL "<div><img src=" URL(OURS) "></div>"
#define GONE "<div><wbr " X10 X10 X10 X10 X10 X10 "xx></div>"

static void
pixels_before_and_after_the_tag_go(void **state)
{
	struct mt_markup m;
	struct mt_buf out;
	const char *tag;

	(void)state;
	mt_buf_init(&out, 100000);
	mark(MT_LIT("Content-Type: text/html\r\n\r\n" TOP_PIXEL
		    "</body>" TOP_PIXEL),
	    mt_str(NULL), &m, &out);
	assert_int_equal(m.quoted, 2);
	assert_int_equal(m.edits_n, 3);
	tag = strstr(out.p, MAIL_PROPERTY_URL);
	assert_non_null(tag);
	assert_non_null(strstr(out.p, "\r\n\r\n" GONE "<img src=\"https"));
	assert_non_null(strstr(tag, "</body>" GONE));
	mt_markup_done(&m);
	mt_buf_done(&out);
}

#define QUOTED "<img src=/i/QBCDEFGHIJKLMNOPQRSTUVWXYZ01234-_9.gif>"
#define FILLER 9000

/* HTML with a pixel directly before and after the tag, and one far behind. */
static void
add_html(size_t shift, struct mt_buf *out)
{
	size_t i;

	for (i = 0; i < shift; i++)
		mt_buf_c(out, 'a');
	mt_buf_z(out, QUOTED "</body>" QUOTED QUOTED);
	for (i = 0; i < FILLER; i++)
		mt_buf_c(out, (char)('a' + i % 26));
	mt_buf_z(out, QUOTED "b");
}

/* The tail is encoded anew, or stays but for whole lines that come in. */
static void
pixels_go_wherever_base64_is_encoded_anew(void **state)
{
	static const size_t widths[] = { 76, 4, 100000 };
	struct mt_buf html, message;
	struct mt_markup_in in;
	struct mt_markup m;
	const char *wrong;
	size_t shift, i;

	(void)state;
	mt_buf_init(&html, 20000);
	mt_buf_init(&message, 100000);
	for (shift = 0; shift < 120; shift++) {
		i = shift % N(widths);
		mt_buf_reset(&html);
		add_html(shift, &html);
		mt_buf_reset(&message);
		mt_buf_z(&message, B64 "Content-Type: text/html\r\n\r\n");
		mail_add_base64(mt_buf_view(&html), widths[i], &message);
		in = mail_input(mt_buf_view(&message), mt_str(NULL));
		mt_markup_make(&in, &m);
		assert_int_equal(m.quoted, 4);
		if ((wrong = mail_property(&in, &m)) != NULL)
			fail_msg("%zu, %zu: %s", shift, widths[i], wrong);
		mt_markup_done(&m);
	}
	mt_buf_done(&html);
	mt_buf_done(&message);
}

#define ALTERNATIVE \
	"Content-Type: multipart/alternative; boundary=a\r\n\r\n--a\r\n"
#define HTML_PART "\r\n--a\r\nContent-Type: text/html\r\n\r\nx\r\n--a--\r\n"
#define QP "Content-Transfer-Encoding: quoted-printable\r\n"
#define TYPE(charset) "Content-Type: text/plain; charset=" charset "\r\n"

static void
the_notice_stands_in_the_plain_text_too(void **state)
{
	static const struct {
		const char *head, *text, *notice;
		const char *is; /* NULL: not there */
	} cases[] = {
		{ "\r\n", "Hi,\r\nall\r\n", "See.",
		    "Hi,\r\nall\r\n\r\nSee.\r\n" },
		{ "\r\n", "Hi", "One\nTwo", "Hi\r\n\r\nOne\r\nTwo" },
		{ "\r\n", "Hi", "-- x", "Hi\r\n\r\n -- x" },
		{ "\r\n", "\r\n", "See.", "See.\r\n" },
		{ "\r\n", "Hi",
		    "aaaaaaaaaa aaaaaaaaaa aaaaaaaaaa aaaaaaaaaa aaaaaaaaaa "
		    "aaaaaaaaaa aaaaaaaaaa b",
		    "Hi\r\n\r\naaaaaaaaaa aaaaaaaaaa aaaaaaaaaa aaaaaaaaaa "
		    "aaaaaaaaaa aaaaaaaaaa\r\naaaaaaaaaa b" },
		{ QP TYPE("utf-8") "\r\n", "H=C3=A4 \r\n",
		    "\xc3\xa4 =", "H=C3=A4=\r\n\r\n\r\n=C3=A4 =3D \r\n" },
		{ QP TYPE("iso-8859-1") "\r\n", "H=E4", "\xc3\xa4",
		    "H=E4=\r\n\r\n\r\n=E4" },
		/* "Hi", CRLF CRLF "See." */
		{ B64 "\r\n", "SGk=\r\n", "See.", "SGkNCg0KU2VlLg==\r\n" },
		/* What cannot be said there is not said there. */
		{ "\r\n", "Hi", "\xc3\xa4", NULL },
		{ TYPE("utf-8") "\r\n", "Hi", "\xc3\xa4", NULL },
		{ QP TYPE("iso-8859-1") "\r\n", "Hi", "\xe2\x82\xac", NULL },
		{ QP TYPE("x-unknown") "\r\n", "Hi", "See.", NULL },
		{ B64 "\r\n", "SGk", "See.", NULL },
		{ "\r\n", "-----BEGIN PGP MESSAGE-----", "See.", NULL },
		{ "Content-Disposition: attachment\r\n\r\n", "Hi", "See.",
		    NULL },
		{ "\r\n", "", "See.", NULL },
	};
	struct mt_buf message, must, out;
	struct mt_markup m;
	size_t i;

	(void)state;
	mt_buf_init(&message, 10000);
	mt_buf_init(&must, 10000);
	mt_buf_init(&out, 100000);
	for (i = 0; i < N(cases); i++) {
		mt_buf_reset(&message);
		mt_buf_printf(&message, "%s%s%s%s", ALTERNATIVE, cases[i].head,
		    cases[i].text, HTML_PART);
		mark(mt_buf_view(&message), mt_str(cases[i].notice), &m, &out);
		assert_int_equal(m.reason, MT_reason_done);
		mt_buf_reset(&must);
		mt_buf_printf(&must, "%s%s%s%s", ALTERNATIVE, cases[i].head,
		    cases[i].is != NULL ? cases[i].is : cases[i].text,
		    "\r\n--a\r\nContent-Type: text/html\r\n\r\nx<div");
		if (m.noticed_plain != (cases[i].is != NULL) ||
		    !mt_str_starts(mt_buf_view(&out), must.p))
			fail_msg("%zu: '%s'", i, out.p);
		mt_markup_done(&m);
	}
	mt_buf_done(&message);
	mt_buf_done(&must);
	mt_buf_done(&out);
}

/* Beside the alternative, or in another one, it would be another text. */
static void
only_the_same_alternative_counts(void **state)
{
	static const char *const messages[] = {
		"Content-Type: multipart/mixed; boundary=a\r\n\r\n--a\r\n\r\n"
		"Hi" HTML_PART,
		"Content-Type: multipart/mixed; boundary=m\r\n\r\n--m\r\n" ALTERNATIVE
		"\r\nHi\r\n--a--\r\n--m\r\n"
		"Content-Type: text/html\r\n\r\nx\r\n--m--\r\n",
	};
	struct mt_markup m;
	struct mt_buf out;
	size_t i;

	(void)state;
	mt_buf_init(&out, 100000);
	for (i = 0; i < N(messages); i++) {
		mark(mt_str(messages[i]), MT_LIT("See."), &m, &out);
		assert_int_equal(m.reason, MT_reason_done);
		assert_false(m.noticed_plain);
		assert_int_equal(m.edits_n, 1);
		mt_markup_done(&m);
	}
	mark(MT_LIT(ALTERNATIVE
		 "\r\nHi\r\n--a\r\n"
		 "Content-Type: multipart/related; boundary=r\r\n\r\n--r\r\n"
		 "Content-Type: text/html\r\n\r\nx\r\n--r--\r\n--a--\r\n"),
	    MT_LIT("See."), &m, &out);
	assert_true(m.noticed_plain);
	assert_int_equal(m.edits_n, 2);
	mt_markup_done(&m);
	mt_buf_done(&out);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(quoted_pixels_are_overwritten_in_place),
		cmocka_unit_test(base64_is_overwritten_quantum_by_quantum),
		cmocka_unit_test(no_more_than_so_many_are_asked_about),
		cmocka_unit_test(pixels_before_and_after_the_tag_go),
		cmocka_unit_test(pixels_go_wherever_base64_is_encoded_anew),
		cmocka_unit_test(the_notice_stands_in_the_plain_text_too),
		cmocka_unit_test(only_the_same_alternative_counts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
