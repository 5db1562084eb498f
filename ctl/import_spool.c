/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <sysexits.h>

#include "base/clock.h"
#include "base/mem.h"
#include "import.h"
#include "prog/program.h"
#include "spool/stat.h"
#include "spool/watch.h"
#include "text.h"

#define BATCH (256u << 10) /* bytes of one append, or a part of the share: */
#define BATCH_SHARE 8
#define LOOK_AGAIN 32 /* others append, too: looks for each share */
#define WAIT_MS 1000

enum mt_rc
import_spool_open(struct import *in, struct mt_err *err)
{
	const struct ctl_options *o = in->c->o;
	const struct mt_spool_options options = {
		.dir = o->spool_dir,
		.max = o->spool_max,
		.segment = o->spool_segment,
		.sync = (enum mt_sync)o->spool_sync,
	};

	mt_spool_batch_init(&in->batch);
	if (in->dry)
		return MT_OK;
	in->dir = mt_str_dup(o->spool_dir);
	in->share = o->spool_max / 2;
	in->unseen = in->share; /* look before the first append */
	if (mt_spool_open(&options, &in->spool, err) != MT_OK)
		return err->rc;
	/* One that is full will have room again. */
	if (mt_spool_check(in->spool, err) == MT_OK || err->rc == MT_LIMIT)
		return MT_OK;
	in->c->exit = EX_IOERR;
	return err->rc;
}

void
import_spool_close(struct import *in)
{
	mt_spool_batch_done(&in->batch);
	mt_spool_close(in->spool);
	in->spool = NULL;
	mt_free(in->dir);
	in->dir = NULL;
}

enum mt_rc
import_spool_take(
    void *arg, enum mt_event id, const void *ev, struct mt_err *err)
{
	struct import *in = arg;

	in->events[id]++;
	if (!in->dry && mt_spool_batch_add(&in->batch, id, ev, err) != MT_OK)
		in->left_out++;
	return MT_OK;
}

bool
import_spool_due(const struct import *in)
{
	const uint64_t n = in->batch.bytes.n;

	return n >= BATCH || (!in->dry && n >= in->share / BATCH_SHARE);
}

/*
 * Is it all stored already? Then what the spool still holds are segments that
 * someone has open; waiting for those to go would be waiting for ourselves.
 */
static bool
is_stored(const struct mt_spool_stat *stat)
{
	size_t i;

	for (i = 0; i < stat->n; i++)
		if (stat->endpoints[i].unsent + stat->endpoints[i].unacked > 0)
			return false;
	return stat->n > 0;
}

static enum mt_rc
has_room(struct import *in, bool *ret_room, struct mt_err *err)
{
	const uint64_t n = in->batch.bytes.n;
	struct mt_spool_stat stat;

	*ret_room = true;
	if (in->unseen < in->share / LOOK_AGAIN && in->used + n <= in->share)
		return MT_OK;
	if (mt_spool_stat_read(in->dir, &stat, err) != MT_OK)
		return err->rc;
	in->used = stat.bytes;
	in->unseen = 0;
	*ret_room = in->used + n <= in->share || is_stored(&stat);
	mt_spool_stat_done(&stat);
	return MT_OK;
}

static void
tell_once(struct import *in)
{
	struct mt_buf used;

	if (in->told || mt_spool_served(in->dir))
		return;
	in->told = true;
	import_say_nothing(in);
	mt_buf_init(&used, 64);
	ctl_bytes(in->used, &used);
	(void)fprintf(stderr,
	    "mailtrail import: %s are in the spool, half of spool_max is for "
	    "the import: waiting for mailtrail-ship, which does not run\n",
	    used.p);
	mt_buf_done(&used);
}

/* Take what happened; true: others have appended, which is no news to us. */
static bool
only_grown(struct mt_watch *watch)
{
	enum mt_watch_event what;
	bool only = true;
	uint64_t ignored;

	while ((what = mt_watch_next(watch, &ignored)) != MT_WATCH_NOTHING)
		only = only && what == MT_WATCH_GROWN;
	return only;
}

/*
 * Until segments come or go, or for a while: what was stored of one that is
 * still there is only in the shipper's state.
 */
static void
wait_a_turn(struct import *in, struct mt_watch *watch)
{
	const int64_t end = mt_clock_mono_ms() + WAIT_MS;
	struct pollfd fds[2] = {
		{ .fd = mt_stop_fd(), .events = POLLIN },
		{ .fd = watch->fd, .events = POLLIN },
	};
	struct mt_err ignored;
	int64_t left;

	/* Without it we only look from time to time. */
	if (watch->fd < 0 && mt_watch_init(watch, in->dir, &ignored) == MT_OK)
		fds[1].fd = watch->fd;
	in->waiting = true;
	tell_once(in);
	import_say_progress(in);
	do
		left = end - mt_clock_mono_ms();
	while (left > 0 && poll(fds, 2, (int)left) > 0 && fds[0].revents == 0 &&
	    only_grown(watch));
	in->waiting = false;
	in->unseen = in->share; /* look anew */
}

/* MT_AGAIN: not now. */
static enum mt_rc
try_append(struct import *in, struct mt_err *err)
{
	const uint64_t n = in->batch.bytes.n;
	bool room;

	if (has_room(in, &room, err) != MT_OK)
		return err->rc;
	if (!room)
		return mt_fail(err, MT_AGAIN, "spool: no room");
	if (mt_spool_try(in->spool, &in->batch, err) != MT_OK) {
		/* Others have filled it up. */
		return err->rc == MT_LIMIT ? MT_AGAIN : err->rc;
	}
	in->used += n;
	in->unseen += n;
	return MT_OK;
}

enum mt_rc
import_spool_record(struct import *in, struct mt_err *err)
{
	struct mt_watch watch = { .fd = -1 };
	enum mt_rc rc;

	if (in->batch.n == 0 && in->batch.refused == 0)
		return MT_OK;
	while ((rc = try_append(in, err)) == MT_AGAIN && !mt_stopping())
		wait_a_turn(in, &watch);
	mt_watch_done(&watch);
	if (rc == MT_AGAIN) {
		in->stopped = true;
		return MT_OK;
	}
	if (rc != MT_OK)
		in->c->exit = EX_IOERR;
	return rc;
}
