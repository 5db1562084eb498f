/* SPDX-License-Identifier: BSD-2-Clause */
#include <stddef.h>

#include "base/clock.h"
#include "base/limits.h"
#include "mail/queue_id.h"

#define SECONDS_DIGITS 6 /* at least: 52^6 s is the year 2596 */
#define MICROS_DIGITS 4
#define TIME_DIGITS (SECONDS_DIGITS + MICROS_DIGITS)
#define SEPARATOR 'z'
#define SHORT_DIGITS 5 /* at least: microseconds, padded to five digits */
#define DAYS_AHEAD 1
#define DAYS_BEHIND 60

/*
 * What each digit is worth, plus one; 0: no digit. A table, because the log
 * reader asks for every line.
 */
/* clang-format off */
static const signed char worth['z' - '0' + 1] = {
	 1,  2,  3,  4,  5,  6,  7,  8,  9, 10,  0,  0,  0,  0,  0,  0, /* from '0' */
	 0,  0, 11, 12, 13,  0, 14, 15, 16,  0, 17, 18, 19, 20, 21,  0, /* from '@' */
	22, 23, 24, 25, 26,  0, 27, 28, 29, 30, 31,  0,  0,  0,  0,  0, /* from 'P' */
	 0,  0, 32, 33, 34,  0, 35, 36, 37,  0, 38, 39, 40, 41, 42,  0, /* from '`' */
	43, 44, 45, 46, 47,  0, 48, 49, 50, 51, 52, /* from 'p' */
};
/* clang-format on */

static int
digit(char c)
{
	return c < '0' || c > 'z' ? -1 : worth[c - '0'] - 1;
}

/* False for a foreign character and for a number above max. */
static bool
read_base52(struct mt_str s, int64_t max, int64_t *ret_n)
{
	int64_t n = 0;
	size_t i;

	for (i = 0; i < s.n; i++) {
		if (digit(s.p[i]) < 0)
			return false;
		n = n * 52 + digit(s.p[i]);
		if (n > max)
			return false;
	}
	*ret_n = n;
	return s.n > 0;
}

/* The separator does not occur in it: it was the last one. */
static bool
is_inode(struct mt_str s)
{
	size_t i;

	for (i = 0; i < s.n; i++)
		if (digit(s.p[i]) < 0)
			return false;
	return s.n > 0;
}

bool
mt_queue_id_time(struct mt_str id, int64_t *ret_at)
{
	struct mt_str time, inode;
	int64_t seconds, micros;

	if (id.n > MT_MAX_QUEUE_ID ||
	    !mt_str_cut_last(id, SEPARATOR, &time, &inode))
		return false;
	if (time.n < TIME_DIGITS || !is_inode(inode))
		return false;
	if (!read_base52(mt_str_n(time.p, time.n - MICROS_DIGITS),
		MT_TIME_MAX / MT_SECOND, &seconds) ||
	    !read_base52(
		mt_str_n(time.p + time.n - MICROS_DIGITS, MICROS_DIGITS),
		MT_SECOND - 1, &micros))
		return false;
	if (ret_at != NULL)
		*ret_at = seconds * MT_SECOND + micros;
	return true;
}

bool
mt_queue_id_valid(struct mt_str id)
{
	size_t i;

	if (mt_queue_id_time(id, NULL))
		return true;
	if (id.n < SHORT_DIGITS || id.n > MT_MAX_QUEUE_ID)
		return false;
	for (i = 0; i < id.n; i++)
		if (!mt_is_digit(id.p[i]) && (id.p[i] < 'A' || id.p[i] > 'F'))
			return false;
	return true;
}

int64_t
mt_message_born(struct mt_str queue_id, int64_t offered_at)
{
	int64_t at;

	if (!mt_queue_id_time(queue_id, &at) ||
	    at > offered_at + DAYS_AHEAD * MT_DAY ||
	    at < offered_at - DAYS_BEHIND * MT_DAY)
		return offered_at;
	return at;
}
