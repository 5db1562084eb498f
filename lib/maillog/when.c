/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/num.h"
#include "maillog/scan.h"
#include "maillog/when.h"

#define MINUTE 60
#define YEARS_BACK 8 /* 29 February: 1896 to 1904 is the longest gap */
/*
 * Lines of several processes may come a little out of order. A step back by
 * more than this, in an hour that occurs twice, is its second time.
 */
#define DISORDER (INT64_C(5) * MT_SECOND)

void
mt_when_init(struct mt_when *w, const char *zone)
{
	*w = (struct mt_when){ 0 };
	w->zone = zone == NULL ? NULL : mt_dupz(zone);
}

void
mt_when_done(struct mt_when *w)
{
	mt_free(w->zone);
	w->zone = NULL;
}

/* The process's TZ becomes ours; what it was, to be put back. */
static char *
enter_zone(const struct mt_when *w)
{
	const char *tz = getenv("TZ");
	char *was = tz == NULL ? NULL : mt_dupz(tz);

	if (w->zone != NULL) {
		(void)setenv("TZ", w->zone, 1);
		tzset();
	}
	return was;
}

static void
leave_zone(const struct mt_when *w, char *was)
{
	if (w->zone != NULL) {
		if (was != NULL)
			(void)setenv("TZ", was, 1);
		else
			(void)unsetenv("TZ");
		tzset();
	}
	mt_free(was);
}

static bool
is_minute(time_t t, const struct tm *tm)
{
	struct tm is;

	return localtime_r(&t, &is) != NULL && is.tm_year == tm->tm_year &&
	    is.tm_mon == tm->tm_mon && is.tm_mday == tm->tm_mday &&
	    is.tm_hour == tm->tm_hour && is.tm_min == tm->tm_min;
}

/* The one or two times of a local minute; false when there is no such day. */
static bool
times_of(const struct mt_minute *m, int year, int64_t *ret_first,
    int64_t *ret_second)
{
	static const int apart[] = { 1800, 3600, 7200 };
	struct tm tm = { .tm_year = year - 1900,
		.tm_mon = m->month - 1,
		.tm_mday = m->day,
		.tm_hour = m->hour,
		.tm_min = m->minute,
		.tm_isdst = -1 };
	struct tm filled = tm;
	time_t t = mktime(&filled), other = 0;
	size_t i;

	if (t == (time_t)-1 || filled.tm_mday != tm.tm_mday)
		return false;
	for (i = 0; i < sizeof(apart) / sizeof(apart[0]) && other == 0; i++) {
		if (is_minute(t - apart[i], &tm))
			other = t - apart[i];
		else if (is_minute(t + apart[i], &tm))
			other = t + apart[i];
	}
	*ret_first = (other != 0 && other < t ? other : t) * MT_SECOND;
	*ret_second = other == 0 ? 0 : (other < t ? t : other) * MT_SECOND;
	return true;
}

static int
year_of(int64_t at)
{
	time_t t = at / MT_SECOND;
	struct tm tm;

	return localtime_r(&t, &tm) == NULL ? 1970 : tm.tm_year + 1900;
}

/* The latest year in which the minute is not more than a day after now. */
static bool
find_year(struct mt_when *w, const struct mt_minute *m, int64_t now)
{
	int64_t first, second, later = MT_TIME_MAX;
	int latest = year_of(now + MT_DAY) + 1, year;

	for (year = latest; year > latest - YEARS_BACK - 2; year--) {
		if (!times_of(m, year, &first, &second))
			continue;
		if (first <= now + MT_DAY) {
			w->first = first;
			w->second = second;
			w->from = first - MT_DAY;
			w->until = later - MT_DAY;
			return true;
		}
		later = first;
	}
	return false;
}

static bool
same_minute(const struct mt_minute *a, const struct mt_minute *b)
{
	return a->minute == b->minute && a->hour == b->hour &&
	    a->day == b->day && a->month == b->month && a->year == b->year;
}

/* A minute without a zone, and seconds of it (µs), as a time. */
static bool
local_time(struct mt_when *w, const struct mt_minute *m, int64_t us,
    int64_t now, int64_t *ret_at)
{
	char *was;
	bool found;

	if (!same_minute(m, &w->minute) || now < w->from || now >= w->until) {
		was = enter_zone(w);
		if (m->year == 0) {
			found = find_year(w, m, now);
		} else {
			found = times_of(m, m->year, &w->first, &w->second);
			w->from = INT64_MIN;
			w->until = INT64_MAX;
		}
		leave_zone(w, was);
		w->minute = *m;
		if (!found) {
			w->minute.month = 0;
			return false;
		}
	}
	*ret_at = w->first + us;
	if (w->second != 0 && *ret_at < w->last - DISORDER)
		*ret_at = w->second + us;
	return true;
}

static bool
two_digits(const char *p, int max, int *ret_n)
{
	if (!mt_is_digit(p[0]) || !mt_is_digit(p[1]))
		return false;
	*ret_n = (p[0] - '0') * 10 + (p[1] - '0');
	return *ret_n <= max;
}

/* "16:41:37" */
static bool
read_clock(const char *p, struct mt_minute *m, int *ret_second)
{
	return two_digits(p, 23, &m->hour) && p[2] == ':' &&
	    two_digits(p + 3, 59, &m->minute) && p[5] == ':' &&
	    two_digits(p + 6, 60, ret_second);
}

static int
read_month(const char *p)
{
	static const char names[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
	int i;

	for (i = 0; i < 12; i++)
		if (memcmp(p, names + i * 3, 3) == 0)
			return i + 1;
	return 0;
}

/* The fraction behind the point, in µs; digits after the sixth are dropped. */
static int64_t
read_fraction(struct mt_str *s)
{
	int64_t us = 0, unit = MT_SECOND / 10;

	while (s->n > 0 && mt_is_digit(s->p[0])) {
		us += (s->p[0] - '0') * unit;
		unit /= 10;
		*s = mt_str_n(s->p + 1, s->n - 1);
	}
	return us;
}

/* "2026 " in front, as some loggers are told to write it. */
static int
take_year(struct mt_str *s)
{
	int century, year;

	if (s->n < 5 || s->p[4] != ' ' || !two_digits(s->p, 99, &century) ||
	    !two_digits(s->p + 2, 99, &year) || century < 19)
		return 0;
	*s = mt_str_n(s->p + 5, s->n - 5);
	return century * 100 + year;
}

bool
mt_when_classic(
    struct mt_when *w, struct mt_str *s, int64_t now, int64_t *ret_at)
{
	struct mt_minute m = { 0 };
	struct mt_str rest = *s;
	int64_t us;
	char day[2];
	size_t size;
	int second;

	if (rest.n > 0 && mt_is_digit(rest.p[0]))
		m.year = take_year(&rest);
	if (rest.n < MT_CLASSIC_LEN || rest.p[3] != ' ')
		return false;
	/* "Nov  5", "Nov 05", and "Nov 5", too. */
	size = rest.p[5] == ' ' ? 5 : 6;
	day[0] = size == 5 || rest.p[4] == ' ' ? '0' : rest.p[4];
	day[1] = rest.p[size - 1];
	m.month = read_month(rest.p);
	if (m.month == 0 || !two_digits(day, 31, &m.day) || m.day == 0 ||
	    rest.p[size] != ' ' || !read_clock(rest.p + size + 1, &m, &second))
		return false;
	size += sizeof(" 16:41:37") - 1;
	rest = mt_str_n(rest.p + size, rest.n - size);
	us = second * MT_SECOND;
	if (mt_scan_text(&rest, MT_LIT(".")))
		us += read_fraction(&rest);
	if (!local_time(w, &m, us, now, ret_at))
		return false;
	*s = rest;
	return true;
}

bool
mt_when_comma(struct mt_when *w, struct mt_str *s, int64_t now, int64_t *ret_at)
{
	struct mt_minute m = { 0 };
	struct mt_str rest;
	int century, year, second;

	if (s->n < 21 || s->p[4] != '-' || s->p[7] != '-' || s->p[10] != ' ' ||
	    s->p[19] != ',' || !two_digits(s->p, 99, &century) ||
	    !two_digits(s->p + 2, 99, &year) ||
	    !two_digits(s->p + 5, 12, &m.month) || m.month == 0 ||
	    !two_digits(s->p + 8, 31, &m.day) || m.day == 0 ||
	    !read_clock(s->p + 11, &m, &second))
		return false;
	m.year = century * 100 + year;
	rest = mt_str_n(s->p + 20, s->n - 20);
	if (m.year < 1970 ||
	    !local_time(
		w, &m, second * MT_SECOND + read_fraction(&rest), now, ret_at))
		return false;
	*s = rest;
	return true;
}

/* "2026-11-05T16:41:37", as if it were UTC. */
static bool
read_stamp(struct mt_when *w, const char *p, int64_t *ret_at)
{
	char text[sizeof(w->stamp) + 1];
	bool leap;

	if (memcmp(p, w->stamp, sizeof(w->stamp)) == 0) {
		*ret_at = w->stamp_at;
		return true;
	}
	memcpy(text, p, sizeof(w->stamp));
	leap = text[17] == '6' && text[18] == '0';
	if (leap) {
		text[17] = '5';
		text[18] = '9';
	}
	if (text[10] == ' ' || text[10] == 't')
		text[10] = 'T';
	text[sizeof(w->stamp)] = 'Z';
	if (!mt_time_read(mt_str_n(text, sizeof(text)), ret_at))
		return false;
	if (leap)
		*ret_at += MT_SECOND;
	memcpy(w->stamp, p, sizeof(w->stamp));
	w->stamp_at = *ret_at;
	return true;
}

bool
mt_when_rfc3339(struct mt_when *w, struct mt_str *s, int64_t *ret_at)
{
	struct mt_str rest;
	int64_t at, offset;
	int hours, minutes;

	if (s->n < sizeof(w->stamp) + 1 || !read_stamp(w, s->p, &at))
		return false;
	rest = mt_str_n(s->p + sizeof(w->stamp), s->n - sizeof(w->stamp));
	if (rest.p[0] == '.') {
		rest = mt_str_n(rest.p + 1, rest.n - 1);
		at += read_fraction(&rest);
	}
	if (rest.n > 0 && (rest.p[0] == 'Z' || rest.p[0] == 'z')) {
		rest = mt_str_n(rest.p + 1, rest.n - 1);
	} else {
		if (rest.n < 5 || (rest.p[0] != '+' && rest.p[0] != '-') ||
		    !two_digits(rest.p + 1, 23, &hours))
			return false;
		/* With a colon, and without one as some formats have it. */
		offset = rest.p[3] == ':' ? 4 : 3;
		if (rest.n < (size_t)offset + 2 ||
		    !two_digits(rest.p + offset, 59, &minutes))
			return false;
		at -= (rest.p[0] == '-' ? -1 : 1) *
		    (hours * INT64_C(60) + minutes) * MINUTE * MT_SECOND;
		rest =
		    mt_str_n(rest.p + offset + 2, rest.n - (size_t)offset - 2);
	}
	if (at <= 0)
		return false;
	*s = rest;
	*ret_at = at;
	return true;
}

bool
mt_when_seconds(struct mt_str s, int64_t *ret_at)
{
	uint64_t seconds;
	int64_t us = 0;

	if (!mt_scan_number(
		&s, (uint64_t)(MT_TIME_MAX / MT_SECOND), &seconds) ||
	    seconds == 0)
		return false;
	if (s.n > 0 && s.p[0] == '.') {
		s = mt_str_n(s.p + 1, s.n - 1);
		us = read_fraction(&s);
	}
	*ret_at = (int64_t)seconds * MT_SECOND + us;
	return s.n == 0;
}
