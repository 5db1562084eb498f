/* SPDX-License-Identifier: BSD-2-Clause */
#include <iconv.h>
#include <string.h>
#include <strings.h>

#include "base/buf.h"
#include "mail/charset.h"
#include "mail/tag.h"
#include "mail_insertion.h"

#define TOKEN 34
#define NAME "<wbr"

bool
mail_is_ours(void *arg, struct mt_str token)
{
	(void)arg;
	return token.n == TOKEN && token.p[0] == 'Q';
}

/* Does it hold .../i/<token of ours>.gif? */
static bool
holds_token(struct mt_str tag)
{
	size_t i;

	for (i = 0; tag.n - i >= TOKEN + 7; i++)
		if (memcmp(tag.p + i, "/i/Q", 4) == 0 &&
		    memcmp(tag.p + i + 3 + TOKEN, ".gif", 4) == 0)
			return true;
	return false;
}

static bool
stays(char c)
{
	return mt_is_space(c) || c == '\f';
}

/*
 * Is b a quoted pixel a, from its "<", overwritten? Letters and signs become x,
 * so its end is the first ">". The bytes of it, or 0.
 */
static size_t
overwritten(struct mt_str a, struct mt_str b)
{
	const char *end;
	size_t i, n;

	if (a.n < sizeof(NAME) || b.n < sizeof(NAME) ||
	    strncasecmp(a.p, "<img", 4) != 0 || memcmp(b.p, NAME, 4) != 0 ||
	    (end = memchr(b.p, '>', b.n)) == NULL)
		return 0;
	n = (size_t)(end - b.p) + 1;
	if (n > a.n || a.p[n - 1] != '>' || !holds_token(mt_str_n(a.p, n)))
		return 0;
	for (i = sizeof(NAME) - 1; i < n - 1; i++)
		if (stays(a.p[i]) ? b.p[i] != a.p[i]
				  : b.p[i] != 'x' && b.p[i] != '/')
			return 0;
	return n;
}

/* How far both are the same but for overwritten pixels, which are counted. */
static size_t
same_until(struct mt_str a, struct mt_str b, unsigned *quoted)
{
	size_t i = 0, n;

	while (i < a.n && i < b.n) {
		n = overwritten(
		    mt_str_n(a.p + i, a.n - i), mt_str_n(b.p + i, b.n - i));
		if (n == 0 && a.p[i] != b.p[i])
			break;
		*quoted += n > 0;
		i += n > 0 ? n : 1;
	}
	return i;
}

static bool
starts(struct mt_str *s, struct mt_str with)
{
	if (s->n < with.n || memcmp(s->p, with.p, with.n) != 0)
		return false;
	*s = mt_str_n(s->p + with.n, s->n - with.n);
	return true;
}

/*
 * The text; spaces before its last byte and a line end before it are fine, and
 * one after it where no encoding can hide it.
 */
static bool
is_text(struct mt_str got, struct mt_str text, bool coded)
{
	if (!starts(&got, MT_LIT("\r\n")))
		(void)starts(&got, MT_LIT("\n"));
	if (!starts(&got, mt_str_n(text.p, text.n - 1)))
		return false;
	while (starts(&got, MT_LIT(" ")))
		;
	if (!starts(&got, mt_str_n(text.p + text.n - 1, 1)))
		return false;
	if (!coded && !starts(&got, MT_LIT("\r\n")))
		(void)starts(&got, MT_LIT("\n"));
	return got.n == 0;
}

static bool
is_tag(const struct mail_change *c, struct mt_str got)
{
	static const struct mt_str eols[] = { { "", 0 }, { "\n", 1 },
		{ "\r\n", 2 } };
	struct mt_buf text;
	bool is = false;
	size_t i;

	mt_buf_init(&text, MT_TAG_MAX);
	for (i = c->coded ? 0 : 1; !is && i < (c->coded ? 1U : 3U); i++) {
		mt_buf_reset(&text);
		mt_tag_write(c->url, c->notice, eols[i], &text);
		is = is_text(got, mt_buf_view(&text), c->coded);
	}
	mt_buf_done(&text);
	return is;
}

/*
 * Where two texts part, the insertion may have begun earlier: as many bytes as
 * it ends with bytes of what stands there.
 */
static const char *
html_changed(const struct mail_change *c)
{
	struct mt_str a = c->was, b = c->is;
	unsigned quoted = 0, after;
	size_t n, k;

	if (b.n <= a.n)
		return "nothing was inserted";
	n = b.n - a.n;
	for (k = same_until(a, b, &quoted) + 1; k-- > 0;) {
		after = 0;
		quoted = 0;
		if (!is_tag(c, mt_str_n(b.p + k, n)) ||
		    same_until(mt_str_n(a.p, k), mt_str_n(b.p, k), &quoted) !=
			k ||
		    same_until(mt_str_n(a.p + k, a.n - k),
			mt_str_n(b.p + k + n, a.n - k), &after) != a.n - k)
			continue;
		return quoted + after == c->quoted
		    ? NULL
		    : "not as many quoted pixels as were said";
	}
	return "not exactly the tag was inserted, or the rest changed";
}

/* White space as one space, none at the ends. */
static void
squeeze(struct mt_str s, struct mt_buf *out)
{
	size_t i;

	s = mt_str_trim(s);
	for (i = 0; i < s.n; i++) {
		if (!mt_is_space(s.p[i]) && s.p[i] != '\0')
			mt_buf_c(out, s.p[i]);
		else if (out->n > 0 && out->p[out->n - 1] != ' ')
			mt_buf_c(out, ' ');
	}
	while (out->n > 0 && out->p[out->n - 1] == ' ')
		out->n--;
}

static const char *
text_changed(const struct mail_change *c)
{
	struct mt_str a = c->was, b = c->is;
	struct mt_buf got, notice;
	const char *wrong = NULL;
	size_t k = 0;

	if (b.n <= a.n)
		return "nothing was inserted into the text";
	while (k < a.n && a.p[k] == b.p[k])
		k++;
	if (memcmp(a.p + k, b.p + b.n - (a.n - k), a.n - k) != 0)
		return "the rest of the decoded text changed";
	mt_buf_init(&got, b.n);
	mt_buf_init(&notice, c->notice.n);
	squeeze(mt_str_n(b.p + k, b.n - a.n), &got);
	squeeze(c->notice, &notice);
	if (!mt_str_eq(mt_buf_view(&got), mt_buf_view(&notice)))
		wrong = "not exactly the notice was inserted into the text";
	mt_buf_done(&got);
	mt_buf_done(&notice);
	return wrong;
}

/* Append as UTF-8; false when iconv cannot. */
static bool
convert(const char *charset, struct mt_str s, struct mt_buf *out)
{
	iconv_t cd = iconv_open("UTF-8", charset);
	char *in, *to;
	size_t in_n = s.n, to_n = 4 * s.n + 16;
	bool ok;

	if (cd == (iconv_t)-1)
		return false;
	if (!mt_buf_reserve(out, to_n)) {
		(void)iconv_close(cd);
		return false;
	}
	memcpy(&in, &s.p, sizeof(in));
	to = out->p;
	ok = iconv(cd, &in, &in_n, &to, &to_n) != (size_t)-1;
	out->n = (size_t)(to - out->p);
	(void)iconv_close(cd);
	return ok;
}

/* Bytes of one character set may be anything to another reader of them. */
static bool
is_plain(const char *charset)
{
	return mt_charset_find(mt_str(charset)).family == MT_CHARSET_ASCII;
}

/* What nobody can read: our bytes are still one insertion. */
static const char *
bytes_changed(const struct mail_change *c)
{
	struct mt_str a = c->was, b = c->is;
	size_t k = 0;

	if (b.n <= a.n)
		return "nothing was inserted";
	while (k < a.n && a.p[k] == b.p[k])
		k++;
	if (memcmp(a.p + k, b.p + b.n - (a.n - k), a.n - k) != 0)
		return "the rest of the decoded leaf changed";
	return NULL;
}

static const char *
in_utf8(const struct mail_change *c, const char *charset, bool html)
{
	struct mail_change u = *c;
	struct mt_buf was, is;
	const char *wrong = NULL;

	mt_buf_init(&was, 4 * c->was.n + 64);
	mt_buf_init(&is, 4 * c->is.n + 64);
	if (!convert(charset, c->was, &was)) {
		wrong = bytes_changed(c);
	} else if (!convert(charset, c->is, &is)) {
		wrong = "the text is not in its character set any more";
	} else {
		u.was = mt_buf_view(&was);
		u.is = mt_buf_view(&is);
		wrong = html ? html_changed(&u) : text_changed(&u);
	}
	mt_buf_done(&was);
	mt_buf_done(&is);
	return wrong;
}

/* iconv's order is the machine's, where neither name nor mark say one. */
static const char *
in_either_order(const struct mail_change *c, bool html)
{
	static const char *const names[2][2] = { { "UTF-16BE", "UTF-16LE" },
		{ "UTF-32BE", "UTF-32LE" } };
	struct mt_charset cs = mt_charset_find(mt_str(c->charset));
	const char *wrong = NULL;
	size_t i;

	if (cs.family != MT_CHARSET_WIDE)
		return in_utf8(c, c->charset, html);
	for (i = cs.little; i < 2U - cs.big; i++) {
		wrong = in_utf8(c, names[cs.width / 4][i], html);
		if (wrong == NULL)
			break;
	}
	return wrong;
}

const char *
mail_html_changed(const struct mail_change *c)
{
	return is_plain(c->charset) ? html_changed(c)
				    : in_either_order(c, true);
}

const char *
mail_text_changed(const struct mail_change *c)
{
	size_t i;

	for (i = 0; i < c->notice.n; i++)
		if ((unsigned char)c->notice.p[i] >= 0x80)
			return in_either_order(c, false);
	return is_plain(c->charset) ? text_changed(c)
				    : in_either_order(c, false);
}
