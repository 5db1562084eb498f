/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A log line out of its frame (mt_words_frame). Everything is borrowed from the
 * line, or from buf where JSON had to be decoded.
 *
 *     Nov  5 16:41:37 mx1 postfix/smtp[12]: 4dG2kQ2mzCzGd4: to=<...
 *     at              host tag         pid  text
 */
#ifndef MT_MAILLOG_PREFIX_H
#define MT_MAILLOG_PREFIX_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/str.h"
#include "base/words.h"
#include "maillog/when.h"

struct mt_prefix {
	int64_t at;
	struct mt_str host; /* absent when the frame has none */
	struct mt_str tag; /* without process id; absent: text repeats */
	struct mt_str pid; /* digits, or absent */
	struct mt_str text;
	unsigned repeats; /* the line stands for so many like it; 0: itself */
};

/* "repeated N times" above this is taken for this. */
#define MT_MAILLOG_REPEATS 1000

/*
 * frame 0: find out. False when the line is not in that frame. buf is emptied
 * first, and must hold as many bytes as the line has. A line that says that
 * the one before came again has no tag, text or pid; one that holds the text
 * which came again has them all, and repeats says how often.
 */
bool mt_prefix_read(struct mt_when *when, struct mt_buf *buf,
    enum mt_frame frame, struct mt_str line, int64_t now,
    struct mt_prefix *ret_prefix);

#endif
