/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What an IMAP server says (RFC 3501 7 and 9), as far as a search of a mailbox
 * needs it. A response is a line, or several with literals between: "{123}"
 * at a line's end, and then 123 bytes that may be anything. So they are never
 * looked for in lines; whatever a message holds, it cannot pass for a response.
 */
#ifndef FEED_REPLY_H
#define FEED_REPLY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/str.h"

enum feed_reply_kind {
	FEED_REPLY_OTHER,
	FEED_REPLY_GO_ON, /* "+ ..." */
	FEED_REPLY_BYE,
	FEED_REPLY_SEARCH, /* rest: the numbers */
	FEED_REPLY_FETCH, /* rest: from "(" on */
	FEED_REPLY_CAPABILITY, /* rest: the words */
	FEED_REPLY_UIDVALIDITY, /* number */
	FEED_REPLY_TAGGED /* tag, ok, rest: the text */
};

struct feed_reply {
	enum feed_reply_kind kind;
	struct mt_str tag;
	bool ok;
	struct mt_str rest; /* up to the end of the first line */
	uint64_t number;
	struct mt_str literal; /* the first one; absent without one */
};

/*
 * The response at the start of s: how many bytes it takes. MT_ABSENT: more
 * bytes are needed. MT_LIMIT: a line or literal longer than the limits given.
 * MT_FORMAT: not IMAP.
 */
MT_MUST_CHECK enum mt_rc feed_reply_read(struct mt_str s, size_t line_max,
    size_t literal_max, struct feed_reply *ret_reply, size_t *ret_n,
    struct mt_err *err);
/* The next number of SEARCH; false at the end. */
bool feed_reply_number(struct mt_str *rest, uint64_t *ret_number);
/* Is the word among those, which stand one space apart? */
bool feed_reply_has(struct mt_str rest, const char *word);
/* The UID of a FETCH's first line; 0 when it says none. */
uint64_t feed_reply_uid(struct mt_str rest);

#endif
