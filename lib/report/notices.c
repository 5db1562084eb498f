/* SPDX-License-Identifier: BSD-2-Clause */
#include "report/notices.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "token/mac.h"

#define BATCH 262144 /* bytes of events in one write */

/* No secret: it only makes these hashes others than those of anything else. */
static const uint8_t key[MT_MAC_KEY] = "mailtrail report";

static void
write_hash(struct mt_notices *n, struct mt_str message)
{
	struct mt_mac *mac = mt_mac_new(key);
	uint8_t sum[MT_MAC_SUM];
	struct mt_buf identity;
	struct mt_str text;
	size_t i;

	/* It is made of pieces of the message, and a few line ends. */
	mt_buf_init(&identity, 2 * message.n + 64);
	mt_report_identity(&n->report, &identity);
	text = mt_buf_view(&identity);
	mt_mac_sum(mac, &text, 1, sum);
	for (i = 0; i < MT_NOTICES_HASH / 2; i++)
		(void)snprintf(n->hash + 2 * i, 3, "%02x", (unsigned)sum[i]);
	mt_buf_done(&identity);
	mt_mac_free(mac);
}

enum mt_rc
mt_notices_read(const struct mt_notices_site *site, struct mt_str message,
    int64_t now, struct mt_notices *ret_notices, struct mt_err *err)
{
	struct mt_str names = site->names.n > 0 ? site->names : site->host;
	enum mt_rc rc;

	rc = mt_report_read(message, names, &ret_notices->report, err);
	if (rc != MT_OK)
		return rc;
	ret_notices->host = site->host;
	ret_notices->at = ret_notices->report.at;
	if (ret_notices->at == 0 || ret_notices->at > now + MT_DAY)
		ret_notices->at = now;
	write_hash(ret_notices, message);
	return MT_OK;
}

void
mt_notices_done(struct mt_notices *notices)
{
	mt_report_done(&notices->report);
}

/* A text as events have it: absent when empty. */
static struct mt_str
text_of(struct mt_str s)
{
	return s.n > 0 ? s : mt_str(NULL);
}

struct mt_ev_notice
mt_notices_get(const struct mt_notices *notices, size_t i)
{
	const struct mt_report *r = &notices->report;
	const struct mt_report_rcpt *rcpt = &r->rcpts[i];

	return (struct mt_ev_notice){
		.at = notices->at,
		.host = notices->host,
		.report = mt_str(notices->hash),
		.ordinal = i,
		.kind = rcpt->kind,
		.rcpt = text_of(rcpt->rcpt),
		.orig_to = text_of(rcpt->orig_to),
		.sender = r->sender,
		.message_id = text_of(r->message_id),
		.queue_id = text_of(r->queue_id),
		.envelope_id = text_of(r->envelope_id),
		.dsn = text_of(rcpt->dsn),
		.reporter = text_of(r->reporter),
		.remote = text_of(rcpt->remote),
		.feedback = text_of(r->feedback),
		.agent = text_of(r->agent),
		.text = text_of(rcpt->text),
	};
}

enum mt_rc
mt_notices_put(const struct mt_notices *notices, struct mt_spool *spool,
    struct mt_err *err)
{
	struct mt_spool_batch batch;
	struct mt_ev_notice ev;
	enum mt_rc rc = MT_OK;
	size_t i;

	mt_spool_batch_init(&batch);
	for (i = 0; i < notices->report.n && rc == MT_OK; i++) {
		ev = mt_notices_get(notices, i);
		rc = mt_spool_batch_add(&batch, MT_EV_notice, &ev, err);
		if (rc == MT_OK &&
		    (batch.bytes.n >= BATCH || i + 1 == notices->report.n))
			rc = mt_spool_try(spool, &batch, err);
	}
	mt_spool_batch_done(&batch);
	return rc;
}

enum mt_rc
mt_notices_take(const struct mt_notices_site *site, struct mt_spool *spool,
    struct mt_str message, int64_t now, struct mt_notices_outcome *ret_outcome,
    struct mt_err *err)
{
	struct mt_notices_outcome outcome = { .notices = 0 };
	struct mt_notices notices;
	enum mt_rc rc = MT_OK;

	if (mt_notices_read(site, message, now, &notices, &outcome.why) ==
	    MT_OK) {
		outcome.notices = notices.report.n;
		memcpy(outcome.hash, notices.hash, sizeof(outcome.hash));
		rc = mt_notices_put(&notices, spool, err);
		mt_notices_done(&notices);
	}
	if (rc == MT_OK)
		*ret_outcome = outcome;
	return rc;
}
