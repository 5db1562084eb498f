/* SPDX-License-Identifier: BSD-2-Clause */
#include <sys/file.h>

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "conf/secret.h"
#include "prog/program.h"
#include "shipper.h"
#include "spool/dir.h"

#define TICK_MS 1000
#define SUMMARY_MS 60000
#define READ_AGAIN_MS 10000 /* after a disk error */
#define LOCK_TRIES 10
#define FIXED_FDS 3 /* stop, reload, watch */

static void
place_close(struct place *place)
{
	mt_watch_done(&place->watch);
	if (place->lock_fd >= 0)
		(void)close(place->lock_fd);
	if (place->dir_fd >= 0)
		(void)close(place->dir_fd);
	mt_free(place->dir);
}

/* Who only looks whether it is taken has it for a moment. */
static bool
take_lock(int fd)
{
	const struct timespec pause = { .tv_nsec = 10000000 };
	unsigned i;

	for (i = 0; i < LOCK_TRIES; i++) {
		if (flock(fd, LOCK_EX | LOCK_NB) == 0)
			return true;
		(void)nanosleep(&pause, NULL);
	}
	return false;
}

static enum mt_rc
lock_place(struct place *place, struct mt_err *err)
{
	place->lock_fd = openat(
	    place->dir_fd, "ship.lock", O_RDWR | O_CREAT | O_CLOEXEC, 0660);
	if (place->lock_fd < 0)
		return mt_fail_sys(err, "spool: %s/ship.lock", place->dir);
	if (!take_lock(place->lock_fd))
		return mt_fail(err, MT_AGAIN,
		    "spool: %s: another mailtrail-ship is at work there",
		    place->dir);
	return MT_OK;
}

static enum mt_rc
place_open(struct mt_str dir, struct place *ret_place, struct mt_err *err)
{
	struct place place = { mt_str_dup(dir), -1, -1, { .fd = -1 } };

	if (mt_dir_open(place.dir, &place.dir_fd, err) != MT_OK) {
		/* Somebody has to make it, or give us rights. */
		if (err->sys == ENOENT || err->sys == EACCES)
			err->rc = MT_CONFIG;
	} else if (lock_place(&place, err) == MT_OK &&
	    mt_watch_init(&place.watch, place.dir, err) == MT_OK) {
		mt_dir_sweep(place.dir_fd);
		*ret_place = place;
		return MT_OK;
	}
	place_close(&place);
	return err->rc;
}

static void
shards_end(struct shipper *s)
{
	size_t i;

	for (i = 0; i < s->n_shards; i++)
		shard_done(&s->shards[i]);
	segments_free(s);
	mt_free(s->shards);
	s->shards = NULL;
	s->n_shards = 0;
}

/* One shard an endpoint, and where each had come. */
static enum mt_rc
shards_begin(struct shipper *s, struct mt_err *err)
{
	struct mt_endpoint endpoints[MT_MAX_ENDPOINTS];
	struct mt_str host;
	char marker[MT_MAX_HOST + 8];
	size_t i, n;

	if (mt_endpoints_read(s->options->redis, endpoints, MT_MAX_ENDPOINTS,
		&n, err) != MT_OK)
		return err->rc;
	host = mt_program_host(s->options->host);
	(void)snprintf(marker, sizeof(marker), "ship:%.*s", MT_STR_ARG(host));
	s->shards = mt_alloc_array(n, sizeof(*s->shards));
	s->n_shards = n;
	for (i = 0; i < n; i++)
		shard_init(&s->shards[i], s, i, &endpoints[i], marker);
	if (segments_list(s, err) != MT_OK)
		return err->rc;
	memory_load(s);
	return MT_OK;
}

static void
use_conf(struct shipper *s, struct mt_conf *conf)
{
	mt_conf_unref(s->conf);
	s->conf = conf;
	s->options = mt_conf_values(conf);
	s->redis = (struct mt_redis_options){
		.user = s->options->redis_user,
		.stream = s->options->redis_stream,
		.group = s->options->redis_group,
		.timeout_ms = (unsigned)s->options->redis_timeout_ms,
	};
}

enum mt_rc
shipper_setup(struct mt_conf *conf, void **ret_state, struct mt_err *err)
{
	struct shipper *s = mt_alloc(sizeof(*s));

	*ret_state = s;
	s->place = (struct place){ NULL, -1, -1, { .fd = -1 } };
	mt_buf_init(&s->password, 1);
	use_conf(s, mt_conf_ref(conf));
	if (place_open(s->options->spool_dir, &s->place, err) != MT_OK)
		return err->rc;
	if (shards_begin(s, err) != MT_OK)
		return err->rc;
	mt_log(MT_LOG_INFO,
	    "shipping spool=%s segments=%zu unsent=%" PRIu64 " endpoints=%zu",
	    s->place.dir, s->n_segments, shard_unsent(&s->shards[0]),
	    s->n_shards);
	return MT_OK;
}

void
shipper_done(void *state)
{
	struct shipper *s = state;

	if (s == NULL)
		return;
	if (s->n_shards > 0) {
		(void)segments_sync(s);
		memory_save(s);
	}
	shards_end(s);
	place_close(&s->place);
	mt_secret_done(&s->password);
	mt_conf_unref(s->conf);
	mt_free(s);
}

static bool
same_dir(const struct shipper *s, const struct mt_conf *conf)
{
	const struct shipper_options *o = mt_conf_values(conf);

	return mt_str_eqz(o->spool_dir, s->place.dir);
}

/* All or nothing: what can fail is done before anything is changed. */
static enum mt_rc
reload(struct shipper *s, struct mt_err *err)
{
	struct mt_conf *conf = mt_program_reload();
	const struct shipper_options *o;
	struct place place;

	if (conf == NULL)
		return MT_OK;
	o = mt_conf_values(conf);
	if (!same_dir(s, conf) &&
	    place_open(o->spool_dir, &place, err) != MT_OK) {
		mt_log(
		    MT_LOG_ERR, "%s; keeping the old configuration", err->msg);
		mt_conf_unref(conf);
		return MT_OK;
	}
	(void)segments_sync(s);
	memory_save(s);
	shards_end(s);
	if (!same_dir(s, conf)) {
		place_close(&s->place);
		s->place = place;
	}
	use_conf(s, conf);
	if (shards_begin(s, err) != MT_OK)
		return err->rc;
	mt_log(
	    MT_LOG_INFO, "configuration read again endpoints=%zu", s->n_shards);
	return MT_OK;
}

static enum mt_rc
take_watch(struct shipper *s, struct mt_err *err)
{
	uint64_t id;

	for (;;) {
		switch (mt_watch_next(&s->place.watch, &id)) {
		case MT_WATCH_GROWN:
			segments_grown(s, id);
			break;
		case MT_WATCH_CHANGED:
		case MT_WATCH_MISSED:
			s->list_again = true;
			break;
		case MT_WATCH_GONE:
			return mt_fail(err, MT_AGAIN, "spool: %s was removed",
			    s->place.dir);
		case MT_WATCH_NOTHING:
		default:
			if (s->list_again)
				return segments_list(s, err);
			return MT_OK;
		}
	}
}

static bool
any_failed(const struct shipper *s)
{
	size_t i;

	for (i = 0; i < s->n_segments; i++)
		if (s->segments[i].failed_ms != 0)
			return true;
	return false;
}

static void
read_failed_again(struct shipper *s, int64_t now)
{
	size_t i;

	for (i = 0; i < s->n_segments; i++) {
		if (s->segments[i].failed_ms == 0 ||
		    now < s->segments[i].failed_ms + READ_AGAIN_MS)
			continue;
		s->segments[i].failed_ms = 0;
		segments_grown(s, s->segments[i].id);
	}
}

static bool
wants_tick(const struct shipper *s)
{
	size_t i;

	if (s->unsaved || s->ended || segments_unsynced(s) || any_failed(s))
		return true;
	for (i = 0; i < s->n_shards; i++)
		if (shard_wants_tick(&s->shards[i]))
			return true;
	return false;
}

static void
tick(struct shipper *s, int64_t now)
{
	size_t i;

	s->tick_ms = now;
	(void)segments_sync(s);
	read_failed_again(s, now);
	segments_delete(s);
	for (i = 0; i < s->n_shards; i++)
		shard_tick(&s->shards[i]);
	if (s->unsaved)
		memory_save(s);
}

static bool
has_totals(const struct totals *t)
{
	return t->sent > 0 || t->buried > 0 || t->again > 0 || t->skipped > 0 ||
	    t->deleted > 0;
}

static void
summarize(struct shipper *s, int64_t now)
{
	const struct totals *t = &s->totals;
	uint64_t unsent = 0, unacked = 0;
	size_t i;

	for (i = 0; i < s->n_shards; i++) {
		unsent += shard_unsent(&s->shards[i]);
		unacked += shard_unacked(&s->shards[i]);
	}
	mt_log(MT_LOG_INFO,
	    "shipped events=%" PRIu64 " dead=%" PRIu64 " again=%" PRIu64
	    " skipped=%" PRIu64 " deleted=%" PRIu64
	    " segments=%zu unsent=%" PRIu64 " unacked=%" PRIu64,
	    t->sent, t->buried, t->again, t->skipped, t->deleted, s->n_segments,
	    unsent, unacked);
	mt_program_status("unsent %" PRIu64 " bytes, not yet stored %" PRIu64
			  " bytes",
	    unsent, unacked);
	s->totals = (struct totals){ .sent = 0 };
	s->summary_ms = now;
}

static void
sooner(int64_t *deadline, int64_t at)
{
	if (at != 0 && (*deadline == 0 || at < *deadline))
		*deadline = at;
}

/* How long there is nothing to do unless something happens; -1: for ever. */
static int
idle_ms(const struct shipper *s)
{
	int64_t deadline = 0, left;
	size_t i;

	for (i = 0; i < s->n_shards; i++)
		sooner(&deadline, shard_deadline_ms(&s->shards[i]));
	if (wants_tick(s))
		sooner(&deadline, s->tick_ms + TICK_MS);
	if (has_totals(&s->totals))
		sooner(&deadline, s->summary_ms + SUMMARY_MS);
	if (deadline == 0)
		return -1;
	left = deadline - mt_clock_mono_ms();
	return left < 0 ? 0 : left > SUMMARY_MS ? SUMMARY_MS : (int)left + 1;
}

static void
wait_for_work(struct shipper *s)
{
	struct pollfd p[FIXED_FDS + MT_MAX_ENDPOINTS];
	const struct mt_feed *feed;
	size_t i;

	p[0] = (struct pollfd){ .fd = mt_stop_fd(), .events = POLLIN };
	p[1] = (struct pollfd){ .fd = mt_reload_fd(), .events = POLLIN };
	p[2] = (struct pollfd){ .fd = s->place.watch.fd, .events = POLLIN };
	for (i = 0; i < s->n_shards; i++) {
		feed = s->shards[i].feed;
		p[FIXED_FDS + i] = (struct pollfd){ .fd = mt_feed_fd(feed),
			.events = mt_feed_up(feed) ? mt_feed_events(feed) : 0 };
	}
	(void)poll(p, FIXED_FDS + s->n_shards, idle_ms(s));
}

enum mt_rc
shipper_run(void *state, struct mt_err *err)
{
	struct shipper *s = state;
	int64_t now;
	size_t i;

	s->tick_ms = s->summary_ms = mt_clock_mono_ms();
	while (!mt_stopping()) {
		if (mt_reloading() && reload(s, err) != MT_OK)
			return err->rc;
		if (take_watch(s, err) != MT_OK)
			return err->rc;
		now = mt_clock_mono_ms();
		if (now >= s->tick_ms + TICK_MS && wants_tick(s))
			tick(s, now);
		for (i = 0; i < s->n_shards; i++)
			shard_work(&s->shards[i]);
		if (has_totals(&s->totals) && now >= s->summary_ms + SUMMARY_MS)
			summarize(s, now);
		wait_for_work(s);
	}
	if (has_totals(&s->totals))
		summarize(s, mt_clock_mono_ms());
	return MT_OK;
}
