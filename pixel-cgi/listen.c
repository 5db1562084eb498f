/* SPDX-License-Identifier: BSD-2-Clause */
#include "listen.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/ip.h"
#include "base/log.h"
#include "base/num.h"

#define BACKLOG 511
#define SYSTEMD_FD 3

static bool
read_mode(struct mt_str s, mode_t *ret_mode)
{
	mode_t mode = 0;
	size_t i;

	if (s.n < 3 || s.n > 4 || (s.n == 4 && s.p[0] != '0'))
		return false;
	for (i = 0; i < s.n; i++) {
		if (s.p[i] < '0' || s.p[i] > '7')
			return false;
		mode = mode << 3 | (mode_t)(s.p[i] - '0');
	}
	*ret_mode = mode;
	return true;
}

static enum mt_rc
read_unix(struct mt_str path, struct pixel_place *place, struct mt_err *err)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };

	if (path.n == 0 || path.p[0] != '/')
		return mt_fail(
		    err, MT_CONFIG, "listen: unix: needs an absolute path");
	if (path.n >= sizeof(un.sun_path))
		return mt_fail(err, MT_CONFIG,
		    "listen: path longer than %zu bytes",
		    sizeof(un.sun_path) - 1);
	memcpy(un.sun_path, path.p, path.n);
	memcpy(&place->addr, &un, sizeof(un));
	place->len = sizeof(un);
	return MT_OK;
}

static bool
read_inet(struct mt_str text, struct pixel_place *place)
{
	struct sockaddr_in6 v6 = { .sin6_family = AF_INET6 };
	struct sockaddr_in v4 = { .sin_family = AF_INET };
	struct mt_str host, port;
	uint64_t number;
	struct mt_ip ip;

	if (!mt_str_cut_last(text, ':', &host, &port) ||
	    !mt_num_read(port, 65535, &number) || number == 0)
		return false;
	if (host.n > 2 && host.p[0] == '[' && host.p[host.n - 1] == ']')
		host = mt_str_n(host.p + 1, host.n - 2);
	if (!mt_ip_read(host, &ip))
		return false;
	if (ip.family == 4) {
		memcpy(&v4.sin_addr, ip.b, sizeof(v4.sin_addr));
		v4.sin_port = htons((uint16_t)number);
		memcpy(&place->addr, &v4, sizeof(v4));
		place->len = sizeof(v4);
	} else {
		memcpy(&v6.sin6_addr, ip.b, sizeof(v6.sin6_addr));
		v6.sin6_port = htons((uint16_t)number);
		memcpy(&place->addr, &v6, sizeof(v6));
		place->len = sizeof(v6);
	}
	return true;
}

enum mt_rc
pixel_place_read(struct mt_str listen, struct mt_str mode,
    struct pixel_place *ret_place, struct mt_err *err)
{
	memset(ret_place, 0, sizeof(*ret_place));
	if (!read_mode(mode, &ret_place->mode))
		return mt_fail(err, MT_CONFIG,
		    "listen_mode: %s is no mode such as 0660",
		    mt_quote(mode).s);
	if (mt_str_starts(listen, "unix:"))
		return read_unix(
		    mt_str_n(listen.p + 5, listen.n - 5), ret_place, err);
	if (!read_inet(listen, ret_place))
		return mt_fail(err, MT_CONFIG,
		    "listen: %s is neither unix:PATH nor ADDRESS:PORT",
		    mt_quote(listen).s);
	return MT_OK;
}

static bool
is_listening(int fd)
{
	socklen_t len = sizeof(int);
	int on = 0;

	return getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &on, &len) == 0 && on;
}

/* Descriptor that systemd hands to this very process, or -1. */
static int
systemd_socket(void)
{
	const char *pid = getenv("LISTEN_PID"), *fds = getenv("LISTEN_FDS");
	uint64_t n;

	if (pid == NULL || fds == NULL ||
	    !mt_num_read(mt_str(pid), UINT32_MAX, &n) ||
	    n != (uint64_t)getpid() ||
	    !mt_num_read(mt_str(fds), UINT32_MAX, &n) || n == 0 ||
	    !is_listening(SYSTEMD_FD))
		return -1;
	return SYSTEMD_FD;
}

static enum mt_rc
make_ready(int fd, struct mt_err *err)
{
	int flags = fcntl(fd, F_GETFL);

	if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) != 0 ||
	    fcntl(fd, F_SETFD, FD_CLOEXEC) != 0)
		return mt_fail_sys(err, "listening socket");
	return MT_OK;
}

enum mt_rc
pixel_listen_handed(struct pixel_listener *ret_listener, struct mt_err *err)
{
	int fd = systemd_socket();

	if (fd < 0 && is_listening(STDIN_FILENO))
		fd = STDIN_FILENO;
	if (fd < 0)
		return mt_fail(
		    err, MT_ABSENT, "no listening socket was handed over");
	if (make_ready(fd, err) != MT_OK)
		return err->rc;
	memset(ret_listener, 0, sizeof(*ret_listener));
	ret_listener->fd = fd;
	ret_listener->handed = true;
	return MT_OK;
}

/* A socket file that nobody listens on is of one that was killed. */
static enum mt_rc
clear_path(
    const struct pixel_place *place, const char *path, struct mt_err *err)
{
	const struct sockaddr *addr = (const struct sockaddr *)&place->addr;
	struct stat st;
	int fd, rc;

	if (lstat(path, &st) != 0)
		return MT_OK;
	if (!S_ISSOCK(st.st_mode))
		return mt_fail(
		    err, MT_CONFIG, "%s: exists and is no socket", path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return mt_fail_sys(err, "socket");
	rc = connect(fd, addr, place->len);
	if (rc != 0 && errno == EAGAIN)
		rc = 0; /* its queue is full, so it has one */
	(void)close(fd);
	if (rc == 0)
		return mt_fail(
		    err, MT_CONFIG, "%s: another program listens there", path);
	if (unlink(path) != 0)
		return mt_fail_sys(err, "%s", path);
	return MT_OK;
}

static enum mt_rc
bind_at(int fd, const struct pixel_place *place,
    struct pixel_listener *listener, struct mt_err *err)
{
	const struct sockaddr *addr = (const struct sockaddr *)&place->addr;
	const struct sockaddr_un *un = (const struct sockaddr_un *)&place->addr;
	const int on = 1;

	if (place->addr.ss_family != AF_UNIX) {
		(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
		if (bind(fd, addr, place->len) != 0)
			return mt_fail_sys(err, "listen");
		return MT_OK;
	}
	if (clear_path(place, un->sun_path, err) != MT_OK)
		return err->rc;
	if (bind(fd, addr, place->len) != 0)
		return mt_fail_sys(err, "%s", un->sun_path);
	memcpy(listener->path, un->sun_path, sizeof(listener->path));
	if (chmod(un->sun_path, place->mode) != 0 ||
	    lstat(un->sun_path, &listener->made) != 0)
		return mt_fail_sys(err, "%s", un->sun_path);
	return MT_OK;
}

enum mt_rc
pixel_listen_at(const struct pixel_place *place,
    struct pixel_listener *ret_listener, struct mt_err *err)
{
	struct pixel_listener listener = { .fd = -1 };

	listener.fd = socket(place->addr.ss_family,
	    SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (listener.fd < 0)
		return mt_fail_sys(err, "listen");
	if (bind_at(listener.fd, place, &listener, err) != MT_OK) {
		pixel_listen_close(&listener);
		return err->rc;
	}
	if (listen(listener.fd, BACKLOG) != 0) {
		(void)mt_fail_sys(err, "listen");
		pixel_listen_close(&listener);
		return err->rc;
	}
	*ret_listener = listener;
	return MT_OK;
}

void
pixel_listen_hide(struct pixel_listener *listener)
{
	struct stat st;

	if (listener->path[0] == '\0')
		return;
	/* Unless somebody has put another in its place. */
	if (lstat(listener->path, &st) == 0 &&
	    st.st_ino == listener->made.st_ino &&
	    st.st_dev == listener->made.st_dev)
		(void)unlink(listener->path);
	listener->path[0] = '\0';
}

void
pixel_listen_close(struct pixel_listener *listener)
{
	pixel_listen_hide(listener);
	if (listener->fd >= 0)
		(void)close(listener->fd);
	listener->fd = -1;
}
