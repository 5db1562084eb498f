/* SPDX-License-Identifier: BSD-2-Clause */
#include "mail/date.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/num.h"

static const char months[] = "jan feb mar apr may jun jul aug sep oct nov dec";

static const struct {
	const char *name;
	int hours;
} zones[] = {
	{ "EDT", -4 },
	{ "EST", -5 },
	{ "CDT", -5 },
	{ "CST", -6 },
	{ "MDT", -6 },
	{ "MST", -7 },
	{ "PDT", -7 },
	{ "PST", -8 },
};

/* The next word; commas and comments count as white space. */
static struct mt_str
next_word(struct mt_str *rest)
{
	size_t i = 0, from;
	unsigned depth = 0;

	for (; i < rest->n; i++) {
		if (rest->p[i] == '(')
			depth++;
		else if (rest->p[i] == ')' && depth > 0)
			depth--;
		else if (depth == 0 && rest->p[i] != ',' &&
		    !mt_is_space(rest->p[i]))
			break;
	}
	for (from = i; i < rest->n; i++)
		if (mt_is_space(rest->p[i]) || rest->p[i] == ',' ||
		    rest->p[i] == '(')
			break;
	*rest = mt_str_n(rest->p + i, rest->n - i);
	return mt_str_n(rest->p - (i - from), i - from);
}

static bool
read_month(struct mt_str word, unsigned *ret_month)
{
	unsigned i;

	if (word.n < 3)
		return false;
	for (i = 0; i < 12; i++)
		if (mt_str_eq_nocase(mt_str_n(word.p, 3),
			mt_str_n(months + (size_t)i * 4, 3))) {
			*ret_month = i + 1;
			return true;
		}
	return false;
}

static bool
read_year(struct mt_str word, uint64_t *ret_year)
{
	if (!mt_num_read(word, 9999, ret_year))
		return false;
	if (word.n == 2)
		*ret_year += *ret_year < 50 ? 2000 : 1900;
	else if (word.n == 3)
		*ret_year += 1900;
	return true;
}

/* "09:55" or "09:55:06"; a leap second is the one before it. */
static bool
read_clock(struct mt_str word, uint64_t clock[3])
{
	static const uint64_t most[3] = { 23, 59, 60 };
	struct mt_str head;
	size_t i;

	clock[2] = 0;
	for (i = 0; i < 3; i++) {
		(void)mt_str_cut(word, ':', &head, &word);
		if (head.n == 0 || !mt_num_read(head, most[i], &clock[i]))
			return false;
		if (word.p == NULL)
			break;
	}
	if (clock[2] == 60)
		clock[2] = 59;
	return i > 0 && word.p == NULL;
}

/* Minutes east of UTC. */
static int64_t
read_zone(struct mt_str word)
{
	uint64_t n;
	size_t i;

	if (word.n == 5 && (word.p[0] == '+' || word.p[0] == '-') &&
	    mt_num_read(mt_str_n(word.p + 1, 4), 9959, &n)) {
		n = n / 100 * 60 + n % 100;
		return word.p[0] == '-' ? -(int64_t)n : (int64_t)n;
	}
	for (i = 0; i < sizeof(zones) / sizeof(zones[0]); i++)
		if (mt_str_eqz_nocase(word, zones[i].name))
			return (int64_t)zones[i].hours * 60;
	return 0;
}

bool
mt_mail_date_read(struct mt_str s, int64_t *ret_at)
{
	char text[MT_TIME_LEN + 1];
	struct mt_str word = next_word(&s);
	uint64_t day, year, clock[3];
	unsigned month;
	int64_t at;

	/* The day of the week, perhaps with its comma glued to the day. */
	if (word.n > 0 && mt_is_alpha(word.p[0]))
		word = next_word(&s);
	if (!mt_num_read(word, 31, &day) ||
	    !read_month(next_word(&s), &month) ||
	    !read_year(next_word(&s), &year) ||
	    !read_clock(next_word(&s), clock))
		return false;
	(void)snprintf(text, sizeof(text), "%04u-%02u-%02uT%02u:%02u:%02uZ",
	    (unsigned)year, month, (unsigned)day, (unsigned)clock[0],
	    (unsigned)clock[1], (unsigned)clock[2]);
	if (!mt_time_read(mt_str(text), &at))
		return false;
	at -= read_zone(next_word(&s)) * 60 * MT_SECOND;
	if (at <= 0 || at > MT_TIME_MAX)
		return false;
	*ret_at = at;
	return true;
}
