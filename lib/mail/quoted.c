/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>

#include "mail/html.h"
#include "mail/quoted.h"

#define TOKEN 34 /* characters; token/token.h says what they mean */
#define BEFORE "/i/"
#define AFTER ".gif"
#define BLOCK 64

/*
 * Can there be a BEFORE in these bytes? Two slashes with one byte between are
 * rare enough. Two more bytes can be read behind them.
 */
static bool
in_block(const char *p)
{
	unsigned char hit = 0;
	unsigned i;

	/* Without a branch: the compiler makes a few wide compares of it. */
	for (i = 0; i < BLOCK; i++)
		hit |= (unsigned char)((p[i] == '/') & (p[i + 2] == '/'));
	return hit != 0;
}

/* The next BEFORE at or after i; html.n without one. */
static size_t
next_hit(struct mt_str html, size_t i)
{
	const char *hit;

	while (html.n - i >= BLOCK + 2 && !in_block(html.p + i))
		i += BLOCK;
	hit = memmem(html.p + i, html.n - i, BEFORE, sizeof(BEFORE) - 1);
	return hit != NULL ? (size_t)(hit - html.p) : html.n;
}

static bool
is_token_char(char c)
{
	return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
	    (c >= '0' && c <= '9') || c == '-' || c == '_';
}

/* The token between BEFORE, which is at i, and AFTER; absent without one. */
static struct mt_str
token_at(struct mt_str html, size_t i)
{
	struct mt_str token = { html.p + i + sizeof(BEFORE) - 1, TOKEN };
	size_t k;

	if (html.n - i < sizeof(BEFORE) - 1 + TOKEN + sizeof(AFTER) - 1 ||
	    memcmp(token.p + TOKEN, AFTER, sizeof(AFTER) - 1) != 0)
		return mt_str(NULL);
	for (k = 0; k < TOKEN; k++)
		if (!is_token_char(token.p[k]))
			return mt_str(NULL);
	return token;
}

/*
 * The <img> around byte i, at or after `from`. It is looked for in comments and
 * scripts, too, where a quote that is not closed would take in what follows;
 * so a tag with "<" or ">" inside is left alone.
 */
static bool
tag_around(struct mt_str html, size_t from, size_t i, struct mt_range *ret_tag)
{
	const char *p;
	struct mt_str tag;
	size_t n;

	if (i - from > MT_MAX_QUOTED_TAG)
		from = i - MT_MAX_QUOTED_TAG;
	p = memrchr(html.p + from, '<', i - from);
	if (p == NULL)
		return false;
	tag = mt_str_n(p, html.n - (size_t)(p - html.p));
	if (tag.n > 2 * MT_MAX_QUOTED_TAG)
		tag.n = 2 * MT_MAX_QUOTED_TAG;
	if (tag.n < 5 || !mt_str_eqz_nocase(mt_str_n(p, 4), "<img") ||
	    (!mt_is_space(p[4]) && p[4] != '/'))
		return false;
	n = mt_html_tag(tag);
	ret_tag->from = (size_t)(p - html.p);
	ret_tag->to = ret_tag->from + n;
	return n > 0 && ret_tag->to > i && memchr(p + 1, '<', n - 1) == NULL &&
	    memchr(p, '>', n - 1) == NULL;
}

void
mt_quoted_find(struct mt_str html,
    bool (*is_ours)(void *arg, struct mt_str token), void *arg,
    struct mt_quoted_pixels *ret_pixels)
{
	size_t i, from = 0, seen = 0;
	struct mt_str token;
	struct mt_range tag;

	ret_pixels->n = 0;
	for (i = 0; seen < MT_MAX_QUOTED && i < html.n; i++) {
		i = next_hit(html, i);
		if (i == html.n)
			return;
		token = token_at(html, i);
		if (token.p == NULL)
			continue;
		seen++;
		if (!tag_around(html, from, i, &tag) || !is_ours(arg, token))
			continue;
		ret_pixels->tag[ret_pixels->n++] = tag;
		i = from = tag.to;
		i--;
	}
}

/* A byte inside a tag. */
static char
replace(const struct mt_range *tag, size_t at, char c)
{
	static const char name[] = "<wbr";
	size_t i = at - tag->from;

	if (i < sizeof(name) - 1)
		return name[i];
	/* White space and line ends stay where they are, and so does "/>". */
	if (mt_is_space(c) || c == '\f' || at + 1 == tag->to ||
	    (c == '/' && (i == sizeof(name) - 1 || at + 2 == tag->to)))
		return c;
	return 'x';
}

char
mt_quoted_byte(
    const struct mt_quoted_pixels *pixels, size_t *k, size_t at, char c)
{
	while (*k < pixels->n && pixels->tag[*k].to <= at)
		++*k;
	if (*k == pixels->n || at < pixels->tag[*k].from)
		return c;
	return replace(&pixels->tag[*k], at, c);
}
