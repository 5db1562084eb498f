/* SPDX-License-Identifier: BSD-2-Clause */
/* When a log line was written, and what tells it from one like it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "base/clock.h"
#include "maillog/maillog.h"

#include "../lib/maillog_scene.h"

#define N(table) (sizeof(table) / sizeof((table)[0]))

/* The time of a line with this stamp. */
static void
must_be_at(
    struct maillog_scene *s, const char *stamp, const char *now, const char *at)
{
	char line[256], got[MT_TIME_LEN + 1];

	(void)snprintf(line, sizeof(line),
	    "%s mx1 postfix/qmgr[1]: 4dG2kQ2mzCzGd4: removed", stamp);
	if (maillog_feed(s, mt_str(line), maillog_time(now)) !=
	    MT_MAILLOG_EVENT)
		fail_msg("%s: no event", line);
	mt_time_write(s->at[0], 'T', true, got);
	if (strcmp(got, at) != 0)
		fail_msg("%s read at %s: %s, not %s", stamp, now, got, at);
	assert_int_equal(mt_maillog_at(s->log), s->at[0]);
}

static void
a_year_is_the_latest_that_can_be(void **state)
{
	struct mt_maillog_options options =
	    MAILLOG_OPTIONS("UTC", .keep_lines = false);
	struct maillog_scene s;

	(void)state;
	maillog_begin(&s, &options);
	must_be_at(&s, "Dec 31 23:59:59", "2027-01-02T00:00:00Z",
	    "2026-12-31T23:59:59.000000Z");
	must_be_at(&s, "Jan  1 00:00:00", "2027-01-02T00:00:00Z",
	    "2027-01-01T00:00:00.000000Z");
	/* A clock that is ahead of ours by less than a day. */
	must_be_at(&s, "Jan  1 00:30:00", "2026-12-31T23:00:00Z",
	    "2027-01-01T00:30:00.000000Z");
	must_be_at(&s, "Jan  2 00:00:00", "2026-12-31T00:00:00Z",
	    "2026-01-02T00:00:00.000000Z");
	must_be_at(&s, "Feb 29 12:00:00", "2026-12-01T00:00:00Z",
	    "2024-02-29T12:00:00.000000Z");
	/* The same stamp, a year later. */
	must_be_at(&s, "Nov  5 12:00:00", "2026-12-01T00:00:00Z",
	    "2026-11-05T12:00:00.000000Z");
	must_be_at(&s, "Nov  5 12:00:00", "2027-12-01T00:00:00Z",
	    "2027-11-05T12:00:00.000000Z");
	must_be_at(&s, "Nov 05 12:00:00", "2027-11-04T00:00:00Z",
	    "2026-11-05T12:00:00.000000Z");
	must_be_at(&s, "2013 Jun 10 06:27:30.123", "2026-12-01T00:00:00Z",
	    "2013-06-10T06:27:30.123000Z");
	maillog_end(&s);
}

static void
an_hour_that_occurs_twice_is_told_by_order(void **state)
{
	struct mt_maillog_options options =
	    MAILLOG_OPTIONS("Europe/Berlin", .keep_lines = false);
	const char *now = "2026-12-01T00:00:00Z";
	struct maillog_scene s;

	(void)state;
	maillog_begin(&s, &options);
	must_be_at(&s, "Oct 25 01:59:59", now, "2026-10-24T23:59:59.000000Z");
	must_be_at(&s, "Oct 25 02:30:00", now, "2026-10-25T00:30:00.000000Z");
	/* A little out of order is not an hour back. */
	must_be_at(&s, "Oct 25 02:29:58", now, "2026-10-25T00:29:58.000000Z");
	must_be_at(&s, "Oct 25 02:59:59", now, "2026-10-25T00:59:59.000000Z");
	must_be_at(&s, "Oct 25 02:00:01", now, "2026-10-25T01:00:01.000000Z");
	must_be_at(&s, "Oct 25 02:59:59", now, "2026-10-25T00:59:59.000000Z");
	must_be_at(&s, "Oct 25 02:00:02", now, "2026-10-25T01:00:02.000000Z");
	must_be_at(&s, "Oct 25 02:58:00", now, "2026-10-25T01:58:00.000000Z");
	must_be_at(&s, "Oct 25 02:59:59", now, "2026-10-25T01:59:59.000000Z");
	must_be_at(&s, "Oct 25 03:00:00", now, "2026-10-25T02:00:00.000000Z");
	maillog_end(&s);
}

static void
an_hour_that_does_not_exist_is_as_mktime_has_it(void **state)
{
	struct mt_maillog_options options =
	    MAILLOG_OPTIONS("Europe/Berlin", .keep_lines = false);
	const char *now = "2026-12-01T00:00:00Z";
	struct tm tm = { .tm_year = 126,
		.tm_mon = 2,
		.tm_mday = 29,
		.tm_hour = 2,
		.tm_min = 30,
		.tm_isdst = -1 };
	char at[MT_TIME_LEN + 1];
	struct maillog_scene s;

	(void)state;
	maillog_begin(&s, &options);
	must_be_at(&s, "Mar 29 01:59:59", now, "2026-03-29T00:59:59.000000Z");
	must_be_at(&s, "Mar 29 03:00:00", now, "2026-03-29T01:00:00.000000Z");
	assert_int_equal(setenv("TZ", "Europe/Berlin", 1), 0);
	mt_time_write((int64_t)mktime(&tm) * MT_SECOND, 'T', true, at);
	assert_int_equal(setenv("TZ", "Asia/Tokyo", 1), 0);
	must_be_at(&s, "Mar 29 02:30:00", now, at);
	/* The process's own zone is as it was. */
	assert_string_equal(getenv("TZ"), "Asia/Tokyo");
	maillog_end(&s);
	options.zone = NULL;
	maillog_begin(&s, &options);
	must_be_at(&s, "Nov  5 09:00:00", now, "2026-11-05T00:00:00.000000Z");
	maillog_end(&s);
	assert_int_equal(unsetenv("TZ"), 0);
}

static void
equal_lines_of_a_moment_have_different_keys(void **state)
{
	static const struct {
		const char *line;
		unsigned ordinal;
		bool moment;
	} lines[] = {
		{ "Nov  5 16:41:37 mx1 " MAILLOG_REJECT, 0, true },
		{ "Nov  5 16:41:37 mx1 " MAILLOG_REJECT, 1, false },
		{ "Nov  5 16:41:37 mx1 postfix/qmgr[1]: 4dG2kQ2mzCzGd4: removed",
		    0, false },
		{ "Nov  5 16:41:37 mx1 " MAILLOG_REJECT, 2, false },
		{ "Nov  5 16:41:38 mx1 " MAILLOG_REJECT, 0, true },
		{ "Nov  5 16:41:38 mx1 " MAILLOG_REJECT, 1, false },
	};
	struct mt_maillog_options options =
	    MAILLOG_OPTIONS("UTC", .keep_lines = true);
	uint64_t keys[N(lines)];
	struct maillog_scene s;
	size_t i, from;

	(void)state;
	/* From every moment on, the keys are the same. */
	for (from = 0; from < N(lines); from++) {
		if (!lines[from].moment)
			continue;
		maillog_begin(&s, &options);
		for (i = from; i < N(lines); i++) {
			assert_int_equal(
			    maillog_feedz(&s, lines[i].line), MT_MAILLOG_EVENT);
			assert_int_equal(
			    mt_maillog_moment(s.log), lines[i].moment);
			if (from == 0)
				keys[i] = s.key[0];
			assert_true(keys[i] == s.key[0]);
			assert_int_equal(s.id[0] == MT_EV_queue, i == 2);
			if (i != 2)
				assert_true(
				    s.key[0] == keys[0] + lines[i].ordinal);
		}
		maillog_end(&s);
	}
}

static void
repeated_lines_are_as_many_events(void **state)
{
	struct mt_maillog_options options =
	    MAILLOG_OPTIONS("UTC", .keep_lines = true);
	uint64_t key;
	struct maillog_scene s;

	(void)state;
	maillog_begin(&s, &options);
	assert_int_equal(
	    maillog_feedz(&s, "Nov  5 16:41:37 mx1 " MAILLOG_REJECT),
	    MT_MAILLOG_EVENT);
	key = s.key[0];
	assert_int_equal(
	    maillog_feedz(
		&s, "Nov  5 16:41:39 mx1 last message repeated 3 times"),
	    MT_MAILLOG_EVENT);
	assert_int_equal(s.n, 3);
	assert_int_equal(s.at[0], maillog_time("2026-11-05T16:41:39Z"));
	assert_true(s.key[0] == key && s.key[2] == key + 2);
	/* Who begins to read there would not know what came before. */
	assert_false(mt_maillog_moment(s.log));
	/* rsyslog says what it was. */
	assert_int_equal(
	    maillog_feedz(&s,
		"Nov  5 16:41:40 mx1 postfix/qmgr[1]: message repeated 2 times: [ 4dG2kQ2mzCzGd4: removed]"),
	    MT_MAILLOG_EVENT);
	assert_int_equal(s.n, 4); /* two steps, two lines */
	assert_true(maillog_says(&s, "step=<removed>"));
	/* After a line that made nothing, nothing is made. */
	(void)maillog_feedz(&s, "Nov  5 16:41:41 mx1 sshd[1]: hello");
	assert_int_equal(
	    maillog_feedz(
		&s, "Nov  5 16:41:42 mx1 last message repeated 3 times"),
	    MT_MAILLOG_SILENT);
	assert_int_equal(s.n, 0);
	/* A subject that says so is a subject. */
	(void)maillog_feedz(&s,
	    "Nov  5 16:41:43 mx1 postfix/cleanup[1]: 4dG2kQ2mzCzGd4: info: header Subject: last message repeated 3 times from local; from=<a@b> to=<c@d>");
	assert_int_equal(s.n, 2);
	maillog_end(&s);
}

static void
the_sinks_trouble_is_returned(void **state)
{
	struct mt_maillog_options options =
	    MAILLOG_OPTIONS("UTC", .keep_lines = true);
	enum mt_maillog_kind kind;
	struct mt_err err;
	struct maillog_scene s;
	uint64_t key;
	int i;

	(void)state;
	maillog_begin(&s, &options);
	(void)maillog_feedz(&s, "Nov  5 16:41:36 mx1 " MAILLOG_REJECT);
	key = s.key[0];
	s.answer = MT_AGAIN;
	for (i = 0; i < 2; i++) {
		s.n = 0;
		assert_int_equal(
		    mt_maillog_line(s.log,
			MT_LIT("Nov  5 16:41:37 mx1 " MAILLOG_REJECT),
			MAILLOG_NOW, maillog_take, &s, &kind, &err),
		    MT_AGAIN);
		assert_string_equal(err.msg, "the sink is full");
		assert_int_equal(s.n, 1);
	}
	/* Given again, it is the same line. */
	s.answer = MT_OK;
	(void)maillog_feedz(&s, "Nov  5 16:41:37 mx1 " MAILLOG_REJECT);
	assert_true(s.key[0] == key && mt_maillog_moment(s.log));
	(void)maillog_feedz(&s, "Nov  5 16:41:37 mx1 " MAILLOG_REJECT);
	assert_true(s.key[0] == key + 1);
	maillog_end(&s);
	options.host = MT_LIT("");
	assert_int_equal(mt_maillog_new(&options, &s.log, &err), MT_CONFIG);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_year_is_the_latest_that_can_be),
		cmocka_unit_test(an_hour_that_occurs_twice_is_told_by_order),
		cmocka_unit_test(
		    an_hour_that_does_not_exist_is_as_mktime_has_it),
		cmocka_unit_test(equal_lines_of_a_moment_have_different_keys),
		cmocka_unit_test(repeated_lines_are_as_many_events),
		cmocka_unit_test(the_sinks_trouble_is_returned),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
