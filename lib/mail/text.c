/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>

#include "base/limits.h"
#include "mail/splice.h"
#include "mail/text.h"

struct mt_str
mt_text_eol(struct mt_str s)
{
	const char *p = s.n > 0 ? memchr(s.p, '\n', s.n) : NULL;

	if (p == NULL)
		return mt_str(NULL);
	return p > s.p && p[-1] == '\r' ? MT_LIT("\r\n") : MT_LIT("\n");
}

bool
mt_encoding_coded(enum mt_encoding encoding)
{
	return encoding == MT_encoding_base64 ||
	    encoding == MT_encoding_quoted_printable;
}

/* PGP's armour, found by its first G: few letters are as rare in text. */
static bool
has_armour(struct mt_str text)
{
	static const char armour[] = "-----BEGIN PGP ";
	const size_t n = sizeof(armour) - 1, before = sizeof("-----BE") - 1;
	const char *p, *end = text.p + text.n;

	if (text.n < n)
		return false;
	end -= n - before - 1; /* of where its G can be */
	for (p = text.p + before; p < end; p++) {
		if ((p = memchr(p, 'G', (size_t)(end - p))) == NULL)
			return false;
		if (memcmp(p - before, armour, n) == 0)
			return true;
	}
	return false;
}

/* UTF-16 and ISO-2022 under another name. */
static bool
is_disguised(struct mt_str text)
{
	return text.n > 0 &&
	    (memchr(text.p, '\0', text.n) != NULL ||
		memchr(text.p, '\033', text.n) != NULL);
}

static enum mt_reason
decode(const struct mt_leaf *leaf, struct mt_str encoded, struct mt_text *t)
{
	enum mt_rc rc =
	    mt_transfer_decode(leaf->encoding, encoded, &t->decoded);

	if (rc != MT_OK)
		return rc == MT_LIMIT ? MT_reason_too_large
				      : MT_reason_encoding;
	t->bytes = mt_encoding_coded(leaf->encoding) ? mt_buf_view(&t->decoded)
						     : encoded;
	return MT_reason_done;
}

static enum mt_reason
flatten(const struct mt_leaf *leaf, struct mt_text *t)
{
	t->flat = t->bytes;
	if (t->cs.family == MT_CHARSET_ASCII)
		return is_disguised(t->bytes) ? MT_reason_charset
					      : MT_reason_done;
	/* Lines are bytes outside base64 and quoted-printable: RFC 2046 4.1.1.
	 */
	if (t->cs.family == MT_CHARSET_WIDE &&
	    !mt_encoding_coded(leaf->encoding))
		return MT_reason_charset;
	if (mt_charset_flatten(&t->cs, t->bytes, &t->flattened) != MT_OK)
		return MT_reason_charset;
	t->flat = mt_buf_view(&t->flattened);
	return MT_reason_done;
}

enum mt_reason
mt_text_read(
    const struct mt_leaf *leaf, struct mt_str body, struct mt_text *ret_text)
{
	struct mt_str encoded =
	    mt_str_n(body.p + leaf->at, leaf->end - leaf->at);
	enum mt_reason reason;

	ret_text->cs = mt_charset_find(mt_str(leaf->charset));
	ret_text->bytes = ret_text->flat = MT_LIT("");
	mt_buf_init(&ret_text->decoded, MT_MAX_HTML);
	mt_buf_init(&ret_text->flattened, MT_MAX_HTML);
	if (leaf->encoding == MT_encoding_absent)
		return MT_reason_encoding;
	if (ret_text->cs.family == MT_CHARSET_NONE)
		return MT_reason_charset;
	if (leaf->hidden)
		return MT_reason_malformed;
	reason = decode(leaf, encoded, ret_text);
	if (reason == MT_reason_done)
		reason = flatten(leaf, ret_text);
	if (reason == MT_reason_done && has_armour(ret_text->flat))
		reason = MT_reason_armour;
	return reason;
}

void
mt_text_done(struct mt_text *t)
{
	mt_buf_done(&t->decoded);
	mt_buf_done(&t->flattened);
}
