/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Time. A point in time is microseconds since 1970-01-01 UTC (int64_t), 0
 * means absent. Its text is RFC 3339 with microseconds and Z:
 * 2026-11-20T16:41:37.123456Z. Durations carry their unit in the name.
 */
#ifndef MT_BASE_CLOCK_H
#define MT_BASE_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

#define MT_SECOND INT64_C(1000000)
#define MT_DAY (INT64_C(86400) * MT_SECOND)
#define MT_TIME_LEN 27 /* bytes of the text, without NUL */
/* 9999-12-31T23:59:59.999999Z, the last the text can say */
#define MT_TIME_MAX INT64_C(253402300799999999)

int64_t mt_clock_now(void); /* wall clock, µs UTC */
int64_t mt_clock_mono_ms(void); /* never steps back */
/* The calendar's view of a time, UTC. */
struct mt_date {
	unsigned year, month, day; /* month and day from 1 */
	unsigned hour, minute, second;
	unsigned us;
};
/* What is before 1970 or after MT_TIME_MAX is shown as that. */
struct mt_date mt_date_of(int64_t at);
/* out must hold MT_TIME_LEN + 1 bytes; sep is 'T' or ' '. */
void mt_time_write(int64_t at, char sep, bool zone, char *out);
/* Exactly the text above; 1 to 6 fraction digits or none are accepted. */
bool mt_time_read(struct mt_str s, int64_t *ret_at);

#endif
