/* SPDX-License-Identifier: BSD-2-Clause */
#include "mark.h"

#include "base/limits.h"
#include "base/log.h"
#include "base/mem.h"
#include "wire.h"

#define WARN_S 60
#define HEADERS_ROOM 65536 /* of packets beside the body */

/* <pixel_url>/i/<token>.gif */
static void
write_url(const struct milter_message *m, const char *token, struct mt_buf *out)
{
	struct mt_str base = milter_message_pixel_url(m);

	while (base.n > 0 && base.p[base.n - 1] == '/')
		base.n--;
	mt_buf_str(out, base);
	mt_buf_printf(out, "/i/%s.gif", token);
}

/* For markup, which finds what looks like a token of ours. */
static bool
is_ours(void *arg, struct mt_str text)
{
	const struct milter_message *m = arg;
	struct mt_token token;

	return mt_token_check(m->site->keys, text, &token);
}

static bool
make_token(struct milter_message *m, char *text)
{
	struct mt_err err;

	if (mt_token_make(m->site->keys, m->decision.mode, &m->token, &err) ==
		MT_OK &&
	    mt_token_write(m->site->keys, &m->token, text))
		return true;
	mt_log_every(WARN_S, MT_LOG_ERR, "no token: %s; marking nothing",
	    err.rc != MT_OK ? err.msg : "the key is gone");
	return false;
}

void
milter_mark(struct milter_message *m)
{
	struct mt_markup_in in = { .head = mt_buf_view(&m->head),
		.body = mt_buf_view(&m->body),
		.notice = milter_message_notice(m),
		.notice_plain = milter_message_notice_plain(m),
		.max = m->site->base->options->message_max };
	char token[MT_TOKEN_TEXT + 1];
	struct mt_buf url;

	if (milter_message_quoted(m) == MT_quotes_remove) {
		in.is_ours = is_ours;
		in.is_ours_arg = m;
	}
	if (!make_token(m, token)) {
		m->reason = MT_reason_key_missing;
		return;
	}
	mt_buf_init(&url, MT_MAX_URL);
	write_url(m, token, &url);
	if (mt_buf_over(&url)) {
		m->reason = MT_reason_url_missing;
	} else {
		in.url = mt_buf_view(&url);
		mt_markup_make(&in, &m->markup);
		m->reason = m->markup.reason;
	}
	mt_buf_done(&url);
	m->marked = m->reason == MT_reason_done;
}

/* From the last to the first, so that none is renumbered. */
static bool
remove_requests(SMFICTX *ctx, const struct milter_message *m)
{
	char name[] = REQUEST_HEADER;
	unsigned i;

	for (i = m->requests; i > 0; i--)
		if (smfi_chgheader(ctx, name, (int)i, NULL) != MI_SUCCESS)
			return false;
	return true;
}

static bool
replace_body(SMFICTX *ctx, const struct milter_message *m)
{
	struct mt_str piece;
	size_t i;

	for (i = 0;
	     mt_markup_piece(&m->markup, mt_buf_view(&m->body), i, &piece); i++)
		if (piece.n > 0 &&
		    smfi_replacebody(ctx, mt_unconst(piece.p), (int)piece.n) !=
			MI_SUCCESS)
			return false;
	return true;
}

static bool
add_mark_header(
    SMFICTX *ctx, const struct milter_message *m, bool leading_space)
{
	char name[] = MT_MARK_HEADER;
	char value[1 + MT_MARK_TEXT + 1];

	value[0] = ' ';
	mt_mark_make(m->site->keys, &m->token,
	    milter_message_get(m, TEXT_MESSAGE_ID), value + 1);
	return smfi_addheader(ctx, name, leading_space ? value : value + 1) ==
	    MI_SUCCESS;
}

/* Room for everything held; pieces are cut into packets and joined again. */
static size_t
room(const struct milter_message *m)
{
	size_t n = HEADERS_ROOM + m->body.n, i;

	for (i = 0; m->marked && i < m->markup.edits_n; i++)
		n += m->markup.edits[i].insert.n;
	return n;
}

/*
 * Headers go first: Postfix takes new body chunks only in one row, and the
 * wire keeps the end of the body and what follows it together.
 */
void
milter_apply(SMFICTX *ctx, struct milter_message *m, bool leading_space)
{
	bool clean = !m->submitted || m->requests == 0;

	if (clean && !m->marked)
		return;
	if (m->marked && !milter_wire_ready()) {
		mt_log_every(WARN_S, MT_LOG_ERR,
		    "this libmilter sends changes piece by piece, which is not "
		    "safe; marking nothing");
		m->marked = false;
		m->reason = MT_reason_failed;
	}
	milter_wire_hold(room(m));
	if ((clean || remove_requests(ctx, m)) &&
	    (!m->marked ||
		(replace_body(ctx, m) &&
		    add_mark_header(ctx, m, leading_space))))
		return;
	milter_wire_drop();
	if (m->marked)
		m->reason = MT_reason_failed;
	m->marked = false;
}

void
milter_unmark(SMFICTX *ctx, struct milter_message *m, bool leading_space)
{
	milter_wire_drop();
	m->marked = false;
	milter_apply(ctx, m, leading_space);
}
