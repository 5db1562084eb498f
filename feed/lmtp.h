/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One LMTP dialogue (RFC 2033), without its socket: bytes of the client go in,
 * bytes for him come out. Extensions: PIPELINING, 8BITMIME, SMTPUTF8, SIZE
 * (no limit: of a long message the start is kept, which holds what is read of
 * a report), ENHANCEDSTATUSCODES.
 *
 * Lines end with CRLF and nothing else, and so does a message: with CRLF, dot,
 * CRLF. There is one reply a recipient behind the message, all alike, for the
 * recipients do not matter here.
 */
#ifndef FEED_LMTP_H
#define FEED_LMTP_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/str.h"

#define LMTP_LINE 4096 /* bytes of a command; RFC 5321 says 512 and more */
#define LMTP_RCPTS 100 /* recipients of a message: RFC 5321 4.5.3.1.8 */
#define LMTP_OUT \
	65536 /* bytes of replies: of all recipients of one message \
	       */
#define LMTP_REPLY 256 /* bytes of one */

/*
 * What becomes of a message: appends the reply, such as "250 2.0.0 taken",
 * without CRLF.
 */
typedef void lmtp_take(void *arg, struct mt_str message, struct mt_buf *reply);

enum lmtp_state {
	LMTP_COMMAND,
	LMTP_SKIP, /* the rest of a line that was too long */
	LMTP_DATA,
	LMTP_OVER /* all was said: close when out is sent */
};

/* Where in a message's line end and dot we are. */
enum lmtp_dot {
	DOT_TEXT,
	DOT_CR, /* CR */
	DOT_LINE, /* at the start of a line */
	DOT_DOT, /* "." at the start of a line */
	DOT_DOT_CR /* and a CR */
};

struct lmtp {
	const char *host; /* borrowed */
	lmtp_take *take;
	void *arg;
	enum lmtp_state state;
	bool greeted, mail;
	unsigned rcpts;
	struct mt_buf line; /* of the client, not yet whole */
	struct mt_buf message;
	size_t message_max;
	enum lmtp_dot dot;
	struct mt_buf out; /* to be sent; the owner resets it */
};

/* out begins with the greeting. */
void lmtp_init(struct lmtp *s, const char *host, size_t message_max,
    lmtp_take *take, void *arg);
void lmtp_done(struct lmtp *s);
/*
 * Take in bytes; fewer than all when out has become large and has to be sent
 * first, or after LMTP_OVER. How many were taken.
 */
size_t lmtp_input(struct lmtp *s, const char *p, size_t n);
/* The dialogue ends here: a last reply, unless it is over already. */
void lmtp_end(struct lmtp *s, const char *reply);

#endif
