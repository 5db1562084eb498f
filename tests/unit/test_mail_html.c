/* SPDX-License-Identifier: BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/buf.h"
#include "mail/html.h"

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
		"x<^",
		"x^</",
		"<body>x^<script>a</script ",
		"<body>x^<title>a</title",
		"<body>x^<textarea>a</textarea b=\"></textarea>",
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
		"<body>x^</body><a b= \"</body>\">",
		"<body>x^</body><a b\t=\n'</body>'>",
		"<body>x^</body><a =c=\"</body>\">",
		"<body>x^</body><a b=\"c\" d=\"</body>\"e='</body>'>",
		"<body>x</body><a =\">^</body><a =\">",
		"<body>x</body><a/ =\">^</body><a/=\">",
		"<body>x</body><a b=\"c\"=\">^</body><a =\">",
		"<body>x</body><a b=c=\">^</body>",
		"<body>x</body><a b=c/\">^</body>",
		"<body>x</body><a=\">^</body><a=\">",
		"<body>x^</body><a=b c=\"</body>\">",
		"<body>x</body></a b=\">\">^</body>",
		"<body>x</body><strong><head1><no><b>^</body>",
		"<body>x^</body><XMP></body><xm></xmp>",
		"<body>x^</body><noembed></body></noembed ><b>",
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

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_tag_goes_before_the_last_real_end_of_body),
		cmocka_unit_test(the_tag_never_goes_into_what_is_not_closed),
		cmocka_unit_test(the_tag_goes_to_the_top_of_long_html),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
