/* SPDX-License-Identifier: BSD-2-Clause */
/* What is pure in the command: text, suggestions, Postfix's list, URLs. */
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/clock.h"
#include "base/mem.h"
#include "nearest.h"
#include "postfix.h"
#include "text.h"
#include "url.h"

#define N(a) (sizeof(a) / sizeof((a)[0]))

static void
foreign_text_is_shown_harmless(void **state)
{
	static const struct {
		const char *name, *in, *out;
		size_t width;
	} cases[] = {
		{ "nothing", "", "", 0 },
		{ "plain", "Hello, Bob", "Hello, Bob", 10 },
		{ "accents", "Gr\xc3\xbc\xc3\x9f", "Gr\xc3\xbc\xc3\x9f", 4 },
		{ "wide", "\xe6\x97\xa5\xe6\x9c\xac",
		    "\xe6\x97\xa5\xe6\x9c\xac", 4 },
		{ "combining", "z\xcc\x88", "z\xcc\x88", 1 },
		{ "escape", "\x1b[2J", "\\x1b[2J", 7 },
		{ "line end", "a\r\nb", "a\\x0d\\x0ab", 10 },
		{ "DEL", "\x7f", "\\x7f", 4 },
		{ "C1 as UTF-8", "\xc2\x9b", "\\xc2\\x9b", 8 },
		{ "C1 as a byte", "\x9b", "\\x9b", 4 },
		{ "not UTF-8", "\xff\xfe", "\\xff\\xfe", 8 },
		{ "right to left", "\xe2\x80\xae", "\\xe2\\x80\\xae", 12 },
		{ "isolate", "\xe2\x81\xa6", "\\xe2\\x81\\xa6", 12 },
		{ "of no width", "a\xe2\x80\x8b", "a\\xe2\\x80\\x8b", 13 },
		{ "line separator", "\xe2\x80\xa8", "\\xe2\\x80\\xa8", 12 },
		{ "surrogate", "\xed\xa0\x80", "\\xed\\xa0\\x80", 12 },
	};
	struct mt_buf out;
	size_t i;

	(void)state;
	mt_buf_init(&out, 1000);
	for (i = 0; i < N(cases); i++) {
		mt_buf_reset(&out);
		ctl_clean(mt_str(cases[i].in), &out);
		if (strcmp(out.p, cases[i].out) != 0 ||
		    ctl_width(mt_buf_view(&out)) != cases[i].width)
			fail_msg("%s: %s, width %zu", cases[i].name, out.p,
			    ctl_width(mt_buf_view(&out)));
	}
	mt_buf_done(&out);
}

static void
spans_and_sizes_are_for_people(void **state)
{
	static const struct {
		int64_t us;
		const char *out;
	} spans[] = {
		{ 0, "0 s" },
		{ -5 * MT_SECOND, "5 s" },
		{ 119 * MT_SECOND, "119 s" },
		{ 120 * MT_SECOND, "2 min" },
		{ 7200 * MT_SECOND, "2 h" },
		{ 2 * MT_DAY, "2 d" },
		{ 400 * MT_DAY, "400 d" },
	};
	static const struct {
		uint64_t n;
		const char *out;
	} sizes[] = {
		{ 0, "0 bytes" },
		{ 1023, "1023 bytes" },
		{ 1024, "1.0 KiB" },
		{ 1536, "1.5 KiB" },
		{ 1048575, "1023.9 KiB" },
		{ 1048576, "1.0 MiB" },
		{ UINT64_C(1) << 42, "4.0 TiB" },
		{ UINT64_MAX, "16777215.9 TiB" },
	};
	struct mt_buf out;
	size_t i;

	(void)state;
	mt_buf_init(&out, 100);
	for (i = 0; i < N(spans); i++) {
		mt_buf_reset(&out);
		ctl_span(spans[i].us, &out);
		assert_string_equal(out.p, spans[i].out);
	}
	for (i = 0; i < N(sizes); i++) {
		mt_buf_reset(&out);
		ctl_bytes(sizes[i].n, &out);
		assert_string_equal(out.p, sizes[i].out);
	}
	mt_buf_done(&out);
}

static void
columns_are_as_wide_as_their_widest_cell(void **state)
{
	static const char *const titles[] = { "n", "who", "what" };
	struct ctl_table *t = ctl_table_new(3);
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);

	(void)state;
	assert_non_null(out);
	ctl_table_head(t, titles);
	ctl_table_num(t, 7);
	ctl_table_cellz(t, CTL_RED, "\xe6\x97\xa5");
	ctl_table_cellz(t, CTL_PLAIN, "");
	ctl_table_num(t, 12);
	ctl_table_cell(t, CTL_PLAIN, mt_str(NULL));
	ctl_table_cellz(t, CTL_GREEN, "x\n");
	assert_int_equal(ctl_table_rows(t), 3);
	ctl_table_print(t, out, false, 1);
	ctl_table_print(t, out, true, 0);
	assert_int_equal(fclose(out), 0);
	assert_string_equal(text,
	    " n   who  what\n"
	    "  7  \xe6\x97\xa5\n"
	    " 12       x\\x0a\n"
	    "\033[1mn\033[0m   \033[1mwho\033[0m  \033[1mwhat\033[0m\n"
	    " 7  \033[31m\xe6\x97\xa5\033[0m\n"
	    "12       \033[32mx\\x0a\033[0m\n");
	free(text); /* of open_memstream */
	ctl_table_free(t);
	ctl_table_free(NULL);
}

static void
the_nearest_word_is_suggested_or_none(void **state)
{
	static const char *const words[] = { "dead", "doctor", "key", "markup",
		"trail", "track", "token" };
	static const struct {
		const char *word, *nearest;
	} cases[] = {
		{ "trial", "trail" },
		{ "trail", "trail" },
		{ "trak", "track" },
		{ "doc", "doctor" },
		{ "to", "token" },
		{ "keys", "key" },
		{ "t", NULL },
		{ "", NULL },
		{ "x", NULL },
		{ "database", NULL },
		{ "Trail", "trail" },
		{ "a-word-that-is-longer-than-any-command-can-be", NULL },
	};
	size_t i, found;

	(void)state;
	for (i = 0; i < N(cases); i++) {
		found = ctl_nearest(cases[i].word, words, N(words));
		if (cases[i].nearest == NULL ? found != N(words)
					     : found == N(words) ||
			    strcmp(words[found], cases[i].nearest) != 0)
			fail_msg("%s: %s", cases[i].word,
			    found == N(words) ? "none" : words[found]);
	}
	assert_int_equal(ctl_distance("ab", "ba"), 1);
	assert_int_equal(ctl_distance("", "abc"), 3);
}

static void
postfix_lists_are_read(void **state)
{
	static const struct {
		const char *name, *list;
		bool good;
		size_t n;
		const char *last; /* socket of the last */
	} cases[] = {
		{ "nothing", "", true, 0, NULL },
		{ "spaces", " , ,", true, 0, NULL },
		{ "one", "inet:localhost:8891", true, 1,
		    "inet:localhost:8891" },
		{ "two", "unix:a, inet:b:1", true, 2, "inet:b:1" },
		{ "spaces only", "unix:a inet:b:1", true, 2, "inet:b:1" },
		{ "group", "{ unix:a/b, connect_timeout=5s }", true, 1,
		    "unix:a/b" },
		{ "tight", "{unix:a,default_action=accept},inet:b:1", true, 2,
		    "inet:b:1" },
		{ "group of a socket", "{unix:a}", true, 1, "unix:a" },
		{ "open group", "{ unix:a", false, 0, NULL },
		{ "empty group", "{ }", false, 0, NULL },
		{ "too many", "a b c d e", false, 0, NULL },
	};
	struct ctl_milter m[4];
	size_t i, n;

	(void)state;
	for (i = 0; i < N(cases); i++) {
		n = 0;
		if (ctl_milters_read(mt_str(cases[i].list), m, N(m), &n) !=
			cases[i].good ||
		    n != cases[i].n ||
		    (n > 0 && !mt_str_eqz(m[n - 1].socket, cases[i].last)))
			fail_msg("%s: %zu", cases[i].name, n);
	}
	assert_true(ctl_milters_read(
	    MT_LIT("{ unix:a, connect_timeout = 5s, content_timeout=1m , "
		   "default_action=accept, protocol=6 }"),
	    m, N(m), &n));
	assert_true(mt_str_eqz(m[0].connect_timeout, "5s"));
	assert_true(mt_str_eqz(m[0].content_timeout, "1m"));
	assert_true(mt_str_eqz(m[0].default_action, "accept"));
	assert_null(m[0].command_timeout.p);
}

static void
postfix_times_are_read(void **state)
{
	static const struct {
		const char *text;
		bool good;
		uint64_t seconds;
	} cases[] = {
		{ "5s", true, 5 },
		{ "30", true, 30 },
		{ "5m", true, 300 },
		{ "1h", true, 3600 },
		{ "2d", true, 172800 },
		{ "1w", true, 604800 },
		{ " 7s ", true, 7 },
		{ "", false, 0 },
		{ "s", false, 0 },
		{ "-1s", false, 0 },
		{ "5x", false, 0 },
		{ "5 s", false, 0 },
		{ "99999999999", false, 0 },
	};
	uint64_t seconds;
	size_t i;

	(void)state;
	for (i = 0; i < N(cases); i++) {
		seconds = 0;
		if (ctl_postfix_time(mt_str(cases[i].text), &seconds) !=
			cases[i].good ||
		    seconds != cases[i].seconds)
			fail_msg("'%s'", cases[i].text);
	}
}

static void
sockets_are_where_postfix_looks_for_them(void **state)
{
	static const struct {
		const char *socket;
		const char *path; /* NULL: none */
		bool chrooted;
		bool signs;
	} cases[] = {
		{ "unix:mailtrail/milter.sock", "/q/mailtrail/milter.sock",
		    true, false },
		{ "unix:mailtrail/milter.sock", "/q/mailtrail/milter.sock",
		    false, false },
		{ "unix:/run/m.sock", "/run/m.sock", false, false },
		{ "local:/run/m.sock", "/q/run/m.sock", true, false },
		{ "inet:localhost:11332", NULL, true, true },
		{ "inet:127.0.0.1:8891", NULL, true, true },
		{ "unix:opendkim/opendkim.sock", "/q/opendkim/opendkim.sock",
		    true, true },
		{ "inet:localhost:8893", NULL, false, false },
	};
	struct ctl_milter m;
	struct mt_str path;
	struct mt_buf out;
	size_t i;

	(void)state;
	mt_buf_init(&out, 1000);
	for (i = 0; i < N(cases); i++) {
		m = (struct ctl_milter){ .socket = mt_str(cases[i].socket) };
		path = ctl_milter_path(&m);
		mt_buf_reset(&out);
		if (path.p != NULL)
			ctl_milter_real_path(
			    path, MT_LIT("/q"), cases[i].chrooted, &out);
		assert_int_equal(path.p == NULL, cases[i].path == NULL);
		if (cases[i].path != NULL)
			assert_string_equal(out.p, cases[i].path);
		assert_int_equal(ctl_milter_signs(&m), cases[i].signs);
	}
	mt_buf_done(&out);
}

static void
urls_and_tokens_belong_together(void **state)
{
	static const struct {
		const char *url, *token;
	} cases[] = {
		{ "https://o.example/i/AbC.gif", "AbC" },
		{ "AbC.gif", "AbC" },
		{ "AbC", "AbC" },
		{ "/i/AbC", "AbC" },
		{ ".gif", ".gif" },
		{ "", "" },
		{ "https://o.example/", "" },
	};
	char url[64];
	size_t i;

	(void)state;
	for (i = 0; i < N(cases); i++)
		assert_true(mt_str_eqz(
		    ctl_url_token(mt_str(cases[i].url)), cases[i].token));
	ctl_pixel_url(MT_LIT("https://o.example//"), "AbC", url, sizeof(url));
	assert_string_equal(url, "https://o.example/i/AbC.gif");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(foreign_text_is_shown_harmless),
		cmocka_unit_test(spans_and_sizes_are_for_people),
		cmocka_unit_test(columns_are_as_wide_as_their_widest_cell),
		cmocka_unit_test(the_nearest_word_is_suggested_or_none),
		cmocka_unit_test(postfix_lists_are_read),
		cmocka_unit_test(postfix_times_are_read),
		cmocka_unit_test(sockets_are_where_postfix_looks_for_them),
		cmocka_unit_test(urls_and_tokens_belong_together),
	};

	(void)setlocale(LC_CTYPE, "C.UTF-8");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
