/* SPDX-License-Identifier: BSD-2-Clause */
/* Rows of rspamd's history, as raw as its Redis has them and as PHP prints. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>
#include <zstd.h>

#include "base/mem.h"
#include "history.h"

#include "../lib/maillog_text.h"

#define N(table) (sizeof(table) / sizeof((table)[0]))
#define DATA "tests/data/mailcow/"
#define MAX_TEXT 16777216
#define ROWS 64

/* An address that leaves no trace, in every test. */
static bool
ignores(void *arg, struct mt_str address)
{
	(void)arg;
	return mt_str_eqz_nocase(address, "monitor@example.org");
}

static const struct history_who who = { .ignores = ignores };

/* The event as text, or the error and its message. */
static const char *
read_row(struct history *h, struct mt_str row, struct mt_buf *out)
{
	struct mt_ev_scan ev;
	struct mt_err err;

	mt_buf_reset(out);
	if (history_read(h, row, MT_LIT("mx"), &who, &ev, &err) == MT_OK)
		maillog_text(out, MT_EV_scan, &ev);
	else
		mt_buf_printf(out, "%s: %s", mt_rc_name(err.rc), err.msg);
	return out->p;
}

static void
pack(struct mt_str s, struct mt_buf *out)
{
	size_t n, room = ZSTD_compressBound(s.n);

	mt_buf_reset(out);
	assert_true(mt_buf_reserve(out, room));
	n = ZSTD_compress(out->p, room, s.p, s.n, 3);
	assert_false(ZSTD_isError(n));
	out->n = n;
}

#define MUST "\"unix_time\":1795196521,\"action\":\"reject\",\"score\":1"
#define SAID "at=<2026-11-20T17:42:01.000000Z> host=<mx> queue_id=<> "

static const struct {
	const char *name;
	const char *row;
	const char *expected; /* stands in what comes of it */
} cases[] = {
	{ "the least", "{" MUST "}", SAID },
	{ "no score to reject from", "{" MUST "}",
	    "action=<reject> score=<1> required=<0>" },
	{ "all of it",
	    "{\"unix_time\":1795196521,\"action\":\"no action\","
	    "\"score\":-0.1234,\"required_score\":15.0,"
	    "\"message-id\":\"a@b\",\"sender_smtp\":\"a@example.org\","
	    "\"sender_mime\":\"b@example.org\",\"rcpt_smtp\":[\"c@example.com\","
	    "\"d@example.com\"],\"subject\":\"x\",\"user\":\"u\","
	    "\"ip\":\"192.0.2.1\",\"size\":182,\"time_real\":0.0126,"
	    "\"is_skipped\":false,\"thresholds\":{\"reject\":15,\"add header\":"
	    "6.5},\"symbols\":{\"B\":{\"score\":1.50,\"options\":[\"99%\",2],"
	    "\"name\":\"B\",\"metric_score\":5},\"A\":{\"score\":0}}}",
	    " message_id=<a@b> action=<no action> score=<-0.123> required=<15> "
	    "direction=<outbound> sender=<a@example.org> "
	    "header_from=<b@example.org> rcpt=<c@example.com> nrcpt=<2> "
	    "subject=<x> user=<u> client=<192.0.2.1> size=<182> took_ms=<13> "
	    "thresholds=<{\"add header\":6.5,\"reject\":15}> "
	    "symbols=<{\"A\":{\"score\":0},"
	    "\"B\":{\"options\":[\"99%\"],\"score\":1.5}}>" },
	{ "what rspamd does not know",
	    "{" MUST ",\"message-id\":\"undef\",\"sender_smtp\":\"unknown\","
	    "\"sender_mime\":\"unknown\",\"rcpt_smtp\":[\"unknown\"],"
	    "\"subject\":\"unknown\",\"user\":\"unknown\",\"ip\":\"unknown\"}",
	    " action=<reject> score=<1> required=<0>" },
	{ "the null sender", "{" MUST ",\"sender_smtp\":\"\"}", " sender=<>" },
	{ "a stranger's", "{" MUST ",\"ip\":\"2001:db8::25\"}",
	    "direction=<inbound> client=<2001:db8::25>" },
	{ "a neighbour's", "{" MUST ",\"ip\":\"172.22.1.248\"}",
	    "direction=<outbound>" },
	{ "a monitor's among others",
	    "{" MUST ",\"rcpt_smtp\":[\"Monitor@example.org\",\"b@c\"]}",
	    " rcpt=<b@c> nrcpt=<2>" },
	{ "an empty object as PHP has it", "{" MUST ",\"symbols\":[]}",
	    " symbols=<{}>" },
	{ "symbols of another kind", "{" MUST ",\"symbols\":\"A, B\"}",
	    " required=<0>" },
	{ "a half second",
	    "{\"unix_time\":1795196521.5,\"action\":\"x\","
	    "\"score\":0}",
	    "at=<2026-11-20T17:42:01.500000Z>" },
	{ "with a queue id", "{" MUST ",\"queue_id\":\"4dG2kQ2mzCzGd4\"}",
	    "queue_id=<4dG2kQ2mzCzGd4>" },
	{ "with what is none", "{" MUST ",\"queue_id\":\"a b\"}",
	    "queue_id=<> " },
	{ "a NUL", "{" MUST ",\"subject\":\"a\\u0000b\"}", " subject=<a" },
	{ "bytes that are no UTF-8", "{" MUST ",\"subject\":\"a\xffz\xc3\"}",
	    " subject=<a\\xffz\\xc3>" },
	/* What is no row of it. */
	{ "to a monitor alone",
	    "{" MUST ",\"rcpt_smtp\":[\"monitor@example.org\"]}",
	    "absent: leaves no trace" },
	{ "from a monitor",
	    "{" MUST ",\"sender_smtp\":\"MONITOR@example.org\"}",
	    "absent: leaves no trace" },
	{ "a log line", "{\"time\":\"1\",\"message\":\"x\"}",
	    "format: unix_time: missing" },
	{ "no time", "{\"unix_time\":\"1\",\"action\":\"x\",\"score\":1}",
	    "format: unix_time: missing" },
	{ "no time of ours",
	    "{\"unix_time\":1e300,\"action\":\"x\",\"score\":1}",
	    "format: unix_time: missing" },
	{ "no action", "{\"unix_time\":1,\"action\":\"\",\"score\":1}",
	    "format: action: missing" },
	{ "no score", "{\"unix_time\":1,\"action\":\"x\",\"score\":null}",
	    "format: score: missing" },
	{ "no object", "[]", "format: not an object" },
	{ "cut off", "{" MUST, "format: not JSON: '}' expected" },
	{ "bytes", "\x01\x02", "format: not JSON: " },
	{ "nothing", " ", "format: not JSON: " },
	{ "no zstd", "\x28\xb5\x2f\xfd", "format: zstd: cut off" },
	{ "no zstd either", "\x28\xb5\x2f\xfdgarbage", "format: zstd: " },
};

static void
a_row_gives_what_it_says_or_why_not(void **state)
{
	struct history h;
	struct mt_buf out;
	size_t i;

	(void)state;
	history_init(&h);
	mt_buf_init(&out, MAX_TEXT);
	for (i = 0; i < N(cases); i++) {
		read_row(&h, mt_str(cases[i].row), &out);
		if (strstr(out.p, cases[i].expected) == NULL)
			fail_msg("%s: %s", cases[i].name, out.p);
	}
	/* Nothing is left of the row before. */
	read_row(&h, mt_str(cases[2].row), &out);
	read_row(&h, mt_str(cases[0].row), &out);
	assert_null(strstr(out.p, "symbols"));
	assert_null(strstr(out.p, "direction"));
	mt_buf_done(&out);
	history_done(&h);
}

/* Change one thing of a row: is it another scan then? */
static void
the_key_is_of_what_is_said(void **state)
{
	static const struct {
		const char *row;
		bool other;
	} rows[] = {
		{ "{" MUST ",\"message-id\":\"a\"}", false },
		/* Written in another way. */
		{ "{\"message-id\":\"a\",\"score\":1.0, \"action\":\"reject\","
		  "\"unix_time\":1795196521}",
		    false },
		/* What another release may say, too. */
		{ "{" MUST ",\"message-id\":\"a\",\"groups\":{}}", false },
		{ "{" MUST ",\"message-id\":\"b\"}", true },
		/* Fractions, which rspamd's controller cuts now and then. */
		{ "{" MUST ",\"message-id\":\"a\",\"time_real\":0.000649}",
		    false },
		{ "{\"score\":0.999999,\"action\":\"reject\","
		  "\"unix_time\":1795196521,\"message-id\":\"a\"}",
		    false },
		{ "{" MUST ",\"message-id\":\"a\",\"size\":1}", true },
		{ "{" MUST ",\"message-id\":\"a\",\"user\":\"a\"}", true },
		{ "{" MUST ",\"message-id\":\"a\",\"ip\":\"::1\"}", true },
		{ "{" MUST ",\"message-id\":\"a\",\"sender_smtp\":\"\"}",
		    true },
		{ "{" MUST ",\"message-id\":\"a\",\"rcpt_smtp\":[\"a\"]}",
		    true },
		{ "{" MUST ",\"message-id\":\"a\",\"rcpt_smtp\":[\"a\",\"a\"]}",
		    true },
	};
	uint64_t twins[N(rows)];
	struct mt_ev_scan ev;
	struct history h;
	struct mt_err err;
	size_t i, j;

	(void)state;
	history_init(&h);
	for (i = 0; i < N(rows); i++) {
		assert_int_equal(history_read(&h, mt_str(rows[i].row),
				     MT_LIT("mx"), &who, &ev, &err),
		    MT_OK);
		twins[i] = ev.twin;
		for (j = 0; j < i; j++)
			if ((twins[i] == twins[j]) !=
			    (!rows[i].other && !rows[j].other))
				fail_msg("%s: %s", rows[i].row, rows[j].row);
	}
	history_done(&h);
}

/* Rows of a page, as tail/api.c gives them on. */
static json_t *
load_page(void)
{
	struct mt_buf text;
	json_error_t why;
	json_t *page;

	mt_buf_init(&text, MAX_TEXT);
	maillog_read(DATA "rspamd-history.json", &text);
	page = json_loadb(text.p, text.n, JSON_ALLOW_NUL, &why);
	assert_non_null(page);
	mt_buf_done(&text);
	return page;
}

static void
the_same_row_is_the_same_event_whichever_way_it_came(void **state)
{
	struct mt_buf raw, packed, first, second;
	struct mt_str rest, row;
	json_t *page = load_page();
	struct history h;
	size_t i, j, n = 0;
	char *dumped, *events[ROWS];

	(void)state;
	history_init(&h);
	mt_buf_init(&raw, MAX_TEXT);
	mt_buf_init(&packed, MAX_TEXT);
	mt_buf_init(&first, MAX_TEXT);
	mt_buf_init(&second, MAX_TEXT);
	maillog_read(DATA "rs_history.ndjson", &raw);
	for (rest = mt_buf_view(&raw); rest.n > 0; n++) {
		assert_true(n < ROWS);
		(void)mt_str_cut(rest, '\n', &row, &rest);
		read_row(&h, row, &first);
		assert_non_null(strstr(first.p, "scan at=<2026-11-20T17:"));
		pack(row, &packed);
		assert_string_equal(
		    read_row(&h, mt_buf_view(&packed), &second), first.p);
		/* The last has bytes that PHP cannot read. */
		if (n < json_array_size(page)) {
			dumped = json_dumps(json_array_get(page, n),
			    JSON_COMPACT | JSON_SORT_KEYS);
			assert_string_equal(
			    read_row(&h, mt_str(dumped), &second), first.p);
			free(dumped);
		}
		events[n] = mt_str_dup(mt_buf_view(&first));
		for (j = 0; j < n; j++)
			assert_string_not_equal(events[j], events[n]);
	}
	assert_int_equal(n, json_array_size(page) + 1);
	assert_non_null(strstr(first.p, "action=<reject> score=<18.4> "));
	assert_non_null(strstr(first.p, "subject=<"));
	for (i = 0; i < n; i++)
		mt_free(events[i]);
	json_decref(page);
	mt_buf_done(&raw);
	mt_buf_done(&packed);
	mt_buf_done(&first);
	mt_buf_done(&second);
	history_done(&h);
}

static void
what_is_packed_ends_where_it_says(void **state)
{
	struct mt_str row = mt_str("{" MUST "}");
	struct mt_buf packed, out, huge;
	struct history h;

	(void)state;
	history_init(&h);
	mt_buf_init(&packed, MAX_TEXT);
	mt_buf_init(&out, MAX_TEXT);
	mt_buf_init(&huge, (size_t)HISTORY_ROW_MAX * 2);
	pack(row, &packed);
	assert_string_equal(
	    read_row(&h, mt_str_n(packed.p, packed.n - 1), &out),
	    "format: zstd: cut off");
	mt_buf_c(&packed, 'x');
	assert_string_equal(read_row(&h, mt_buf_view(&packed), &out),
	    "format: zstd: something behind its end");
	/* A few hundred bytes that would be eight million. */
	assert_true(mt_buf_reserve(&huge, huge.max));
	memset(huge.p, ' ', huge.max);
	huge.n = huge.max;
	pack(mt_buf_view(&huge), &packed);
	assert_true(packed.n < 2000);
	assert_string_equal(read_row(&h, mt_buf_view(&packed), &out),
	    "limit: longer than 4194304 bytes, unpacked");
	assert_string_equal(read_row(&h, mt_buf_view(&huge), &out),
	    "limit: longer than 4194304 bytes");
	/* And it goes on. */
	pack(row, &packed);
	assert_non_null(strstr(read_row(&h, mt_buf_view(&packed), &out), SAID));
	mt_buf_done(&packed);
	mt_buf_done(&out);
	mt_buf_done(&huge);
	history_done(&h);
}

/* n symbols of growing weight, with options. */
static void
many_symbols(size_t n, struct mt_buf *row)
{
	size_t i;

	mt_buf_reset(row);
	mt_buf_z(row, "{" MUST ",\"symbols\":{");
	for (i = 0; i < n; i++)
		mt_buf_printf(row,
		    "%s\"MANY_%04zu\":{\"score\":%s%zu.5,\"options\":[\"%s\"]}",
		    i > 0 ? "," : "", i, i % 2 ? "-" : "", i,
		    "option option option option option");
	mt_buf_z(row, "}}");
}

static void
symbols_that_are_too_long_lose_what_weighs_least(void **state)
{
	struct mt_ev_scan ev;
	struct history h;
	struct mt_buf row;
	struct mt_err err;
	json_t *symbols, *note;
	json_error_t why;

	(void)state;
	history_init(&h);
	mt_buf_init(&row, MAX_TEXT);
	/* All without options, then not all. */
	many_symbols(300, &row);
	assert_int_equal(
	    history_read(&h, mt_buf_view(&row), MT_LIT("mx"), &who, &ev, &err),
	    MT_OK);
	symbols = json_loadb(ev.symbols.p, ev.symbols.n, 0, &why);
	assert_int_equal(json_object_size(symbols), 301);
	note = json_object_get(symbols, "");
	assert_true(json_is_true(json_object_get(note, "options_cut")));
	assert_int_equal(
	    json_integer_value(json_object_get(note, "symbols_cut")), 0);
	json_decref(symbols);
	many_symbols(2000, &row);
	assert_int_equal(
	    history_read(&h, mt_buf_view(&row), MT_LIT("mx"), &who, &ev, &err),
	    MT_OK);
	assert_true(ev.symbols.n <= MT_MAX_SYMBOLS);
	assert_true(ev.symbols.n > MT_MAX_SYMBOLS - 100);
	symbols = json_loadb(ev.symbols.p, ev.symbols.n, 0, &why);
	assert_non_null(json_object_get(symbols, "MANY_1999"));
	assert_null(json_object_get(symbols, "MANY_0000"));
	note = json_object_get(symbols, "");
	assert_int_equal(
	    json_integer_value(json_object_get(note, "symbols_cut")) +
		(json_int_t)json_object_size(symbols) - 1,
	    2000);
	json_decref(symbols);
	mt_buf_done(&row);
	history_done(&h);
}

static void
thresholds_that_are_too_long_are_left_out(void **state)
{
	struct history h;
	struct mt_buf row, out;
	int i;

	(void)state;
	history_init(&h);
	mt_buf_init(&row, MAX_TEXT);
	mt_buf_init(&out, MAX_TEXT);
	mt_buf_z(&row, "{" MUST ",\"thresholds\":{\"x\":null");
	for (i = 0; i < 100; i++)
		mt_buf_printf(&row, ",\"threshold %d\":%d.25", i, i);
	mt_buf_z(&row, "}}");
	assert_null(
	    strstr(read_row(&h, mt_buf_view(&row), &out), "thresholds"));
	assert_non_null(strstr(out.p, SAID));
	mt_buf_done(&row);
	mt_buf_done(&out);
	history_done(&h);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_row_gives_what_it_says_or_why_not),
		cmocka_unit_test(the_key_is_of_what_is_said),
		cmocka_unit_test(
		    the_same_row_is_the_same_event_whichever_way_it_came),
		cmocka_unit_test(what_is_packed_ends_where_it_says),
		cmocka_unit_test(
		    symbols_that_are_too_long_lose_what_weighs_least),
		cmocka_unit_test(thresholds_that_are_too_long_are_left_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
