/* SPDX-License-Identifier: BSD-2-Clause */
#include "pattern.h"

#include <ctype.h>
#include <string.h>

enum kind { SET, END, OPEN, CLOSE, HERE, BACK, BALANCE, FRONTIER };

/* A pattern while it is read. */
struct reader {
	struct mt_str text;
	size_t at;
	struct milter_pattern *p;
	unsigned open[PATTERN_CAPTURES]; /* captures not closed yet */
	unsigned open_n;
	bool closed[PATTERN_CAPTURES];
	struct mt_err *err;
};

static void
put(struct milter_pattern_item *item, unsigned char c)
{
	item->set[c >> 6] |= UINT64_C(1) << (c & 63);
}

static bool
has(const struct milter_pattern_item *item, char c)
{
	unsigned char u = (unsigned char)c;

	return (item->set[u >> 6] >> (u & 63) & 1) != 0;
}

static bool
in_class(int c, char class)
{
	switch (tolower((unsigned char)class)) {
	case 'a':
		return isalpha(c) != 0;
	case 'c':
		return iscntrl(c) != 0;
	case 'd':
		return isdigit(c) != 0;
	case 'g':
		return isgraph(c) != 0;
	case 'l':
		return islower(c) != 0;
	case 'p':
		return ispunct(c) != 0;
	case 's':
		return isspace(c) != 0;
	case 'u':
		return isupper(c) != 0;
	case 'w':
		return isalnum(c) != 0;
	case 'z': /* no longer in the manual, but in the library */
		return c == 0;
	default:
		return isxdigit(c) != 0;
	}
}

/* %a and the like; any other character after % is itself. */
static void
put_class(struct milter_pattern_item *item, char class)
{
	bool other = isupper((unsigned char)class) != 0;
	int c;

	if (strchr("acdglpsuwxz", tolower((unsigned char)class)) == NULL ||
	    class == '\0') {
		put(item, (unsigned char)class);
		return;
	}
	for (c = 0; c < 256; c++)
		if (in_class(c, class) != other)
			put(item, (unsigned char)c);
}

/* Where the set that begins at r->at, after its "[", ends: the "]". */
static bool
find_set_end(struct reader *r, size_t *ret_end)
{
	const char *p = r->text.p;
	size_t i = r->at, n = r->text.n;

	if (i < n && p[i] == '^')
		i++;
	do { /* a ] in front is one of the set */
		if (i >= n)
			break;
		i += p[i] == '%' ? 2 : 1;
	} while (i < n && p[i] != ']');
	if (i >= n) {
		(void)mt_fail(
		    r->err, MT_FORMAT, "malformed pattern (missing ']')");
		return false;
	}
	*ret_end = i;
	return true;
}

static bool
read_set(struct reader *r, struct milter_pattern_item *item)
{
	const char *p = r->text.p;
	bool other = false;
	size_t i, end;
	int c;

	if (!find_set_end(r, &end))
		return false;
	i = r->at;
	if (p[i] == '^') {
		other = true;
		i++;
	}
	for (; i < end; i++) {
		if (p[i] == '%') {
			put_class(item, p[++i]);
		} else if (p[i + 1] == '-' && i + 2 < end) {
			for (c = (unsigned char)p[i];
			     c <= (unsigned char)p[i + 2]; c++)
				put(item, (unsigned char)c);
			i += 2;
		} else {
			put(item, (unsigned char)p[i]);
		}
	}
	for (c = 0; other && c < 4; c++)
		item->set[c] = ~item->set[c];
	r->at = end + 1;
	return true;
}

static bool
read_open(struct reader *r, struct milter_pattern_item *item)
{
	struct milter_pattern *p = r->p;

	if (p->captures == PATTERN_CAPTURES) {
		(void)mt_fail(r->err, MT_FORMAT, "too many captures");
		return false;
	}
	item->a = (uint8_t)p->captures++;
	if (r->at < r->text.n && r->text.p[r->at] == ')') {
		item->kind = HERE;
		r->closed[item->a] = true;
		r->at++;
	} else {
		item->kind = OPEN;
		r->open[r->open_n++] = item->a;
	}
	return true;
}

static bool
read_close(struct reader *r, struct milter_pattern_item *item)
{
	if (r->open_n == 0) {
		(void)mt_fail(r->err, MT_FORMAT, "invalid pattern capture");
		return false;
	}
	item->kind = CLOSE;
	item->a = (uint8_t)r->open[--r->open_n];
	r->closed[item->a] = true;
	return true;
}

static bool
read_back(struct reader *r, struct milter_pattern_item *item, char digit)
{
	unsigned index = (unsigned)(digit - '1');

	if (digit == '0' || index >= r->p->captures || !r->closed[index]) {
		(void)mt_fail(
		    r->err, MT_FORMAT, "invalid capture index %%%c", digit);
		return false;
	}
	item->kind = BACK;
	item->a = (uint8_t)index;
	return true;
}

/* What follows a %. */
static bool
read_escape(struct reader *r, struct milter_pattern_item *item)
{
	const char *p = r->text.p;
	const char *problem = NULL;
	char c;

	if (r->at >= r->text.n) {
		(void)mt_fail(
		    r->err, MT_FORMAT, "malformed pattern (ends with '%%')");
		return false;
	}
	c = p[r->at++];
	if (mt_is_digit(c))
		return read_back(r, item, c);
	if (c == 'b') {
		if (r->text.n - r->at < 2) {
			problem = "malformed pattern (missing arguments to "
				  "'%b')";
		} else {
			item->kind = BALANCE;
			item->a = (uint8_t)p[r->at++];
			item->b = (uint8_t)p[r->at++];
		}
	} else if (c == 'f') {
		item->kind = FRONTIER;
		if (r->at < r->text.n && p[r->at] == '[') {
			r->at++;
			return read_set(r, item);
		}
		problem = "missing '[' after '%f' in pattern";
	} else {
		put_class(item, c);
	}
	if (problem != NULL)
		(void)mt_fail(r->err, MT_FORMAT, "%s", problem);
	return problem == NULL;
}

static bool
read_item(struct reader *r, struct milter_pattern_item *item)
{
	const char *p = r->text.p;
	char c = p[r->at++];
	bool good = true;

	item->kind = SET;
	if (c == '(')
		return read_open(r, item);
	if (c == ')')
		return read_close(r, item);
	if (c == '$' && r->at == r->text.n) {
		item->kind = END;
	} else if (c == '%') {
		good = read_escape(r, item);
	} else if (c == '[') {
		good = read_set(r, item);
	} else if (c == '.') {
		memset(item->set, 0xff, sizeof(item->set));
	} else {
		put(item, (unsigned char)c);
	}
	if (good && item->kind == SET && r->at < r->text.n &&
	    p[r->at] != '\0' && strchr("*+-?", p[r->at]) != NULL)
		item->repeat = p[r->at++];
	return good;
}

enum mt_rc
milter_pattern_read(struct mt_str text, bool anchors,
    struct milter_pattern *ret_pattern, struct mt_err *err)
{
	struct reader r = { .text = text, .p = ret_pattern, .err = err };
	struct milter_pattern_item *item;

	ret_pattern->captures = ret_pattern->n = 0;
	ret_pattern->anchored = anchors && text.n > 0 && text.p[0] == '^';
	r.at = ret_pattern->anchored ? 1 : 0;
	while (r.at < text.n) {
		if (ret_pattern->n == PATTERN_ITEMS)
			return mt_fail(err, MT_LIMIT,
			    "pattern of more than %d items", PATTERN_ITEMS);
		item = &ret_pattern->items[ret_pattern->n++];
		*item = (struct milter_pattern_item){ .kind = SET };
		if (!read_item(&r, item))
			return err->rc;
	}
	if (r.open_n > 0)
		return mt_fail(err, MT_FORMAT, "unfinished capture");
	return MT_OK;
}

bool
milter_pattern_plain(struct mt_str text)
{
	size_t i;

	for (i = 0; i < text.n; i++)
		if (text.p[i] != '\0' &&
		    strchr("^$*+?.([%-", text.p[i]) != NULL)
			return false;
	return true;
}

static bool
pay(struct milter_match *m, uint64_t steps)
{
	if (m->steps >= steps) {
		m->steps -= steps;
		return true;
	}
	m->steps = 0;
	m->exhausted = true;
	return false;
}

static bool
fits(const struct milter_match *m, const struct milter_pattern_item *item,
    size_t at)
{
	return at < m->subject.n && has(item, m->subject.p[at]);
}

/* The same text again as a capture has. */
static bool
match_back(
    struct milter_match *m, const struct milter_pattern_item *item, size_t *at)
{
	size_t start = m->start[item->a], n;

	if (m->end[item->a] == PATTERN_HERE)
		return false;
	n = m->end[item->a] - start;
	if (!pay(m, n / 16) || n > m->subject.n - *at ||
	    memcmp(m->subject.p + start, m->subject.p + *at, n) != 0)
		return false;
	*at += n;
	return true;
}

static bool
match_balance(
    struct milter_match *m, const struct milter_pattern_item *item, size_t *at)
{
	const char *p = m->subject.p;
	size_t i = *at, depth = 0;

	for (; i < m->subject.n; i++) {
		if (!pay(m, 1))
			return false;
		if (depth > 0 && (uint8_t)p[i] == item->b) {
			if (--depth == 0) {
				*at = i + 1;
				return true;
			}
		} else if ((uint8_t)p[i] == item->a) {
			depth++;
		} else if (depth == 0) {
			return false;
		}
	}
	return false;
}

static bool
match_frontier(const struct milter_match *m,
    const struct milter_pattern_item *item, size_t at)
{
	char before = at > 0 ? m->subject.p[at - 1] : '\0';
	char here = at < m->subject.n ? m->subject.p[at] : '\0';

	return !has(item, before) && has(item, here);
}

static bool
match_once(
    struct milter_match *m, const struct milter_pattern_item *item, size_t *at)
{
	switch ((enum kind)item->kind) {
	case SET:
		return fits(m, item, (*at)++);
	case END:
		return *at == m->subject.n;
	case OPEN:
		m->start[item->a] = *at;
		return true;
	case CLOSE:
		m->end[item->a] = *at;
		return true;
	case HERE:
		m->start[item->a] = *at;
		m->end[item->a] = PATTERN_HERE;
		return true;
	case BACK:
		return match_back(m, item, at);
	case BALANCE:
		return match_balance(m, item, at);
	case FRONTIER:
		return match_frontier(m, item, *at);
	}
	return false;
}

static size_t match_from(struct milter_match *m, size_t at, unsigned i);

/* "*", "+" and "?": as many as fit, then fewer. */
static size_t
match_most(struct milter_match *m, size_t at, unsigned i)
{
	const struct milter_pattern_item *item = &m->pattern->items[i];
	size_t least = item->repeat == '+' ? 1 : 0, n = 0, end;
	size_t most = item->repeat == '?' ? 1 : SIZE_MAX;

	while (n < most && fits(m, item, at + n))
		n++;
	if (n < least || !pay(m, n / 8))
		return PATTERN_NONE;
	for (;;) {
		end = match_from(m, at + n, i + 1);
		if (end != PATTERN_NONE || n == least || m->exhausted)
			return end;
		n--;
	}
}

/* "-": as few as will do. */
static size_t
match_least(struct milter_match *m, size_t at, unsigned i)
{
	const struct milter_pattern_item *item = &m->pattern->items[i];
	size_t end;

	for (;; at++) {
		end = match_from(m, at, i + 1);
		if (end != PATTERN_NONE || m->exhausted || !fits(m, item, at) ||
		    !pay(m, 1))
			return end;
	}
}

/* Goes as deep as the pattern has items. */
static size_t
match_from(struct milter_match *m, size_t at, unsigned i)
{
	const struct milter_pattern_item *item;

	for (; i < m->pattern->n; i++) {
		if (!pay(m, 1))
			return PATTERN_NONE;
		item = &m->pattern->items[i];
		if (item->repeat == '-')
			return match_least(m, at, i);
		if (item->repeat != '\0')
			return match_most(m, at, i);
		if (!match_once(m, item, &at))
			return PATTERN_NONE;
	}
	return pay(m, 1) ? at : PATTERN_NONE;
}

size_t
milter_match_at(struct milter_match *m, size_t at)
{
	return match_from(m, at, 0);
}

size_t
milter_match_find(struct milter_match *m, size_t from, size_t *ret_start)
{
	size_t end;

	for (; from <= m->subject.n; from++) {
		end = milter_match_at(m, from);
		if (end != PATTERN_NONE)
			*ret_start = from;
		if (end != PATTERN_NONE || m->pattern->anchored || m->exhausted)
			return end;
	}
	return PATTERN_NONE;
}
