/* SPDX-License-Identifier: BSD-2-Clause */
#include "taker.h"

#include <inttypes.h>

#include "base/clock.h"
#include "base/log.h"
#include "prog/program.h"

enum mt_rc
feed_taker_init(struct feed_taker *t, struct mt_conf *conf, struct mt_err *err)
{
	const struct feed_options *o = mt_conf_values(conf);
	const struct mt_spool_options spool = { .dir = o->spool_dir,
		.max = o->spool_max,
		.segment = o->spool_segment,
		.sync = (enum mt_sync)o->spool_sync };
	struct mt_err why;

	*t = (struct feed_taker){ .spool = NULL };
	if (mt_spool_open(&spool, &t->spool, err) != MT_OK)
		return err->rc;
	if (mt_spool_check(t->spool, &why) != MT_OK)
		mt_log(MT_LOG_WARNING, "%s; reports wait at the mail server",
		    why.msg);
	t->conf = mt_conf_ref(conf);
	t->o = o;
	t->site.host = mt_program_host(o->host);
	t->site.names = o->feed_names;
	mt_trouble_init(&t->trouble);
	return MT_OK;
}

void
feed_taker_done(struct feed_taker *t)
{
	if (t->conf == NULL)
		return;
	feed_taker_summarize(t);
	mt_trouble_done(&t->trouble);
	mt_spool_close(t->spool);
	mt_conf_unref(t->conf);
	t->conf = NULL;
}

static void
note_trouble(struct feed_taker *t, enum mt_rc rc, const char *what)
{
	struct mt_trouble_was was;

	if (rc != MT_OK) {
		if (mt_trouble_on(&t->trouble, (int)rc))
			mt_log(MT_LOG_ERR,
			    "%s; reports wait at the mail server", what);
		return;
	}
	mt_trouble_good(&t->trouble);
	if (mt_trouble_over(&t->trouble, &was))
		mt_log(MT_LOG_INFO,
		    "the spool takes reports again after s=%u failures=%u",
		    was.seconds, was.count);
}

enum mt_rc
feed_take(struct feed_taker *t, const char *via, struct mt_str message,
    struct mt_notices_outcome *ret_outcome, struct mt_err *err)
{
	enum mt_rc rc;

	rc = mt_notices_take(
	    &t->site, t->spool, message, mt_clock_now(), ret_outcome, err);
	if (rc != MT_OK) {
		note_trouble(t, rc, err->msg);
		return rc;
	}
	if (ret_outcome->notices == 0) {
		t->others++;
		/* A damaged one may be of use to a person. */
		mt_log(ret_outcome->why.rc == MT_ABSENT ? MT_LOG_DEBUG
							: MT_LOG_INFO,
		    "report: %s; passing it over via=%s bytes=%zu",
		    ret_outcome->why.msg, via, message.n);
		return MT_OK;
	}
	note_trouble(t, MT_OK, NULL);
	t->reports++;
	t->notices += ret_outcome->notices;
	mt_log(MT_LOG_DEBUG, "taken report=%s notices=%zu via=%s",
	    ret_outcome->hash, ret_outcome->notices, via);
	return MT_OK;
}

void
feed_taker_summarize(struct feed_taker *t)
{
	if (t->reports + t->others > 0)
		mt_log(MT_LOG_INFO,
		    "taken reports=%" PRIu64 " notices=%" PRIu64
		    " others=%" PRIu64,
		    t->reports, t->notices, t->others);
	t->reports = t->notices = t->others = 0;
}
