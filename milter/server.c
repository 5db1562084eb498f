/* SPDX-License-Identifier: BSD-2-Clause */
#include "server.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <unistd.h>

#include <libmilter/mfapi.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "callbacks.h"
#include "listen.h"
#include "prog/program.h"
#include "signals.h"

#define TICK_MS 2000
#define SUMMARY_MS 60000
#define FILES_MAX 65536
#define PAUSE_US 2000

struct milter_server {
	pthread_mutex_t lock; /* of site */
	struct milter_site *site; /* a reference */
	struct milter_place place;
	int main_done; /* an event: smfi_main returned */
	atomic_bool main_failed; /* without having been told to */
	atomic_bool draining; /* new messages pass by */
	atomic_bool closed; /* nobody enters any more */
	atomic_uint inside; /* callbacks at work */
	atomic_uint messages; /* in work */
	atomic_size_t memory; /* of bodies */
	atomic_ulong counts[COUNTS];
	unsigned long told[COUNTS];
	int64_t told_ms;
	bool served; /* libmilter's threads may still be about */
};

bool
milter_server_enter(struct milter_server *server)
{
	atomic_fetch_add(&server->inside, 1);
	if (!atomic_load(&server->closed))
		return true;
	atomic_fetch_sub(&server->inside, 1);
	return false;
}

void
milter_server_leave(struct milter_server *server)
{
	atomic_fetch_sub(&server->inside, 1);
}

static struct milter_site *
take_site(struct milter_server *server)
{
	struct milter_site *site;

	pthread_mutex_lock(&server->lock);
	site = milter_site_ref(server->site);
	pthread_mutex_unlock(&server->lock);
	return site;
}

static void
put_site(struct milter_server *server, struct milter_site *site)
{
	struct milter_site *old;

	pthread_mutex_lock(&server->lock);
	old = server->site;
	server->site = site;
	pthread_mutex_unlock(&server->lock);
	milter_site_unref(old);
}

struct milter_site *
milter_server_begin(struct milter_server *server)
{
	atomic_fetch_add(&server->messages, 1);
	if (!atomic_load(&server->draining))
		return take_site(server);
	atomic_fetch_sub(&server->messages, 1);
	milter_server_count(server, COUNT_PASSED);
	return NULL;
}

void
milter_server_end(struct milter_server *server)
{
	atomic_fetch_sub(&server->messages, 1);
}

bool
milter_server_charge(
    struct milter_server *server, size_t n, uint64_t memory_max)
{
	if (atomic_fetch_add(&server->memory, n) + n <= memory_max)
		return true;
	atomic_fetch_sub(&server->memory, n);
	return false;
}

void
milter_server_discharge(struct milter_server *server, size_t n)
{
	atomic_fetch_sub(&server->memory, n);
}

void
milter_server_count(struct milter_server *server, enum milter_count what)
{
	atomic_fetch_add(&server->counts[what], 1);
}

/* A connection of each SMTP session; Postfix keeps many open. */
static void
raise_files(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
		return;
	limit.rlim_cur =
	    limit.rlim_max < FILES_MAX ? limit.rlim_max : FILES_MAX;
	if (setrlimit(RLIMIT_NOFILE, &limit) != 0)
		mt_log(MT_LOG_WARNING,
		    "cannot raise the number of open files; "
		    "going on");
}

static enum mt_rc
open_socket(struct milter_server *server, struct mt_err *err)
{
	const struct milter_options *o = server->site->base->options;

	if (milter_place_read(o, &server->place, err) != MT_OK ||
	    mt_listen_clear(&server->place.at, err) != MT_OK ||
	    milter_callbacks_register(server, err) != MT_OK)
		return err->rc;
	errno = 0;
	if (smfi_setconn(server->place.spec) != MI_SUCCESS ||
	    smfi_opensocket(0) != MI_SUCCESS)
		return mt_fail(err, MT_CONFIG, "listen: cannot open %s%s%s",
		    server->place.spec, errno != 0 ? ": " : "",
		    errno != 0 ? strerror(errno) : "");
	return mt_listen_dress(&server->place.at, o->listen_group, err);
}

enum mt_rc
milter_server_new(
    struct mt_conf *conf, struct milter_server **ret_server, struct mt_err *err)
{
	struct milter_server *server = mt_alloc(sizeof(*server));

	*ret_server = server;
	pthread_mutex_init(&server->lock, NULL);
	server->main_done = -1;
	server->told_ms = mt_clock_mono_ms();
	raise_files();
	if (milter_site_new(conf, &server->site, err) != MT_OK)
		return err->rc;
	server->main_done = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (server->main_done < 0)
		return mt_fail_sys(err, "eventfd");
	if (milter_signals_init(err) != MT_OK)
		return err->rc;
	return open_socket(server, err);
}

static void *
serve(void *arg)
{
	struct milter_server *server = arg;

	if (smfi_main() != MI_SUCCESS)
		atomic_store(&server->main_failed, true);
	(void)eventfd_write(server->main_done, 1);
	return NULL;
}

static void
reload(struct milter_server *server)
{
	struct mt_conf *conf = mt_program_reload();
	struct milter_site *site = NULL;
	struct mt_err err;

	if (conf == NULL)
		return;
	if (milter_site_new(conf, &site, &err) == MT_OK) {
		put_site(server, site);
		mt_log(MT_LOG_INFO, "new messages are handled with it");
	} else {
		mt_log(MT_LOG_ERR, "%s; keeping the old options", err.msg);
	}
	mt_conf_unref(conf);
}

static void
summarise(struct milter_server *server)
{
	unsigned long now[COUNTS], sum = 0;
	size_t i;

	server->told_ms = mt_clock_mono_ms();
	for (i = 0; i < COUNTS; i++) {
		now[i] = atomic_load(&server->counts[i]);
		sum += now[i] - server->told[i];
	}
	if (sum == 0)
		return;
	mt_log(MT_LOG_INFO, "handled mail offers=%lu marked=%lu passed=%lu",
	    now[COUNT_OFFERS] - server->told[COUNT_OFFERS],
	    now[COUNT_MARKED] - server->told[COUNT_MARKED],
	    now[COUNT_PASSED] - server->told[COUNT_PASSED]);
	mt_program_status(
	    "%lu messages, %lu marked", now[COUNT_OFFERS], now[COUNT_MARKED]);
	memcpy(server->told, now, sizeof(now));
}

static void
tick(struct milter_server *server)
{
	struct milter_site *site = milter_site_rekey(server->site);

	if (site != NULL)
		put_site(server, site);
	milter_site_settle(server->site);
	if (mt_clock_mono_ms() - server->told_ms >= SUMMARY_MS)
		summarise(server);
}

/* Until a signal, or libmilter, says stop. */
static void
work(struct milter_server *server)
{
	struct pollfd fds[] = {
		{ .fd = mt_reload_fd(), .events = POLLIN },
		{ .fd = server->main_done, .events = POLLIN },
		{ .fd = milter_signals_fd(), .events = POLLIN },
	};

	for (;;) {
		(void)poll(fds, sizeof(fds) / sizeof(fds[0]), TICK_MS);
		if (fds[1].revents != 0 || fds[2].revents != 0)
			return;
		if (mt_reloading()) {
			reload(server);
			mt_policy_watch_again(server->site->base->watch);
		}
		tick(server);
	}
}

/* Wait until the count is zero, but not longer than until end_ms. */
static bool
wait_zero(atomic_uint *count, int64_t end_ms)
{
	while (atomic_load(count) > 0) {
		if (mt_clock_mono_ms() >= end_ms)
			return false;
		usleep(PAUSE_US);
	}
	return true;
}

static void
drain(struct milter_server *server)
{
	uint64_t most = server->site->base->options->stop_wait_ms;
	int64_t end_ms = mt_clock_mono_ms() + (int64_t)most;

	/* In this order: whoever finds no socket finds nobody who marks. */
	atomic_store(&server->draining, true);
	mt_listen_hide(&server->place.at);
	if (!wait_zero(&server->messages, end_ms))
		mt_log(MT_LOG_WARNING,
		    "stopping before messages=%u in work have ended; they go "
		    "on unchanged",
		    atomic_load(&server->messages));
	atomic_store(&server->closed, true);
	/* A callback works for milliseconds: never leave one in the middle. */
	(void)wait_zero(&server->inside, INT64_MAX);
	summarise(server);
	/* Not smfi_stop(): it waits for libmilter's poll, up to five seconds.
	 * The end of the process closes everything at once. */
}

enum mt_rc
milter_server_run(struct milter_server *server, struct mt_err *err)
{
	pthread_attr_t attr;
	pthread_t thread;
	int rc;

	pthread_attr_init(&attr);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	rc = pthread_create(&thread, &attr, serve, server);
	pthread_attr_destroy(&attr);
	if (rc != 0) {
		errno = rc;
		return mt_fail_sys(err, "cannot start a thread");
	}
	server->served = true;
	work(server);
	drain(server);
	/* An error, so that systemd starts us again. */
	if (atomic_load(&server->main_failed))
		return mt_fail(
		    err, MT_SYSTEM, "libmilter gave up accepting connections");
	return MT_OK;
}

/*
 * libmilter's threads, once started, may still be about, and ask whether they
 * may enter; then the struct itself stays until the process goes, which is at
 * once.
 */
void
milter_server_free(struct milter_server *server)
{
	if (server == NULL)
		return;
	mt_listen_hide(&server->place.at);
	atomic_store(&server->closed, true);
	milter_site_unref(server->site);
	server->site = NULL;
	if (server->served)
		return;
	if (server->main_done >= 0)
		close(server->main_done);
	pthread_mutex_destroy(&server->lock);
	mt_free(server);
}
