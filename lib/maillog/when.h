/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Times of log lines. What was worked out for a minute is kept for the next
 * line, which mostly has the same.
 */
#ifndef MT_MAILLOG_WHEN_H
#define MT_MAILLOG_WHEN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

/* A calendar minute in some zone; year 0: not said. */
struct mt_minute {
	int year, month, day, hour, minute; /* month and day from 1 */
};

struct mt_when {
	char *zone; /* owned; NULL: the process's */
	int64_t last; /* the source's last time */
	struct mt_minute minute; /* the last one without zone, and its times: */
	int64_t first, second; /* second 0: it occurs only once */
	int64_t from, until; /* values of now for which that year is right */
	char stamp[19]; /* the last second with a zone, and its time as UTC */
	int64_t stamp_at;
};

#define MT_CLASSIC_LEN 15 /* "Nov  5 16:41:37", and perhaps ".123" */

/* zone: as TZ has it; NULL: the process's. */
void mt_when_init(struct mt_when *w, const char *zone);
void mt_when_done(struct mt_when *w);
/*
 * The time at the front of s, or false. The header maillog.h says how year,
 * zone and hours that occur twice are found.
 */
bool mt_when_classic(
    struct mt_when *w, struct mt_str *s, int64_t now, int64_t *ret_at);
/* RFC 3339; a space for the T and a fraction of any length are taken. */
bool mt_when_rfc3339(struct mt_when *w, struct mt_str *s, int64_t *ret_at);
/* 2026-11-05 16:41:37,123 of fail2ban: no zone, milliseconds. */
bool mt_when_comma(
    struct mt_when *w, struct mt_str *s, int64_t now, int64_t *ret_at);
/* Seconds since 1970 with an optional fraction; the whole of s. */
bool mt_when_seconds(struct mt_str s, int64_t *ret_at);

#endif
