/* SPDX-License-Identifier: BSD-2-Clause */
/* Properties of all events: a new row of events.def is covered unasked. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/utf8.h"
#include "event/event.h"

/* Give every member of an event a value that is not its zero. */
static void
fill(const struct mt_event_desc *desc, void *ev)
{
	size_t i;

	for (i = 0; i < desc->n; i++) {
		const struct mt_field *f = &desc->fields[i];
		struct mt_err err;
		const char *text = "";

		switch (f->type) {
		case MT_BOOL:
			text = "yes";
			break;
		case MT_NUM:
		case MT_SIZE:
			text = "42";
			break;
		case MT_DEC:
			text = "-1.25";
			break;
		case MT_TIME:
			text = "2026-11-20T16:41:37.123456Z";
			break;
		case MT_IP:
			text = "2001:db8::25";
			break;
		case MT_STR:
			text = f->max < 4 ? "DE" : "gr\xc3\xbc\xc3\x9f";
			break;
		case MT_ENUM:
			text = f->words[1];
			break;
		}
		assert_int_equal(
		    mt_field_read(f, mt_str(text), ev, &err), MT_OK);
	}
}

static void
decode(struct mt_str payload, enum mt_rc rc, enum mt_event *id,
    union mt_event_any *ev, struct mt_err *err)
{
	struct mt_pair pairs[MT_EVENT_PAIRS];
	size_t n;

	assert_int_equal(
	    mt_event_split(payload, pairs, MT_EVENT_PAIRS, &n, err), MT_OK);
	assert_int_equal(mt_event_decode(pairs, n, id, ev, err), rc);
}

static void
every_event_survives_encode_and_decode(void **state)
{
	union mt_event_any in, out;
	struct mt_buf a, b;
	struct mt_err err;
	enum mt_event id;
	unsigned e;

	(void)state;
	mt_buf_init(&a, MT_MAX_EVENT);
	mt_buf_init(&b, MT_MAX_EVENT);
	for (e = 0; e < MT_EV_N; e++) {
		memset(&in, 0, sizeof(in));
		fill(&mt_events[e], &in);
		mt_buf_reset(&a);
		mt_buf_reset(&b);
		assert_int_equal(
		    mt_event_encode((enum mt_event)e, &in, &a, &err), MT_OK);
		decode(mt_buf_view(&a), MT_OK, &id, &out, &err);
		assert_int_equal(id, e);
		assert_int_equal(mt_event_encode(id, &out, &b, &err), MT_OK);
		assert_true(mt_str_eq(mt_buf_view(&a), mt_buf_view(&b)));
	}
	mt_buf_done(&a);
	mt_buf_done(&b);
}

static void
every_field_is_well_declared(void **state)
{
	unsigned e;
	size_t i;

	(void)state;
	for (e = 0; e < MT_EV_N; e++) {
		const struct mt_event_desc *d = &mt_events[e];

		assert_true(d->n <= MT_MAX_FIELDS);
		assert_true(d->doc[strlen(d->doc) - 1] == '.');
		/* The key begins with the time: rows arrive in its order. */
		assert_string_equal(d->fields[0].name, "at");
		assert_true(d->fields[0].flags & MT_KEY);
		for (i = 0; i < d->n; i++) {
			assert_true(strlen(d->fields[i].doc) > 0);
			assert_true(strlen(d->fields[i].name) < 32);
			if (d->fields[i].type == MT_STR)
				assert_true(d->fields[i].max > 0);
			if (d->fields[i].type == MT_ENUM)
				assert_non_null(d->fields[i].words);
		}
		assert_int_equal(mt_event_find(mt_str(d->name)), e);
	}
}

static void
absent_fields_are_not_sent(void **state)
{
	struct mt_ev_rcpt in = { .at = 1,
		.host = MT_LIT("h"),
		.queue_id = MT_LIT("Q"),
		.rcpt = MT_LIT("") };
	union mt_event_any out;
	struct mt_buf b;
	struct mt_err err;
	enum mt_event id;

	(void)state;
	mt_buf_init(&b, MT_MAX_EVENT);
	assert_int_equal(mt_event_encode(MT_EV_rcpt, &in, &b, &err), MT_OK);
	decode(mt_buf_view(&b), MT_OK, &id, &out, &err);
	assert_int_equal(out.rcpt.rcpt.n, 0);
	assert_non_null(out.rcpt.rcpt.p);
	assert_null(out.rcpt.rule.p);
	assert_int_equal(out.rcpt.mode, 0);
	mt_buf_done(&b);
}

static void
foreign_text_is_escaped_and_cut(void **state)
{
	char longest[1000];
	struct mt_ev_rcpt in = { .at = 1,
		.host = MT_LIT("h"),
		.queue_id = MT_LIT("a\xff"),
		.rcpt = { longest, 400 },
		.rule = { longest, 1000 } };
	union mt_event_any one, two;
	struct mt_buf a, b;
	struct mt_err err;
	enum mt_event id;

	(void)state;
	memset(longest, '\xe4', sizeof(longest));
	mt_buf_init(&a, MT_MAX_EVENT);
	mt_buf_init(&b, MT_MAX_EVENT);
	assert_int_equal(mt_event_encode(MT_EV_rcpt, &in, &a, &err), MT_OK);
	decode(mt_buf_view(&a), MT_OK, &id, &one, &err);
	assert_true(mt_str_eqz(one.rcpt.queue_id, "a\\xff"));
	assert_int_equal(one.rcpt.rcpt.n, MT_MAX_ADDRESS);
	assert_int_equal(one.rcpt.rule.n, MT_MAX_ADDRESS);
	/* Two long keys that differ only behind the cut stay two. */
	in.rcpt.n = 401;
	assert_int_equal(mt_event_encode(MT_EV_rcpt, &in, &b, &err), MT_OK);
	decode(mt_buf_view(&b), MT_OK, &id, &two, &err);
	assert_false(mt_str_eq(one.rcpt.rcpt, two.rcpt.rcpt));
	mt_buf_done(&a);
	mt_buf_done(&b);
}

#define PAIR(name, value) \
	{ \
		{ name, sizeof(name) - 1 }, \
		{ \
			value, sizeof(value) - 1 \
		} \
	}
#define T "2026-11-20T16:41:37.123456Z"

static void
what_encode_cannot_make_is_refused(void **state)
{
	static const struct {
		const char *name;
		struct mt_pair pairs[8];
		size_t n;
		enum mt_rc rc;
		const char *message;
	} cases[] = {
		{ "nothing", { PAIR("", "") }, 0, MT_FORMAT,
		    "does not begin with the fields 'v' and 't'" },
		{ "wrong order", { PAIR("t", "mark"), PAIR("v", "1") }, 2,
		    MT_FORMAT, "does not begin with the fields 'v' and 't'" },
		{ "a newer version", { PAIR("v", "2"), PAIR("t", "open") }, 2,
		    MT_FORMAT, "open: version 2 is newer than ours (1)" },
		{ "no version", { PAIR("v", "0"), PAIR("t", "open") }, 2,
		    MT_FORMAT, "v: not a version" },
		{ "another type", { PAIR("v", "1"), PAIR("t", "tea") }, 2,
		    MT_FORMAT, "unknown event type" },
		{ "a field is missing",
		    { PAIR("v", "1"), PAIR("t", "mark"), PAIR("at", T),
			PAIR("host", "h"), PAIR("queue_id", "q"),
			PAIR("mode", "anonymous") },
		    6, MT_FORMAT, "mark: token: missing" },
		{ "a field twice",
		    { PAIR("v", "1"), PAIR("t", "mark"), PAIR("host", "h"),
			PAIR("host", "h") },
		    4, MT_FORMAT, "mark: host: given twice" },
		{ "a bad time",
		    { PAIR("v", "1"), PAIR("t", "mark"), PAIR("at", "soon") },
		    3, MT_FORMAT, "mark: at: not a time" },
		{ "an unknown word",
		    { PAIR("v", "1"), PAIR("t", "mark"), PAIR("mode", "x") }, 3,
		    MT_FORMAT, "mark: mode: unknown word" },
		{ "a long text",
		    { PAIR("v", "1"), PAIR("t", "mark"),
			PAIR("token", "0123456789012345678901234567890123") },
		    3, MT_LIMIT, "mark: token: longer than 32 bytes" },
		{ "unclean text",
		    { PAIR("v", "1"), PAIR("t", "mark"), PAIR("host", "\xff") },
		    3, MT_FORMAT, "mark: host: not clean UTF-8" },
		{ "fields of a newer writer",
		    { PAIR("v", "1"), PAIR("t", "mark"), PAIR("at", T),
			PAIR("host", "h"), PAIR("queue_id", "q"),
			PAIR("token", "t"), PAIR("mode", "anonymous"),
			PAIR("colour", "blue") },
		    8, MT_OK, "" },
	};
	union mt_event_any ev;
	enum mt_event id;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct mt_err err = { 0 };

		assert_int_equal(
		    mt_event_decode(cases[i].pairs, cases[i].n, &id, &ev, &err),
		    cases[i].rc);
		assert_string_equal(err.msg, cases[i].message);
	}
}

static void
torn_payloads_are_refused(void **state)
{
	struct mt_ev_mark in = { .at = 1,
		.host = MT_LIT("h"),
		.queue_id = MT_LIT("Q"),
		.token = MT_LIT("t"),
		.mode = MT_mode_anonymous };
	struct mt_pair pairs[MT_EVENT_PAIRS];
	union mt_event_any ev;
	struct mt_buf b;
	struct mt_err err;
	enum mt_event id;
	size_t cut, n;

	(void)state;
	mt_buf_init(&b, MT_MAX_EVENT);
	assert_int_equal(mt_event_encode(MT_EV_mark, &in, &b, &err), MT_OK);
	for (cut = 0; cut < b.n; cut++) {
		if (mt_event_split(mt_str_n(b.p, cut), pairs, MT_EVENT_PAIRS,
			&n, &err) == MT_OK)
			assert_int_not_equal(
			    mt_event_decode(pairs, n, &id, &ev, &err), MT_OK);
	}
	assert_int_equal(
	    mt_event_split(mt_buf_view(&b), pairs, 2, &n, &err), MT_LIMIT);
	assert_string_equal(err.msg, "more than 2 fields");
	mt_buf_done(&b);
}

static void
an_event_above_the_ceiling_is_refused(void **state)
{
	struct mt_ev_mark in = { .at = 1,
		.host = MT_LIT("h"),
		.queue_id = MT_LIT("Q"),
		.token = MT_LIT("t"),
		.mode = MT_mode_anonymous };
	struct mt_buf b;
	struct mt_err err;

	(void)state;
	mt_buf_init(&b, 40);
	assert_int_equal(mt_event_encode(MT_EV_mark, &in, &b, &err), MT_LIMIT);
	assert_string_equal(err.msg, "mark: longer than 40 bytes");
	mt_buf_done(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_event_survives_encode_and_decode),
		cmocka_unit_test(every_field_is_well_declared),
		cmocka_unit_test(absent_fields_are_not_sent),
		cmocka_unit_test(foreign_text_is_escaped_and_cut),
		cmocka_unit_test(what_encode_cannot_make_is_refused),
		cmocka_unit_test(torn_payloads_are_refused),
		cmocka_unit_test(an_event_above_the_ceiling_is_refused),
	};

	return cmocka_run_group_tests_name("event", tests, NULL, NULL);
}
