/* SPDX-License-Identifier: BSD-2-Clause */
/* Times, keys, repeats, frames and options of lib/maillog. */
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
#include "maillog/prefix.h"

#include "../lib/maillog_text.h"

#define N(table) (sizeof(table) / sizeof((table)[0]))
#define MAX_EVENTS 64
#define MAX_TEXT 16777216

/* A reader, and what came of its last line. */
struct scene {
	struct mt_maillog *log;
	struct mt_buf text; /* events, one a line */
	unsigned n;
	int64_t at[MAX_EVENTS];
	uint64_t key[MAX_EVENTS];
	enum mt_event id[MAX_EVENTS];
	enum mt_rc answer; /* of the sink */
};

static enum mt_rc
take(void *arg, enum mt_event id, const void *ev, struct mt_err *err)
{
	struct scene *s = arg;
	const struct mt_event_desc *d = &mt_events[id];
	size_t i;

	assert_true(s->n < MAX_EVENTS);
	s->id[s->n] = id;
	for (i = 0; i < d->n; i++) {
		if (strcmp(d->fields[i].name, "at") == 0)
			s->at[s->n] =
			    *(const int64_t *)mt_field_at(&d->fields[i], ev);
		if (strcmp(d->fields[i].name, "line") == 0)
			s->key[s->n] =
			    *(const uint64_t *)mt_field_at(&d->fields[i], ev);
	}
	maillog_text(&s->text, id, ev);
	mt_buf_c(&s->text, '\n');
	s->n++;
	return s->answer == MT_OK ? MT_OK
				  : mt_fail(err, s->answer, "the sink is full");
}

static void
begin(struct scene *s, const struct mt_maillog_options *options)
{
	struct mt_err err;

	*s = (struct scene){ 0 };
	mt_buf_init(&s->text, MAX_TEXT);
	assert_int_equal(mt_maillog_new(options, &s->log, &err), MT_OK);
}

static void
end(struct scene *s)
{
	mt_buf_done(&s->text);
	mt_maillog_free(s->log);
}

static enum mt_maillog_kind
feed(struct scene *s, struct mt_str line, int64_t now)
{
	enum mt_maillog_kind kind;
	struct mt_err err;

	s->n = 0;
	mt_buf_reset(&s->text);
	assert_int_equal(
	    mt_maillog_line(s->log, line, now, take, s, &kind, &err), MT_OK);
	return kind;
}

static enum mt_maillog_kind
feedz(struct scene *s, const char *line)
{
	return feed(s, mt_str(line), MAILLOG_NOW);
}

static int64_t
time_of(const char *text)
{
	int64_t at;

	if (!mt_time_read(mt_str(text), &at))
		fail_msg("%s: no time", text);
	return at;
}

static bool
says(const struct scene *s, const char *text)
{
	return strstr(s->text.p, text) != NULL;
}

/* The time of a line with this stamp. */
static void
must_be_at(struct scene *s, const char *stamp, const char *now, const char *at)
{
	char line[256], got[MT_TIME_LEN + 1];

	(void)snprintf(line, sizeof(line),
	    "%s mx1 postfix/qmgr[1]: 4dG2kQ2mzCzGd4: removed", stamp);
	if (feed(s, mt_str(line), time_of(now)) != MT_MAILLOG_EVENT)
		fail_msg("%s: no event", line);
	mt_time_write(s->at[0], 'T', true, got);
	if (strcmp(got, at) != 0)
		fail_msg("%s read at %s: %s, not %s", stamp, now, got, at);
	assert_int_equal(mt_maillog_at(s->log), s->at[0]);
}

#define OPTIONS(where, ...) \
	((struct mt_maillog_options){ \
	    .host = MT_LIT("mx.example.org"), .zone = (where), __VA_ARGS__ })

static void
a_year_is_the_latest_that_can_be(void **state)
{
	struct mt_maillog_options options = OPTIONS("UTC", .keep_lines = false);
	struct scene s;

	(void)state;
	begin(&s, &options);
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
	end(&s);
}

static void
an_hour_that_occurs_twice_is_told_by_order(void **state)
{
	struct mt_maillog_options options =
	    OPTIONS("Europe/Berlin", .keep_lines = false);
	const char *now = "2026-12-01T00:00:00Z";
	struct scene s;

	(void)state;
	begin(&s, &options);
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
	end(&s);
}

static void
an_hour_that_does_not_exist_is_as_mktime_has_it(void **state)
{
	struct mt_maillog_options options =
	    OPTIONS("Europe/Berlin", .keep_lines = false);
	const char *now = "2026-12-01T00:00:00Z";
	struct tm tm = { .tm_year = 126,
		.tm_mon = 2,
		.tm_mday = 29,
		.tm_hour = 2,
		.tm_min = 30,
		.tm_isdst = -1 };
	char at[MT_TIME_LEN + 1];
	struct scene s;

	(void)state;
	begin(&s, &options);
	must_be_at(&s, "Mar 29 01:59:59", now, "2026-03-29T00:59:59.000000Z");
	must_be_at(&s, "Mar 29 03:00:00", now, "2026-03-29T01:00:00.000000Z");
	assert_int_equal(setenv("TZ", "Europe/Berlin", 1), 0);
	mt_time_write((int64_t)mktime(&tm) * MT_SECOND, 'T', true, at);
	assert_int_equal(setenv("TZ", "Asia/Tokyo", 1), 0);
	must_be_at(&s, "Mar 29 02:30:00", now, at);
	/* The process's own zone is as it was. */
	assert_string_equal(getenv("TZ"), "Asia/Tokyo");
	end(&s);
	options.zone = NULL;
	begin(&s, &options);
	must_be_at(&s, "Nov  5 09:00:00", now, "2026-11-05T00:00:00.000000Z");
	end(&s);
	assert_int_equal(unsetenv("TZ"), 0);
}

#define REJECT \
	"postfix/smtpd[1]: NOQUEUE: reject: RCPT from x[192.0.2.1]: 554 5.7.1 no; from=<a@b.example> to=<c@d.example> proto=SMTP helo=<x>"

static void
equal_lines_of_a_moment_have_different_keys(void **state)
{
	static const struct {
		const char *line;
		unsigned ordinal;
		bool moment;
	} lines[] = {
		{ "Nov  5 16:41:37 mx1 " REJECT, 0, true },
		{ "Nov  5 16:41:37 mx1 " REJECT, 1, false },
		{ "Nov  5 16:41:37 mx1 postfix/qmgr[1]: 4dG2kQ2mzCzGd4: removed",
		    0, false },
		{ "Nov  5 16:41:37 mx1 " REJECT, 2, false },
		{ "Nov  5 16:41:38 mx1 " REJECT, 0, true },
		{ "Nov  5 16:41:38 mx1 " REJECT, 1, false },
	};
	struct mt_maillog_options options = OPTIONS("UTC", .keep_lines = true);
	uint64_t keys[N(lines)];
	struct scene s;
	size_t i, from;

	(void)state;
	/* From every moment on, the keys are the same. */
	for (from = 0; from < N(lines); from++) {
		if (!lines[from].moment)
			continue;
		begin(&s, &options);
		for (i = from; i < N(lines); i++) {
			assert_int_equal(
			    feedz(&s, lines[i].line), MT_MAILLOG_EVENT);
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
		end(&s);
	}
}

static void
repeated_lines_are_as_many_events(void **state)
{
	struct mt_maillog_options options = OPTIONS("UTC", .keep_lines = true);
	uint64_t key;
	struct scene s;

	(void)state;
	begin(&s, &options);
	assert_int_equal(
	    feedz(&s, "Nov  5 16:41:37 mx1 " REJECT), MT_MAILLOG_EVENT);
	key = s.key[0];
	assert_int_equal(
	    feedz(&s, "Nov  5 16:41:39 mx1 last message repeated 3 times"),
	    MT_MAILLOG_EVENT);
	assert_int_equal(s.n, 3);
	assert_int_equal(s.at[0], time_of("2026-11-05T16:41:39Z"));
	assert_true(s.key[0] == key && s.key[2] == key + 2);
	/* Who begins to read there would not know what came before. */
	assert_false(mt_maillog_moment(s.log));
	/* rsyslog says what it was. */
	assert_int_equal(
	    feedz(&s,
		"Nov  5 16:41:40 mx1 postfix/qmgr[1]: message repeated 2 times: [ 4dG2kQ2mzCzGd4: removed]"),
	    MT_MAILLOG_EVENT);
	assert_int_equal(s.n, 4); /* two steps, two lines */
	assert_true(says(&s, "step=<removed>"));
	/* After a line that made nothing, nothing is made. */
	(void)feedz(&s, "Nov  5 16:41:41 mx1 sshd[1]: hello");
	assert_int_equal(
	    feedz(&s, "Nov  5 16:41:42 mx1 last message repeated 3 times"),
	    MT_MAILLOG_SILENT);
	assert_int_equal(s.n, 0);
	/* A subject that says so is a subject. */
	(void)feedz(&s,
	    "Nov  5 16:41:43 mx1 postfix/cleanup[1]: 4dG2kQ2mzCzGd4: info: header Subject: last message repeated 3 times from local; from=<a@b> to=<c@d>");
	assert_int_equal(s.n, 2);
	end(&s);
}

static bool
is_secret(void *arg, struct mt_str address)
{
	(void)arg;
	return mt_str_eqz(address, "secret@example.org");
}

#define TO "Nov  5 16:41:37 mx1 postfix/smtp[1]: 4dG2kQ2mzCzGd4: to="
#define FAKES \
	"; from=<a@b>: y; from=<a@b>: y; from=<a@b>: y; from=<a@b>: y; from=<a@b>: y; from=<a@b>: y"
#define SENT \
	", relay=none, delay=1, delays=1/0/0/0, dsn=2.0.0, status=sent (ok)"

static void
who_leaves_no_trace_leaves_none(void **state)
{
	static const struct {
		const char *line;
		enum mt_maillog_kind kind;
	} cases[] = {
		{ TO "<secret@example.org>" SENT, MT_MAILLOG_IGNORED },
		{ TO "<b@example.org>, orig_to=<secret@example.org>" SENT,
		    MT_MAILLOG_IGNORED },
		{ TO "<b@example.org>" SENT, MT_MAILLOG_EVENT },
		{ "Nov  5 16:41:37 mx1 postfix/qmgr[1]: 4dG2kQ2mzCzGd4: from=<secret@example.org>, size=1, nrcpt=1 (queue active)",
		    MT_MAILLOG_IGNORED },
		{ "Nov  5 16:41:37 mx1 postfix/cleanup[1]: 4dG2kQ2mzCzGd4: milter-reject: END-OF-MESSAGE from x[192.0.2.1]: 5.7.1 no; from=<a@b> to=<secret@example.org> proto=ESMTP helo=<x>",
		    MT_MAILLOG_IGNORED },
		/* It may be about the address: nobody can tell. */
		{ "Nov  5 16:41:37 mx1 postfix/cleanup[1]: 4dG2kQ2mzCzGd4: info: header Subject: x; from=<a@b>: y from local; from=<secret@example.org>: z",
		    MT_MAILLOG_IGNORED },
		{ "Nov  5 16:41:37 mx1 postfix/cleanup[1]: 4dG2kQ2mzCzGd4: info: header Subject: x" FAKES
			FAKES FAKES
		  " from local; from=<a@b> to=<secret@example.org>",
		    MT_MAILLOG_IGNORED },
		{ "Nov  5 16:41:37 mx1 postfix/qmgr[1]: 4dG2kQ2mzCzGd4: removed",
		    MT_MAILLOG_EVENT },
	};
	struct mt_maillog_options options =
	    OPTIONS("UTC", .keep_lines = true, .ignores = is_secret);
	struct scene s;
	size_t i;

	(void)state;
	begin(&s, &options);
	for (i = 0; i < N(cases); i++) {
		if (feedz(&s, cases[i].line) != cases[i].kind)
			fail_msg("%s", cases[i].line);
		assert_int_equal(
		    s.n, cases[i].kind == MT_MAILLOG_EVENT ? 2 : 0);
		assert_false(says(&s, "secret@"));
	}
	end(&s);
}

static void
lines_are_kept_of_real_queue_ids_only(void **state)
{
	static const struct {
		const char *line;
		enum mt_maillog_kind kind;
		unsigned events;
	} cases[] = {
		{ "Nov  5 16:41:37 mx1 postfix/smtp[12]: A7B860DCD6C: host x[192.0.2.1] said: 450 no (in reply to RCPT TO command)",
		    MT_MAILLOG_EVENT, 1 },
		{ "Nov  5 16:41:37 mx1 postfix/bounce[12]: warning: A7B860DCD6C: sender notification failed",
		    MT_MAILLOG_EVENT, 1 },
		{ "Nov  5 16:41:37 mx1 postfix/smtp[12]: A7B860DCD6C: never heard of",
		    MT_MAILLOG_UNKNOWN, 1 },
		{ "Nov  5 16:41:37 mx1 " REJECT, MT_MAILLOG_EVENT, 1 },
		{ "Nov  5 16:41:37 mx1 postfix/smtp[12]: connect to x[192.0.2.1]:25: no",
		    MT_MAILLOG_SILENT, 0 },
		{ "Nov  5 16:41:37 mx1 postfix/smtp[12]: FACE: host x",
		    MT_MAILLOG_UNKNOWN, 0 },
	};
	struct mt_maillog_options options = OPTIONS("UTC", .keep_lines = true);
	struct scene s;
	size_t i;

	(void)state;
	begin(&s, &options);
	for (i = 0; i < N(cases); i++) {
		if (feedz(&s, cases[i].line) != cases[i].kind ||
		    s.n != cases[i].events)
			fail_msg("%s", cases[i].line);
		if (i < 3)
			assert_true(s.id[0] == MT_EV_line &&
			    says(&s, "tag=<postfix/") && says(&s, "[12]>") &&
			    says(&s, "A7B860DCD6C: "));
	}
	end(&s);
}

/* A line of own.log in another frame, of the same second. */
static void
wrap(const struct mt_prefix *p, enum mt_frame frame, struct mt_buf *out)
{
	char at[MT_TIME_LEN + 1];
	size_t i;

	mt_buf_reset(out);
	mt_time_write(p->at, 'T', true, at);
	if (frame == MT_frame_rfc3339) {
		mt_buf_printf(out, "%s %.*s %.*s[%.*s]: %.*s", at,
		    MT_STR_ARG(p->host), MT_STR_ARG(p->tag), MT_STR_ARG(p->pid),
		    MT_STR_ARG(p->text));
		return;
	}
	if (frame == MT_frame_rfc5424) {
		mt_buf_printf(out,
		    "<22>1 %s %.*s %.*s %.*s - [x y=\"]\\\"\"] \xef\xbb\xbf%.*s",
		    at, MT_STR_ARG(p->host), MT_STR_ARG(p->tag),
		    MT_STR_ARG(p->pid), MT_STR_ARG(p->text));
		return;
	}
	mt_buf_printf(out,
	    "{ \"_HOSTNAME\" : \"%.*s\", \"X\":{\"a\":[1,\"}\"]}, \"__REALTIME_TIMESTAMP\":\"%lld\", \"SYSLOG_IDENTIFIER\":\"%.*s\", \"_PID\":\"%.*s\", \"MESSAGE\":",
	    MT_STR_ARG(p->host), (long long)p->at, MT_STR_ARG(p->tag),
	    MT_STR_ARG(p->pid));
	/* As the journal has what is no UTF-8, or as an escaped text. */
	mt_buf_c(out, p->text.n % 2 ? '[' : '"');
	for (i = 0; i < p->text.n; i++) {
		if (p->text.n % 2)
			mt_buf_printf(out, "%s%u", i > 0 ? "," : "",
			    (unsigned char)p->text.p[i]);
		else if (strchr("\"\\/", p->text.p[i]) != NULL)
			mt_buf_printf(
			    out, "\\u%04x", (unsigned char)p->text.p[i]);
		else
			mt_buf_c(out, p->text.p[i]);
	}
	mt_buf_z(out, p->text.n % 2 ? "]}\n" : "\"}\n");
}

static void
every_frame_gives_the_same_events(void **state)
{
	static const enum mt_frame frames[] = { MT_frame_rfc3339,
		MT_frame_rfc5424, MT_frame_journal };
	struct mt_maillog_options options =
	    OPTIONS("UTC", .keep_lines = true, .host_of_line = true);
	struct mt_buf log, buf, line;
	struct mt_str rest, text;
	struct mt_when when;
	struct mt_prefix p;
	struct scene plain, framed;
	unsigned lines = 0, events = 0;
	size_t i;

	(void)state;
	mt_buf_init(&log, MAX_TEXT);
	mt_buf_init(&buf, MAX_TEXT);
	mt_buf_init(&line, MAX_TEXT);
	maillog_read("tests/data/maillog/own.log", &log);
	for (i = 0; i < N(frames); i++) {
		options.frame = MT_frame_syslog;
		begin(&plain, &options);
		options.frame = frames[i];
		begin(&framed, &options);
		mt_when_init(&when, "UTC");
		for (rest = mt_buf_view(&log); rest.n > 0; lines++) {
			(void)mt_str_cut(rest, '\n', &text, &rest);
			assert_true(mt_prefix_read(&when, &buf, MT_frame_absent,
			    text, MAILLOG_NOW, &p));
			wrap(&p, frames[i], &line);
			assert_int_equal(feed(&plain, text, MAILLOG_NOW),
			    feed(&framed, mt_buf_view(&line), MAILLOG_NOW));
			assert_string_equal(plain.text.p, framed.text.p);
			assert_int_equal(mt_maillog_moment(plain.log),
			    mt_maillog_moment(framed.log));
			events += plain.n;
		}
		mt_when_done(&when);
		end(&plain);
		end(&framed);
	}
	assert_true(lines == 3 * 1345 && events > lines);
	mt_buf_done(&log);
	mt_buf_done(&buf);
	mt_buf_done(&line);
}

static void
mailcows_lists_are_read(void **state)
{
	struct mt_maillog_options options =
	    OPTIONS("UTC", .frame = MT_frame_mailcow);
	struct scene s;

	(void)state;
	begin(&s, &options);
	assert_int_equal(
	    feedz(&s,
		"{\"time\":\"1793898097\",\"priority\":\"info\",\"program\":\"postfix\\/qmgr\",\"message\":\"EF1711500458: removed\"}\n"),
	    MT_MAILLOG_EVENT);
	assert_true(says(&s, "at=<2026-11-05T17:01:37.000000Z>"));
	assert_true(says(&s, "tag=<postfix/qmgr>"));
	assert_int_equal(
	    feedz(&s,
		"{\"time\":1793898097.5,\"priority\":\"crit\",\"message\":\"Banning 192.0.2.0/24 for 2 minutes\"}"),
	    MT_MAILLOG_EVENT);
	assert_true(says(&s, "net=<192.0.2.0/24> seconds=<120>"));
	assert_true(says(&s, "at=<2026-11-05T17:01:37.500000Z>"));
	/* Another list's. */
	assert_int_equal(
	    feedz(&s, "{\"time\":1793898097,\"message\":\"renewed\"}"),
	    MT_MAILLOG_FOREIGN);
	assert_int_equal(feedz(&s, "null"), MT_MAILLOG_DAMAGED);
	assert_int_equal(feedz(&s, "{}"), MT_MAILLOG_DAMAGED);
	assert_int_equal(
	    feedz(&s, "{\"time\":\"1793898097\",\"message\":\"x\""),
	    MT_MAILLOG_DAMAGED);
	end(&s);
}

static void
what_is_no_log_line_is_damaged(void **state)
{
	static const char *const lines[] = { "", " ", "hello", "Nov  5",
		"Nov  5 16:41:37", "Nov  5 16:41:37 ", "Nov  5 16:41:37 mx1",
		"Nov  5 16:41:37 mx1 ", "Nov 32 16:41:37 mx1 postfix/qmgr: x",
		"Foo  5 16:41:37 mx1 postfix/qmgr: x",
		"Nov  5 24:41:37 mx1 postfix/qmgr: x",
		"2026-11-05T16:41:37 mx1 postfix/qmgr: x",
		"2026-11-05T16:41:37+01 mx1 postfix/qmgr: x",
		"2026-13-05T16:41:37Z mx1 postfix/qmgr: x", "<22>", "<22>1 ",
		"<22>1 2026-11-05T16:41:37Z mx1 - - - - x",
		"<22>1 2026-11-05T16:41:37Z mx1 postfix/qmgr 1 - [x",
		"2026-11-05 16:41:37,123 ", "{", "{\"MESSAGE\":\"x\"}",
		"Nov  5 16:41:37 mx1 postfix/qmgr[1] x" };
	struct mt_maillog_options options = OPTIONS("UTC", .keep_lines = true);
	struct scene s;
	size_t i;

	(void)state;
	begin(&s, &options);
	for (i = 0; i < N(lines); i++)
		if (feedz(&s, lines[i]) != MT_MAILLOG_DAMAGED)
			fail_msg("%s", lines[i]);
	assert_int_equal(mt_maillog_at(s.log), 0);
	end(&s);
}

/* A line of that beginning, then a million times the same. */
static void
feed_long(struct scene *s, const char *begins, const char *with)
{
	struct mt_buf line;
	size_t size = 1 << 20;
	int64_t began = mt_clock_mono_ms();

	mt_buf_init(&line, size * 2);
	mt_buf_z(&line, begins);
	while (line.n < size)
		mt_buf_z(&line, with);
	(void)feed(s, mt_buf_view(&line), MAILLOG_NOW);
	/* Quadratic would be minutes. */
	assert_true(mt_clock_mono_ms() - began < 5000);
	mt_buf_done(&line);
}

static void
lines_of_any_length_take_their_time_only(void **state)
{
	static const char *const begins[] = { "",
		"Nov  5 16:41:37 mx1 postfix/smtpd[1]: NOQUEUE: reject: RCPT from x[192.0.2.1]: 554 no",
		"Nov  5 16:41:37 mx1 postfix/cleanup[1]: 4dG2kQ2mzCzGd4: info: header Subject: ",
		"Nov  5 16:41:37 mx1 postfix/smtp[1]: 4dG2kQ2mzCzGd4: to=<a@b>, relay=none, dsn=2.0.0, status=sent (",
		"Nov  5 16:41:37 mx1 dovecot: auth: sql(",
		"{\"time\":1793898097,\"message\":\"",
		"{\"time\":1793898097,\"message\":" };
	static const char *const with[] = { "x", "\"", "\\", "\\\"", ">", "<",
		"; from=<", "; from=<> to=<> helo=<", " from ",
		"queued as ABCDEF ", "): Password mismatch", "[", "{", ",",
		"\\ud800", "[1," };
	struct mt_maillog_options options = OPTIONS("UTC", .keep_lines = true);
	struct scene s;
	size_t i, j;

	(void)state;
	begin(&s, &options);
	for (i = 0; i < N(begins); i++)
		for (j = 0; j < N(with); j++)
			feed_long(&s, begins[i], with[j]);
	end(&s);
}

static void
the_sinks_trouble_is_returned(void **state)
{
	struct mt_maillog_options options = OPTIONS("UTC", .keep_lines = true);
	enum mt_maillog_kind kind;
	struct mt_err err;
	struct scene s;
	uint64_t key;
	int i;

	(void)state;
	begin(&s, &options);
	(void)feedz(&s, "Nov  5 16:41:36 mx1 " REJECT);
	key = s.key[0];
	s.answer = MT_AGAIN;
	for (i = 0; i < 2; i++) {
		s.n = 0;
		assert_int_equal(mt_maillog_line(s.log,
				     MT_LIT("Nov  5 16:41:37 mx1 " REJECT),
				     MAILLOG_NOW, take, &s, &kind, &err),
		    MT_AGAIN);
		assert_string_equal(err.msg, "the sink is full");
		assert_int_equal(s.n, 1);
	}
	/* Given again, it is the same line. */
	s.answer = MT_OK;
	(void)feedz(&s, "Nov  5 16:41:37 mx1 " REJECT);
	assert_true(s.key[0] == key && mt_maillog_moment(s.log));
	(void)feedz(&s, "Nov  5 16:41:37 mx1 " REJECT);
	assert_true(s.key[0] == key + 1);
	end(&s);
	options.host = MT_LIT("");
	assert_int_equal(mt_maillog_new(&options, &s.log, &err), MT_CONFIG);
}

static void
note_unknown(
    void *arg, struct mt_str program, uint64_t lines, struct mt_str sample)
{
	struct mt_buf *out = arg;

	mt_buf_printf(out, "%.*s %u %.*s\n", MT_STR_ARG(program),
	    (unsigned)lines, MT_STR_ARG(sample));
}

static void
unknown_lines_are_counted_by_program(void **state)
{
	struct mt_maillog_options options = OPTIONS("UTC", .keep_lines = false);
	struct mt_buf text;
	struct scene s;

	(void)state;
	begin(&s, &options);
	mt_buf_init(&text, 4096);
	(void)feedz(&s, "Nov  5 16:41:37 mx1 postfix/qmgr[1]: odd");
	(void)feedz(&s, "Nov  5 16:41:37 mx1 postfix/smtp[1]: strange");
	(void)feedz(&s, "Nov  5 16:41:37 mx1 other/smtp[2]: stranger");
	(void)feedz(&s, "Nov  5 16:41:37 mx1 sshd[2]: foreign");
	mt_maillog_unknown(s.log, note_unknown, &text);
	assert_string_equal(text.p, "smtp 2 strange\nqmgr 1 odd\n");
	mt_buf_done(&text);
	end(&s);
}

/* Postfix names the id only behind what it says of the first recipient. */
static void
what_was_done_before_there_was_an_id(void **state)
{
	struct mt_maillog_options options = OPTIONS("UTC", .keep_lines = false);
	struct scene s;

	(void)state;
	begin(&s, &options);
#define SAY(pid, text) \
	(void)feed(&s, \
	    MT_LIT("Nov  5 16:41:37 mx1 postfix/smtpd[" pid "]: " text), \
	    time_of("2026-12-01T00:00:00Z"))
#define HOLD \
	"hold: RCPT from c.example[192.0.2.1]: <a@b>: Sender address kept; " \
	"from=<a@b> to=<c@d> proto=ESMTP helo=<c>"
#define CLIENT "client=c.example[192.0.2.1]"
	SAY("1", "NOQUEUE: " HOLD);
	SAY("2", "4dG2kQ2mzCzGd5: " CLIENT); /* another process */
	assert_false(says(&s, "action=<hold>"));
	SAY("1", "4dG2kQ2mzCzGd4: " CLIENT);
	assert_int_equal(s.n, 2);
	assert_true(says(&s, "4dG2kQ2mzCzGd4"));
	assert_true(says(&s, "action=<hold>"));
	assert_true(says(&s, "rcpt=<c@d>"));
	assert_true(says(&s, "kept"));
	/* Once. */
	SAY("1", "4dG2kQ2mzCzGd6: " CLIENT);
	assert_int_equal(s.n, 1);
	/* A warning comes between, a refusal ends it. */
	SAY("1", "NOQUEUE: " HOLD);
	SAY("1",
	    "NOQUEUE: warn: RCPT from c.example[192.0.2.1]: look; "
	    "from=<a@b> to=<c@d> proto=ESMTP helo=<c>");
	SAY("1", "4dG2kQ2mzCzGd7: " CLIENT);
	assert_int_equal(s.n, 2);
	SAY("1", "NOQUEUE: " HOLD);
	SAY("1",
	    "NOQUEUE: reject: RCPT from c.example[192.0.2.1]: 550 5.7.1 no; "
	    "from=<a@b> to=<c@d> proto=ESMTP helo=<c>");
	SAY("1", "4dG2kQ2mzCzGd8: " CLIENT);
	assert_int_equal(s.n, 1);
	end(&s);
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
		cmocka_unit_test(who_leaves_no_trace_leaves_none),
		cmocka_unit_test(lines_are_kept_of_real_queue_ids_only),
		cmocka_unit_test(every_frame_gives_the_same_events),
		cmocka_unit_test(mailcows_lists_are_read),
		cmocka_unit_test(what_is_no_log_line_is_damaged),
		cmocka_unit_test(lines_of_any_length_take_their_time_only),
		cmocka_unit_test(the_sinks_trouble_is_returned),
		cmocka_unit_test(unknown_lines_are_counted_by_program),
		cmocka_unit_test(what_was_done_before_there_was_an_id),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
