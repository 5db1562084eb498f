/* SPDX-License-Identifier: BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/field.h"
#include "base/ip.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/num.h"
#include "base/str.h"
#include "base/sum.h"
#include "base/trouble.h"
#include "base/utf8.h"
#include "base/words.h"

static void
a_full_buffer_changes_nothing_and_says_so(void **state)
{
	struct mt_buf b;

	(void)state;
	mt_buf_init(&b, 5);
	mt_buf_z(&b, "abc");
	mt_buf_z(&b, "def");
	assert_true(mt_buf_over(&b));
	mt_buf_c(&b, 'd'); /* would fit, but the text is already broken */
	assert_string_equal(b.p, "abc");
	mt_buf_reset(&b);
	mt_buf_printf(&b, "%d", 12345);
	assert_false(mt_buf_over(&b));
	assert_string_equal(b.p, "12345");
	mt_buf_printf(&b, "%d", 6);
	assert_true(mt_buf_over(&b));
	mt_buf_done(&b);
	mt_buf_done(&b); /* done is safe after done */
}

static void
a_long_printf_fits_when_the_ceiling_allows(void **state)
{
	struct mt_buf b;
	char *text;

	(void)state;
	mt_buf_init(&b, 1000);
	mt_buf_printf(&b, "%0600d", 7);
	assert_int_equal(b.n, 600);
	assert_int_equal(strlen(b.p), 600);
	text = mt_buf_take(&b);
	assert_int_equal(strlen(text), 600);
	assert_int_equal(b.n, 0);
	mt_free(text);
}

static void
texts_are_cut_and_trimmed(void **state)
{
	struct mt_str head, tail;

	(void)state;
	assert_true(mt_str_cut(MT_LIT("a=b=c"), '=', &head, &tail));
	assert_true(mt_str_eqz(head, "a") && mt_str_eqz(tail, "b=c"));
	assert_true(mt_str_cut_last(MT_LIT("a=b=c"), '=', &head, &tail));
	assert_true(mt_str_eqz(head, "a=b") && mt_str_eqz(tail, "c"));
	assert_false(mt_str_cut(MT_LIT("abc"), '=', &head, &tail));
	assert_true(mt_str_eqz(head, "abc") && tail.p == NULL);
	assert_false(mt_str_cut(mt_str(NULL), '=', &head, &tail));
	assert_true(mt_str_eqz(mt_str_trim(MT_LIT(" \t x y\r\n")), "x y"));
	assert_true(mt_str_eqz_nocase(MT_LIT("MixEd"), "mIXeD"));
	assert_false(mt_str_eqz_nocase(MT_LIT("\xc4"), "\xe4"));
	assert_true(mt_str_cmp(MT_LIT("ab"), MT_LIT("abc")) < 0);
}

static void
numbers_are_read_strictly(void **state)
{
	static const struct {
		const char *text;
		uint64_t max;
		bool good;
		uint64_t n;
	} cases[] = {
		{ "0", 10, true, 0 },
		{ "10", 10, true, 10 },
		{ "11", 10, false, 0 },
		{ "", 10, false, 0 },
		{ "-1", 10, false, 0 },
		{ "+1", 10, false, 0 },
		{ " 1", 10, false, 0 },
		{ "1 ", 10, false, 0 },
		{ "0x1", 10, false, 0 },
		{ "18446744073709551615", UINT64_MAX, true, UINT64_MAX },
		{ "18446744073709551616", UINT64_MAX, false, 0 },
		{ "99999999999999999999", UINT64_MAX, false, 0 },
		{ "9999999999999999999", UINT64_MAX, true,
		    UINT64_C(9999999999999999999) },
		{ "100000000000000000000", UINT64_MAX, false, 0 },
	};
	char text[MT_NUM_LEN + 1];
	uint64_t n;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		n = 77;
		assert_int_equal(
		    mt_num_read(mt_str(cases[i].text), cases[i].max, &n),
		    cases[i].good);
		assert_int_equal(n, cases[i].good ? cases[i].n : 77);
		if (cases[i].good) {
			*mt_num_put(text, n) = '\0';
			assert_string_equal(text, cases[i].text);
		}
	}
	assert_true(mt_num_read_size(MT_LIT("64k"), UINT64_MAX, &n));
	assert_int_equal(n, 65536);
	assert_true(mt_num_read_size(MT_LIT("2G"), UINT64_MAX, &n));
	assert_int_equal(n, UINT64_C(2) << 30);
	assert_false(mt_num_read_size(MT_LIT("k"), UINT64_MAX, &n));
	assert_false(mt_num_read_size(MT_LIT("1t"), UINT64_MAX, &n));
	assert_false(
	    mt_num_read_size(MT_LIT("18446744073709551615k"), UINT64_MAX, &n));
}

static void
times_survive_their_text(void **state)
{
	static const struct {
		const char *text;
		int64_t at;
	} cases[] = {
		{ "1970-01-01T00:00:00.000000Z", 0 },
		{ "2000-02-29T23:59:59.999999Z", INT64_C(951868799999999) },
		{ "2026-11-20T16:41:37.123456Z", INT64_C(1795192897123456) },
		{ "9999-12-31T23:59:59.999999Z", MT_TIME_MAX },
	};
	char text[MT_TIME_LEN + 1];
	int64_t at;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_true(mt_time_read(mt_str(cases[i].text), &at));
		assert_true(at == cases[i].at);
		mt_time_write(at, 'T', true, text);
		assert_string_equal(text, cases[i].text);
	}
	assert_true(mt_time_read(MT_LIT("1970-01-01T00:00:01Z"), &at));
	assert_true(at == MT_SECOND);
	assert_true(mt_time_read(MT_LIT("1970-01-01T00:00:00.5Z"), &at));
	assert_true(at == MT_SECOND / 2);
	mt_time_write(-5, ' ', false, text);
	assert_string_equal(text, "1970-01-01 00:00:00.000000");
}

static void
bad_times_are_refused(void **state)
{
	static const char *const cases[] = { "", "2026-11-20",
		"2026-11-20T16:41:37", "2026-11-20 16:41:37Z",
		"2026-13-20T16:41:37Z", "2026-11-31T16:41:37Z",
		"2025-02-29T16:41:37Z", "2026-11-20T24:00:00Z",
		"2026-11-20T16:41:60Z", "2026-11-20T16:41:37.Z",
		"2026-11-20T16:41:37.1234567Z", "1969-11-20T16:41:37Z",
		"2026-11-20T16:41:37+01:00" };
	int64_t at = 77;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_false(mt_time_read(mt_str(cases[i]), &at));
	assert_int_equal(at, 77);
}

static void
addresses_and_networks_match(void **state)
{
	struct mt_ip ip, prefix;
	struct mt_net net;
	char text[MT_IP_LEN];

	(void)state;
	assert_true(mt_ip_read(MT_LIT("::ffff:192.0.2.77"), &ip));
	mt_ip_write(&ip, text);
	assert_string_equal(text, "192.0.2.77");
	assert_true(mt_net_read(MT_LIT("192.0.2.0/25"), &net));
	assert_true(mt_net_has(&net, &ip));
	assert_true(mt_ip_read(MT_LIT("192.0.2.128"), &ip));
	assert_false(mt_net_has(&net, &ip));
	assert_true(mt_ip_read(MT_LIT("IPv6:2001:DB8:1:2::3"), &ip));
	mt_ip_write(&ip, text);
	assert_string_equal(text, "2001:db8:1:2::3");
	prefix = mt_ip_prefix(&ip, 48);
	mt_ip_write(&prefix, text);
	assert_string_equal(text, "2001:db8:1::");
	prefix = mt_ip_prefix(&ip, 61);
	mt_ip_write(&prefix, text);
	assert_string_equal(text, "2001:db8:1::");
	prefix = mt_ip_prefix(&ip, 63);
	mt_ip_write(&prefix, text);
	assert_string_equal(text, "2001:db8:1:2::");
	prefix = mt_ip_prefix(&ip, 0);
	mt_ip_write(&prefix, text);
	assert_string_equal(text, "::");
	prefix = mt_ip_prefix(&ip, 127);
	mt_ip_write(&prefix, text);
	assert_string_equal(text, "2001:db8:1:2::2");
	prefix = mt_ip_prefix(&ip, 128);
	assert_true(mt_ip_eq(&prefix, &ip));
	assert_true(mt_net_read(MT_LIT("2001:db8::/47"), &net));
	assert_true(mt_net_has(&net, &ip));
	assert_false(mt_net_read(MT_LIT("192.0.2.0/33"), &net));
	assert_false(mt_net_read(MT_LIT("192.0.2.0/"), &net));
	assert_false(mt_ip_read(MT_LIT("192.0.2"), &ip));
	assert_false(mt_ip_read(MT_LIT(""), &ip));
	assert_false(mt_ip_read(mt_str_n("1.2.3.4\0x", 9), &ip));
}

static void
foreign_bytes_become_escapes(void **state)
{
	static const struct {
		const char *in;
		size_t n;
		const char *out;
	} cases[] = {
		{ "plain", 5, "plain" },
		{ "gr\xc3\xbc\xc3\x9f", 6, "gr\xc3\xbc\xc3\x9f" },
		{ "gr\xfc\xdf", 4, "gr\\xfc\\xdf" }, { "a\0b", 3, "a\\x00b" },
		{ "\xc0\xaf", 2, "\\xc0\\xaf" }, /* overlong */
		{ "\xed\xa0\x80", 3, "\\xed\\xa0\\x80" }, /* surrogate */
		{ "\xf4\x90\x80\x80", 4, "\\xf4\\x90\\x80\\x80" },
		{ "\xe2\x82", 2, "\\xe2\\x82" }, /* cut short */
	};
	struct mt_buf b;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		mt_buf_init(&b, 100);
		mt_utf8_escape(&b, mt_str_n(cases[i].in, cases[i].n));
		assert_string_equal(b.p, cases[i].out);
		assert_true(mt_utf8_clean(mt_buf_view(&b)));
		mt_buf_done(&b);
	}
	assert_int_equal(mt_utf8_cut(MT_LIT("a\xe2\x82\xac"), 3).n, 1);
	assert_int_equal(mt_utf8_cut(MT_LIT("a\xe2\x82\xac"), 4).n, 4);
}

static void
errors_gain_context_and_are_cut_not_overrun(void **state)
{
	struct mt_err err;
	char longest[2000];

	(void)state;
	assert_int_equal(
	    mt_fail(&err, MT_LIMIT, "batch: larger than %d", 10), MT_LIMIT);
	mt_err_in(&err, "%s:%d", "collector.conf", 7);
	assert_string_equal(err.msg, "collector.conf:7: batch: larger than 10");
	memset(longest, 'x', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = '\0';
	(void)mt_fail(&err, MT_FORMAT, "%s", longest);
	mt_err_in(&err, "%s", longest);
	assert_int_equal(strlen(err.msg), sizeof(err.msg) - 1);
	mt_err_put(NULL, MT_FORMAT, 0, "nobody asked");
}

static void
every_word_is_found_and_documented(void **state)
{
	const struct mt_words *set;
	unsigned i;

	(void)state;
	for (set = mt_words_all; set->name != NULL; set++) {
		assert_string_equal(set->texts[0], "");
		assert_true(strlen(set->doc) > 0);
		for (i = 1; set->texts[i] != NULL; i++) {
			assert_int_equal(
			    mt_word_find(set->texts, mt_str(set->texts[i])), i);
			assert_true(strlen(set->docs[i]) > 0);
			assert_true(strlen(set->texts[i]) <= 32);
		}
		assert_int_equal(mt_word_find(set->texts, MT_LIT("")), 0);
		assert_int_equal(mt_word_find(set->texts, MT_LIT("?")), 0);
	}
}

static void
quotes_hide_control_bytes_and_people(void **state)
{
	char longest[1000];

	(void)state;
	assert_string_equal(
	    mt_quote(MT_LIT("a\nb'c\\d\x7f")).s, "'a\\x0ab\\x27c\\x5cd\\x7f'");
	memset(longest, '\n', sizeof(longest));
	assert_true(
	    strlen(mt_quote(mt_str_n(longest, sizeof(longest))).s) < 400);
	assert_string_equal(
	    mt_quote_address(MT_LIT("rosa@b.example")).s, "'r***@b.example'");
	mt_log_setup(false, true);
	assert_string_equal(
	    mt_quote_address(MT_LIT("rosa@b.example")).s, "'rosa@b.example'");
	mt_log_setup(false, false);
}

static void
a_trouble_is_said_when_it_begins_or_becomes_another(void **state)
{
	struct mt_trouble_was was;
	struct mt_trouble t;

	(void)state;
	mt_trouble_init(&t);
	mt_trouble_good(&t);
	assert_false(mt_trouble_over(&t, &was));
	assert_true(mt_trouble_on(&t, MT_AGAIN));
	assert_false(mt_trouble_on(&t, MT_AGAIN));
	assert_true(mt_trouble_on(&t, MT_CONFIG));
	assert_false(mt_trouble_on(&t, MT_CONFIG));
	/* As if it had been said a minute ago, and was well for a while. */
	t.said_ms -= 60000;
	assert_true(mt_trouble_on(&t, MT_CONFIG));
	mt_trouble_good(&t);
	assert_false(mt_trouble_over(&t, &was));
	t.good_ms -= 2000;
	t.since_ms -= 62000;
	assert_true(mt_trouble_over(&t, &was));
	assert_int_equal(was.seconds, 60);
	assert_int_equal(was.count, 5);
	assert_false(mt_trouble_over(&t, &was));
	assert_true(mt_trouble_on(&t, MT_CONFIG));
	/* One success among failures is not the end. */
	mt_trouble_good(&t);
	t.good_ms -= 2000;
	assert_false(mt_trouble_on(&t, MT_CONFIG));
	assert_false(mt_trouble_over(&t, &was));
	mt_trouble_done(&t);
}

static void
the_checksum_is_the_standard_one(void **state)
{
	(void)state;
	assert_int_equal(mt_sum(0, "123456789", 9), 0xcbf43926u);
	assert_int_equal(mt_sum(mt_sum(0, "1234", 4), "56789", 5), 0xcbf43926u);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_full_buffer_changes_nothing_and_says_so),
		cmocka_unit_test(a_long_printf_fits_when_the_ceiling_allows),
		cmocka_unit_test(texts_are_cut_and_trimmed),
		cmocka_unit_test(numbers_are_read_strictly),
		cmocka_unit_test(times_survive_their_text),
		cmocka_unit_test(bad_times_are_refused),
		cmocka_unit_test(addresses_and_networks_match),
		cmocka_unit_test(foreign_bytes_become_escapes),
		cmocka_unit_test(errors_gain_context_and_are_cut_not_overrun),
		cmocka_unit_test(every_word_is_found_and_documented),
		cmocka_unit_test(quotes_hide_control_bytes_and_people),
		cmocka_unit_test(
		    a_trouble_is_said_when_it_begins_or_becomes_another),
		cmocka_unit_test(the_checksum_is_the_standard_one),
	};

	return cmocka_run_group_tests_name("base", tests, NULL, NULL);
}
