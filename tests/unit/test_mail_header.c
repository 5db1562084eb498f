/* SPDX-License-Identifier: BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "mail/header.h"

#define N(table) (sizeof(table) / sizeof((table)[0]))

/* A block as the iterator sees it: "name|unfolded value;" and its flags. */
static void
show(struct mt_str block, struct mt_buf *out)
{
	struct mt_header_iter it = { .block = block };
	struct mt_header h;

	while (mt_header_next(&it, &h)) {
		mt_buf_str(out, h.name);
		mt_buf_z(out, h.spaced ? "||" : "|");
		mt_header_unfold(h.value, out);
		mt_buf_c(out, ';');
	}
	if (it.junk)
		mt_buf_z(out, " junk");
	if (it.blank)
		mt_buf_z(out, " blank");
	mt_buf_printf(out, " %zu%s", it.at, it.ended ? "" : " open");
}

static void
header_blocks_are_read_field_by_field(void **state)
{
	static const struct {
		const char *block, *seen;
	} cases[] = {
		{ "A: b\r\nC:d\r\n\r\nbody: x\r\n", "A|b;C|d; 13" },
		{ "A: b\nC:d\n\nbody", "A|b;C|d; 10" },
		{ "A: b\r\n c\r\n\td\r\nE: f\r\n", "A|b c\td;E|f; 20 open" },
		{ "A: b\n \n c\n\n", "A|b  c; blank 11" },
		{ "From x@y Mon\nA: b\n\n", "A|b; 19" },
		{ "A: b\nnonsense\nC: d\n\n", "A|b;C|d; junk 20" },
		{ "A : b\n\n", "A||b; 7" },
		{ "A B: c\n\n", " junk 8" },
		{ "\xc3\x84: c\n\n", " junk 7" },
		{ ": c\n\n", " junk 5" },
		{ "A: b", "A|b; 4 open" },
		{ "A:", "A|; 2 open" },
		{ "A: b\r", "A|b; 5 open" },
		{ "\r\nA: b\r\n", " 2" },
		{ "", " 0 open" },
	};
	struct mt_buf out;
	size_t i;

	(void)state;
	mt_buf_init(&out, 1000);
	for (i = 0; i < N(cases); i++) {
		mt_buf_reset(&out);
		show(mt_str(cases[i].block), &out);
		if (strcmp(out.p, cases[i].seen) != 0)
			fail_msg(
			    "%zu: '%s' is not '%s'", i, out.p, cases[i].seen);
	}
	mt_buf_done(&out);
}

static void
the_body_begins_after_the_first_empty_line(void **state)
{
	static const struct {
		const char *text;
		size_t end;
	} cases[] = { { "A: b\r\n\r\nx", 8 }, { "A: b\n\nx", 6 },
		{ "A: b\r\n\nx", 7 }, { "\nx", 1 }, { "\r\nx", 2 },
		{ "A: b\r\n", 6 }, { "A: b\r\n\r", 7 }, { "A\n \nB\n\n", 7 },
		{ "", 0 } };
	size_t i;

	(void)state;
	for (i = 0; i < N(cases); i++)
		assert_int_equal(
		    mt_header_end(mt_str(cases[i].text)), cases[i].end);
}

static void
a_field_is_found_by_name(void **state)
{
	struct mt_header h;

	(void)state;
	assert_true(mt_header_find(
	    MT_LIT("A: 1\nsubject: 2\nSubject: 3\n\n"), "Subject", &h));
	assert_int_equal(h.at, 5);
	assert_int_equal(h.end, 16);
	assert_true(mt_str_eqz(h.value, " 2"));
	assert_false(mt_header_find(MT_LIT("A: 1\n\nB: 2\n"), "B", &h));
}

static void
words_come_in_lower_case_without_comments(void **state)
{
	static const struct {
		const char *value, *word; /* NULL: none */
	} cases[] = {
		{ " Text/HTML; charset=x", "text/html" },
		{ " text / html ;", "text/html" },
		{ "(a) text/html (b (c) \\) )", "text/html" },
		{ "text/\r\n html", "text/html" },
		{ "Quoted-Printable\r\n", "quoted-printable" },
		{ "text/html charset=x", NULL },
		{ "8bit (open", NULL },
		{ "\"text/html\"", NULL },
		{ " ; x=y", NULL },
		{ "", NULL },
	};
	struct mt_buf out;
	size_t i;
	bool is;

	(void)state;
	mt_buf_init(&out, 100);
	for (i = 0; i < N(cases); i++) {
		mt_buf_reset(&out);
		is = mt_header_word(mt_str(cases[i].value), &out);
		if (is != (cases[i].word != NULL) ||
		    (is && strcmp(out.p, cases[i].word) != 0))
			fail_msg("'%s' gave '%s'", cases[i].value, out.p);
	}
	mt_buf_done(&out);
}

static void
parameters_are_read_as_mime_and_rfc_2231_write_them(void **state)
{
	static const struct {
		const char *value; /* of a parameter named p */
		enum mt_param got;
		const char *text;
	} cases[] = {
		{ "x", MT_PARAM_ABSENT, "" },
		{ "x; p=a", MT_PARAM_OK, "a" },
		{ "x; P = a ; q=b", MT_PARAM_OK, "a" },
		{ "x; p=\"a;\\\"b\"", MT_PARAM_OK, "a;\"b" },
		{ "x; p=\"a\r\n b\"", MT_PARAM_OK, "a b" },
		{ "x; q=\"; p=no\"; p=a", MT_PARAM_OK, "a" },
		{ "x (; p=no); p=(c)a (d)", MT_PARAM_OK, "a" },
		{ "x; p=a=b/c", MT_PARAM_OK, "a=b/c" },
		{ "x; p=\"\"", MT_PARAM_OK, "" },
		{ "x; p=", MT_PARAM_OK, "" },
		{ "x; p=a; p=a", MT_PARAM_OK, "a" },
		{ "x; p=a; p=b", MT_PARAM_BAD, "" },
		{ "x; p=\"a", MT_PARAM_BAD, "" },
		{ "x; p=a b", MT_PARAM_BAD, "" },
		{ "x; p=a(b)c", MT_PARAM_BAD, "" },
		{ "x; p", MT_PARAM_BAD, "" },
		{ "x; p*=us-ascii'en'a%20b", MT_PARAM_OK, "a b" },
		{ "x; p*=a", MT_PARAM_BAD, "" },
		{ "x; p*=x''%4", MT_PARAM_BAD, "" },
		{ "x; p*0=a; p*1=\"b\"; p*2=c", MT_PARAM_OK, "abc" },
		{ "x; p*0*=u''a%62; p*1=c; p*2*=%64", MT_PARAM_OK, "abcd" },
		{ "x; p*1=b; p*0=a", MT_PARAM_BAD, "" },
		{ "x; p*0=a; p*2=c", MT_PARAM_BAD, "" },
		{ "x; p=a; p*=u''b", MT_PARAM_BAD, "" },
		{ "x; pp=a; p2=b", MT_PARAM_ABSENT, "" },
		{ "x; p=0123456789012345678901234567890123456789", MT_PARAM_BAD,
		    "" },
	};
	struct mt_buf out;
	enum mt_param got;
	size_t i;

	(void)state;
	mt_buf_init(&out, 20);
	for (i = 0; i < N(cases); i++) {
		mt_buf_reset(&out);
		got = mt_header_param(mt_str(cases[i].value), "p", &out);
		if (got != cases[i].got || strcmp(out.p, cases[i].text) != 0)
			fail_msg("'%s' gave %d '%s'", cases[i].value, (int)got,
			    out.p);
	}
	mt_buf_done(&out);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(header_blocks_are_read_field_by_field),
		cmocka_unit_test(the_body_begins_after_the_first_empty_line),
		cmocka_unit_test(a_field_is_found_by_name),
		cmocka_unit_test(words_come_in_lower_case_without_comments),
		cmocka_unit_test(
		    parameters_are_read_as_mime_and_rfc_2231_write_them),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
