/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The socket the web server connects to: handed over by systemd ($LISTEN_FDS),
 * or by the web server that started us (descriptor 0), or our own (option
 * listen). A handed socket is left as it is when we end; of our own the file
 * goes first, so that nobody queues up for a program that is going.
 */
#ifndef PIXEL_LISTEN_H
#define PIXEL_LISTEN_H

#include <stdbool.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "base/err.h"
#include "base/str.h"

struct pixel_place {
	struct sockaddr_storage addr;
	socklen_t len;
	mode_t mode;
};

/* Options listen and listen_mode. */
MT_MUST_CHECK enum mt_rc pixel_place_read(struct mt_str listen,
    struct mt_str mode, struct pixel_place *ret_place, struct mt_err *err);

struct pixel_listener {
	int fd; /* non-blocking; -1: none */
	bool handed;
	char path[sizeof(((struct sockaddr_un *)0)->sun_path)]; /* ours */
	struct stat made; /* path, when we made it */
};

/* MT_ABSENT when nobody handed us one. */
MT_MUST_CHECK enum mt_rc pixel_listen_handed(
    struct pixel_listener *ret_listener, struct mt_err *err);
MT_MUST_CHECK enum mt_rc pixel_listen_at(const struct pixel_place *place,
    struct pixel_listener *ret_listener, struct mt_err *err);
/* Take the socket's file away; connections that wait are still accepted. */
void pixel_listen_hide(struct pixel_listener *listener);
void pixel_listen_close(struct pixel_listener *listener);

#endif
