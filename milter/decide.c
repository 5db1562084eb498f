/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>

#include "base/mem.h"
#include "mail/header.h"
#include "message.h"

/* The recipients as the cascade wants them. */
static void
list_recipients(struct milter_message *m)
{
	const char *p = m->rcpts.p;
	size_t i;

	m->rcpt = mt_alloc_array(m->rcpts_kept + 1, sizeof(m->rcpt[0]));
	for (i = 0; i < m->rcpts_kept; i++) {
		m->rcpt[i].address = mt_str(p);
		p += m->rcpt[i].address.n + 1;
	}
}

/* Does the message carry a mark of ours, made for this Message-ID? */
static bool
has_mark(const struct milter_message *m)
{
	struct mt_str line, rest = mt_buf_view(&m->marks);

	while (m->site->keys != NULL && rest.n > 0) {
		(void)mt_str_cut(rest, '\n', &line, &rest);
		if (mt_mark_check(m->site->keys,
			milter_message_get(m, TEXT_MESSAGE_ID), line, NULL))
			return true;
	}
	return false;
}

/*
 * A header that speaks of neither HTML nor parts is enough to say why not;
 * markup itself says it, from the header and no body.
 */
static enum mt_reason
refuse_by_head(const struct milter_message *m)
{
	struct mt_markup_in in = { .head = mt_buf_view(&m->head),
		.body = MT_LIT(""),
		.url = MT_LIT("https://example.org/") };
	struct mt_markup markup;
	struct mt_header type;
	struct mt_buf word;
	enum mt_reason reason;
	bool candidate = false;

	mt_buf_init(&word, 256);
	if (mt_header_find(in.head, "Content-Type", &type) &&
	    mt_header_word(type.value, &word))
		candidate = mt_str_eqz(mt_buf_view(&word), "text/html") ||
		    mt_str_starts(mt_buf_view(&word), "multipart/");
	mt_buf_done(&word);
	if (candidate)
		return MT_reason_absent;
	mt_markup_make(&in, &markup);
	reason = markup.reason;
	mt_markup_done(&markup);
	return reason == MT_reason_done ? MT_reason_absent : reason;
}

/* Absent: nothing speaks against a mark yet. */
static enum mt_reason
first_reason(const struct milter_message *m, bool can_edit)
{
	if (m->decision.mode == MT_mode_off)
		return MT_reason_off;
	if (!can_edit)
		return MT_reason_failed;
	if (m->site->keys == NULL)
		return MT_reason_key_missing;
	if (has_mark(m))
		return MT_reason_already_marked;
	if (milter_message_pixel_url(m).n == 0)
		return MT_reason_url_missing;
	if (m->others_sign)
		return MT_reason_dkim;
	if (mt_buf_over(&m->head))
		return MT_reason_too_large;
	return refuse_by_head(m);
}

/* The policy has decided; the hook may have the last word, or nearly. */
static void
ask_hook(struct milter_message *m, const struct milter_client *client,
    struct mt_policy_in *in)
{
	const struct milter_base *base = m->site->base;
	const struct milter_said *said = &m->said;

	if (base->options->hook.n == 0)
		return;
	m->hook = MT_hook_failed;
	if (base->hook != NULL)
		m->hook = milter_hook_ask(base->hook, m, client, &m->said);
	if (said->mode != MT_mode_absent) {
		in->hook = said->mode;
		in->hook_sets = said->sets;
		mt_policy_decide(m->policy, in, &m->decision);
	}
	if (said->noticed)
		m->decision.notice = mt_buf_view(&said->notice);
	if (said->notice_plain != MT_answer_absent)
		m->decision.notice_plain = said->notice_plain;
	if (said->quoted != MT_quotes_absent)
		m->decision.quoted = said->quoted;
}

/* The sender, or each and every recipient, is to leave no trace. */
static bool
is_ignored(const struct milter_message *m)
{
	const struct mt_ignore *ignore = m->site->base->ignore;
	size_t i;

	if (mt_ignore_has(ignore, milter_message_get(m, TEXT_SENDER)))
		return true;
	if (ignore == NULL || m->rcpts_n == 0 || m->rcpts_kept < m->rcpts_n)
		return false;
	for (i = 0; i < m->rcpts_kept; i++)
		if (!mt_ignore_has(ignore, m->rcpt[i].address))
			return false;
	return true;
}

void
milter_decide(
    struct milter_message *m, const struct milter_client *client, bool can_edit)
{
	struct mt_policy_in in = { .rcpts_n = m->rcpts_kept };

	m->submitted = milter_origin_ours(m->site->base->origin,
	    milter_message_get(m, TEXT_USER), mt_buf_view(&client->daemon),
	    &client->ip);
	m->policy = milter_site_policy(m->site);
	list_recipients(m);
	in.sender = milter_message_get(m, TEXT_SENDER);
	in.user = milter_message_get(m, TEXT_USER);
	in.submitted = m->submitted;
	in.request = m->request;
	in.rcpts = m->rcpt;
	mt_policy_decide(m->policy, &in, &m->decision);
	ask_hook(m, client, &in);
	if (m->rcpts_kept < m->rcpts_n && m->decision.mode != MT_mode_off) {
		/* Some could not be asked; one of them may have refused. */
		m->decision.mode = MT_mode_off;
		m->decision.level = MT_level_recipient;
		m->decision.rule = mt_str(NULL);
	}
	m->ignored = is_ignored(m);
	if (m->ignored)
		m->decision.mode = MT_mode_off;
	m->reason = first_reason(m, can_edit);
}
