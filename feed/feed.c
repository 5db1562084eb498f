/* SPDX-License-Identifier: BSD-2-Clause */
#include "feed.h"

#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "mailbox.h"
#include "prog/program.h"
#include "server.h"

#define FIXED_FDS 2 /* stop, reload */
#define SUMMARY_MS 60000

/* All that is made of the options. */
struct feed {
	struct feed_taker taker;
	struct feed_server *server; /* NULL: no LMTP */
	struct feed_mailbox *mailbox; /* NULL: no IMAP */
	struct pollfd *fds; /* owned; as many as there may be */
	int64_t summary_ms;
};

static void
end(struct feed *f)
{
	feed_server_free(f->server);
	feed_mailbox_free(f->mailbox);
	feed_taker_done(&f->taker);
	mt_free(f->fds);
	memset(f, 0, sizeof(*f));
}

static enum mt_rc
begin(struct feed *f, struct mt_conf *conf, struct mt_err *err)
{
	if (feed_taker_init(&f->taker, conf, err) != MT_OK ||
	    feed_server_new(&f->taker, &f->server, err) != MT_OK ||
	    feed_mailbox_new(&f->taker, &f->mailbox, err) != MT_OK) {
		end(f);
		return err->rc;
	}
	f->fds = mt_alloc_array(
	    FIXED_FDS + feed_server_most(f->server) + 1, sizeof(*f->fds));
	f->summary_ms = mt_clock_mono_ms();
	return MT_OK;
}

enum mt_rc
feed_setup(struct mt_conf *conf, void **ret_state, struct mt_err *err)
{
	struct feed *f = mt_alloc(sizeof(*f));

	*ret_state = f;
	return begin(f, conf, err);
}

void
feed_done(void *state)
{
	if (state != NULL)
		end(state);
	mt_free(state);
}

/*
 * With new options everything begins anew: clients come again. When they do
 * not work (somebody else listens there), the old ones have to.
 */
static enum mt_rc
reload(struct feed *f, struct mt_err *err)
{
	struct mt_conf *conf = mt_program_reload(), *old;
	enum mt_rc rc;

	if (conf == NULL)
		return MT_OK;
	old = mt_conf_ref(f->taker.conf);
	end(f);
	rc = begin(f, conf, err);
	if (rc != MT_OK) {
		mt_log(
		    MT_LOG_ERR, "%s; keeping the old configuration", err->msg);
		rc = begin(f, old, err);
	}
	mt_conf_unref(old);
	mt_conf_unref(conf);
	return rc;
}

static int
timeout_ms(const struct feed *f, int64_t now)
{
	int64_t due = f->summary_ms + SUMMARY_MS;

	if (feed_server_due_ms(f->server) < due)
		due = feed_server_due_ms(f->server);
	if (feed_mailbox_due_ms(f->mailbox) < due)
		due = feed_mailbox_due_ms(f->mailbox);
	return due > now ? (int)(due - now) : 0;
}

static void
wait_and_work(struct feed *f)
{
	size_t n = FIXED_FDS, served;

	f->fds[0] = (struct pollfd){ .fd = mt_stop_fd(), .events = POLLIN };
	f->fds[1] = (struct pollfd){ .fd = mt_reload_fd(), .events = POLLIN };
	served = feed_server_wants(f->server, f->fds + n);
	n += served;
	n += feed_mailbox_wants(f->mailbox, f->fds + n);
	feed_mailbox_wait(
	    f->mailbox, f->fds, n, timeout_ms(f, mt_clock_mono_ms()));
	if (mt_stopping())
		return;
	feed_server_work(f->server, f->fds + FIXED_FDS, mt_clock_mono_ms());
	feed_mailbox_work(f->mailbox, mt_clock_mono_ms());
}

enum mt_rc
feed_run(void *state, struct mt_err *err)
{
	struct feed *f = state;

	while (!mt_stopping()) {
		if (mt_reloading() && reload(f, err) != MT_OK)
			return err->rc;
		wait_and_work(f);
		if (mt_clock_mono_ms() >= f->summary_ms + SUMMARY_MS) {
			feed_taker_summarize(&f->taker);
			f->summary_ms = mt_clock_mono_ms();
		}
	}
	return MT_OK;
}
