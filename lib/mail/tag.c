/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdint.h>
#include <string.h>

#include "base/limits.h"
#include "base/utf8.h"
#include "mail/tag.h"

#define TAG_BEGIN "<img src=\""
#define TAG_END \
	"\" width=\"1\" height=\"1\" alt=\"\" border=\"0\"" \
	" style=\"display:block;position:absolute;width:1px;height:1px;" \
	"border:0\">"
#define NOTICE_BEGIN "<div style=\"margin:8px 0;font-size:12px\">"
#define NOTICE_END "</div>"

#define MAX_TAG 980 /* of 998 bytes a line */
#define WRAP_AT_SPACE 700 /* bytes of a line, then at the next space */
#define WRAP_ANYWHERE 900 /* bytes of a line, then inside an empty tag */

/* What needs no entity in any place, in any superset of ASCII. */
static bool
is_safe(char c)
{
	return c >= ' ' && c <= '~' && strchr("&<>\"'\\~`", c) == NULL;
}

static uint32_t
code_point(const char *p, size_t n)
{
	static const unsigned char mask[] = { 0x7f, 0x1f, 0x0f, 0x07 };
	uint32_t c;
	size_t i;

	if (n == 0 || n > 4)
		return 0xfffd; /* REPLACEMENT CHARACTER */
	c = (unsigned char)p[0] & mask[n - 1];
	for (i = 1; i < n; i++)
		c = c << 6 | ((unsigned char)p[i] & 0x3f);
	/* Other control characters than line ends and tabs are no HTML. */
	return c < ' ' || c == 0x7f ? ' ' : c;
}

static void
add_char(struct mt_buf *out, const char *p, size_t n)
{
	if (n == 1 && is_safe(*p))
		mt_buf_c(out, *p);
	else
		mt_buf_printf(out, "&#%u;", (unsigned)code_point(p, n));
}

static void
add_text(struct mt_str text, struct mt_str eol, struct mt_buf *out)
{
	size_t i, n, line = out->n;

	for (i = 0; i<text.n; i += n> 0 ? n : 1) {
		n = mt_utf8_char(mt_str_n(text.p + i, text.n - i));
		if (text.p[i] == '\r')
			continue;
		if (text.p[i] == '\n')
			mt_buf_z(out, "<br>");
		if (eol.n > 0 && out->n - line > WRAP_AT_SPACE &&
		    mt_is_space(text.p[i])) {
			mt_buf_str(out, eol);
			line = out->n;
			mt_buf_c(out, ' ');
			continue;
		}
		if (eol.n > 0 && out->n - line > WRAP_ANYWHERE) {
			/* Text without spaces: a line end inside a tag. */
			mt_buf_z(out, "<wbr");
			mt_buf_str(out, eol);
			line = out->n;
			mt_buf_c(out, '>');
		}
		if (text.p[i] != '\n')
			add_char(out, text.p + i, n);
	}
}

static void
add_url(struct mt_str url, struct mt_buf *out)
{
	size_t i;

	for (i = 0; i < url.n; i++)
		add_char(out, url.p + i, 1);
}

bool
mt_tag_url_valid(struct mt_str url)
{
	size_t i, n = sizeof(TAG_BEGIN TAG_END) - 1;

	if (url.n == 0 || url.n > MT_MAX_URL)
		return false;
	for (i = 0; i < url.n; i++) {
		if (url.p[i] <= ' ' || url.p[i] > '~')
			return false;
		n += is_safe(url.p[i]) ? 1 : sizeof("&#126;") - 1;
	}
	return n <= MAX_TAG;
}

void
mt_tag_write(struct mt_str url, struct mt_str notice, struct mt_str eol,
    struct mt_buf *out)
{
	if (notice.n > 0) {
		mt_buf_z(out, NOTICE_BEGIN);
		add_text(notice, eol, out);
		mt_buf_z(out, NOTICE_END);
		mt_buf_str(out, eol);
	}
	mt_buf_z(out, TAG_BEGIN);
	add_url(url, out);
	mt_buf_z(out, TAG_END);
}
