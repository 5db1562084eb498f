/* SPDX-License-Identifier: BSD-2-Clause */
#include <poll.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "batch.h"
#include "collector.h"
#include "lane.h"
#include "options.h"
#include "prog/program.h"
#include "store.h"
#include "upkeep.h"

/* How long the loop sleeps when no lane wants a turn earlier. */
#define PATIENCE_MS 10000
#define MAX_LANES (2 * MT_MAX_ENDPOINTS)

/* All that hangs on one configuration; a reload makes another. */
struct work {
	struct mt_conf *conf; /* owned; everything below borrows from it */
	const struct collector_options *options;
	struct mt_redis_options redis;
	struct lane_options lane_options;
	struct store *store;
	struct batch *batch;
	char *consumer;
	struct lane *lanes[MAX_LANES]; /* elder, younger, elder, ... */
	size_t n; /* lanes */
	struct upkeep upkeep;
};

struct collector {
	struct work *work;
};

static void
set_peers(struct work *c)
{
	const struct collector_options *o = c->options;
	struct mt_db_options db = { .socket = o->db_socket,
		.host = o->db_host,
		.port = (unsigned)o->db_port,
		.name = o->db_name,
		.user = o->db_user,
		.timeout_ms = (unsigned)o->db_timeout_ms };

	c->redis = (struct mt_redis_options){ .user = o->redis_user,
		.stream = o->redis_stream,
		.group = o->redis_group,
		.timeout_ms = (unsigned)o->redis_timeout_ms };
	c->store = store_new(&db, o->db_password_file);
	c->batch = batch_new(c->store, (size_t)o->batch);
}

static enum mt_rc
open_lanes(struct work *c, struct mt_err *err)
{
	const struct collector_options *o = c->options;
	struct mt_endpoint endpoints[MT_MAX_ENDPOINTS];
	size_t n;

	c->consumer = mt_str_dup(
	    o->consumer.n > 0 ? o->consumer : mt_program_host(o->host));
	c->lane_options = (struct lane_options){ .redis = &c->redis,
		.password_file = o->redis_password_file,
		.consumer = c->consumer,
		.batch = (size_t)o->batch,
		.claim_ms = o->claim_ms,
		.store = batch_store,
		.context = c->batch };
	if (mt_endpoints_read(o->redis, endpoints, MT_MAX_ENDPOINTS, &n, err) !=
	    MT_OK)
		return err->rc;
	for (c->n = 0; c->n < 2 * n; c->n++)
		if (lane_open(&c->lane_options, &endpoints[c->n / 2],
			c->n % 2 == 0 ? NULL : c->lanes[c->n - 1],
			&c->lanes[c->n], err) != MT_OK)
			return err->rc;
	return MT_OK;
}

static void
work_free(struct work *c)
{
	size_t i;

	for (i = 0; i < MAX_LANES; i++)
		lane_close(c->lanes[i]);
	batch_free(c->batch);
	store_free(c->store);
	mt_free(c->consumer);
	mt_conf_unref(c->conf);
	mt_free(c);
}

/*
 * A database that is away is waited for in run. One that has another schema,
 * or does not let us in, is an error now, when somebody looks; later it is
 * waited for, too.
 */
static enum mt_rc
work_begin(struct work *c, struct mt_err *err)
{
	set_peers(c);
	if (open_lanes(c, err) != MT_OK)
		return err->rc;
	if (store_connect(c->store, err) == MT_OK)
		return MT_OK;
	return err->rc == MT_AGAIN ? MT_OK : err->rc;
}

static enum mt_rc
work_new(struct mt_conf *conf, struct work **ret_work, struct mt_err *err)
{
	struct work *c = mt_alloc(sizeof(*c));

	c->conf = mt_conf_ref(conf);
	c->options = mt_conf_values(conf);
	c->upkeep.days_ahead = (unsigned)c->options->days_ahead;
	c->upkeep.said_at = mt_clock_mono_ms();
	if (work_begin(c, err) != MT_OK) {
		work_free(c);
		return err->rc;
	}
	*ret_work = c;
	return MT_OK;
}

enum mt_rc
collector_setup(struct mt_conf *conf, void **ret_state, struct mt_err *err)
{
	struct collector *c = mt_alloc(sizeof(*c));

	*ret_state = c;
	return work_new(conf, &c->work, err);
}

void
collector_done(void *state)
{
	struct collector *c = state;

	if (c == NULL)
		return;
	if (c->work != NULL)
		work_free(c->work);
	mt_free(c);
}

/* How long poll may sleep before a lane or the upkeep wants its turn. */
static int
patience(const struct work *c, int64_t now_ms)
{
	int64_t due = now_ms + PATIENCE_MS, one;
	size_t i;

	for (i = 0; i < c->n; i++)
		if ((one = lane_due(c->lanes[i])) < due)
			due = one;
	return due <= now_ms ? 0 : (int)(due - now_ms);
}

static void
sleep_until_called(const struct work *c, int64_t now_ms)
{
	struct pollfd fds[MAX_LANES + 2];
	size_t i;

	for (i = 0; i < c->n; i++)
		fds[i] = (struct pollfd){ .fd = lane_fd(c->lanes[i]),
			.events = POLLIN };
	fds[i++] = (struct pollfd){ .fd = mt_stop_fd(), .events = POLLIN };
	fds[i++] = (struct pollfd){ .fd = mt_reload_fd(), .events = POLLIN };
	(void)poll(fds, i, patience(c, now_ms));
}

/* One turn with each lane. */
static enum mt_rc
turn(struct work *c, struct mt_err *err)
{
	size_t i;

	if (batch_connect(c->batch, err) != MT_OK)
		return mt_stopping() ? MT_OK : err->rc;
	upkeep_step(&c->upkeep, c->store, c->batch, mt_clock_mono_ms());
	for (i = 0; i < c->n && !mt_stopping(); i++)
		if (lane_step(c->lanes[i], mt_clock_mono_ms(), err) != MT_OK)
			return err->rc;
	return MT_OK;
}

/* Put a new configuration in place; a bad one leaves the old at work. */
static void
reload(struct collector *c)
{
	struct mt_conf *conf = mt_program_reload();
	struct work *fresh;
	struct mt_err err;

	if (conf == NULL)
		return;
	if (work_new(conf, &fresh, &err) != MT_OK) {
		mt_log(
		    MT_LOG_ERR, "%s; keeping the old configuration", err.msg);
	} else {
		work_free(c->work);
		c->work = fresh;
		mt_log(MT_LOG_INFO, "configuration read again");
	}
	mt_conf_unref(conf);
}

enum mt_rc
collector_run(void *state, struct mt_err *err)
{
	struct collector *c = state;

	while (!mt_stopping()) {
		if (mt_reloading())
			reload(c);
		if (turn(c->work, err) != MT_OK)
			return err->rc;
		if (!mt_stopping())
			sleep_until_called(c->work, mt_clock_mono_ms());
	}
	return MT_OK;
}
