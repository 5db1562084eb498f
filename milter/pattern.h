/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Lua's patterns, matched with a limit. The Lua library's own matcher cannot
 * be stopped, and what a pattern costs grows with a power of the subject's
 * length, which a stranger chooses. Here a pattern is read once into items,
 * and every step of a match is paid from a number of steps; when that is used
 * up the match ends, and says so.
 *
 * What matches, and where, is as section 6.4.1 of the Lua 5.4 manual says it.
 * A malformed pattern is refused before anything is matched.
 */
#ifndef MILTER_PATTERN_H
#define MILTER_PATTERN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/str.h"

#define PATTERN_ITEMS 128 /* characters, sets and captures of one pattern */
#define PATTERN_CAPTURES 32 /* as in Lua */
#define PATTERN_HERE SIZE_MAX /* as an end: the capture is a position */
#define PATTERN_NONE SIZE_MAX /* no match */

struct milter_pattern_item {
	uint8_t kind;
	char repeat; /* of a set: * + - ? or NUL */
	uint8_t a, b; /* of %b: delimiters; else a is a capture's number */
	uint64_t set[4]; /* a bit for each byte that fits */
};

struct milter_pattern {
	bool anchored;
	unsigned captures;
	unsigned n;
	struct milter_pattern_item items[PATTERN_ITEMS];
};

struct milter_match {
	const struct milter_pattern *pattern;
	struct mt_str subject;
	uint64_t steps; /* left */
	bool exhausted;
	size_t start[PATTERN_CAPTURES]; /* offsets; set by a match */
	size_t end[PATTERN_CAPTURES];
};

/* anchors: a ^ in front is one; gmatch has none. */
MT_MUST_CHECK enum mt_rc milter_pattern_read(struct mt_str text, bool anchors,
    struct milter_pattern *ret_pattern, struct mt_err *err);
/* Does the text mean nothing but itself? */
bool milter_pattern_plain(struct mt_str text);
/* The end of the match that begins at `at`, or PATTERN_NONE. */
size_t milter_match_at(struct milter_match *m, size_t at);
/*
 * The first match at `from` or (unless anchored) behind it: its end, and where
 * it begins.
 */
size_t milter_match_find(
    struct milter_match *m, size_t from, size_t *ret_start);

#endif
