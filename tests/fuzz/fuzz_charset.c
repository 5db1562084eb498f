/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Any bytes as text of a wide or shifted character set, with iconv as the
 * judge of what it can read itself: the flat text has a byte for each unit, its
 * ASCII is the ASCII of the text, in order; a tag put beside any ASCII unit
 * comes out between the same characters, which are the ones from before; UTF-8
 * (without control characters and "~") that can be converted is read back as it
 * was. The first byte chooses the set, the next two the place.
 *
 * Any bytes as a name (first byte 255): what is called a superset of ASCII is
 * one to iconv as well, if it knows the name.
 */
#include <iconv.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "mail/charset.h"

#define TAG "<img src=\"https://t.example.org/i/0aZ-_.gif\" alt=\"\">&#228;:;"
#define MAX_TEXT 65536

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *const names[] = { "utf-16", "utf-16le", "utf-16be", "utf-32",
	"utf-32le", "utf-32be", "iso-2022-jp", "iso-2022-jp-2", "iso-2022-jp-3",
	"iso-2022-kr", "ucs-2", "ucs-4" };

static void
give_up(const char *wrong, const char *name, struct mt_str s)
{
	(void)fprintf(stderr, "%s, %s: '%.*s'\n", name, wrong, (int)s.n, s.p);
	abort();
}

/* Append as UTF-8; false when iconv cannot. */
static bool
to_utf8(const char *name, struct mt_str s, struct mt_buf *out)
{
	iconv_t cd = iconv_open("UTF-8", name);
	char *in, *to;
	size_t in_n = s.n, to_n = 8 * s.n + 16;
	bool ok = false;

	if (cd == (iconv_t)-1)
		return false;
	memcpy(&in, &s.p, sizeof(in));
	if (mt_buf_reserve(out, to_n)) {
		to = out->p + out->n;
		ok = iconv(cd, &in, &in_n, &to, &to_n) != (size_t)-1;
		out->n = (size_t)(to - out->p);
	}
	(void)iconv_close(cd);
	return ok;
}

/* Its name with the byte order that the text showed. */
static const char *
exact(const struct mt_charset *cs, const char *name)
{
	if (cs->family != MT_CHARSET_WIDE)
		return name;
	if (cs->width == 2)
		return cs->little ? "UTF-16LE" : "UTF-16BE";
	return cs->little ? "UTF-32LE" : "UTF-32BE";
}

/*
 * But for two that ASCII's Japanese twin has not, and for spaces and controls:
 * iconv takes them for themselves between the bytes of longer characters, too.
 */
static bool
is_ascii(char c)
{
	return c > ' ' && c < 0x7f && c != '\\' && c != '~';
}

static void
compare_ascii(const char *name, struct mt_str flat, struct mt_str utf8)
{
	size_t i = 0, k = 0;

	/* An escape sequence that iconv does not know is text to it. */
	if (utf8.n > 0 && memchr(utf8.p, '\033', utf8.n) != NULL)
		return;
	for (;; i++, k++) {
		while (i < flat.n && !is_ascii(flat.p[i]))
			i++;
		while (k < utf8.n && !is_ascii(utf8.p[k]))
			k++;
		if (i == flat.n || k == utf8.n)
			break;
		if (flat.p[i] != utf8.p[k])
			give_up("other ASCII", name, utf8);
	}
	if (i < flat.n || k < utf8.n)
		give_up("more or less ASCII", name, utf8);
}

/* A place at or after `from` that has ASCII before or behind it. */
static bool
find_place(struct mt_str flat, size_t from, size_t *ret_at)
{
	size_t k, at;

	for (k = 0; k <= flat.n; k++) {
		at = (from + k) % (flat.n + 1);
		if ((at < flat.n && flat.p[at] != MT_CHARSET_OTHER) ||
		    (at > 0 && flat.p[at - 1] != MT_CHARSET_OTHER)) {
			*ret_at = at;
			return true;
		}
	}
	return false;
}

static void
insert(const struct mt_charset *cs, const char *name, struct mt_str text,
    size_t at, struct mt_str utf8)
{
	struct mt_buf out, got, head;
	size_t n;

	at *= cs->width;
	mt_buf_init(&out, MAX_TEXT);
	mt_buf_init(&got, 8 * MAX_TEXT);
	mt_buf_init(&head, 8 * MAX_TEXT);
	mt_buf_add(&out, text.p, at);
	mt_charset_widen(cs, MT_LIT(TAG), &out);
	mt_buf_add(&out, text.p + at, text.n - at);
	if (!to_utf8(name, mt_buf_view(&out), &got) ||
	    !to_utf8(name, mt_str_n(text.p, at), &head))
		give_up("cannot be read any more", name, utf8);
	n = sizeof(TAG) - 1;
	if (got.n != utf8.n + n || head.n > utf8.n ||
	    memcmp(got.p, utf8.p, head.n) != 0 ||
	    memcmp(got.p + head.n, TAG, n) != 0 ||
	    memcmp(got.p + head.n + n, utf8.p + head.n, utf8.n - head.n) != 0)
		give_up("not the tag in its place", name, mt_buf_view(&got));
	mt_buf_done(&out);
	mt_buf_done(&got);
	mt_buf_done(&head);
}

static void
read_text(const char *name, struct mt_str text, size_t from)
{
	struct mt_charset cs = mt_charset_find(mt_str(name));
	struct mt_buf flat, utf8;
	size_t at;

	mt_buf_init(&flat, MAX_TEXT);
	mt_buf_init(&utf8, 8 * MAX_TEXT);
	if (cs.family == MT_CHARSET_NONE || cs.family == MT_CHARSET_ASCII)
		give_up("is not found", name, text);
	if (mt_charset_flatten(&cs, text, &flat) == MT_OK) {
		name = exact(&cs, name);
		if (flat.n * cs.width != text.n)
			give_up("not a byte for a unit", name, text);
		if (to_utf8(name, text, &utf8)) {
			compare_ascii(
			    name, mt_buf_view(&flat), mt_buf_view(&utf8));
			if (find_place(mt_buf_view(&flat), from, &at))
				insert(&cs, name, text, at, mt_buf_view(&utf8));
		}
	}
	mt_buf_done(&flat);
	mt_buf_done(&utf8);
}

/*
 * A notice holds no others than line ends and tabs. A "~" can come back as the
 * wide one: JIS X 0212 has it, too, and iconv takes it for both.
 */
static bool
is_fickle(struct mt_str s)
{
	size_t i;

	for (i = 0; i < s.n; i++)
		if (s.p[i] == '~' ||
		    (s.p[i] >= 0 && s.p[i] < ' ' && !mt_is_space(s.p[i])) ||
		    (s.p[i] == '\xc2' && i + 1 < s.n && s.p[i + 1] < '\xa0'))
			return true;
	return false;
}

static void
write_text(const char *name, struct mt_str utf8)
{
	struct mt_charset cs = mt_charset_find(mt_str(name));
	struct mt_buf out, flat, back;

	if (!mt_utf8_clean(utf8) || is_fickle(utf8))
		return;
	if (cs.family == MT_CHARSET_WIDE && !cs.little && !cs.big)
		cs.big = true;
	mt_buf_init(&out, MAX_TEXT);
	mt_buf_init(&flat, MAX_TEXT);
	mt_buf_init(&back, 8 * MAX_TEXT);
	if (mt_charset_convert(&cs, mt_str(name), utf8, &out) == MT_OK) {
		if (!to_utf8(exact(&cs, name), mt_buf_view(&out), &back) ||
		    !mt_str_eq(mt_buf_view(&back), utf8))
			give_up("not read back", name, utf8);
		if (mt_charset_flatten(&cs, mt_buf_view(&out), &flat) != MT_OK)
			give_up("not flat as converted", name, utf8);
	}
	mt_buf_done(&out);
	mt_buf_done(&flat);
	mt_buf_done(&back);
}

static void
read_name(struct mt_str name)
{
	char text[64];
	struct mt_charset cs = mt_charset_find(name);
	struct mt_buf got;

	if (cs.family != MT_CHARSET_NONE && cs.width != 1 && cs.width != 2 &&
	    cs.width != 4)
		give_up("a strange width", "name", name);
	if (cs.family != MT_CHARSET_ASCII || name.n >= sizeof(text))
		return;
	memcpy(text, name.p, name.n);
	text[name.n] = '\0';
	mt_buf_init(&got, MAX_TEXT);
	if (to_utf8(text, MT_LIT(TAG), &got) &&
	    !mt_str_eq(mt_buf_view(&got), MT_LIT(TAG)))
		give_up("no superset of ASCII", "name", name);
	mt_buf_done(&got);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct mt_str text;
	const char *name;

	if (size < 3 || size > MAX_TEXT / 8)
		return 0;
	text = mt_str_n((const char *)data + 3, size - 3);
	if (data[0] == 255) {
		read_name(text);
		return 0;
	}
	name = names[data[0] % (sizeof(names) / sizeof(names[0]))];
	read_text(name, text, (size_t)(data[1] | data[2] << 8));
	write_text(name, text);
	return 0;
}
