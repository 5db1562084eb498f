/* SPDX-License-Identifier: BSD-2-Clause */
#include <iconv.h>
#include <string.h>
#include <strings.h>

#include <gmime/gmime.h>

#include "base/buf.h"
#include "base/limits.h"
#include "plain_reading.h"

struct reading {
	const char *wrong; /* the first thing that speaks against it */
	GMimePart *html; /* borrowed: the one candidate */
	unsigned html_n;
	const char *boundary[MT_MAX_MIME_DEPTH]; /* borrowed, outermost first */
};

/* Complaints about what has no influence on the structure do not count. */
static void
warned(gint64 offset, GMimeParserWarning what, const gchar *item, gpointer arg)
{
	struct reading *r = arg;

	(void)offset;
	if (what == GMIME_WARN_UNENCODED_8BIT_HEADER ||
	    what == GMIME_WARN_INVALID_RFC2047_HEADER_VALUE ||
	    what == GMIME_WARN_INVALID_ADDRESS_LIST)
		return;
	if ((what == GMIME_WARN_DUPLICATED_HEADER ||
		what == GMIME_CRIT_CONFLICTING_HEADER) &&
	    item != NULL && g_ascii_strncasecmp(item, "Content-", 8) != 0)
		return;
	r->wrong = "GMime warns";
}

static GMimeMessage *
parse(struct mt_str text, struct reading *r)
{
	GMimeParserOptions *options = g_mime_parser_options_new();
	GMimeStream *stream = g_mime_stream_mem_new_with_buffer(text.p, text.n);
	GMimeParser *parser = g_mime_parser_new_with_stream(stream);
	GMimeMessage *message;

	g_mime_parser_options_set_warning_callback(options, warned, r);
	message = g_mime_parser_construct_message(parser, options);
	g_object_unref(parser);
	g_object_unref(stream);
	g_mime_parser_options_free(options);
	return message;
}

static bool
is_type(GMimeObject *o, const char *type, const char *subtype)
{
	return g_mime_content_type_is_type(
	    g_mime_object_get_content_type(o), type, subtype);
}

static char *
encoding_of(GMimeObject *o)
{
	const char *v =
	    g_mime_object_get_header(o, "Content-Transfer-Encoding");
	char *word = g_ascii_strdown(v != NULL ? v : "7bit", -1);

	return g_strstrip(word);
}

static bool
is_identity(const char *encoding)
{
	return strcmp(encoding, "7bit") == 0 || strcmp(encoding, "8bit") == 0 ||
	    strcmp(encoding, "binary") == 0;
}

static bool
is_inline(GMimeObject *o)
{
	const char *v = g_mime_object_get_disposition(o);

	return v == NULL || strcasecmp(v, "inline") == 0;
}

static void look_at(struct reading *r, GMimeObject *o, int depth);

/* A related's root; GMime keeps Content-IDs without <>. */
static int
root_of(GMimeMultipart *m)
{
	const char *start =
	    g_mime_object_get_content_type_parameter(GMIME_OBJECT(m), "start");
	GMimeObject *root = NULL;
	char *id;

	if (start != NULL) {
		id = g_mime_utils_decode_message_id(start);
		root = g_mime_multipart_get_subpart_from_content_id(m, id);
		g_free(id);
	}
	return root != NULL ? g_mime_multipart_index_of(m, root) : 0;
}

/* What makes a multipart's frame one that readers could see in two ways. */
static const char *
judge_frame(struct reading *r, GMimeMultipart *m, int depth)
{
	const char *boundary = g_mime_multipart_get_boundary(m);
	int i;

	if (depth == MT_MAX_MIME_DEPTH ||
	    g_mime_multipart_get_count(m) > MT_MAX_MIME_PARTS)
		return "deeper or more than our limits";
	if (boundary == NULL || boundary[0] == '\0')
		return "an empty boundary";
	for (i = 0; i < depth; i++)
		if (strncmp(boundary, r->boundary[i], strlen(boundary)) == 0)
			return "a boundary that begins an outer one";
	r->boundary[depth] = boundary;
	return NULL;
}

static void
look_at_parts(struct reading *r, GMimeMultipart *m, int depth)
{
	GMimeObject *o = GMIME_OBJECT(m);
	int i, n = g_mime_multipart_get_count(m);
	const char *wrong = judge_frame(r, m, depth);

	if (wrong != NULL)
		r->wrong = wrong;
	if (r->wrong != NULL || !is_inline(o))
		return;
	if (is_type(o, "multipart", "related")) {
		if (n > 0)
			look_at(r, g_mime_multipart_get_part(m, root_of(m)),
			    depth + 1);
	} else if (is_type(o, "multipart", "mixed") ||
	    is_type(o, "multipart", "alternative")) {
		for (i = 0; i < n; i++)
			look_at(r, g_mime_multipart_get_part(m, i), depth + 1);
	} else if (is_type(o, "multipart", "signed") ||
	    is_type(o, "multipart", "encrypted") ||
	    is_type(o, "multipart", "report")) {
		r->wrong = "signed, encrypted or a report";
	}
}

static void
look_at(struct reading *r, GMimeObject *o, int depth)
{
	if (GMIME_IS_MULTIPART(o)) {
		look_at_parts(r, GMIME_MULTIPART(o), depth);
	} else if (is_type(o, "message", "partial")) {
		r->wrong = "a fragment";
	} else if (GMIME_IS_PART(o) && is_type(o, "text", "html") &&
	    is_inline(o) && g_mime_part_get_filename(GMIME_PART(o)) == NULL) {
		r->html = GMIME_PART(o);
		r->html_n++;
	}
}

static bool
is_base64(const GByteArray *a)
{
	guint i, n = 0, pads = 0;
	char c;

	for (i = 0; i < a->len; i++) {
		c = (char)a->data[i];
		if (g_ascii_isspace(c))
			continue;
		if (c == '=')
			pads++;
		else if (pads > 0 ||
		    !(g_ascii_isalnum(c) || c == '+' || c == '/'))
			return false;
		n++;
	}
	return n % 4 == 0 && pads <= 2;
}

static bool
is_quoted_printable(const GByteArray *a)
{
	guint i, k;

	for (i = 0; i < a->len; i++) {
		if (a->data[i] != '=')
			continue;
		if (i + 2 < a->len && g_ascii_isxdigit(a->data[i + 1]) &&
		    g_ascii_isxdigit(a->data[i + 2]))
			continue;
		for (k = i + 1; k < a->len && strchr(" \t\r", a->data[k]) &&
		     a->data[k] != '\0';
		     k++)
			;
		if (k < a->len && a->data[k] != '\n')
			return false;
	}
	return true;
}

/* Append what iconv makes of the bytes; false when it cannot. */
static bool
is_text(const char *charset, const char *p, size_t n, struct mt_buf *out)
{
	iconv_t cd = iconv_open("UTF-8", charset);
	char *in, *to;
	size_t in_n = n, to_n = 4 * n + 16;
	bool is = false;

	if (cd == (iconv_t)-1)
		return false;
	memcpy(&in, &p, sizeof(in));
	if (mt_buf_reserve(out, to_n)) {
		to = out->p;
		is = iconv(cd, &in, &in_n, &to, &to_n) != (size_t)-1;
		out->n = (size_t)(to - out->p);
	}
	(void)iconv_close(cd);
	return is;
}

/* Does iconv read these bytes as themselves? */
static bool
holds_ascii(const char *charset)
{
	static const char text[] = "<img src=\"https://a.example/i/0-9_AZaz.gif"
				   "\" alt=''>&#228;;:()!?*\r\n";
	struct mt_buf got;
	bool holds;

	mt_buf_init(&got, 4096);
	holds = is_text(charset, text, sizeof(text), &got) &&
	    mt_str_eq(mt_buf_view(&got), mt_str_n(text, sizeof(text)));
	mt_buf_done(&got);
	return holds;
}

static bool
is_wide(const char *charset)
{
	return g_ascii_strncasecmp(charset, "utf-16", 6) == 0 ||
	    g_ascii_strncasecmp(charset, "utf-32", 6) == 0;
}

static bool
is_shifted(const char *charset)
{
	return g_ascii_strncasecmp(charset, "iso-2022", 8) == 0;
}

/*
 * Sets that are no superset of ASCII have to be what they say. Other state
 * machines than ISO-2022-JP read ASCII as itself, until they are shifted.
 */
static bool
is_known_charset(const char *charset, const GByteArray *text)
{
	struct mt_buf got;
	bool known;

	if (!is_wide(charset) && !is_shifted(charset))
		return holds_ascii(charset);
	mt_buf_init(&got, 4 * (size_t)text->len + 64);
	known = (is_wide(charset) || strcasecmp(charset, "iso-2022-jp") == 0) &&
	    is_text(charset, (const char *)text->data, text->len, &got);
	mt_buf_done(&got);
	return known;
}

static GByteArray *
bytes_of(GMimeDataWrapper *data, bool decoded)
{
	GMimeStream *out = g_mime_stream_mem_new();
	GByteArray *bytes = g_byte_array_new();

	g_mime_stream_mem_set_byte_array(GMIME_STREAM_MEM(out), bytes);
	if (decoded)
		(void)g_mime_data_wrapper_write_to_stream(data, out);
	else
		(void)g_mime_stream_write_to_stream(
		    g_mime_data_wrapper_get_stream(data), out);
	g_object_unref(out);
	return bytes;
}

static bool
holds(const GByteArray *a, const char *text, size_t n)
{
	return a->len > 0 && memmem(a->data, a->len, text, n) != NULL;
}

static const char *
judge_text(const GByteArray *text, const char *charset)
{
	if (text->len == 0)
		return "empty";
	if (holds(text, "-----BEGIN PGP ", 15))
		return "armoured";
	if (!is_wide(charset) && holds(text, "\0", 1))
		return "NUL bytes";
	return NULL;
}

static const char *
judge_leaf(GMimePart *part)
{
	GMimeObject *o = GMIME_OBJECT(part);
	GMimeDataWrapper *data = g_mime_part_get_content(part);
	const char *charset, *wrong = NULL;
	char *encoding = encoding_of(o);
	GByteArray *raw, *text;

	if (data == NULL) {
		g_free(encoding);
		return "empty";
	}
	raw = bytes_of(data, false);
	text = bytes_of(data, true);
	charset = g_mime_object_get_content_type_parameter(o, "charset");
	charset = charset != NULL ? charset : "us-ascii";
	if (!is_identity(encoding) && strcmp(encoding, "base64") != 0 &&
	    strcmp(encoding, "quoted-printable") != 0)
		wrong = "unknown encoding";
	else if ((encoding[0] == 'b' && encoding[1] == 'a' &&
		     !is_base64(raw)) ||
	    (encoding[0] == 'q' && !is_quoted_printable(raw)))
		wrong = "damaged data";
	else if (!is_known_charset(charset, text))
		wrong = "unknown charset";
	else if (is_wide(charset) && is_identity(encoding))
		wrong = "lines that are not bytes";
	else
		wrong = judge_text(text, charset);
	g_byte_array_unref(raw);
	g_byte_array_unref(text);
	g_free(encoding);
	return wrong;
}

const char *
plain_reading(struct mt_str message)
{
	struct reading r = { .wrong = NULL };
	GMimeMessage *m = parse(message, &r);
	GMimeObject *root = m != NULL ? g_mime_message_get_mime_part(m) : NULL;

	if (root == NULL)
		r.wrong = "no message";
	else if (r.wrong == NULL)
		look_at(&r, root, 0);
	if (r.wrong == NULL && r.html_n != 1)
		r.wrong = r.html_n > 1 ? "several HTML parts" : "no HTML part";
	if (r.wrong == NULL)
		r.wrong = judge_leaf(r.html);
	if (m != NULL)
		g_object_unref(m);
	return r.wrong;
}
