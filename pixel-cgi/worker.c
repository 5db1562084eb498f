/* SPDX-License-Identifier: BSD-2-Clause */
#include "worker.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include <fcgiapp.h>

#include "answer.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "prog/program.h"
#include "whole.h"

#define CONNECTIONS_MAX 768 /* systemd's default is 1024 descriptors */
#define CUT_MAX 128 /* connections that were cut, and are not yet closed */
#define EVENTS 8
#define READ_S 5 /* for a peer that stalls within a very large request */
#define PEEK_MAX 65536 /* a request of this size is read as it comes */
#define DRAIN_MS 250 /* for what waits when we stop */
#define BODY_MAX 65536 /* of a request body that is thrown away */
#define BODY_MS 100

struct work {
	struct pixel_worker *worker;
	struct pixel_server *server;
	FCGX_Request request;
	char *peek; /* owned, PEEK_MAX */
	bool stopping;
};

static struct pixel_site *
take_site(struct pixel_server *server)
{
	struct pixel_site *site = NULL;

	(void)pthread_mutex_lock(&server->lock);
	if (server->site != NULL)
		site = pixel_site_ref(server->site);
	(void)pthread_mutex_unlock(&server->lock);
	return site;
}

static void
drop(struct pixel_server *server, int fd)
{
	(void)close(fd);
	(void)atomic_fetch_sub(&server->connections, 1);
}

/* How much has come and is not read; 0: no more will; -1: nothing yet. */
static ssize_t
look(const struct work *work, int fd)
{
	return recv(fd, work->peek, PEEK_MAX, MSG_PEEK | MSG_DONTWAIT);
}

/* The peer sends no more. */
static bool
hung_up(int fd)
{
	struct pollfd pfd = { .fd = fd, .events = POLLRDHUP };

	return poll(&pfd, 1, 0) != 0;
}

/*
 * Let the connection wait for its request, or the rest of it, without a
 * thread. It is polled for edges: what came while we had it has woken somebody
 * who could not take it. True: so it was, and it is still ours.
 */
static bool
park(struct work *work, int fd, bool polled)
{
	struct pixel_server *server = work->server;
	struct epoll_event ev = {
		.events = EPOLLIN | EPOLLRDHUP | EPOLLET,
		.data.fd = fd,
	};
	unsigned n = atomic_load(&server->connections);
	enum pixel_idle_added added = PIXEL_IDLE_FULL;

	if (n > CONNECTIONS_MAX) {
		mt_log_every(60, MT_LOG_WARNING,
		    "more than %d connections; closing those that wait longest",
		    CONNECTIONS_MAX);
		pixel_idle_cut(&server->idle);
	}
	if (n <= CONNECTIONS_MAX + CUT_MAX &&
	    (polled || epoll_ctl(server->epoll, EPOLL_CTL_ADD, fd, &ev) == 0))
		added = pixel_idle_add(&server->idle, fd);
	if (added == PIXEL_IDLE_FULL)
		drop(server, fd);
	return added == PIXEL_IDLE_MISSED;
}

/* Closing with unread bytes would take the answer back over TCP. */
static void
close_after_body(struct pixel_server *server, int fd)
{
	struct pollfd pfd = { .fd = fd, .events = POLLIN };
	char trash[4096];
	size_t n = 0;
	ssize_t got = 1;

	(void)shutdown(fd, SHUT_WR);
	while (n < BODY_MAX && got > 0 && poll(&pfd, 1, BODY_MS) == 1) {
		got = recv(fd, trash, sizeof(trash), MSG_DONTWAIT);
		n += got > 0 ? (size_t)got : 0;
	}
	drop(server, fd);
}

/* Nothing of this request is left to be read from the connection. */
static bool
read_to_end(FCGX_Request *request)
{
	char trash[256];

	return FCGX_GetStr(trash, sizeof(trash), request->in) == 0 &&
	    FCGX_GetError(request->in) == 0;
}

static void
count(struct work *work, enum pixel_outcome outcome)
{
	(void)atomic_fetch_add_explicit(
	    &work->server->counts[outcome], 1, memory_order_relaxed);
}

static void
record(struct work *work, struct pixel_site *site, struct pixel_hit *hit,
    int64_t at)
{
	if (site != NULL)
		count(work, pixel_site_record(site, hit, at));
	else
		count(work, PIXEL_FAILED);
	mt_wipe(hit, sizeof(*hit));
}

/*
 * Answer the request that has been read, give the connection back, and only
 * then judge. keepConnection: whatever the peer wants, the library shall not
 * close, since it would wait for the peer to do so first. True: the next
 * request is there.
 */
static bool
answer(struct work *work, bool polled)
{
	FCGX_Request *request = &work->request;
	struct pixel_server *server = work->server;
	struct pixel_site *site = take_site(server);
	int64_t at = mt_clock_now();
	struct pixel_hit hit;
	struct mt_str text;
	bool keep = request->keepConnection != 0, more = false;
	int fd;

	pixel_hit_read(
	    request->envp, site != NULL ? pixel_site_trust(site) : NULL, &hit);
	hit.body = hit.body || !read_to_end(request);
	text = pixel_answer(hit.method);
	(void)FCGX_PutStr(text.p, (int)text.n, request->out);
	request->keepConnection = 1;
	FCGX_Finish_r(request);
	fd = request->ipcFd;
	request->ipcFd = -1;
	atomic_store(&work->worker->busy, -1);
	if (fd < 0)
		(void)atomic_fetch_sub(&server->connections, 1);
	else if (hit.body)
		close_after_body(server, fd);
	else if (keep && !work->stopping)
		more = park(work, fd, polled);
	else
		drop(server, fd);
	record(work, site, &hit, at);
	pixel_site_unref(site);
	return more;
}

/*
 * A whole request stands at fd. The library is given the connection as one
 * that was kept alive: its accept(2) cannot be woken to stop. When reading
 * fails it closes the connection and wants to accept another, from -1.
 */
static bool
serve(struct work *work, int fd, bool polled)
{
	FCGX_Request *request = &work->request;

	request->ipcFd = fd;
	request->keepConnection = 1;
	atomic_store(&work->worker->busy, fd);
	if (FCGX_Accept_r(request) == 0)
		return answer(work, polled);
	atomic_store(&work->worker->busy, -1);
	(void)atomic_fetch_sub(&work->server->connections, 1);
	return false;
}

/* A connection that is ours: serve it, or let it wait for the rest. */
static void
attend(struct work *work, int fd, bool polled, bool over)
{
	bool again;
	ssize_t n;

	do {
		n = look(work, fd);
		if (n == PEEK_MAX ||
		    (n > 0 && pixel_whole(mt_str_n(work->peek, (size_t)n)))) {
			again = serve(work, fd, polled);
		} else if (n == 0 || over || (n < 0 && errno != EAGAIN)) {
			drop(work->server, fd);
			return;
		} else {
			again = park(work, fd, polled);
		}
		polled = true;
		over = again && hung_up(fd);
	} while (again);
}

/*
 * One connection, or -1. The listener is armed for one event at a time: a
 * level-triggered one would wake a second worker for every connection.
 */
static int
accept_one(struct pixel_server *server)
{
	const struct timespec pause = { .tv_nsec = 20000000 };
	struct epoll_event again = {
		.events = EPOLLIN | EPOLLONESHOT,
		.data.fd = server->listener.fd,
	};
	int fd = accept4(server->listener.fd, NULL, NULL, SOCK_CLOEXEC);

	if (fd < 0 &&
	    (errno == EMFILE || errno == ENFILE || errno == ENOBUFS ||
		errno == ENOMEM)) {
		mt_log_every(60, MT_LOG_ERR,
		    "accept: %s; letting web servers wait", strerror(errno));
		(void)nanosleep(&pause, NULL);
	}
	(void)epoll_ctl(server->epoll, EPOLL_CTL_MOD, again.data.fd, &again);
	return fd;
}

static void
welcome(struct work *work)
{
	const struct timeval patience = { .tv_sec = READ_S };
	int fd = accept_one(work->server);

	if (fd < 0)
		return;
	(void)atomic_fetch_add(&work->server->connections, 1);
	(void)setsockopt(
	    fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	attend(work, fd, false, false);
}

/* false: the event was the stop. */
static bool
handle(struct work *work, const struct epoll_event *ev)
{
	const struct pixel_listener *listener = &work->server->listener;

	if (ev->data.fd == mt_stop_fd())
		return false;
	if (ev->data.fd != listener->fd) {
		/* Else who has it looks again before he lets it go. */
		if (pixel_idle_take(&work->server->idle, ev->data.fd))
			attend(work, ev->data.fd, true,
			    (ev->events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) !=
				0);
		return true;
	}
	/* Who comes now to a handed socket is for our successor. */
	if (work->stopping && listener->handed)
		return false;
	welcome(work);
	return true;
}

/* Answer what waits, as far as there is time. */
static void
drain(struct work *work)
{
	int64_t end_ms = mt_clock_mono_ms() + DRAIN_MS;
	struct epoll_event evs[EVENTS];
	bool any = true;
	int i, n;

	work->stopping = true;
	while (any && mt_clock_mono_ms() < end_ms) {
		any = false;
		n = epoll_wait(work->server->epoll, evs, EVENTS, 0);
		for (i = 0; i < n; i++)
			any |= handle(work, &evs[i]);
	}
}

void *
pixel_worker_run(void *arg)
{
	struct work work = { .worker = arg, .peek = mt_alloc(PEEK_MAX) };
	struct epoll_event ev;
	int n;

	work.server = work.worker->server;
	(void)FCGX_InitRequest(&work.request, -1, FCGI_FAIL_ACCEPT_ON_INTR);
	for (;;) {
		n = epoll_wait(work.server->epoll, &ev, 1, -1);
		if (n == 1 && !handle(&work, &ev))
			break;
	}
	drain(&work);
	FCGX_Free(&work.request, 1);
	mt_free(work.peek);
	(void)atomic_fetch_sub(&work.server->running, 1);
	return NULL;
}
