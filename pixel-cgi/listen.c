/* SPDX-License-Identifier: BSD-2-Clause */
#include "listen.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/num.h"

#define BACKLOG 511
#define SYSTEMD_FD 3

enum mt_rc
pixel_place_read(struct mt_str listen, struct mt_str mode,
    struct mt_listen *ret_place, struct mt_err *err)
{
	memset(ret_place, 0, sizeof(*ret_place));
	if (mt_listen_mode(ret_place, mode, err) != MT_OK)
		return err->rc;
	if (mt_str_starts(listen, "unix:"))
		return mt_listen_unix(
		    ret_place, mt_str_n(listen.p + 5, listen.n - 5), err);
	if (!mt_listen_inet(ret_place, listen))
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

enum mt_rc
pixel_listen_at(const struct mt_listen *place,
    struct pixel_listener *ret_listener, struct mt_err *err)
{
	const char *what = place->path[0] != '\0' ? place->path : "listen";
	struct mt_listen at = *place;
	int fd = socket(
	    at.addr.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0)
		return mt_fail_sys(err, "listen");
	if (mt_listen_bind(&at, fd, MT_LIT(""), BACKLOG, what, err) != MT_OK) {
		(void)close(fd);
		return err->rc;
	}
	*ret_listener = (struct pixel_listener){ .fd = fd, .at = at };
	return MT_OK;
}

void
pixel_listen_close(struct pixel_listener *listener)
{
	mt_listen_hide(&listener->at);
	if (listener->fd >= 0)
		(void)close(listener->fd);
	listener->fd = -1;
}
