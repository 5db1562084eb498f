/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Any bytes as an IMAP server's. Where a response is read:
 *
 *   - no byte less would do, and none behind it matters;
 *   - its literal is inside it, of the length that is said before it.
 *
 * Any bytes as a message in a literal: it is found, and the response ends
 * behind it, whatever is in it.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "reply.h"

#define LINE 2000
#define LITERAL 100000

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
give_up(const char *wrong, struct mt_str s)
{
	(void)fprintf(stderr, "%s:\n%.*s\n", wrong, (int)s.n, s.p);
	abort();
}

static void
check_read(struct mt_str s)
{
	struct feed_reply r, again;
	struct mt_err err;
	struct mt_str rest;
	size_t n = 0, m = 0, cut;
	uint64_t number;

	if (feed_reply_read(s, LINE, LITERAL, &r, &n, &err) != MT_OK)
		return;
	if (n == 0 || n > s.n)
		give_up("a response of no length", s);
	if (r.literal.p != NULL &&
	    (r.literal.p < s.p || r.literal.p + r.literal.n >= s.p + n ||
		r.literal.p[-1] != '\n'))
		give_up("a literal elsewhere", s);
	if (feed_reply_read(
		mt_str_n(s.p, n), LINE, LITERAL, &again, &m, &err) != MT_OK ||
	    m != n || again.kind != r.kind || !mt_str_eq(again.rest, r.rest))
		give_up("what follows matters", s);
	for (cut = 1; cut <= n && cut < 50; cut++)
		if (feed_reply_read(mt_str_n(s.p, n - cut), LINE, LITERAL,
			&again, &m, &err) != MT_ABSENT)
			give_up("whole before its end", s);
	for (rest = r.rest, m = 0; feed_reply_number(&rest, &number); m++)
		if (m > r.rest.n)
			give_up("numbers without end", s);
	(void)feed_reply_uid(r.rest);
	(void)feed_reply_has(r.rest, "MOVE");
}

static void
check_written(struct mt_str s)
{
	struct mt_buf text;
	struct feed_reply r;
	struct mt_err err;
	size_t n = 0, whole;

	mt_buf_init(&text, s.n + 200);
	mt_buf_printf(&text, "* 3 FETCH (UID 17 BODY[]<0> {%zu}\r\n", s.n);
	mt_buf_str(&text, s);
	mt_buf_z(&text, ")\r\n");
	whole = text.n;
	mt_buf_z(&text, "T1 OK done\r\n");
	if (feed_reply_read(mt_buf_view(&text), LINE, LITERAL, &r, &n, &err) !=
		MT_OK ||
	    n != whole || r.kind != FEED_REPLY_FETCH ||
	    !mt_str_eq(r.literal, s) || feed_reply_uid(r.rest) != 17)
		give_up("not read as written", mt_buf_view(&text));
	if (feed_reply_read(mt_str_n(text.p + n, text.n - n), LINE, LITERAL, &r,
		&n, &err) != MT_OK ||
	    r.kind != FEED_REPLY_TAGGED || !r.ok || !mt_str_eqz(r.tag, "T1"))
		give_up("the answer is not found", mt_buf_view(&text));
	mt_buf_done(&text);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct mt_str s = mt_str_n((const char *)data, size);

	check_read(s);
	check_written(s);
	return 0;
}
