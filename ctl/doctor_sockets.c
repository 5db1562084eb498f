/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Do milter, pixel and feed answer? The kernel takes connections for a program
 * that was stopped or hangs, so each is asked something in its own protocol,
 * which leaves no event behind.
 */
#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clock.h"
#include "doctor.h"

#define PATIENCE_MS 2000

/* Packets of the milter protocol: length, command, data; big-endian. */
static const char milter_hello[] = "\0\0\0\15O" /* SMFIC_OPTNEG */
				   "\0\0\0\6" /* version */
				   "\0\0\1\377" /* every action */
				   "\0\37\377\377"; /* every step */
static const char milter_bye[] = "\0\0\0\1Q"; /* SMFIC_QUIT */
/* FastCGI: version, type 9 (GET_VALUES), id 0, 17 bytes, 7 of padding. */
static const char pixel_hello[] = "\1\11\0\0\0\21\7\0"
				  "\17\0FCGI_MPXS_CONNS"
				  "\0\0\0\0\0\0\0";

/* How one program is asked, and how its answer begins. */
static const struct {
	enum ctl_program program;
	const char *protocol;
	struct mt_str hello;
	struct mt_str bye; /* so that it does not wonder */
	size_t at;
	struct mt_str answer;
} probes[] = {
	{ CTL_MILTER, "milter", { milter_hello, sizeof(milter_hello) - 1 },
	    { milter_bye, sizeof(milter_bye) - 1 }, 4, { "O", 1 } },
	{ CTL_PIXEL, "FastCGI", { pixel_hello, sizeof(pixel_hello) - 1 },
	    { NULL, 0 }, 0, { "\1\12", 2 } }, /* GET_VALUES_RESULT */
	/* It greets without being asked. */
	{ CTL_FEED, "LMTP", { "QUIT\r\n", 6 }, { NULL, 0 }, 0, { "220 ", 4 } },
};
#define ANSWER_MAX 64

struct place {
	struct sockaddr_storage addr;
	socklen_t len;
};

static bool
resolve(struct mt_str host, struct mt_str port, struct place *place)
{
	const struct addrinfo hints = { .ai_socktype = SOCK_STREAM,
		.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV };
	char h[64], p[16];
	struct addrinfo *found;

	if (host.n > 2 && host.p[0] == '[')
		host = mt_str_n(host.p + 1, host.n - 2);
	(void)snprintf(h, sizeof(h), "%.*s", MT_STR_ARG(host));
	(void)snprintf(p, sizeof(p), "%.*s", MT_STR_ARG(port));
	if (getaddrinfo(h, p, &hints, &found) != 0)
		return false;
	memcpy(&place->addr, found->ai_addr, found->ai_addrlen);
	place->len = found->ai_addrlen;
	freeaddrinfo(found);
	return true;
}

/* unix:PATH, inet:PORT@ADDRESS (milter) or ADDRESS:PORT (the others). */
static bool
read_place(struct mt_str listen, struct place *place)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	struct mt_str kind, rest, port, host;

	if (!mt_str_cut(listen, ':', &kind, &rest))
		return false;
	if (mt_str_eqz(kind, "unix")) {
		if (rest.n == 0 || rest.n >= sizeof(un.sun_path))
			return false;
		memcpy(un.sun_path, rest.p, rest.n);
		memcpy(&place->addr, &un, sizeof(un));
		place->len = sizeof(un);
		return true;
	}
	if (mt_str_eqz(kind, "inet") || mt_str_eqz(kind, "inet6"))
		return mt_str_cut(rest, '@', &port, &host) &&
		    resolve(host, port, place);
	return mt_str_cut_last(listen, ':', &host, &port) &&
	    resolve(host, port, place);
}

static bool
wait_for(int fd, short events, int64_t until_ms)
{
	struct pollfd pfd = { .fd = fd, .events = events };
	int64_t left = until_ms - mt_clock_mono_ms();

	return left > 0 && poll(&pfd, 1, (int)left) == 1;
}

/* 0 or errno; a queue that is full (EAGAIN) belongs to who does not accept. */
static int
reach(int fd, const struct place *place, int64_t until_ms)
{
	socklen_t size = sizeof(int);
	int sys = 0;

	if (connect(fd, (const struct sockaddr *)&place->addr, place->len) == 0)
		return 0;
	if (errno != EINPROGRESS)
		return errno == EAGAIN ? ETIMEDOUT : errno;
	if (!wait_for(fd, POLLOUT, until_ms) ||
	    getsockopt(fd, SOL_SOCKET, SO_ERROR, &sys, &size) != 0)
		return ETIMEDOUT;
	return sys;
}

/* 0, ETIMEDOUT, or EPROTO when whoever it is hangs up. */
static int
receive(int fd, int64_t until_ms, char *out, size_t want)
{
	size_t n = 0;
	ssize_t got;

	while (n < want) {
		if (!wait_for(fd, POLLIN, until_ms))
			return ETIMEDOUT;
		got = recv(fd, out + n, want - n, 0);
		if (got <= 0)
			return EPROTO;
		n += (size_t)got;
	}
	return 0;
}

/* 0: it answers; EPROTO: what it says is something else; else errno. */
static int
ask(const struct place *place, size_t i)
{
	int64_t until_ms = mt_clock_mono_ms() + PATIENCE_MS;
	size_t want = probes[i].at + probes[i].answer.n;
	char answer[ANSWER_MAX] = "";
	int fd, sys;

	fd = socket(place->addr.ss_family,
	    SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return errno;
	if ((sys = reach(fd, place, until_ms)) == 0) {
		(void)send(
		    fd, probes[i].hello.p, probes[i].hello.n, MSG_NOSIGNAL);
		sys = receive(fd, until_ms, answer, want);
		if (sys == 0 &&
		    memcmp(answer + probes[i].at, probes[i].answer.p,
			probes[i].answer.n) != 0)
			sys = EPROTO;
		if (probes[i].bye.n > 0)
			(void)send(
			    fd, probes[i].bye.p, probes[i].bye.n, MSG_NOSIGNAL);
	}
	(void)close(fd);
	return sys;
}

static void
say_silent(struct ctl_doctor *d, enum ctl_program p, struct mt_str where)
{
	struct ctl_running r = ctl_doctor_running(d, p);
	const char *name = ctl_doctor_program(p);
	char remedy[160];

	if (r.stopped) {
		(void)snprintf(remedy, sizeof(remedy),
		    "let it go on: kill -CONT %d, or systemctl restart %s",
		    (int)r.pid, name);
		ctl_doctor_say(d, CTL_FAIL, "socket", remedy,
		    "%s does not answer at %.*s: process %d is stopped", name,
		    MT_STR_ARG(where), (int)r.pid);
		return;
	}
	(void)snprintf(remedy, sizeof(remedy),
	    "see its log, then: systemctl restart %s", name);
	ctl_doctor_say(d, CTL_FAIL, "socket", remedy,
	    "%s does not answer at %.*s within %d s, although somebody listens",
	    name, MT_STR_ARG(where), PATIENCE_MS / 1000);
}

static void
check(struct ctl_doctor *d, size_t i)
{
	enum ctl_program p = probes[i].program;
	const char *name = ctl_doctor_program(p);
	struct mt_str where = ctl_doctor_option(d, p, "listen");
	struct place place;
	char remedy[128];
	int sys;

	if (!read_place(where, &place))
		return;
	sys = ask(&place, i);
	(void)snprintf(remedy, sizeof(remedy),
	    "start it: systemctl start %s; its log says why not", name);
	if (sys == 0)
		ctl_doctor_say(d, CTL_OK, "socket", NULL, "%s answers at %.*s",
		    name, MT_STR_ARG(where));
	else if (sys == ETIMEDOUT)
		say_silent(d, p, where);
	else if (sys == ENOENT || sys == ECONNREFUSED)
		ctl_doctor_say(d, CTL_FAIL, "socket", remedy,
		    "%s is not running: %.*s: %s", name, MT_STR_ARG(where),
		    strerrordesc_np(sys));
	else
		ctl_doctor_say(d, CTL_FAIL, "socket",
		    sys == EPROTO
			? "another program has its place: stop that, or "
			  "correct the option listen"
			: "run this as root",
		    "%s at %.*s: %s%s", name, MT_STR_ARG(where),
		    sys == EPROTO ? "what answers does not speak "
				  : strerrordesc_np(sys),
		    sys == EPROTO ? probes[i].protocol : "");
}

void
ctl_doctor_sockets(struct ctl_doctor *d)
{
	size_t i;

	for (i = 0; i < sizeof(probes) / sizeof(probes[0]); i++)
		check(d, i);
}
