/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Sockets that servers listen on: what the options listen, listen_mode and
 * listen_group say of one, its file, and its end. Which forms of listen a
 * program takes, it says itself, in its own words.
 *
 * The file of a Unix socket may be a dead program's: one that nobody listens
 * on any more is taken away, and a file that is no socket never. Our own goes
 * before we end, so that nobody queues up for a program that is going.
 *
 * All-zero is a place without a file: to clear, dress and hide one does
 * nothing, as with an address and port.
 */
#ifndef MT_NET_LISTEN_H
#define MT_NET_LISTEN_H

#include <stdbool.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "base/err.h"
#include "base/str.h"

struct mt_listen {
	struct sockaddr_storage addr;
	socklen_t len;
	char path[sizeof(((struct sockaddr_un *)0)->sun_path)]; /* "": none */
	mode_t mode; /* of path */
	dev_t dev; /* path, when we made it */
	ino_t ino; /* 0: we did not */
};

/* Option listen_mode: three octal digits, or four with a 0 in front. */
MT_MUST_CHECK enum mt_rc mt_listen_mode(
    struct mt_listen *l, struct mt_str mode, struct mt_err *err);
/* What follows "unix:" in option listen; MT_CONFIG: no path for a socket. */
MT_MUST_CHECK enum mt_rc mt_listen_unix(
    struct mt_listen *l, struct mt_str path, struct mt_err *err);
/* ADDRESS:PORT, an IPv6 address between brackets or not; false: it is not. */
bool mt_listen_inet(struct mt_listen *l, struct mt_str text);

/*
 * Take away a file that nobody listens on. MT_CONFIG: another program does, or
 * it is no socket.
 */
MT_MUST_CHECK enum mt_rc mt_listen_clear(
    const struct mt_listen *l, struct mt_err *err);
/* Give the file that was just bound its group (empty: leave it) and mode. */
MT_MUST_CHECK enum mt_rc mt_listen_dress(
    struct mt_listen *l, struct mt_str group, struct mt_err *err);
/*
 * Clear, bind, dress and listen, with a socket of l's family, which stays the
 * caller's. `what` is put before the reason when bind(2) fails.
 */
MT_MUST_CHECK enum mt_rc mt_listen_bind(struct mt_listen *l, int fd,
    struct mt_str group, int backlog, const char *what, struct mt_err *err);
/*
 * Nobody new shall come: our file goes, unless another is in its place by now.
 * Who waits in the socket's queue can still be accepted.
 */
void mt_listen_hide(struct mt_listen *l);

#endif
