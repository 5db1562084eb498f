/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <malloc.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "crew.h"
#include "options.h"
#include "prog/program.h"
#include "upkeep.h"
#include "writer.h"

/* Whoever is dismissed has this long to store what it was given. */
#define FINISH_MS 10000

/* A writer that catches up, in a thread of its own. */
struct helper {
	struct crew *crew;
	struct writer *writer;
	pthread_t thread;
	bool runs;
	int wake_fd; /* readable: there is much to do, or it is dismissed */
};

/* All that hangs on one configuration; a reload makes another. */
struct crew {
	struct writer *writers[CREW_MOST];
	struct helper helpers[CREW_MOST]; /* the first is unused */
	size_t n;
	struct mt_trouble trouble; /* of the database */
	struct upkeep upkeep;
	atomic_bool dismissed;
	_Atomic int64_t dismissed_ms; /* when */
	int dismissed_fd; /* readable from then on */
	/* What ended a helper. */
	pthread_mutex_t lock;
	struct mt_err err;
};

static void
wake(const struct helper *h)
{
	(void)eventfd_write(h->wake_fd, 1);
}

void
crew_free(struct crew *c)
{
	size_t i;

	if (c == NULL)
		return;
	atomic_store(&c->dismissed_ms, mt_clock_mono_ms());
	atomic_store(&c->dismissed, true);
	if (c->dismissed_fd >= 0)
		(void)eventfd_write(c->dismissed_fd, 1);
	for (i = 1; i < c->n; i++) {
		if (c->helpers[i].runs) {
			wake(&c->helpers[i]);
			(void)pthread_join(c->helpers[i].thread, NULL);
		}
		if (c->helpers[i].wake_fd >= 0)
			(void)close(c->helpers[i].wake_fd);
	}
	for (i = 0; i < c->n; i++)
		writer_free(c->writers[i]);
	if (c->dismissed_fd >= 0)
		(void)close(c->dismissed_fd);
	mt_trouble_done(&c->trouble);
	(void)pthread_mutex_destroy(&c->lock);
	mt_free(c);
}

/* A writer's error ends the program. */
static void
give_up(struct crew *c, const struct mt_err *err)
{
	(void)pthread_mutex_lock(&c->lock);
	if (c->err.rc == MT_OK)
		c->err = *err;
	(void)pthread_mutex_unlock(&c->lock);
	mt_stop();
}

static void
wait_for_call(const struct helper *h)
{
	struct pollfd fds[2] = { { .fd = h->wake_fd, .events = POLLIN },
		{ .fd = mt_stop_fd(), .events = POLLIN } };
	eventfd_t calls;

	(void)poll(fds, 2, -1);
	(void)eventfd_read(h->wake_fd, &calls);
}

/*
 * Dismissed, it stores what it was given, unless Redis or MariaDB has gone:
 * else that would wait for claim_ms when there is nobody of its name any more.
 */
static bool
goes_on(struct helper *h)
{
	if (!atomic_load(&h->crew->dismissed))
		return true;
	return !writer_left(h->writer) && writer_finish(h->writer) &&
	    mt_clock_mono_ms() <
	    atomic_load(&h->crew->dismissed_ms) + FINISH_MS;
}

/* From being woken until there is no more to catch up with. */
static enum mt_rc
catch_up(struct helper *h, struct mt_err *err)
{
	if (writer_wake(h->writer, err) != MT_OK) {
		/* The first writer can do without. */
		mt_log_every(60, MT_LOG_WARNING,
		    "%s; going on with a writer less", err->msg);
		return MT_OK;
	}
	while (!mt_stopping() && goes_on(h)) {
		if (writer_turn(h->writer, err) != MT_OK)
			return err->rc;
		if (writer_done(h->writer))
			break;
		writer_sleep(h->writer, -1);
	}
	writer_rest(h->writer);
	/* A backlog is over; what it took is in pieces everywhere. */
	(void)malloc_trim(0);
	return MT_OK;
}

static void *
help(void *context)
{
	struct helper *h = context;
	struct mt_err err;

	/* First of all, what an earlier life was given and did not store. */
	while (!mt_stopping() && !atomic_load(&h->crew->dismissed)) {
		if (catch_up(h, &err) != MT_OK) {
			give_up(h->crew, &err);
			break;
		}
		wait_for_call(h);
	}
	return NULL;
}

enum mt_rc
crew_start(struct crew *c, struct mt_err *err)
{
	struct helper *h;
	size_t i;

	for (i = 1; i < c->n; i++) {
		h = &c->helpers[i];
		errno = pthread_create(&h->thread, NULL, help, h);
		if (errno != 0)
			return mt_fail_sys(err, "thread");
		h->runs = true;
	}
	return MT_OK;
}

static enum mt_rc
engage(struct crew *c, struct mt_conf *conf, size_t n, struct mt_err *err)
{
	struct helper *h;

	for (; c->n < n; c->n++) {
		if (writer_new(conf, (unsigned)c->n + 1, &c->trouble,
			c->n == 0 ? mt_reload_fd() : c->dismissed_fd,
			&c->writers[c->n], err) != MT_OK)
			return err->rc;
		h = &c->helpers[c->n];
		h->crew = c;
		h->writer = c->writers[c->n];
		h->wake_fd =
		    c->n == 0 ? -1 : eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
		if (c->n > 0 && h->wake_fd < 0) {
			writer_free(h->writer);
			return mt_fail_sys(err, "eventfd");
		}
	}
	return MT_OK;
}

enum mt_rc
crew_new(struct mt_conf *conf, struct crew **ret_crew, struct mt_err *err)
{
	const struct collector_options *o = mt_conf_values(conf);
	struct crew *c = mt_alloc(sizeof(*c));

	mt_trouble_init(&c->trouble);
	(void)pthread_mutex_init(&c->lock, NULL);
	c->upkeep.days_ahead = (unsigned)o->days_ahead;
	c->upkeep.said_at = mt_clock_mono_ms();
	c->dismissed_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (c->dismissed_fd < 0)
		(void)mt_fail_sys(err, "eventfd");
	if (c->dismissed_fd < 0 ||
	    engage(c, conf, (size_t)o->writers, err) != MT_OK) {
		crew_free(c);
		return err->rc;
	}
	*ret_crew = c;
	return MT_OK;
}

enum mt_rc
crew_turn(struct crew *c, struct mt_err *err)
{
	size_t i;

	if (writer_turn(c->writers[0], err) != MT_OK)
		return err->rc;
	upkeep_step(&c->upkeep, c->writers, c->n, mt_clock_mono_ms());
	if (writer_behind(c->writers[0]))
		for (i = 1; i < c->n; i++)
			wake(&c->helpers[i]);
	return MT_OK;
}

void
crew_sleep(const struct crew *c)
{
	writer_sleep(c->writers[0], mt_reload_fd());
}

enum mt_rc
crew_end(struct crew *c, struct mt_err *err)
{
	enum mt_rc rc;

	(void)pthread_mutex_lock(&c->lock);
	if ((rc = c->err.rc) != MT_OK)
		*err = c->err;
	(void)pthread_mutex_unlock(&c->lock);
	return rc;
}
