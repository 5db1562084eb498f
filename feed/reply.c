/* SPDX-License-Identifier: BSD-2-Clause */
#include "reply.h"

#include <string.h>

#include "base/num.h"

/* "{123}" at the end of a line. */
static bool
ends_in_literal(struct mt_str line, uint64_t *ret_n)
{
	struct mt_str head, digits;

	if (line.n < 3 || line.p[line.n - 1] != '}' ||
	    !mt_str_cut_last(mt_str_n(line.p, line.n - 1), '{', &head, &digits))
		return false;
	return mt_num_read(digits, UINT32_MAX, ret_n);
}

/* The line at `at` of s, without its CRLF; where the next one begins. */
static enum mt_rc
read_line(struct mt_str s, size_t at, size_t max, struct mt_str *ret_line,
    size_t *ret_next, struct mt_err *err)
{
	const char *eol = at < s.n ? memchr(s.p + at, '\n', s.n - at) : NULL;
	size_t n = eol != NULL ? (size_t)(eol - s.p) - at : s.n - at;

	if (n > max)
		return mt_fail(
		    err, MT_LIMIT, "a response longer than %zu bytes", max);
	if (eol == NULL)
		return mt_fail(err, MT_ABSENT, "not yet whole");
	*ret_next = at + n + 1;
	if (n > 0 && eol[-1] == '\r')
		n--;
	*ret_line = mt_str_n(s.p + at, n);
	return MT_OK;
}

/* The end of a response, over its lines and literals. */
static enum mt_rc
read_whole(struct mt_str s, size_t line_max, size_t literal_max,
    struct feed_reply *r, struct mt_str *ret_first, size_t *ret_n,
    struct mt_err *err)
{
	struct mt_str line;
	size_t at = 0;
	uint64_t n;

	for (;;) {
		if (read_line(s, at, line_max, &line, &at, err) != MT_OK)
			return err->rc;
		if (ret_first->p == NULL)
			*ret_first = line;
		if (!ends_in_literal(line, &n))
			break;
		if (n > literal_max)
			return mt_fail(err, MT_LIMIT,
			    "a literal longer than %zu bytes", literal_max);
		if (s.n - at < n)
			return mt_fail(err, MT_ABSENT, "not yet whole");
		if (r->literal.p == NULL)
			r->literal = mt_str_n(s.p + at, n);
		at += n;
	}
	*ret_n = at;
	return MT_OK;
}

static struct mt_str
next_word(struct mt_str *rest)
{
	struct mt_str word;

	(void)mt_str_cut(*rest, ' ', &word, rest);
	return word;
}

/* "* OK [UIDVALIDITY 3857529045] ..." */
static void
read_code(struct feed_reply *r)
{
	struct mt_str code, rest = r->rest;

	code = next_word(&rest);
	if (!mt_str_eqz_nocase(code, "[UIDVALIDITY"))
		return;
	(void)mt_str_cut(rest, ']', &code, &rest);
	if (mt_num_read(code, UINT32_MAX, &r->number))
		r->kind = FEED_REPLY_UIDVALIDITY;
}

static void
read_untagged(struct feed_reply *r, struct mt_str rest)
{
	static const struct {
		const char *word;
		enum feed_reply_kind kind;
	} words[] = {
		{ "SEARCH", FEED_REPLY_SEARCH },
		{ "CAPABILITY", FEED_REPLY_CAPABILITY },
		{ "BYE", FEED_REPLY_BYE },
	};
	struct mt_str word = next_word(&rest);
	uint64_t n;
	size_t i;

	r->rest = rest;
	for (i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (mt_str_eqz_nocase(word, words[i].word))
			r->kind = words[i].kind;
	if (mt_str_eqz_nocase(word, "OK")) {
		read_code(r);
	} else if (mt_num_read(word, UINT32_MAX, &n) &&
	    mt_str_eqz_nocase(next_word(&rest), "FETCH")) {
		r->kind = FEED_REPLY_FETCH;
		r->rest = rest;
	}
}

enum mt_rc
feed_reply_read(struct mt_str s, size_t line_max, size_t literal_max,
    struct feed_reply *ret_reply, size_t *ret_n, struct mt_err *err)
{
	struct feed_reply r = { .kind = FEED_REPLY_OTHER };
	struct mt_str line = mt_str(NULL), word;
	size_t n = 0;

	if (read_whole(s, line_max, literal_max, &r, &line, &n, err) != MT_OK)
		return err->rc;
	word = next_word(&line);
	if (mt_str_eqz(word, "*")) {
		read_untagged(&r, line);
	} else if (mt_str_eqz(word, "+")) {
		r.kind = FEED_REPLY_GO_ON;
	} else {
		r.kind = FEED_REPLY_TAGGED;
		r.tag = word;
		word = next_word(&line);
		r.ok = mt_str_eqz_nocase(word, "OK");
		r.rest = line;
		if (!r.ok && !mt_str_eqz_nocase(word, "NO") &&
		    !mt_str_eqz_nocase(word, "BAD"))
			return mt_fail(err, MT_FORMAT, "not IMAP");
	}
	*ret_reply = r;
	*ret_n = n;
	return MT_OK;
}

bool
feed_reply_number(struct mt_str *rest, uint64_t *ret_number)
{
	while (rest->n > 0)
		if (mt_num_read(next_word(rest), UINT32_MAX, ret_number))
			return true;
	return false;
}

bool
feed_reply_has(struct mt_str rest, const char *word)
{
	while (rest.n > 0)
		if (mt_str_eqz_nocase(next_word(&rest), word))
			return true;
	return false;
}

uint64_t
feed_reply_uid(struct mt_str rest)
{
	struct mt_str word;
	uint64_t uid;

	while (rest.n > 0) {
		word = next_word(&rest);
		if (word.n > 0 && word.p[0] == '(')
			word = mt_str_n(word.p + 1, word.n - 1);
		if (!mt_str_eqz_nocase(word, "UID"))
			continue;
		word = next_word(&rest);
		while (word.n > 0 && word.p[word.n - 1] == ')')
			word.n--;
		return mt_num_read(word, UINT32_MAX, &uid) ? uid : 0;
	}
	return 0;
}
