/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reports: real ones of many mail servers, with what is read from each in the
 * file *.expected next to it, as stored and converted to CRLF; and made ones
 * for what the real ones lack. MT_WRITE_EXPECTED=1 writes the files anew.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../lib/mail_corpus.h"
#include "base/clock.h"
#include "base/utf8.h"
#include "mail/date.h"
#include "mail/received.h"
#include "mail/report.h"
#include "mail/status.h"

#define N(table) (sizeof(table) / sizeof((table)[0]))
#define SAMPLES "tests/data/reports"
/* Hosts that stand in the samples. */
#define OURS "mx.example.lg.jp smtp.example.net neko.nyaan.jp"

static void
put(struct mt_buf *out, const char *name, struct mt_str value)
{
	if (value.p == NULL)
		return;
	mt_buf_printf(out, "%s: ", name);
	mt_utf8_escape(out, value);
	mt_buf_c(out, '\n');
}

static void
describe_rcpt(const struct mt_report_rcpt *rcpt, struct mt_buf *out)
{
	mt_buf_printf(out, "\n%s\n", mt_words_notice[rcpt->kind]);
	put(out, "rcpt", rcpt->rcpt);
	put(out, "orig_to", rcpt->orig_to);
	put(out, "dsn", rcpt->dsn);
	put(out, "remote", rcpt->remote);
	put(out, "text", rcpt->text);
}

static void
describe(struct mt_str message, const char *ours, struct mt_buf *out)
{
	char at[MT_TIME_LEN + 1];
	struct mt_report r;
	struct mt_err err;
	size_t i;

	if (mt_report_read(message, mt_str(ours), &r, &err) != MT_OK) {
		mt_buf_printf(out, "%s: %s\n", mt_rc_name(err.rc), err.msg);
		return;
	}
	mt_buf_z(
	    out, r.kind == MT_REPORT_FEEDBACK ? "feedback\n" : "delivery\n");
	if (r.at != 0) {
		mt_time_write(r.at, 'T', true, at);
		put(out, "at", mt_str(at));
	}
	put(out, "id", r.id);
	put(out, "date", r.date);
	put(out, "reporter", r.reporter);
	put(out, "reporter_id", r.reporter_id);
	put(out, "envelope_id", r.envelope_id);
	put(out, "sender", r.sender);
	put(out, "arrived", r.arrived);
	put(out, "feedback", r.feedback);
	put(out, "agent", r.agent);
	put(out, "source", r.source);
	put(out, "domain", r.domain);
	put(out, "message_id", r.message_id);
	put(out, "from", r.from);
	put(out, "to", r.to);
	put(out, "queue_id", r.queue_id);
	for (i = 0; i < r.n; i++)
		describe_rcpt(&r.rcpts[i], out);
	mt_report_done(&r);
}

static void
write_expected(const char *path, const struct mt_buf *text)
{
	FILE *f = fopen(path, "wb");

	assert_non_null(f);
	assert_int_equal(fwrite(text->p, 1, text->n, f), text->n);
	assert_int_equal(fclose(f), 0);
}

static void
compare(const struct mail_sample *sample, void *arg)
{
	struct mt_buf got, want;
	char path[1024];
	size_t n = strlen(sample->path);

	(void)arg;
	if (n < 4 || strcmp(sample->path + n - 4, ".eml") != 0)
		return;
	(void)snprintf(
	    path, sizeof(path), "%.*s.expected", (int)n - 4, sample->path);
	mt_buf_init(&got, 1 << 20);
	mt_buf_init(&want, 1 << 20);
	describe(sample->text, OURS, &got);
	if (getenv("MT_WRITE_EXPECTED") != NULL && !sample->crlf)
		write_expected(path, &got);
	mail_corpus_read(path, &want);
	if (!mt_str_eq(mt_buf_view(&got), mt_buf_view(&want)))
		fail_msg("%s%s reads as\n%s", sample->path,
		    sample->crlf ? " (with CRLF)" : "", got.p);
	mt_buf_done(&got);
	mt_buf_done(&want);
}

static void
reports_of_many_servers_read_as_expected(void **state)
{
	(void)state;
	assert_true(mail_corpus_walk(SAMPLES, compare, NULL) >= 66);
}

/* A report around a status part. */
#define HEAD \
	"Received: from mx.example.org by mx.example.org with LMTP id x;\n" \
	"\tFri, 20 Nov 2026 20:34:35 +0100\n" \
	"Received: from a by mx.example.org (Postfix) id 4jWQWp4LxZz1bkp1;\n" \
	"\tFri, 20 Nov 2026 20:34:30 +0100 (CET)\n" \
	"Date: Fri, 20 Nov 2026 18:00:00 +0000\n" \
	"Message-ID: <r1@far.example>\n" \
	"Content-Type: multipart/report; report-type=delivery-status;\n" \
	" boundary=\"b\"\n\n--b\n\nSorry.\n--b\n"
#define PLAIN "Content-Type: message/delivery-status\n"
#define RETURNED \
	"\n--b\nContent-Type: text/rfc822-headers\n\n" \
	"Received: from mx.example.org by far.example id 4jWQWp4QlWz1bkp3\n" \
	"Received: from c by mx.example.org (Postfix) with ESMTP\n" \
	" id 4jWQWp4QlWz1bkp4 for <bob@far.example>; Fri, 20 Nov 2026\n" \
	" 19:00:00 +0100\n" \
	"Message-ID: <m1@example.org>\nFrom: Alice <alice@example.org>\n\n" \
	"--b--\n"
#define STATUS \
	"Reporting-MTA: dns; far.example\n\nFinal-Recipient: rfc822;" \
	"bob@far.example\nAction: failed\nStatus: 5.1.1\n"

static const struct {
	const char *what, *message, *want;
} made[] = {
	{ "our queue id, when it arrived, From as the sender",
	    HEAD PLAIN "\n" STATUS RETURNED,
	    "delivery\nat: 2026-11-20T19:34:30.000000Z\n"
	    "id: r1@far.example\n"
	    "date: Fri, 20 Nov 2026 18:00:00 +0000\n"
	    "reporter: far.example\nsender: alice@example.org\n"
	    "message_id: m1@example.org\n"
	    "from: Alice <alice@example.org>\n"
	    "queue_id: 4jWQWp4QlWz1bkp4\n\n"
	    "failed\nrcpt: bob@far.example\ndsn: 5.1.1\n" },
	{ "the reporter is ours, and so is its queue id; mail_name",
	    HEAD PLAIN "\n"
		       "Reporting-MTA: dns; MX.example.org.\n"
		       "X-Postcow-Queue-ID: 4jWQWp4QlWz1bkp9\n"
		       "X-Postcow-Sender: rfc822; al@example.org\n\n"
		       "Final-Recipient: rfc822; bob@far.example\n"
		       "Original-Recipient: rfc822;b+2Bx@far.example\n"
		       "Action: delayed (for now)\nStatus: 4.4.1\n"
		       "Remote-MTA: dns; far.example (192.0.2.1)\n"
		       "Diagnostic-Code: SMTP; 451 4.4.1\n   later\n" RETURNED,
	    "delivery\nat: 2026-11-20T19:34:30.000000Z\n"
	    "id: r1@far.example\n"
	    "date: Fri, 20 Nov 2026 18:00:00 +0000\n"
	    "reporter: MX.example.org.\n"
	    "reporter_id: 4jWQWp4QlWz1bkp9\n"
	    "sender: al@example.org\nmessage_id: m1@example.org\n"
	    "from: Alice <alice@example.org>\n"
	    "queue_id: 4jWQWp4QlWz1bkp9\n\n"
	    "delayed\nrcpt: bob@far.example\n"
	    "orig_to: b+x@far.example\ndsn: 4.4.1\n"
	    "remote: far.example\ntext: 451 4.4.1 later\n" },
	{ "base64",
	    HEAD PLAIN "Content-Transfer-Encoding: base64\n\n"
		       "RmluYWwtUmVjaXBpZW50OiByZmM4MjI7IGJAeC5leGFtcGxl"
		       "CkFjdGlvbjogcmVsYXllZAo=\n--b--\n",
	    "delivery\nat: 2026-11-20T19:34:30.000000Z\n"
	    "id: r1@far.example\n"
	    "date: Fri, 20 Nov 2026 18:00:00 +0000\n\n"
	    "relayed\nrcpt: b@x.example\n" },
	{ "RFC 6533, quoted-printable; no close delimiter",
	    HEAD "Content-Type: message/global-delivery-status\n"
		 "Content-Transfer-Encoding: quoted-printable\n\n"
		 "Reporting-MTA: dns; far.example\n\n"
		 "Final-Recipient: utf-8; b=C3=B6b@far.example\n"
		 "Original-Recipient: utf-8;b\\x{F6}b\\x{1F600}@far.exam=\n"
		 "ple\nAction: expanded\n\n"
		 "Final-Recipient: utf-8; c@far.example\n"
		 "Action: delivered\nStatus: 2.0.0",
	    "delivery\nat: 2026-11-20T19:34:30.000000Z\n"
	    "id: r1@far.example\n"
	    "date: Fri, 20 Nov 2026 18:00:00 +0000\n"
	    "reporter: far.example\n\n"
	    "expanded\nrcpt: b\xc3\xb6"
	    "b@far.example\n"
	    "orig_to: b\xc3\xb6"
	    "b\xf0\x9f\x98\x80@far.example\n\n"
	    "delivered\nrcpt: c@far.example\ndsn: 2.0.0\n" },
	{ "damaged base64",
	    HEAD PLAIN "Content-Transfer-Encoding: base64\n\n"
		       "RmluYW$\n--b--\n",
	    "format: status part: damaged base64\n" },
	{ "no recipient",
	    HEAD PLAIN "\nReporting-MTA: dns; far.example\n--b--\n",
	    "format: names no recipient\n" },
	{ "no action", HEAD PLAIN "\nFinal-Recipient: rfc822; b@x\n--b--\n",
	    "format: says of no recipient what was done\n" },
	{ "no status part", HEAD "Content-Type: text/plain\n\n--b--\n",
	    "format: has no status part\n" },
	{ "a status part elsewhere",
	    "Content-Type: multipart/mixed; boundary=b\n\n"
	    "--b\n" PLAIN "\n" STATUS "\n--b--\n",
	    "absent: not a report\n" },
	{ "a forwarded report",
	    "Content-Type: multipart/mixed; boundary=c\n\n--c\n"
	    "Content-Type: message/rfc822\n\n" HEAD PLAIN "\n" STATUS
	    "\n--b--\n--c--\n",
	    "absent: not a report\n" },
	{ "text", "Subject: Returned mail\n\nUser unknown: <b@x>\n",
	    "absent: not a report\n" },
	{ "nothing", "", "absent: not a report\n" },
	{ "a complaint that names nobody",
	    "Date: Fri, 20 Nov 2026 18:00 EST\n"
	    "Content-Type: multipart/report; boundary=b\n\n--b\n"
	    "Content-Type: message/feedback-report\n\n"
	    "Feedback-Type: Abuse\nUser-Agent: T/1\nVersion: 1\n"
	    "Original-Mail-From: <>\n"
	    "--b\nContent-Type: message/rfc822\n\n"
	    "Message-ID: <m1@example.org>\nTo: Bob <bob@x.example>\n"
	    "\nSpam\n--b--\n",
	    "feedback\nat: 2026-11-20T23:00:00.000000Z\n"
	    "date: Fri, 20 Nov 2026 18:00 EST\nsender: \n"
	    "feedback: abuse\nagent: T/1\nmessage_id: m1@example.org\n"
	    "to: Bob <bob@x.example>\n\n"
	    "complaint\n" },
	{ "feedback that says nothing",
	    "Content-Type: multipart/report; boundary=b\n\n--b\n"
	    "Content-Type: message/feedback-report\n\n"
	    "User-Agent: T/1\n--b--\n",
	    "format: has no Feedback-Type\n" },
};

static void
made_reports_read_as_expected(void **state)
{
	struct mt_buf got, crlf;
	size_t i;

	(void)state;
	for (i = 0; i < N(made); i++) {
		mt_buf_init(&got, 1 << 16);
		mt_buf_init(&crlf, 1 << 16);
		describe(mt_str(made[i].message), "old mx.example.org", &got);
		if (strcmp(got.p, made[i].want) != 0)
			fail_msg("%s: reads as\n%s", made[i].what, got.p);
		mail_to_crlf(mt_str(made[i].message), &crlf);
		mt_buf_reset(&got);
		describe(mt_buf_view(&crlf), "old mx.example.org", &got);
		if (strcmp(got.p, made[i].want) != 0)
			fail_msg(
			    "%s: with CRLF, reads as\n%s", made[i].what, got.p);
		mt_buf_done(&got);
		mt_buf_done(&crlf);
	}
}

static void
read_many(unsigned n, struct mt_report *ret_report, struct mt_err *err)
{
	struct mt_buf text;
	unsigned i;

	mt_buf_init(&text, 4 << 20);
	mt_buf_z(&text, HEAD PLAIN "\nReporting-MTA: dns; far.example\n\n");
	for (i = 0; i < n; i++)
		mt_buf_printf(&text,
		    "Final-Recipient: rfc822; b%u@x\nAction: failed\n\n", i);
	mt_buf_z(&text, "--b--\n");
	assert_false(mt_buf_over(&text));
	err->rc = MT_OK;
	if (mt_report_read(mt_buf_view(&text), mt_str("x"), ret_report, err) !=
	    MT_OK)
		assert_int_not_equal(err->rc, MT_OK);
	mt_buf_done(&text);
}

static void
recipients_and_depth_have_a_limit(void **state)
{
	struct mt_report r = { .n = 0 };
	struct mt_err err = { .rc = MT_OK };
	struct mt_buf text;
	unsigned i;

	(void)state;
	read_many(MT_MAX_REPORT_RCPT, &r, &err);
	assert_int_equal(r.n, MT_MAX_REPORT_RCPT);
	mt_report_done(&r);
	read_many(MT_MAX_REPORT_RCPT + 1, &r, &err);
	assert_int_equal(err.rc, MT_LIMIT);
	assert_string_equal(err.msg, "more than 10000 recipients");
	mt_buf_init(&text, 1 << 16);
	for (i = 0; i <= MT_MAX_MIME_DEPTH; i++)
		mt_buf_printf(&text,
		    "Content-Type: multipart/mixed; boundary=b%u\n\n--b%u\n", i,
		    i);
	mt_buf_z(&text, HEAD PLAIN "\n" STATUS);
	assert_int_equal(
	    mt_report_read(mt_buf_view(&text), mt_str("x"), &r, &err),
	    MT_LIMIT);
	assert_string_equal(err.msg, "too many parts, or too deep");
	mt_buf_done(&text);
}

static void
identity(const char *message, struct mt_buf *out)
{
	struct mt_report r;
	struct mt_err err;

	mt_buf_init(out, 1 << 16);
	assert_int_equal(
	    mt_report_read(mt_str(message), mt_str("x"), &r, &err), MT_OK);
	mt_report_identity(&r, out);
	mt_report_done(&r);
}

static void
identity_survives_relays_and_tells_reports_apart(void **state)
{
	static const struct {
		const char *message;
		bool same;
	} cases[] = {
		{ "Received: by other; Sat, 21 Nov 2026 18:00:00 +0000\n" HEAD
			PLAIN
		  "Content-Transfer-Encoding: quoted-printable\n\n" STATUS
			RETURNED,
		    true },
		{ HEAD PLAIN "\n" STATUS "Remote-MTA: dns; x\n" RETURNED,
		    false },
		{ "Message-ID: <r2@far.example>\n" HEAD PLAIN
		  "\n" STATUS RETURNED,
		    false },
		{ "Date: Sat, 21 Nov 2026 18:00:00 +0000\n" HEAD PLAIN
		  "\n" STATUS RETURNED,
		    false },
	};
	struct mt_buf a, b;
	size_t i;

	(void)state;
	identity(HEAD PLAIN "\n" STATUS RETURNED, &a);
	for (i = 0; i < N(cases); i++) {
		identity(cases[i].message, &b);
		assert_int_equal(
		    cases[i].same, mt_str_eq(mt_buf_view(&a), mt_buf_view(&b)));
		mt_buf_done(&b);
	}
	mt_buf_done(&a);
}

static void
field_values_are_read(void **state)
{
	typedef struct mt_str reader(struct mt_str, struct mt_buf *);
	static const struct {
		reader *read;
		const char *value, *want; /* want NULL: absent */
	} cases[] = {
		{ mt_status_address, " rfc822; bob@x.example ",
		    "bob@x.example" },
		{ mt_status_address, "RFC822;<bob@x.example> (Bob)",
		    "bob@x.example" },
		{ mt_status_address, "<bob@x.example>", "bob@x.example" },
		{ mt_status_address, "rfc822; bob@x.example (Bob)",
		    "bob@x.example" },
		{ mt_status_address, "rfc822; \"b ob\"@x.example y",
		    "\"b ob\"@x.example" },
		{ mt_status_address, "rfc822; <>", "" },
		{ mt_status_address, "rfc822;", NULL },
		{ mt_status_address, "rfc822; rfc822;b@x", "b@x" },
		{ mt_status_address, "LOCAL;<b>", "b" },
		{ mt_status_address, "rfc822; bob+2Btag@x", "bob+tag@x" },
		{ mt_status_address, "rfc822; bob+2Btag+3D1@x", "bob+tag=1@x" },
		{ mt_status_address, "rfc822; bob+42@x", "bob+42@x" },
		{ mt_status_address, "rfc822; bob+2Btag+x@x", "bob+2Btag+x@x" },
		{ mt_status_address, "rfc822; b\\x{F6}b@x", "b\\x{F6}b@x" },
		{ mt_status_address, "utf-8; b\\x{F6}b@x",
		    "b\xc3\xb6"
		    "b@x" },
		{ mt_status_address, "utf-8; b\\x{20AC}@x", "b\xe2\x82\xac@x" },
		{ mt_status_address, "utf-8; b\\x{D800}\\x{0}\\x{@x",
		    "b\\x{D800}\\x{0}\\x{@x" },
		{ mt_status_address, "x400; /G=Bob /S=B/", "/G=Bob /S=B/" },
		{ mt_status_mta, "dns; mx.example (192.0.2.1, x)",
		    "mx.example" },
		{ mt_status_mta, "mx.example", "mx.example" },
		{ mt_status_mta, "dns;", NULL },
		{ mt_status_code, "5.1.1 (bad)", "5.1.1" },
		{ mt_status_code, "5.7.999", "5.7.999" },
		{ mt_status_code, "5.7.1000", NULL },
		{ mt_status_code, "550 5.1.1", NULL },
		{ mt_status_code, "5.1", NULL },
		{ mt_status_code, "", NULL },
		{ mt_status_diagnostic, "smtp; 550\n  5.1.1\t no",
		    "550 5.1.1 no" },
		{ mt_status_diagnostic, "X-Postfix; unknown user",
		    "X-Postfix; unknown user" },
		{ mt_status_message_id, " <a@b> (x)", "a@b" },
		{ mt_status_message_id, "a@b", "a@b" },
		{ mt_status_message_id, "<>", NULL },
		{ mt_status_word, "Failed(x)", "failed" },
	};
	struct mt_buf out;
	struct mt_str got;
	size_t i;

	(void)state;
	mt_buf_init(&out, 4096);
	(void)mt_buf_reserve(&out, 4000);
	for (i = 0; i < N(cases); i++) {
		got = cases[i].read(mt_str(cases[i].value), &out);
		if ((got.p == NULL) != (cases[i].want == NULL) ||
		    (got.p != NULL && !mt_str_eqz(got, cases[i].want)))
			fail_msg("%s: reads as %.*s", cases[i].value,
			    MT_STR_ARG(got));
	}
	mt_buf_done(&out);
}

static void
mail_dates_are_read(void **state)
{
	static const struct {
		const char *text, *want; /* want NULL: none */
	} cases[] = {
		{ "Fri, 21 Nov 1997 09:55:06 -0600",
		    "1997-11-21T15:55:06.000000Z" },
		{ "21 Nov 97 09:55 GMT", "1997-11-21T09:55:00.000000Z" },
		{ "Thu,13 Feb 2020 23:59:60 +0530 (IST)",
		    "2020-02-13T18:29:59.000000Z" },
		{ " Thu, 8 Mar 2005 17:40:36 EDT ",
		    "2005-03-08T21:40:36.000000Z" },
		{ "Sat, 1 Jan 2000 (y) 00:00:00 (z) +1400",
		    "1999-12-31T10:00:00.000000Z" },
		{ "Fri, 30 Feb 2001 00:00:00 +0000", NULL },
		{ "Fri, 21 Nov 1997", NULL },
		{ "Fri, 21 Nov 1997 25:00:00 +0000", NULL },
		{ "Thu, 1 Jan 1970 00:00:00 +0100", NULL },
		{ "now", NULL },
		{ "", NULL },
	};
	char text[MT_TIME_LEN + 1];
	int64_t at;
	size_t i;

	(void)state;
	for (i = 0; i < N(cases); i++) {
		if (mt_mail_date_read(mt_str(cases[i].text), &at) !=
		    (cases[i].want != NULL))
			fail_msg("%s: refused, or taken", cases[i].text);
		if (cases[i].want == NULL)
			continue;
		mt_time_write(at, 'T', true, text);
		assert_string_equal(text, cases[i].want);
	}
}

static void
received_fields_say_who_took_it(void **state)
{
	static const struct {
		const char *value, *by, *id;
	} cases[] = {
		{ "from a (by x id y) by b (Postfix) with ESMTP id c\n"
		  " for <d>; Fri, 21 Nov 1997 09:55:06 -0600",
		    "b", "c" },
		{ "by b (Postfix, from userid 0)\n\tid c; x", "b", "c" },
		{ "from id by b;x", "b", NULL },
		{ "from a id c", NULL, NULL },
		{ "(qmail 2222 invoked from network); 15 Oct 2015", NULL,
		    NULL },
		{ "by \\", "\\", NULL },
		{ "", NULL, NULL },
	};
	struct mt_received r;
	size_t i;

	(void)state;
	for (i = 0; i < N(cases); i++) {
		mt_received_read(mt_str(cases[i].value), &r);
		if (!mt_str_eqz(r.by, cases[i].by != NULL ? cases[i].by : "") ||
		    !mt_str_eqz(r.id, cases[i].id != NULL ? cases[i].id : ""))
			fail_msg("%s: by %.*s id %.*s", cases[i].value,
			    MT_STR_ARG(r.by), MT_STR_ARG(r.id));
	}
	assert_true(mt_host_among(MT_LIT("B.example."), MT_LIT("a b.EXAMPLE")));
	assert_false(mt_host_among(MT_LIT("b"), MT_LIT("a  bb ")));
	assert_false(mt_host_among(MT_LIT(""), MT_LIT(" ")));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reports_of_many_servers_read_as_expected),
		cmocka_unit_test(made_reports_read_as_expected),
		cmocka_unit_test(recipients_and_depth_have_a_limit),
		cmocka_unit_test(
		    identity_survives_relays_and_tells_reports_apart),
		cmocka_unit_test(field_values_are_read),
		cmocka_unit_test(mail_dates_are_read),
		cmocka_unit_test(received_fields_say_who_took_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
