/* SPDX-License-Identifier: BSD-2-Clause */
/* What a log line is, in every frame, and what it says (not when). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "maillog/early.h"
#include "maillog/maillog.h"
#include "maillog/prefix.h"

#include "../lib/maillog_scene.h"

#define N(table) (sizeof(table) / sizeof((table)[0]))
#define MAX_TEXT 16777216

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
	    MAILLOG_OPTIONS("UTC", .keep_lines = true, .ignores = is_secret);
	struct maillog_scene s;
	size_t i;

	(void)state;
	maillog_begin(&s, &options);
	for (i = 0; i < N(cases); i++) {
		if (maillog_feedz(&s, cases[i].line) != cases[i].kind)
			fail_msg("%s", cases[i].line);
		assert_int_equal(
		    s.n, cases[i].kind == MT_MAILLOG_EVENT ? 2 : 0);
		assert_false(maillog_says(&s, "secret@"));
	}
	maillog_end(&s);
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
		{ "Nov  5 16:41:37 mx1 " MAILLOG_REJECT, MT_MAILLOG_EVENT, 1 },
		{ "Nov  5 16:41:37 mx1 postfix/smtp[12]: connect to x[192.0.2.1]:25: no",
		    MT_MAILLOG_SILENT, 0 },
		{ "Nov  5 16:41:37 mx1 postfix/smtp[12]: FACE: host x",
		    MT_MAILLOG_UNKNOWN, 0 },
	};
	struct mt_maillog_options options =
	    MAILLOG_OPTIONS("UTC", .keep_lines = true);
	struct maillog_scene s;
	size_t i;

	(void)state;
	maillog_begin(&s, &options);
	for (i = 0; i < N(cases); i++) {
		if (maillog_feedz(&s, cases[i].line) != cases[i].kind ||
		    s.n != cases[i].events)
			fail_msg("%s", cases[i].line);
		if (i < 3)
			assert_true(s.id[0] == MT_EV_line &&
			    maillog_says(&s, "tag=<postfix/") &&
			    maillog_says(&s, "[12]>") &&
			    maillog_says(&s, "A7B860DCD6C: "));
	}
	maillog_end(&s);
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
	    MAILLOG_OPTIONS("UTC", .keep_lines = true, .host_of_line = true);
	struct mt_buf log, buf, line;
	struct mt_str rest, text;
	struct mt_when when;
	struct mt_prefix p;
	struct maillog_scene plain, framed;
	unsigned lines = 0, events = 0;
	size_t i;

	(void)state;
	mt_buf_init(&log, MAX_TEXT);
	mt_buf_init(&buf, MAX_TEXT);
	mt_buf_init(&line, MAX_TEXT);
	maillog_read("tests/data/maillog/own.log", &log);
	for (i = 0; i < N(frames); i++) {
		options.frame = MT_frame_syslog;
		maillog_begin(&plain, &options);
		options.frame = frames[i];
		maillog_begin(&framed, &options);
		mt_when_init(&when, "UTC");
		for (rest = mt_buf_view(&log); rest.n > 0; lines++) {
			(void)mt_str_cut(rest, '\n', &text, &rest);
			assert_true(mt_prefix_read(&when, &buf, MT_frame_absent,
			    text, MAILLOG_NOW, &p));
			wrap(&p, frames[i], &line);
			assert_int_equal(
			    maillog_feed(&plain, text, MAILLOG_NOW),
			    maillog_feed(
				&framed, mt_buf_view(&line), MAILLOG_NOW));
			assert_string_equal(plain.text.p, framed.text.p);
			assert_int_equal(mt_maillog_moment(plain.log),
			    mt_maillog_moment(framed.log));
			events += plain.n;
		}
		mt_when_done(&when);
		maillog_end(&plain);
		maillog_end(&framed);
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
	    MAILLOG_OPTIONS("UTC", .frame = MT_frame_mailcow);
	struct maillog_scene s;

	(void)state;
	maillog_begin(&s, &options);
	assert_int_equal(
	    maillog_feedz(&s,
		"{\"time\":\"1793898097\",\"priority\":\"info\",\"program\":\"postfix\\/qmgr\",\"message\":\"EF1711500458: removed\"}\n"),
	    MT_MAILLOG_EVENT);
	assert_true(maillog_says(&s, "at=<2026-11-05T17:01:37.000000Z>"));
	assert_true(maillog_says(&s, "tag=<postfix/qmgr>"));
	assert_int_equal(
	    maillog_feedz(&s,
		"{\"time\":1793898097.5,\"priority\":\"crit\",\"message\":\"Banning 192.0.2.0/24 for 2 minutes\"}"),
	    MT_MAILLOG_EVENT);
	assert_true(maillog_says(&s, "net=<192.0.2.0/24> seconds=<120>"));
	assert_true(maillog_says(&s, "at=<2026-11-05T17:01:37.500000Z>"));
	/* Another list's. */
	assert_int_equal(
	    maillog_feedz(&s, "{\"time\":1793898097,\"message\":\"renewed\"}"),
	    MT_MAILLOG_FOREIGN);
	assert_int_equal(maillog_feedz(&s, "null"), MT_MAILLOG_DAMAGED);
	assert_int_equal(maillog_feedz(&s, "{}"), MT_MAILLOG_DAMAGED);
	assert_int_equal(
	    maillog_feedz(&s, "{\"time\":\"1793898097\",\"message\":\"x\""),
	    MT_MAILLOG_DAMAGED);
	maillog_end(&s);
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
	struct mt_maillog_options options =
	    MAILLOG_OPTIONS("UTC", .keep_lines = true);
	struct maillog_scene s;
	size_t i;

	(void)state;
	maillog_begin(&s, &options);
	for (i = 0; i < N(lines); i++)
		if (maillog_feedz(&s, lines[i]) != MT_MAILLOG_DAMAGED)
			fail_msg("%s", lines[i]);
	assert_int_equal(mt_maillog_at(s.log), 0);
	maillog_end(&s);
}

/* A line of that beginning, then a million times the same. */
static void
feed_long(struct maillog_scene *s, const char *begins, const char *with)
{
	struct mt_buf line;
	size_t size = 1 << 20;
	int64_t began = mt_clock_mono_ms();

	mt_buf_init(&line, size * 2);
	mt_buf_z(&line, begins);
	while (line.n < size)
		mt_buf_z(&line, with);
	(void)maillog_feed(s, mt_buf_view(&line), MAILLOG_NOW);
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
	struct mt_maillog_options options =
	    MAILLOG_OPTIONS("UTC", .keep_lines = true);
	struct maillog_scene s;
	size_t i, j;

	(void)state;
	maillog_begin(&s, &options);
	for (i = 0; i < N(begins); i++)
		for (j = 0; j < N(with); j++)
			feed_long(&s, begins[i], with[j]);
	maillog_end(&s);
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
	struct mt_maillog_options options =
	    MAILLOG_OPTIONS("UTC", .keep_lines = false);
	struct mt_buf text;
	struct maillog_scene s;

	(void)state;
	maillog_begin(&s, &options);
	mt_buf_init(&text, 4096);
	(void)maillog_feedz(&s, "Nov  5 16:41:37 mx1 postfix/qmgr[1]: odd");
	(void)maillog_feedz(&s, "Nov  5 16:41:37 mx1 postfix/smtp[1]: strange");
	(void)maillog_feedz(&s, "Nov  5 16:41:37 mx1 other/smtp[2]: stranger");
	(void)maillog_feedz(&s, "Nov  5 16:41:37 mx1 sshd[2]: foreign");
	mt_maillog_unknown(s.log, note_unknown, &text);
	assert_string_equal(text.p, "smtp 2 strange\nqmgr 1 odd\n");
	mt_buf_done(&text);
	maillog_end(&s);
}

/* Postfix names the id only behind what it says of the first recipient. */
static void
what_was_done_before_there_was_an_id(void **state)
{
	struct mt_maillog_options options =
	    MAILLOG_OPTIONS("UTC", .keep_lines = false);
	enum mt_maillog_kind kind;
	struct maillog_scene s;
	struct mt_err err;

	(void)state;
	maillog_begin(&s, &options);
#define SAY(pid, text) \
	(void)maillog_feed(&s, \
	    MT_LIT("Nov  5 16:41:37 mx1 postfix/smtpd[" pid "]: " text), \
	    maillog_time("2026-12-01T00:00:00Z"))
#define HOLD \
	"hold: RCPT from c.example[192.0.2.1]: <a@b>: Sender address kept; " \
	"from=<a@b> to=<c@d> proto=ESMTP helo=<c>"
#define REDIRECT \
	"redirect: RCPT from c.example[192.0.2.1]: <c@d>: Recipient address " \
	"triggers REDIRECT e@f; from=<a@b> to=<c@d> proto=ESMTP helo=<c>"
#define CLIENT "client=c.example[192.0.2.1]"
	SAY("1", "NOQUEUE: " HOLD);
	SAY("2", "4dG2kQ2mzCzGd5: " CLIENT); /* another process */
	assert_false(maillog_says(&s, "action=<hold>"));
	SAY("1", "4dG2kQ2mzCzGd4: " CLIENT);
	assert_int_equal(s.n, 2);
	assert_true(maillog_says(&s, "4dG2kQ2mzCzGd4"));
	assert_true(maillog_says(&s, "action=<hold>"));
	assert_true(maillog_says(&s, "rcpt=<c@d>"));
	assert_true(maillog_says(&s, "kept"));
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
	/* A client's line that has to be given again is as it was. */
	SAY("1", "NOQUEUE: " HOLD);
	s.answer = MT_AGAIN;
	assert_int_equal(mt_maillog_line(s.log,
			     MT_LIT("Nov  5 16:41:37 mx1 postfix/smtpd[1]: "
				    "4dG2kQ2mzCzGd9: " CLIENT),
			     MAILLOG_NOW, maillog_take, &s, &kind, &err),
	    MT_AGAIN);
	s.answer = MT_OK;
	SAY("1", "4dG2kQ2mzCzGd9: " CLIENT);
	assert_int_equal(s.n, 2);
	maillog_end(&s);
}

/* One rule holds, another redirects: both are of the message. */
static void
all_that_was_done_before_there_was_an_id(void **state)
{
	struct mt_maillog_options options =
	    MAILLOG_OPTIONS("UTC", .keep_lines = false);
	enum mt_maillog_kind kind;
	struct maillog_scene s;
	struct mt_err err;
	int i;

	(void)state;
	maillog_begin(&s, &options);
	SAY("1", "NOQUEUE: " HOLD);
	/* It could not be kept, and is given again: it was said once. */
	s.answer = MT_AGAIN;
	assert_int_equal(mt_maillog_line(s.log,
			     MT_LIT("Nov  5 16:41:37 mx1 postfix/smtpd[1]: "
				    "NOQUEUE: " REDIRECT),
			     MAILLOG_NOW, maillog_take, &s, &kind, &err),
	    MT_AGAIN);
	s.answer = MT_OK;
	SAY("1", "NOQUEUE: " REDIRECT);
	SAY("1", "4dG2kQ2mzCzGd4: " CLIENT);
	assert_int_equal(s.n, 3);
	assert_true(maillog_says(&s, "action=<hold>"));
	assert_true(maillog_says(&s, "action=<redirect>"));
	assert_true(s.key[1] != s.key[2]);
	/* What the next message is told of is its own only. */
	SAY("1", "NOQUEUE: " REDIRECT);
	SAY("1", "4dG2kQ2mzCzGd5: " CLIENT);
	assert_int_equal(s.n, 2);
	assert_false(maillog_says(&s, "action=<hold>"));
	/* There is an end to what is kept. */
	for (i = 0; i < 2 * MT_EARLY_SAID; i++)
		SAY("1", "NOQUEUE: " HOLD);
	SAY("1", "4dG2kQ2mzCzGd6: " CLIENT);
	assert_int_equal(s.n, 1 + MT_EARLY_SAID);
	maillog_end(&s);
}

/* However their hashes meet. */
static void
many_processes_are_between_the_two_lines_at_once(void **state)
{
	struct mt_maillog_options options =
	    MAILLOG_OPTIONS("UTC", .keep_lines = false);
	struct maillog_scene s;
	char line[512];
	int i;

	(void)state;
	maillog_begin(&s, &options);
#define SAY_AS(format) \
	((void)snprintf(line, sizeof(line), \
	     "Nov  5 16:41:37 mx1 postfix/smtpd[%d]: " format, 1000 + i), \
	    maillog_feedz(&s, line))
	for (i = 0; i < 300; i++)
		(void)SAY_AS("NOQUEUE: " HOLD);
	for (i = 0; i < 300; i++) {
		(void)SAY_AS("4dG2kQ2mzCzGd4: " CLIENT);
		assert_int_equal(s.n, 2);
	}
	/* More than there is room for: the last are told. */
	for (i = 0; i < 20 * MT_EARLY; i++)
		(void)SAY_AS("NOQUEUE: " HOLD);
	i--;
	(void)SAY_AS("4dG2kQ2mzCzGd4: " CLIENT);
	assert_int_equal(s.n, 2);
	maillog_end(&s);
}

/* Readers find the one by the other; equal lines of a moment have their own. */
static void
what_is_said_again_has_the_key_of_the_first_but_for_a_bit(void **state)
{
	struct mt_maillog_options options =
	    MAILLOG_OPTIONS("UTC", .keep_lines = false);
	struct maillog_scene s;
	uint64_t keys[4];
	size_t i;

	(void)state;
	maillog_begin(&s, &options);
	for (i = 0; i < 4; i += 2) {
		SAY("1", "NOQUEUE: " HOLD);
		assert_int_equal(s.n, 1);
		keys[i] = s.key[0];
		SAY("1", "4dG2kQ2mzCzGd4: " CLIENT);
		assert_int_equal(s.n, 2);
		assert_int_equal(s.id[1], MT_EV_reject);
		keys[i + 1] = s.key[1];
		assert_true(keys[i + 1] == (keys[i] ^ UINT64_C(1) << 63));
	}
	assert_true(keys[0] != keys[2] && keys[1] != keys[2]);
	assert_true(keys[0] != keys[3] && keys[1] != keys[3]);
	maillog_end(&s);
}

/* A follower that is killed between the two lines reads the first again. */
static void
reading_begins_again_before_what_waits_for_its_id(void **state)
{
	enum { NEXT = MT_MAILLOG_NEXT, GOOD = MT_MAILLOG_GOOD };
#define OTHER "postfix/qmgr[1]: 4dG2kQ2mzCzGd4: removed"
#define KILLED(pid) \
	"postfix/master[9]: warning: process /usr/lib/postfix/sbin/smtpd " \
	"pid " pid " killed by signal 9"
#define CONNECT "connect from c.example[::1]"
#define SMTPD(pid, text) "postfix/smtpd[" pid "]: " text
	static const struct {
		const char *stamp, *text;
		unsigned again;
	} lines[] = {
		{ "16:00:00", OTHER, NEXT | GOOD },
		{ "16:00:00", OTHER, 0 },
		{ "16:00:01", SMTPD("1", "NOQUEUE: " HOLD), NEXT | GOOD },
		{ "16:00:01", OTHER, 0 },
		{ "16:00:02", OTHER, NEXT },
		{ "16:00:03", SMTPD("2", "NOQUEUE: " HOLD), 0 },
		{ "16:00:04", SMTPD("1", "4dG2kQ2mzCzGd5: " CLIENT), GOOD },
		/* The other one was not there yet at 16:00:02. */
		{ "16:00:05", OTHER, NEXT },
		{ "16:00:06", SMTPD("2", "disconnect from c.example[::1]"),
		    GOOD },
		{ "16:00:07", OTHER, NEXT | GOOD },
		/* One that says no more, and another with its number. */
		{ "16:00:07", SMTPD("3", "NOQUEUE: " HOLD), 0 },
		{ "16:00:08", OTHER, NEXT },
		{ "16:00:09", SMTPD("3", CONNECT), GOOD },
		{ "16:00:09", SMTPD("3", "NOQUEUE: " HOLD), 0 },
		{ "16:00:10", OTHER, NEXT },
		{ "16:05:09", OTHER, 0 },
		{ "16:05:10", OTHER, GOOD },
		{ "16:05:11", OTHER, NEXT | GOOD },
		{ "16:05:12", SMTPD("3", "4dG2kQ2mzCzGd6: " CLIENT),
		    NEXT | GOOD },
		{ "16:05:13", OTHER, NEXT | GOOD },
		/* One that is killed, and another. */
		{ "16:05:14", SMTPD("4", "NOQUEUE: " HOLD), NEXT | GOOD },
		{ "16:05:15", OTHER, NEXT },
		{ "16:05:16", KILLED("5"), 0 },
		{ "16:05:17", KILLED("4"), GOOD },
		{ "16:05:18", OTHER, NEXT | GOOD },
	};
	struct mt_maillog_options options =
	    MAILLOG_OPTIONS("UTC", .keep_lines = false);
	struct maillog_scene s;
	char line[512];
	size_t i;

	(void)state;
	maillog_begin(&s, &options);
	for (i = 0; i < N(lines); i++) {
		(void)snprintf(line, sizeof(line), "Nov  5 %s mx1 %s",
		    lines[i].stamp, lines[i].text);
		(void)maillog_feedz(&s, line);
		if (mt_maillog_again(s.log) != lines[i].again)
			fail_msg("%s: %u instead of %u", line,
			    mt_maillog_again(s.log), lines[i].again);
		/* Told however late. */
		if (strstr(line, "CzGd5") != NULL ||
		    strstr(line, "CzGd6") != NULL)
			assert_int_equal(s.n, 2);
	}
	maillog_end(&s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(who_leaves_no_trace_leaves_none),
		cmocka_unit_test(lines_are_kept_of_real_queue_ids_only),
		cmocka_unit_test(every_frame_gives_the_same_events),
		cmocka_unit_test(mailcows_lists_are_read),
		cmocka_unit_test(what_is_no_log_line_is_damaged),
		cmocka_unit_test(lines_of_any_length_take_their_time_only),
		cmocka_unit_test(unknown_lines_are_counted_by_program),
		cmocka_unit_test(what_was_done_before_there_was_an_id),
		cmocka_unit_test(all_that_was_done_before_there_was_an_id),
		cmocka_unit_test(
		    many_processes_are_between_the_two_lines_at_once),
		cmocka_unit_test(
		    what_is_said_again_has_the_key_of_the_first_but_for_a_bit),
		cmocka_unit_test(
		    reading_begins_again_before_what_waits_for_its_id),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
