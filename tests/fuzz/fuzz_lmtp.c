/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Any bytes as an LMTP client's:
 *
 *   - in one piece, byte by byte and in odd pieces, they have the same replies,
 *     and the same messages are taken;
 *   - each reply is a line, and the dialogue goes on after them or is over.
 *
 * Any bytes as a message, sent as RFC 5321 4.5.2 says: it is taken as it is.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lmtp.h"

#define KEEP 300 /* most of a message */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
give_up(const char *wrong, struct mt_str s)
{
	(void)fprintf(stderr, "%s:\n%.*s\n", wrong, (int)s.n, s.p);
	abort();
}

static void
take(void *arg, struct mt_str message, struct mt_buf *reply)
{
	struct mt_buf *taken = arg;

	mt_buf_printf(taken, "%zu:", message.n);
	mt_buf_str(taken, message);
	mt_buf_z(reply, "250 2.0.0 taken");
}

static void
check_replies(struct mt_str out)
{
	struct mt_str line, rest = out;

	while (rest.n > 0) {
		if (!mt_str_cut(rest, '\n', &line, &rest) || line.n < 5 ||
		    line.p[line.n - 1] != '\r' || !mt_is_digit(line.p[0]) ||
		    !mt_is_digit(line.p[1]) || !mt_is_digit(line.p[2]) ||
		    (line.p[3] != ' ' && line.p[3] != '-'))
			give_up("no reply", out);
	}
}

/* All in pieces of this size; what was said and taken. */
static void
run(struct mt_str s, size_t piece, size_t keep, struct mt_buf *said,
    struct mt_buf *taken)
{
	struct lmtp l;
	size_t at = 0, n;

	mt_buf_init(said, 1 << 24);
	mt_buf_init(taken, 1 << 24);
	lmtp_init(&l, "mx.example.org", keep, take, taken);
	do {
		check_replies(mt_buf_view(&l.out));
		mt_buf_str(said, mt_buf_view(&l.out));
		mt_buf_reset(&l.out);
		n = s.n - at < piece ? s.n - at : piece;
		n = lmtp_input(&l, s.p + at, n);
		if (mt_buf_over(&l.out))
			give_up("replies that do not fit", s);
		at += n;
	} while (at < s.n && l.state != LMTP_OVER);
	if (l.state != LMTP_DATA)
		lmtp_end(&l, "421 bye");
	check_replies(mt_buf_view(&l.out));
	mt_buf_str(said, mt_buf_view(&l.out));
	lmtp_done(&l);
}

static void
check_pieces(struct mt_str s)
{
	static const size_t pieces[] = { 1, 7, 61 };
	struct mt_buf said, taken, said2, taken2;
	size_t i;

	run(s, s.n + 1, KEEP, &said, &taken);
	for (i = 0; i < sizeof(pieces) / sizeof(pieces[0]); i++) {
		run(s, pieces[i], KEEP, &said2, &taken2);
		if (!mt_str_eq(mt_buf_view(&said), mt_buf_view(&said2)))
			give_up("other replies in pieces", s);
		if (!mt_str_eq(mt_buf_view(&taken), mt_buf_view(&taken2)))
			give_up("other messages in pieces", s);
		mt_buf_done(&said2);
		mt_buf_done(&taken2);
	}
	mt_buf_done(&said);
	mt_buf_done(&taken);
}

static void
check_message(struct mt_str s)
{
	struct mt_buf sent, want, said, taken;
	size_t i;

	mt_buf_init(&sent, 3 * s.n + 200);
	mt_buf_init(&want, s.n + 200);
	mt_buf_z(&sent, "LHLO x\r\nMAIL FROM:<>\r\nRCPT TO:<a@b>\r\nDATA\r\n");
	for (i = 0; i < s.n; i++) {
		if (s.p[i] == '.' &&
		    (i == 0 ||
			(i > 1 && s.p[i - 1] == '\n' && s.p[i - 2] == '\r')))
			mt_buf_c(&sent, '.');
		mt_buf_c(&sent, s.p[i]);
	}
	mt_buf_z(&sent, "\r\n.\r\nQUIT\r\n");
	mt_buf_printf(&want, "%zu:", s.n + 2);
	mt_buf_str(&want, s);
	mt_buf_z(&want, "\r\n");
	run(mt_buf_view(&sent), sent.n, s.n + 2, &said, &taken);
	if (!mt_str_eq(mt_buf_view(&want), mt_buf_view(&taken)))
		give_up("another message", s);
	mt_buf_done(&sent);
	mt_buf_done(&want);
	mt_buf_done(&said);
	mt_buf_done(&taken);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct mt_str s = mt_str_n((const char *)data, size);

	check_pieces(s);
	check_message(s);
	return 0;
}
