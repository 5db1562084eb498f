/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>
#include <time.h>

#include "base/clock.h"

int64_t
mt_clock_now(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_REALTIME, &ts);
	return (int64_t)ts.tv_sec * MT_SECOND + ts.tv_nsec / 1000;
}

int64_t
mt_clock_mono_ms(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

/* Days since 1970-01-01 of a proleptic Gregorian date, and back: the civil
 * calendar counted from 1 March, so that the leap day comes last. */
static int64_t
days_from_date(int64_t y, int m, int d)
{
	int64_t era, yoe, doy, doe;

	y -= m <= 2;
	era = y / 400;
	yoe = y - era * 400;
	doy = (153 * (m + (m > 2 ? -3 : 9)) + 2) / 5 + d - 1;
	doe = yoe * 365 + yoe / 4 - yoe / 100 + doy;
	return era * 146097 + doe - 719468;
}

static void
date_from_days(int64_t days, int *ret_y, int *ret_m, int *ret_d)
{
	int64_t z = days + 719468, era = z / 146097, doe = z - era * 146097;
	int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
	int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
	int64_t mp = (5 * doy + 2) / 153;

	*ret_d = (int)(doy - (153 * mp + 2) / 5 + 1);
	*ret_m = (int)(mp < 10 ? mp + 3 : mp - 9);
	*ret_y = (int)(yoe + era * 400 + (*ret_m <= 2));
}

struct mt_date
mt_date_of(int64_t at)
{
	struct mt_date date;
	unsigned s;
	int y, m, d;

	if (at < 0)
		at = 0;
	if (at > MT_TIME_MAX)
		at = MT_TIME_MAX;
	date_from_days(at / MT_DAY, &y, &m, &d);
	s = (unsigned)(at % MT_DAY / MT_SECOND);
	date.year = (unsigned)y;
	date.month = (unsigned)m;
	date.day = (unsigned)d;
	date.hour = s / 3600;
	date.minute = s / 60 % 60;
	date.second = s % 60;
	date.us = (unsigned)(at % MT_SECOND);
	return date;
}

/* The digits and what follows them. */
static char *
put_digits(char *out, unsigned value, int width, char after)
{
	int i;

	for (i = width - 1; i >= 0; i--) {
		out[i] = (char)('0' + value % 10);
		value /= 10;
	}
	out[width] = after;
	return out + width + 1;
}

void
mt_time_write(int64_t at, char sep, bool zone, char *out)
{
	struct mt_date date = mt_date_of(at);

	out = put_digits(out, date.year, 4, '-');
	out = put_digits(out, date.month, 2, '-');
	out = put_digits(out, date.day, 2, sep);
	out = put_digits(out, date.hour, 2, ':');
	out = put_digits(out, date.minute, 2, ':');
	out = put_digits(out, date.second, 2, '.');
	out = put_digits(out, date.us, 6, zone ? 'Z' : '\0');
	*out = '\0';
}

/* The digits named by the pattern's runs of 9; its other bytes as they are. */
static bool
read_pattern(const char *p, const char *pattern, int64_t *ret_numbers)
{
	int64_t *number = ret_numbers;
	size_t i;

	*number = 0;
	for (i = 0; pattern[i] != '\0'; i++) {
		if (pattern[i] == '9') {
			if (!mt_is_digit(p[i]))
				return false;
			*number = *number * 10 + (p[i] - '0');
		} else {
			if (p[i] != pattern[i])
				return false;
			*++number = 0;
		}
	}
	return true;
}

static bool
read_fraction(struct mt_str s, int64_t *ret_us)
{
	int64_t us = 0;
	size_t i;

	if (s.n < 2 || s.n > 7 || s.p[0] != '.')
		return false;
	for (i = 1; i < 7; i++) {
		if (i < s.n && !mt_is_digit(s.p[i]))
			return false;
		us = us * 10 + (i < s.n ? s.p[i] - '0' : 0);
	}
	*ret_us = us;
	return true;
}

bool
mt_time_read(struct mt_str s, int64_t *ret_at)
{
	static const char pattern[] = "9999-99-99T99:99:99";
	static const signed char month_days[] = { 31, 29, 31, 30, 31, 30, 31,
		31, 30, 31, 30, 31 };
	const size_t whole = sizeof(pattern) - 1;
	int64_t v[6], us = 0, days;
	int y, m, d;

	if (s.n < whole + 1 || s.p[s.n - 1] != 'Z' ||
	    !read_pattern(s.p, pattern, v))
		return false;
	if (s.n > whole + 1 &&
	    !read_fraction(mt_str_n(s.p + whole, s.n - whole - 1), &us))
		return false;
	if (v[0] < 1970 || v[1] < 1 || v[1] > 12 || v[2] < 1 ||
	    v[2] > month_days[v[1] - 1] || v[3] > 23 || v[4] > 59 || v[5] > 59)
		return false;
	days = days_from_date(v[0], (int)v[1], (int)v[2]);
	date_from_days(days, &y, &m, &d);
	if (m != v[1])
		return false; /* 29 February of a common year */
	*ret_at =
	    (days * 86400 + v[3] * 3600 + v[4] * 60 + v[5]) * MT_SECOND + us;
	return true;
}
