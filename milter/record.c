/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/log.h"
#include "message.h"

#define WARN_S 60
/* A batch this large is written; the next goes on with the same offer. */
#define BATCH 1048576

struct recorder {
	struct milter_message *m;
	struct mt_spool_batch batch;
	int64_t at;
	struct mt_str host;
	struct mt_str queue_id;
	bool written; /* the first batch, which has the mark, was tried */
	bool kept; /* and the spool has taken all of it */
};

static void
commit(struct recorder *r)
{
	struct milter_base *base = r->m->site->base;
	struct mt_err err;

	if (r->batch.n + r->batch.refused == 0)
		return;
	if (mt_spool_commit(base->spool, &r->batch, &err) == MT_OK) {
		mt_trouble_good(&base->losing);
	} else {
		if (mt_trouble_on(&base->losing, (int)err.rc))
			mt_log(MT_LOG_ERR,
			    "%s; mail goes on unrecorded, what is lost is "
			    "counted queue_id=%s",
			    err.msg, mt_quote(r->queue_id).s);
		r->kept = r->kept && r->written;
	}
	r->written = true;
}

static void
add(struct recorder *r, enum mt_event id, const void *ev)
{
	struct mt_err err;

	if (mt_spool_batch_add(&r->batch, id, ev, &err) != MT_OK) {
		mt_log_every(WARN_S, MT_LOG_ERR,
		    "%s; mail goes on with an event less queue_id=%s", err.msg,
		    mt_quote(r->queue_id).s);
		r->kept = r->kept && r->written;
	}
	if (r->batch.bytes.n >= BATCH)
		commit(r);
}

/* A text as events have it: absent when empty. */
static struct mt_str
text_of(struct mt_str s)
{
	return s.n > 0 ? s : mt_str(NULL);
}

/* What the client declared counts when we have not seen the whole. */
static uint64_t
size_of(const struct milter_message *m)
{
	return m->skipped && m->declared > m->size ? m->declared : m->size;
}

static void
add_offer(struct recorder *r, const struct milter_client *client)
{
	const struct milter_message *m = r->m;
	struct mt_ev_offer ev = {
		.at = r->at,
		.host = r->host,
		.queue_id = r->queue_id,
		.sender = mt_buf_view(&m->text[TEXT_SENDER]),
		.nrcpt = m->rcpts_n,
		.user = text_of(milter_message_get(m, TEXT_USER)),
		.client = client->ip,
		.client_name = text_of(mt_buf_view(&client->name)),
		.helo = text_of(mt_buf_view(&client->helo)),
		.daemon = text_of(mt_buf_view(&client->daemon)),
		.size = size_of(m),
		.message_id = text_of(milter_message_get(m, TEXT_MESSAGE_ID)),
		.header_from = text_of(milter_message_get(m, TEXT_HEADER_FROM)),
		.subject = text_of(milter_message_get(m, TEXT_SUBJECT)),
		.in_reply_to = text_of(milter_message_get(m, TEXT_IN_REPLY_TO)),
		.mailer = text_of(milter_message_get(m, TEXT_MAILER)),
		.mode = m->decision.mode,
		.level = m->decision.level,
		.rule = text_of(m->decision.rule),
		.request = m->submitted ? m->request : MT_request_absent,
		.reason = m->reason,
		.part = text_of(mt_str(m->markup.part)),
		.encoding = m->markup.encoding,
		.charset = text_of(mt_str(m->markup.charset)),
		.hook = m->hook,
		.extra = text_of(mt_buf_view(&m->said.extra)),
	};

	if (m->marked) {
		ev.mark_at = m->markup.at - m->head.n;
		ev.quoted = m->markup.quoted;
	}
	add(r, MT_EV_offer, &ev);
}

static void
add_rcpts(struct recorder *r)
{
	struct mt_ev_rcpt ev = {
		.at = r->at, .host = r->host, .queue_id = r->queue_id
	};
	const struct mt_policy_rcpt *rcpt;
	size_t i;

	for (i = 0; i < r->m->rcpts_kept; i++) {
		rcpt = &r->m->rcpt[i];
		if (mt_ignore_has(r->m->site->base->ignore, rcpt->address))
			continue;
		ev.rcpt = rcpt->address;
		ev.mode = rcpt->mode;
		ev.rule = text_of(rcpt->rule);
		add(r, MT_EV_rcpt, &ev);
	}
}

static void
add_mark(struct recorder *r)
{
	char hex[MT_TOKEN_HEX + 1];
	struct mt_ev_mark ev = { .at = r->at,
		.host = r->host,
		.queue_id = r->queue_id,
		.mode = r->m->token.mode };

	mt_token_hex(&r->m->token, hex);
	ev.token = mt_str(hex);
	add(r, MT_EV_mark, &ev);
}

bool
milter_record(
    struct milter_message *m, const struct milter_client *client, int64_t at)
{
	struct recorder r = { .m = m,
		.at = at,
		.host = m->site->base->host,
		.queue_id = mt_buf_view(&m->text[TEXT_QUEUE_ID]),
		.kept = true };

	if (m->ignored)
		return true;
	mt_spool_batch_init(&r.batch);
	add_offer(&r, client);
	if (m->marked)
		add_mark(&r);
	add_rcpts(&r);
	commit(&r);
	mt_spool_batch_done(&r.batch);
	return r.kept;
}
