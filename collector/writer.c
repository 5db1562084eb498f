/* SPDX-License-Identifier: BSD-2-Clause */
#include <poll.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/mem.h"
#include "lane.h"
#include "options.h"
#include "prog/program.h"
#include "writer.h"

/* How long to sleep when no lane wants a turn earlier. */
#define PATIENCE_MS 10000
#define MAX_LANES (2 * MT_MAX_ENDPOINTS)
#define MAX_CONSUMER 512

struct writer {
	struct mt_conf *conf; /* owned; everything below borrows from it */
	struct mt_redis_options redis;
	struct lane_options lane_options;
	struct store *store;
	struct batch *batch;
	bool first;
	char consumer[MAX_CONSUMER];
	struct lane *lanes[MAX_LANES]; /* elder, younger, elder, ... */
	size_t n; /* lanes */
};

static void
set_peers(struct writer *w, struct mt_trouble *trouble, int call_fd)
{
	const struct collector_options *o = mt_conf_values(w->conf);
	struct mt_db_options db = { .socket = o->db_socket,
		.host = o->db_host,
		.port = (unsigned)o->db_port,
		.name = o->db_name,
		.user = o->db_user,
		.timeout_ms = (unsigned)o->db_timeout_ms };

	w->redis = (struct mt_redis_options){ .user = o->redis_user,
		.stream = o->redis_stream,
		.group = o->redis_group,
		.timeout_ms = (unsigned)o->redis_timeout_ms };
	w->store = store_new(&db, o->db_password_file);
	w->batch = batch_new(w->store, (size_t)o->batch, trouble, call_fd);
}

static void
name_consumer(struct writer *w, unsigned number)
{
	const struct collector_options *o = mt_conf_values(w->conf);
	struct mt_str name =
	    o->consumer.n > 0 ? o->consumer : mt_program_host(o->host);

	if (number == 1)
		(void)snprintf(w->consumer, sizeof(w->consumer), "%.*s",
		    (int)name.n, name.p);
	else
		(void)snprintf(w->consumer, sizeof(w->consumer), "%.*s/%u",
		    (int)name.n, name.p, number);
}

static bool
has_left(const void *context)
{
	return batch_left(context);
}

static enum mt_rc
open_lanes(struct writer *w, struct mt_err *err)
{
	const struct collector_options *o = mt_conf_values(w->conf);
	struct mt_endpoint endpoints[MT_MAX_ENDPOINTS];
	/* While one who catches up waits for Redis, the first goes on. */
	size_t n, each = w->first ? 2 : 1;

	w->lane_options = (struct lane_options){ .redis = &w->redis,
		.password_file = o->redis_password_file,
		.consumer = w->consumer,
		.batch = (size_t)o->batch,
		.claim_ms = o->claim_ms,
		.catch_up = !w->first,
		.store = batch_store,
		.left = has_left,
		.context = w->batch };
	if (mt_endpoints_read(o->redis, endpoints, MT_MAX_ENDPOINTS, &n, err) !=
	    MT_OK)
		return err->rc;
	for (; w->n < each * n; w->n++)
		if (lane_open(&w->lane_options, &endpoints[w->n / each],
			w->n % each == 0 ? NULL : w->lanes[w->n - 1],
			&w->lanes[w->n], err) != MT_OK)
			return err->rc;
	return MT_OK;
}

static void
close_lanes(struct writer *w)
{
	for (; w->n > 0; w->n--)
		lane_close(w->lanes[w->n - 1]);
}

void
writer_free(struct writer *w)
{
	if (w == NULL)
		return;
	close_lanes(w);
	batch_free(w->batch);
	store_free(w->store);
	mt_conf_unref(w->conf);
	mt_free(w);
}

enum mt_rc
writer_new(struct mt_conf *conf, unsigned number, struct mt_trouble *trouble,
    int call_fd, struct writer **ret_writer, struct mt_err *err)
{
	struct writer *w = mt_alloc(sizeof(*w));

	w->conf = mt_conf_ref(conf);
	w->first = number == 1;
	set_peers(w, trouble, call_fd);
	name_consumer(w, number);
	if (w->first &&
	    (open_lanes(w, err) != MT_OK ||
		(store_connect(w->store, err) != MT_OK &&
		    err->rc != MT_AGAIN))) {
		writer_free(w);
		return err->rc;
	}
	*ret_writer = w;
	return MT_OK;
}

enum mt_rc
writer_wake(struct writer *w, struct mt_err *err)
{
	if (open_lanes(w, err) == MT_OK)
		return MT_OK;
	close_lanes(w);
	return err->rc;
}

void
writer_rest(struct writer *w)
{
	close_lanes(w);
	store_disconnect(w->store);
}

enum mt_rc
writer_turn(struct writer *w, struct mt_err *err)
{
	size_t i;

	if (batch_connect(w->batch, err) != MT_OK)
		return MT_OK; /* called away */
	for (i = 0; i < w->n && !mt_stopping() && !writer_left(w); i++)
		if (lane_step(w->lanes[i], mt_clock_mono_ms(), err) != MT_OK)
			return err->rc;
	return MT_OK;
}

bool
writer_left(const struct writer *w)
{
	return batch_left(w->batch);
}

static int
patience(const struct writer *w, int64_t now_ms)
{
	int64_t due = now_ms + PATIENCE_MS, one;
	size_t i;

	for (i = 0; i < w->n; i++)
		if ((one = lane_due(w->lanes[i])) < due)
			due = one;
	return due <= now_ms ? 0 : (int)(due - now_ms);
}

void
writer_sleep(const struct writer *w, int wake_fd)
{
	struct pollfd fds[MAX_LANES + 2];
	size_t i;

	for (i = 0; i < w->n; i++)
		fds[i] = (struct pollfd){ .fd = lane_fd(w->lanes[i]),
			.events = POLLIN };
	fds[i++] = (struct pollfd){ .fd = mt_stop_fd(), .events = POLLIN };
	fds[i++] = (struct pollfd){ .fd = wake_fd, .events = POLLIN };
	(void)poll(fds, i, patience(w, mt_clock_mono_ms()));
}

bool
writer_behind(const struct writer *w)
{
	size_t i;

	for (i = 0; i < w->n; i++)
		if (lane_full(w->lanes[i]))
			return true;
	return false;
}

bool
writer_done(const struct writer *w)
{
	size_t i;

	for (i = 0; i < w->n; i++)
		if (!lane_done(w->lanes[i]))
			return false;
	return true;
}

bool
writer_finish(struct writer *w)
{
	bool stuck = false;
	size_t i;

	for (i = 0; i < w->n; i++) {
		lane_enough(w->lanes[i]);
		stuck = stuck || lane_stuck(w->lanes[i]);
	}
	return !stuck;
}

struct batch *
writer_batch(struct writer *w)
{
	return w->batch;
}

struct store *
writer_store(struct writer *w)
{
	return w->store;
}
