/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>

#include "mail/entity.h"
#include "mail/header.h"

#define MAX_WORD 128 /* "type/subtype", a disposition, an encoding */

/* The fields that matter, as found in one block. */
enum field { TYPE, ENCODING, DISPOSITION, ID, FIELDS_N };

static const char *const names[FIELDS_N] = { "Content-Type",
	"Content-Transfer-Encoding", "Content-Disposition", "Content-ID" };

struct fields {
	struct mt_str value[FIELDS_N]; /* absent: not there */
	bool bad[FIELDS_N];
};

/*
 * Which word of Content-Type means what; the first that fits. A subtype "*"
 * is any.
 */
static const struct {
	const char *type;
	enum mt_entity_kind kind;
} kinds[] = {
	{ "text/plain", MT_ENTITY_TEXT },
	{ "text/html", MT_ENTITY_HTML },
	{ "multipart/mixed", MT_ENTITY_MIXED },
	{ "multipart/alternative", MT_ENTITY_ALTERNATIVE },
	{ "multipart/related", MT_ENTITY_RELATED },
	{ "multipart/signed", MT_ENTITY_SIGNED },
	{ "multipart/encrypted", MT_ENTITY_ENCRYPTED },
	{ "multipart/report", MT_ENTITY_REPORT },
	{ "message/rfc822", MT_ENTITY_MESSAGE },
	{ "message/global", MT_ENTITY_MESSAGE },
	{ "message/news", MT_ENTITY_MESSAGE },
	{ "message/partial", MT_ENTITY_PARTIAL },
	{ "message/external-body", MT_ENTITY_PARTIAL },
	{ "application/pkcs7-mime", MT_ENTITY_ENCRYPTED },
	{ "application/x-pkcs7-mime", MT_ENTITY_ENCRYPTED },
	{ "application/pgp-encrypted", MT_ENTITY_ENCRYPTED },
	{ "application/pgp", MT_ENTITY_ENCRYPTED },
};

static void
read_fields(struct mt_str block, struct fields *f)
{
	struct mt_header_iter it = { .block = block };
	struct mt_header h;
	size_t i;

	*f = (struct fields){ .bad = { false } };
	/* Who makes the mark a part of the first name loses that field only. */
	if (mt_str_starts(block, "\xef\xbb\xbf"))
		it.block = mt_str_n(block.p + 3, block.n - 3);
	for (; mt_header_next(&it, &h); it.blank = false) {
		for (i = 0; i < FIELDS_N; i++)
			if (mt_str_eqz_nocase(h.name, names[i]))
				break;
		if (i == FIELDS_N)
			continue;
		/* Given twice, or where some see no header any more. */
		if (f->value[i].p != NULL || h.spaced || it.junk)
			f->bad[i] = true;
		/*
		 * Who ends the header at a blank fold above sees plain text,
		 * and so the HTML as it is written; in the field itself he may
		 * see half of it.
		 */
		if (it.blank)
			f->bad[i] = true;
		f->value[i] = h.value;
	}
}

static struct mt_str
word_of(struct mt_str value, struct mt_buf *word)
{
	mt_buf_reset(word);
	if (!mt_header_word(value, word))
		return (struct mt_str){ NULL, 0 };
	return mt_buf_view(word);
}

/* The parameter as a C string; false when it is BAD or holds a NUL. */
static bool
read_text(struct mt_str value, const char *name, char *out, size_t size)
{
	struct mt_buf text;
	bool ok;

	mt_buf_init(&text, size - 1);
	ok = mt_header_param(value, name, &text) != MT_PARAM_BAD &&
	    memchr(text.p, '\0', text.n) == NULL;
	memcpy(out, ok ? text.p : "", ok ? text.n + 1 : 1);
	mt_buf_done(&text);
	return ok;
}

/* Is there a file name? One that cannot be read is one too. */
static bool
has_name(struct mt_str value, const char *name)
{
	struct mt_buf text;
	enum mt_param got;
	bool has;

	mt_buf_init(&text, MAX_WORD);
	got = mt_header_param(value, name, &text);
	has = got == MT_PARAM_BAD || text.n > 0;
	mt_buf_done(&text);
	return has;
}

static void
read_multi(struct mt_str value, struct mt_entity *e)
{
	size_t n;

	e->multi = true;
	if (!read_text(value, "boundary", e->boundary, sizeof(e->boundary)) ||
	    !read_text(value, "start", e->start, sizeof(e->start)))
		e->bad = true;
	n = strlen(e->boundary);
	/* RFC 2046: not empty, no white space at its end, no line end. */
	if (n == 0 || mt_is_space(e->boundary[n - 1]) ||
	    strpbrk(e->boundary, "\r\n") != NULL)
		e->bad = true;
}

static void
read_charset(struct mt_str value, struct mt_entity *e)
{
	size_t i;

	if (!read_text(value, "charset", e->charset, sizeof(e->charset)))
		return;
	if (e->charset[0] == '\0')
		memcpy(e->charset, "us-ascii", sizeof("us-ascii"));
	for (i = 0; e->charset[i] != '\0'; i++) {
		e->charset[i] = mt_lower(e->charset[i]);
		/* It is shown to people and stored: no foreign bytes. */
		if (e->charset[i] <= ' ' || e->charset[i] > '~')
			e->charset[0] = '\0';
	}
}

static enum mt_entity_kind
find_kind(struct mt_str word, struct mt_str value)
{
	struct mt_buf type;
	bool is_signed;
	size_t i;

	for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (mt_str_eqz(word, kinds[i].type))
			break;
	if (i == sizeof(kinds) / sizeof(kinds[0]))
		return mt_str_starts(word, "multipart/") ? MT_ENTITY_MULTI
							 : MT_ENTITY_OTHER;
	if (mt_str_starts(word, "application/")) {
		mt_buf_init(&type, MAX_WORD);
		is_signed = mt_header_param(value, "smime-type", &type) ==
			MT_PARAM_OK &&
		    mt_str_eqz_nocase(mt_buf_view(&type), "signed-data");
		mt_buf_done(&type);
		return is_signed ? MT_ENTITY_SIGNED : MT_ENTITY_ENCRYPTED;
	}
	return kinds[i].kind;
}

static void
read_type(const struct fields *f, struct mt_entity *e, struct mt_buf *buf)
{
	struct mt_str value = f->value[TYPE], word;

	e->bad = f->bad[TYPE];
	memcpy(e->charset, "us-ascii", sizeof("us-ascii"));
	if (value.p == NULL)
		return;
	word = word_of(value, buf);
	if (word.p == NULL) {
		e->bad = true;
		return;
	}
	/* "text" of RFC 1049 and the like: RFC 2045 5.2 says plain text. */
	if (memchr(word.p, '/', word.n) == NULL) {
		e->bad = e->bad || mt_str_starts(word, "multipart") ||
		    mt_str_starts(word, "message");
		return;
	}
	e->kind = find_kind(word, value);
	e->named = has_name(value, "name");
	if (mt_str_starts(word, "multipart/"))
		read_multi(value, e);
	else if (e->kind == MT_ENTITY_HTML || e->kind == MT_ENTITY_TEXT)
		read_charset(value, e);
}

static void
read_encoding(const struct fields *f, struct mt_entity *e, struct mt_buf *buf)
{
	struct mt_str word;

	e->encoding = MT_encoding_sevenbit;
	if (f->value[ENCODING].p == NULL)
		return;
	word = word_of(f->value[ENCODING], buf);
	e->encoding = MT_encoding_absent;
	if (!f->bad[ENCODING] && word.p != NULL)
		e->encoding = mt_word_find(mt_words_encoding, word);
}

static void
read_disposition(
    const struct fields *f, struct mt_entity *e, struct mt_buf *buf)
{
	struct mt_str word, value = f->value[DISPOSITION];

	if (value.p == NULL)
		return;
	word = word_of(value, buf);
	e->attached = f->bad[DISPOSITION] || word.p == NULL ||
	    !mt_str_eqz(word, "inline");
	e->named = e->named || has_name(value, "filename");
}

void
mt_entity_read(struct mt_str block, struct mt_entity *ret_e)
{
	struct fields f;
	struct mt_buf word;

	*ret_e = (struct mt_entity){ .kind = MT_ENTITY_TEXT };
	mt_buf_init(&word, MAX_WORD);
	read_fields(block, &f);
	read_type(&f, ret_e, &word);
	read_encoding(&f, ret_e, &word);
	read_disposition(&f, ret_e, &word);
	if (f.value[ID].p != NULL)
		ret_e->id = mt_str_trim(f.value[ID]);
	mt_buf_done(&word);
}
