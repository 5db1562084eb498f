/* SPDX-License-Identifier: BSD-2-Clause */
#include <iconv.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/limits.h"
#include "base/mem.h"
#include "base/num.h"
#include "mail/charset.h"

#define WIDE(width, little, big) \
	{ \
		MT_CHARSET_WIDE, width, little, big, false \
	}
#define SHIFT(korean) \
	{ \
		MT_CHARSET_SHIFT, 1, false, false, korean \
	}

/* Supersets of ASCII: names in lower case without "-" and "_". */
static const char *const names[] = { "ascii", "usascii", "ansix3.41968",
	"ansix3.41986", "iso646us", "utf8", "unicode11utf8", "latin1", "latin2",
	"latin3", "latin4", "latin5", "latin6", "latin7", "latin8", "latin9",
	"latin10", "cyrillic", "greek", "hebrew", "arabic", "koi8r", "koi8u",
	"koi8ru", "tis620", "windows874", "macintosh", "macroman", "xmacroman",
	"xmaccyrillic", "ibm437", "cp437", "ibm850", "cp850", "ibm852", "cp852",
	"ibm866", "cp866", "gb2312", "gbk", "gb18030", "cp936", "ms936",
	"windows936", "big5", "big5hkscs", "cp950", "euckr", "ksc5601",
	"ksc56011987", "ksc56011989", "cp949", "ms949", "uhc", "windows949",
	"eucjp", "xeucjp", "euctw", "shiftjis", "xsjis", "sjis", "cp932",
	"ms932", "windows31j", NULL };

/* Families with a number: the range of numbers. */
static const struct {
	const char *prefix;
	unsigned first, last;
} families[] = {
	{ "iso8859", 1, 16 },
	{ "windows", 1250, 1258 },
	{ "cp", 1250, 1258 },
	{ "xcp", 1250, 1258 },
};

/* The others, named the same way. */
static const struct {
	const char *name;
	struct mt_charset is;
} others[] = {
	{ "utf16", WIDE(2, false, false) },
	{ "utf16le", WIDE(2, true, false) },
	{ "utf16be", WIDE(2, false, true) },
	{ "ucs2", WIDE(2, false, false) },
	{ "iso10646ucs2", WIDE(2, false, false) },
	{ "utf32", WIDE(4, false, false) },
	{ "utf32le", WIDE(4, true, false) },
	{ "utf32be", WIDE(4, false, true) },
	{ "ucs4", WIDE(4, false, false) },
	{ "iso2022jp", SHIFT(false) },
	{ "iso2022jp1", SHIFT(false) },
	{ "iso2022jp2", SHIFT(false) },
	{ "iso2022jp3", SHIFT(false) },
	{ "iso2022jp2004", SHIFT(false) },
	{ "iso2022jpms", SHIFT(false) },
	{ "csiso2022jp", SHIFT(false) },
	{ "cp50220", SHIFT(false) },
	{ "cp50221", SHIFT(false) },
	{ "iso2022kr", SHIFT(true) },
	{ "csiso2022kr", SHIFT(true) },
};

/*
 * Escape sequences: what follows ESC, and how many bytes a character then has;
 * 0 is ASCII (or its Japanese twin, which differs in "\\" and "~" only).
 */
static const struct {
	const char *bytes;
	unsigned char size;
	bool single; /* of the next character only */
	bool keeps; /* says what another shift will mean */
	bool korean; /* of ISO-2022-KR; all others of ISO-2022-JP */
} escapes[] = {
	{ "(B", 0, false, false, false },
	{ "(J", 0, false, false, false },
	{ "(I", 1, false, false, false },
	{ "$@", 2, false, false, false },
	{ "$B", 2, false, false, false },
	{ "$A", 2, false, false, false },
	{ "$(C", 2, false, false, false },
	{ "$(D", 2, false, false, false },
	{ "$(O", 2, false, false, false },
	{ "$(P", 2, false, false, false },
	{ "$(Q", 2, false, false, false },
	{ ".A", 0, false, true, false },
	{ ".F", 0, false, true, false },
	{ "N", 1, true, false, false },
	{ "$)C", 0, false, true, true },
};

static bool
in_family(struct mt_str s)
{
	uint64_t n;
	size_t i, skip;

	for (i = 0; i < sizeof(families) / sizeof(families[0]); i++) {
		skip = strlen(families[i].prefix);
		if (mt_str_starts(s, families[i].prefix) &&
		    mt_num_read(mt_str_n(s.p + skip, s.n - skip),
			families[i].last, &n) &&
		    n >= families[i].first)
			return true;
	}
	return false;
}

struct mt_charset
mt_charset_find(struct mt_str name)
{
	static const struct mt_charset none = { .family = MT_CHARSET_NONE };
	struct mt_charset ascii = { .family = MT_CHARSET_ASCII, .width = 1 };
	char plain[MT_MAX_CHARSET];
	struct mt_str s = { plain, 0 };
	size_t i;

	for (i = 0; i < name.n; i++) {
		if (name.p[i] == '-' || name.p[i] == '_')
			continue;
		if (s.n == sizeof(plain))
			return none;
		plain[s.n++] = mt_lower(name.p[i]);
	}
	for (i = 0; names[i] != NULL; i++)
		if (mt_str_eqz(s, names[i]))
			return ascii;
	for (i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		if (mt_str_eqz(s, others[i].name))
			return others[i].is;
	/* ISO-8859-8-I and -6-E say how right-to-left text is ordered. */
	if (mt_str_starts(s, "iso8859") && s.n > 8 &&
	    (s.p[s.n - 1] == 'i' || s.p[s.n - 1] == 'e'))
		s.n--;
	return in_family(s) ? ascii : none;
}

static uint32_t
unit(const unsigned char *p, unsigned width, bool little)
{
	uint32_t v = 0;
	unsigned i;

	for (i = 0; i < width; i++)
		v |= (uint32_t)p[i] << 8 * (little ? i : width - 1 - i);
	return v;
}

/*
 * The byte order of a text whose name does not say: its byte order mark's, or
 * the only one in which it holds a "<". RFC 2781 says big endian without a
 * mark, browsers little, so what the text itself shows has to decide.
 */
static bool
find_order(struct mt_charset *cs, struct mt_str text)
{
	const unsigned char *p = (const unsigned char *)text.p;
	size_t i;

	if (cs->little || cs->big)
		return true;
	if (text.n >= cs->width) {
		cs->little = unit(p, cs->width, true) == 0xfeff;
		cs->big = unit(p, cs->width, false) == 0xfeff;
	}
	for (i = 0; !cs->little && !cs->big && i < text.n; i += cs->width) {
		cs->little = unit(p + i, cs->width, true) == '<';
		cs->big = unit(p + i, cs->width, false) == '<';
	}
	return cs->little || cs->big;
}

static enum mt_rc
flatten_wide(struct mt_charset *cs, struct mt_str text, struct mt_buf *out)
{
	const unsigned char *p = (const unsigned char *)text.p;
	size_t i, n = text.n / cs->width;
	uint32_t v;

	if (text.n % cs->width != 0 || !find_order(cs, text))
		return MT_FORMAT;
	if (!mt_buf_reserve(out, n))
		return MT_LIMIT;
	for (i = 0; i < n; i++) {
		v = unit(p + i * cs->width, cs->width, cs->little);
		/* A mark read the wrong way round, or no character at all. */
		if (v == (cs->width == 2 ? 0xfffe : 0xfffe0000) || v == 0)
			return MT_FORMAT;
		out->p[out->n++] = v < 0x80 ? (char)v : MT_CHARSET_OTHER;
	}
	out->p[out->n] = '\0';
	return MT_OK;
}

/* Where a reader of shifted text stands. */
struct shift {
	unsigned size; /* bytes of a character; 0: ASCII */
	unsigned left; /* bytes still to come of one */
	bool single; /* back to `before` after it */
	unsigned before;
};

/* The escape sequence at s; its length with ESC, 0 when it is none we know. */
static size_t
escape(struct shift *sh, bool korean, struct mt_str s)
{
	size_t i, n;

	for (i = 0; i < sizeof(escapes) / sizeof(escapes[0]); i++) {
		n = strlen(escapes[i].bytes);
		if (escapes[i].korean != korean || s.n <= n ||
		    memcmp(s.p + 1, escapes[i].bytes, n) != 0)
			continue;
		if (escapes[i].single) {
			sh->single = true;
			sh->before = sh->size;
		}
		if (!escapes[i].keeps)
			sh->size = escapes[i].size;
		return n + 1;
	}
	return 0;
}

/* One byte that is no escape sequence; false when it cannot stand there. */
static bool
shift_byte(struct shift *sh, bool korean, unsigned char c)
{
	if (c >= 0x80 || c == 0)
		return false;
	if (c == 0x0e || c == 0x0f) { /* SO and SI */
		if (!korean || sh->left > 0)
			return false;
		sh->size = c == 0x0e ? 2 : 0;
		return true;
	}
	if (sh->size == 0)
		return true;
	/* RFC 1468: a line ends in ASCII; readers differ where it does not. */
	if (c == '\r' || c == '\n')
		return false;
	if (sh->left == 0)
		sh->left = sh->size;
	if (--sh->left == 0 && sh->single) {
		sh->size = sh->before;
		sh->single = false;
	}
	return true;
}

static enum mt_rc
flatten_shift(bool korean, struct mt_str text, struct mt_buf *out)
{
	struct shift sh = { 0, 0, false, 0 };
	size_t i, n;
	bool ascii, single; /* of the next character, which has to follow */

	if (!mt_buf_reserve(out, text.n))
		return MT_LIMIT;
	for (i = 0; i < text.n; i += n) {
		n = 1;
		ascii = sh.size == 0;
		if (text.p[i] == '\033') {
			single = sh.single;
			n = escape(
			    &sh, korean, mt_str_n(text.p + i, text.n - i));
			ascii = false;
			if (n == 0 || sh.left > 0 || single)
				return MT_FORMAT;
		} else if (!shift_byte(&sh, korean, (unsigned char)text.p[i])) {
			return MT_FORMAT;
		}
		memset(out->p + out->n,
		    ascii && sh.size == 0 ? text.p[i] : MT_CHARSET_OTHER, n);
		out->n += n;
	}
	out->p[out->n] = '\0';
	return sh.size == 0 ? MT_OK : MT_FORMAT;
}

enum mt_rc
mt_charset_flatten(
    struct mt_charset *cs, struct mt_str text, struct mt_buf *out)
{
	if (cs->family == MT_CHARSET_WIDE)
		return flatten_wide(cs, text, out);
	if (cs->family == MT_CHARSET_SHIFT)
		return flatten_shift(cs->korean, text, out);
	return MT_FORMAT;
}

void
mt_charset_widen(
    const struct mt_charset *cs, struct mt_str ascii, struct mt_buf *out)
{
	size_t i;
	unsigned k;

	for (i = 0; i < ascii.n; i++)
		for (k = 0; k < cs->width; k++)
			mt_buf_c(out,
			    k == (cs->little ? 0 : cs->width - 1) ? ascii.p[i]
								  : '\0');
}

/* What iconv calls it, in a buffer of MT_MAX_CHARSET bytes. */
static void
iconv_name(const struct mt_charset *cs, struct mt_str name, char *out)
{
	size_t n = name.n < MT_MAX_CHARSET - 1 ? name.n : MT_MAX_CHARSET - 1;

	memcpy(out, name.p, n);
	out[n] = '\0';
	/* Without the mark that iconv would begin with. */
	if (cs->family == MT_CHARSET_WIDE)
		memcpy(out,
		    cs->width == 2   ? cs->little ? "UTF-16LE" : "UTF-16BE"
			: cs->little ? "UTF-32LE"
				     : "UTF-32BE",
		    sizeof("UTF-16LE"));
}

enum mt_rc
mt_charset_convert(const struct mt_charset *cs, struct mt_str name,
    struct mt_str utf8, struct mt_buf *out)
{
	char to[MT_MAX_CHARSET], *in = mt_unconst(utf8.p), *p;
	/* An escape sequence before and after each character, at most. */
	size_t in_n = utf8.n, room = 8 * utf8.n + 16, left = room, lost;
	iconv_t cd;

	/* It would begin with a designation that belongs to the text's start.
	 */
	if (cs->korean)
		return MT_FORMAT;
	iconv_name(cs, name, to);
	if (!mt_buf_reserve(out, room))
		return MT_LIMIT;
	cd = iconv_open(to, "UTF-8");
	if (cd == (iconv_t)-1)
		return MT_FORMAT;
	p = out->p + out->n;
	lost = iconv(cd, &in, &in_n, &p, &left);
	if (lost == 0)
		lost = iconv(cd, NULL, NULL, &p, &left);
	(void)iconv_close(cd);
	if (lost != 0 || in_n > 0)
		return MT_FORMAT;
	out->n += room - left;
	out->p[out->n] = '\0';
	return MT_OK;
}
