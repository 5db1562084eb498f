/* SPDX-License-Identifier: BSD-2-Clause */
#include "server.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "prog/program.h"
#include "worker.h"

#define REFRESH_MS 5000
#define SUMMARY_MS 60000
#define STALLED_MS 400 /* then peers that stall are cut off */
#define STACK_BYTES (512u * 1024)

static enum mt_rc
watch(struct pixel_server *server, int fd, uint32_t how, struct mt_err *err)
{
	struct epoll_event ev = { .events = EPOLLIN | how, .data.fd = fd };

	if (epoll_ctl(server->epoll, EPOLL_CTL_ADD, fd, &ev) != 0)
		return mt_fail_sys(err, "epoll");
	return MT_OK;
}

enum mt_rc
pixel_server_new(struct pixel_listener *listener, unsigned threads,
    struct pixel_site *site, struct pixel_server **ret_server,
    struct mt_err *err)
{
	struct pixel_server *server = mt_alloc(sizeof(*server));

	server->listener = *listener;
	server->n = threads;
	server->workers = mt_alloc_array(threads, sizeof(*server->workers));
	server->site = site != NULL ? pixel_site_ref(site) : NULL;
	(void)pthread_mutex_init(&server->lock, NULL);
	pixel_idle_init(&server->idle);
	server->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (server->epoll < 0)
		(void)mt_fail_sys(err, "epoll");
	else if (watch(server, listener->fd, EPOLLONESHOT, err) == MT_OK &&
	    watch(server, mt_stop_fd(), 0, err) == MT_OK) {
		*ret_server = server;
		return MT_OK;
	}
	pixel_server_free(server);
	return err->rc;
}

void
pixel_server_free(struct pixel_server *server)
{
	if (server == NULL)
		return;
	pixel_listen_close(&server->listener);
	if (server->epoll >= 0)
		(void)close(server->epoll);
	pixel_site_unref(server->site);
	(void)pthread_mutex_destroy(&server->lock);
	pixel_idle_done(&server->idle);
	mt_free(server->workers);
	mt_free(server);
}

static enum mt_rc
start(struct pixel_server *server, struct mt_err *err)
{
	struct pixel_worker *worker;
	pthread_attr_t attr;
	unsigned i;
	int rc = 0;

	(void)pthread_attr_init(&attr);
	(void)pthread_attr_setstacksize(&attr, STACK_BYTES);
	for (i = 0; i < server->n && rc == 0; i++) {
		worker = &server->workers[i];
		worker->server = server;
		atomic_init(&worker->busy, -1);
		(void)atomic_fetch_add(&server->running, 1);
		rc = pthread_create(
		    &worker->thread, &attr, pixel_worker_run, worker);
		if (rc == 0)
			server->started++;
		else
			(void)atomic_fetch_sub(&server->running, 1);
	}
	(void)pthread_attr_destroy(&attr);
	errno = rc;
	return rc == 0 ? MT_OK : mt_fail_sys(err, "thread");
}

/*
 * The workers have seen the stop as well. Cutting off is a shutdown(2), not a
 * close: the worker owns its descriptor, and at this time there is none left
 * that it could hit wrongly.
 */
static void
finish(struct pixel_server *server)
{
	const struct timespec pause = { .tv_nsec = 5000000 };
	int64_t cut_ms = mt_clock_mono_ms() + STALLED_MS;
	unsigned i;
	int fd;

	if (!server->listener.handed)
		mt_listen_hide(&server->listener.at);
	while (atomic_load(&server->running) > 0) {
		(void)nanosleep(&pause, NULL);
		if (mt_clock_mono_ms() < cut_ms)
			continue;
		for (i = 0; i < server->started; i++)
			if ((fd = atomic_load(&server->workers[i].busy)) >= 0)
				(void)shutdown(fd, SHUT_RDWR);
	}
	for (i = 0; i < server->started; i++)
		(void)pthread_join(server->workers[i].thread, NULL);
}

static void
reload(struct pixel_server *server)
{
	struct mt_conf *conf = mt_program_reload();
	struct pixel_site *site = NULL, *old;
	struct mt_err err;

	if (conf == NULL)
		return;
	if (pixel_site_new(conf, &site, &err) != MT_OK) {
		mt_log(
		    MT_LOG_ERR, "%s; keeping the old configuration", err.msg);
	} else {
		pixel_site_refresh(site);
		(void)pthread_mutex_lock(&server->lock);
		old = server->site;
		server->site = site;
		(void)pthread_mutex_unlock(&server->lock);
		pixel_site_unref(old);
	}
	mt_conf_unref(conf);
}

static void
summarize(struct pixel_server *server)
{
	unsigned long n[PIXEL_OUTCOMES], all = 0;
	unsigned i;

	for (i = 0; i < PIXEL_OUTCOMES; i++) {
		n[i] = atomic_exchange(&server->counts[i], 0);
		all += n[i];
	}
	if (all == 0)
		return;
	mt_log(MT_LOG_INFO,
	    "answered requests=%lu recorded=%lu junk=%lu limited=%lu "
	    "refused=%lu failed=%lu",
	    all, n[PIXEL_RECORDED], n[PIXEL_JUNK], n[PIXEL_LIMITED],
	    n[PIXEL_REFUSED], n[PIXEL_FAILED]);
	mt_program_status(
	    "last minute: %lu requests, %lu recorded", all, n[PIXEL_RECORDED]);
}

static void
keep_house(struct pixel_server *server)
{
	/* Only this thread ever changes server->site. */
	if (server->site != NULL)
		pixel_site_refresh(server->site);
	else
		mt_log_every(60, MT_LOG_ERR,
		    "no options that can be used; answering, recording "
		    "nothing");
}

enum mt_rc
pixel_server_run(struct pixel_server *server, struct mt_err *err)
{
	struct pollfd fds[] = {
		{ .fd = mt_stop_fd(), .events = POLLIN },
		{ .fd = mt_reload_fd(), .events = POLLIN },
	};
	int64_t summary_ms = mt_clock_mono_ms() + SUMMARY_MS;
	enum mt_rc rc = start(server, err);

	if (rc != MT_OK)
		mt_stop(); /* those that did start */
	while (!mt_stopping()) {
		(void)poll(fds, 2, REFRESH_MS);
		if (mt_stopping())
			break;
		if (mt_reloading())
			reload(server);
		keep_house(server);
		if (mt_clock_mono_ms() >= summary_ms) {
			summarize(server);
			summary_ms = mt_clock_mono_ms() + SUMMARY_MS;
		}
	}
	finish(server);
	summarize(server);
	return rc;
}
