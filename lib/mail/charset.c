/* SPDX-License-Identifier: BSD-2-Clause */
#include <stddef.h>
#include <string.h>

#include "base/limits.h"
#include "base/num.h"
#include "mail/charset.h"

/* Names in lower case without "-" and "_". */
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

bool
mt_charset_ascii(struct mt_str name)
{
	char plain[MT_MAX_CHARSET];
	struct mt_str s = { plain, 0 };
	size_t i;

	for (i = 0; i < name.n; i++) {
		if (name.p[i] == '-' || name.p[i] == '_')
			continue;
		if (s.n == sizeof(plain))
			return false;
		plain[s.n++] = mt_lower(name.p[i]);
	}
	for (i = 0; names[i] != NULL; i++)
		if (mt_str_eqz(s, names[i]))
			return true;
	/* ISO-8859-8-I and -6-E say how right-to-left text is ordered. */
	if (mt_str_starts(s, "iso8859") && s.n > 8 &&
	    (s.p[s.n - 1] == 'i' || s.p[s.n - 1] == 'e'))
		s.n--;
	return in_family(s);
}
