/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Any bytes as a message. What is read as a report:
 *
 *   - has between one and MT_MAX_REPORT_RCPT recipients, each with a kind, and
 *     texts that can be read to their last byte (a sanitizer watches);
 *   - reads the same, and has the same identity, with CRLF line ends, and with
 *     a Received field of a stranger's in front (but for when it arrived).
 *
 * And any bytes as the recipients of a report that is written around them, in
 * base64, with more parts around it: they are read back.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "mail/report.h"

#define NAMES "mx.example.org other"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
give_up(const char *wrong, struct mt_str s)
{
	(void)fprintf(stderr, "%s:\n%.*s\n", wrong, (int)s.n, s.p);
	abort();
}

static void
put(struct mt_buf *out, struct mt_str s)
{
	mt_buf_c(out, s.p == NULL ? '-' : '+');
	mt_buf_str(out, s);
	mt_buf_c(out, '\n');
}

/* All that was read, but for when it arrived. */
static void
flatten(const struct mt_report *r, struct mt_buf *out)
{
	size_t i;

	put(out, r->id);
	put(out, r->date);
	put(out, r->reporter);
	put(out, r->reporter_id);
	put(out, r->envelope_id);
	put(out, r->sender);
	put(out, r->arrived);
	put(out, r->feedback);
	put(out, r->agent);
	put(out, r->source);
	put(out, r->domain);
	put(out, r->message_id);
	put(out, r->from);
	put(out, r->to);
	put(out, r->queue_id);
	for (i = 0; i < r->n; i++) {
		put(out, mt_str(mt_words_notice[r->rcpts[i].kind]));
		put(out, r->rcpts[i].rcpt);
		put(out, r->rcpts[i].orig_to);
		put(out, r->rcpts[i].dsn);
		put(out, r->rcpts[i].remote);
		put(out, r->rcpts[i].text);
	}
	mt_report_identity(r, out);
}

static enum mt_rc
read_flat(struct mt_str message, struct mt_buf *out)
{
	struct mt_report r;
	struct mt_err err;
	enum mt_rc rc = mt_report_read(message, MT_LIT(NAMES), &r, &err);
	size_t i;

	mt_buf_init(out, 64 + 32 * message.n);
	if (rc != MT_OK)
		return rc;
	if (r.n == 0 || r.n > MT_MAX_REPORT_RCPT)
		give_up("recipients out of bounds", message);
	for (i = 0; i < r.n; i++)
		if (r.rcpts[i].kind == MT_notice_absent ||
		    r.rcpts[i].kind >= MT_notice_end)
			give_up("a recipient without a kind", message);
	if (r.queue_id.p != NULL && r.queue_id.n > MT_MAX_QUEUE_ID)
		give_up("a long queue id", message);
	flatten(&r, out);
	mt_report_done(&r);
	return MT_OK;
}

static void
check_same(struct mt_str message, struct mt_str other, const char *wrong)
{
	struct mt_buf a, b;
	enum mt_rc rc = read_flat(message, &a);

	if (read_flat(other, &b) != rc ||
	    !mt_str_eq(mt_buf_view(&a), mt_buf_view(&b)))
		give_up(wrong, message);
	mt_buf_done(&a);
	mt_buf_done(&b);
}

static void
check_read(struct mt_str s)
{
	struct mt_buf other;
	size_t i;

	mt_buf_init(&other, 2 * s.n + 64);
	if (s.n == 0 || memchr(s.p, '\r', s.n) == NULL) {
		for (i = 0; i < s.n; i++) {
			if (s.p[i] == '\n')
				mt_buf_c(&other, '\r');
			mt_buf_c(&other, s.p[i]);
		}
		check_same(s, mt_buf_view(&other), "another one with CRLF");
	}
	mt_buf_reset(&other);
	/* Where nothing in it could continue that field. */
	if (s.n > 5 && s.p[0] >= 'A' && !mt_str_starts(s, "From ")) {
		mt_buf_z(&other, "Received: by stranger\n");
		mt_buf_str(&other, s);
		check_same(s, mt_buf_view(&other), "another one with a field");
	}
	mt_buf_done(&other);
}

static void
add_base64(struct mt_str s, struct mt_buf *out)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				     "abcdefghijklmnopqrstuvwxyz0123456789+/";
	unsigned bits;
	size_t i, k, n;

	for (i = 0; i < s.n; i += 3) {
		n = s.n - i < 3 ? s.n - i : 3;
		for (bits = 0, k = 0; k < 3; k++)
			bits =
			    bits << 8 | (k < n ? (unsigned char)s.p[i + k] : 0);
		for (k = 0; k < 4; k++)
			mt_buf_c(out,
			    k > n ? '=' : digits[bits >> (18 - 6 * k) & 63]);
		if (i % 57 == 54)
			mt_buf_c(out, '\n');
	}
}

/* A local part of these bytes, of the characters that need no quotes. */
static void
add_local(struct mt_str s, struct mt_buf *out)
{
	size_t i;
	char c;

	mt_buf_c(out, 'b');
	for (i = 0; i < s.n; i++) {
		c = (char)('!' + (unsigned char)s.p[i] % ('~' - '!'));
		if (strchr("+<>()\"\\;,", c) == NULL)
			mt_buf_c(out, c);
	}
}

static void
check_written(struct mt_str s)
{
	struct mt_buf status, message, local;
	struct mt_report r;
	struct mt_err err;
	struct mt_str rest = s, line;
	size_t i;

	mt_buf_init(&status, 64 * s.n + 256);
	mt_buf_init(&message, 128 * s.n + 1024);
	mt_buf_init(&local, s.n + 1);
	mt_buf_z(&status, "Reporting-MTA: dns; a\n");
	while (rest.n > 0) {
		(void)mt_str_cut(rest, '\n', &line, &rest);
		mt_buf_z(&status, "\nAction: failed\nFinal-Recipient: utf-8;");
		add_local(line, &status);
		mt_buf_z(&status, "@x\n");
	}
	mt_buf_z(&message,
	    "Content-Type: multipart/mixed; boundary=\"x y\"\n\n--x y\n\n"
	    "--x y\nContent-Type: multipart/report; boundary=x\n\n--x \n\n"
	    "--x\nContent-Type: message/delivery-status\n"
	    "Content-Transfer-Encoding: base64\n\n");
	add_base64(mt_buf_view(&status), &message);
	mt_buf_z(&message, "\n--x--\n--x y--\n");
	if (mt_report_read(mt_buf_view(&message), MT_LIT("a"), &r, &err) !=
	    MT_OK) {
		if (s.n > 0 || err.rc != MT_FORMAT)
			give_up("written, but not read", s);
	} else {
		for (i = 0, rest = s; rest.n > 0; i++) {
			(void)mt_str_cut(rest, '\n', &line, &rest);
			mt_buf_reset(&local);
			add_local(line, &local);
			line = mt_buf_view(&local);
			if (i == r.n || r.rcpts[i].rcpt.n != line.n + 2 ||
			    memcmp(r.rcpts[i].rcpt.p, line.p, line.n) != 0)
				give_up("another recipient", s);
		}
		if (i != r.n)
			give_up("too many recipients", s);
		mt_report_done(&r);
	}
	mt_buf_done(&status);
	mt_buf_done(&message);
	mt_buf_done(&local);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct mt_str s = mt_str_n((const char *)data, size);

	check_read(s);
	check_written(s);
	return 0;
}
