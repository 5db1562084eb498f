/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The socket the web server connects to: handed over by systemd ($LISTEN_FDS),
 * or by the web server that started us (descriptor 0), or our own (option
 * listen). A handed socket is left as it is when we end; of our own the file
 * goes first.
 */
#ifndef PIXEL_LISTEN_H
#define PIXEL_LISTEN_H

#include <stdbool.h>

#include "net/listen.h"

/* Options listen and listen_mode. */
MT_MUST_CHECK enum mt_rc pixel_place_read(struct mt_str listen,
    struct mt_str mode, struct mt_listen *ret_place, struct mt_err *err);

struct pixel_listener {
	int fd; /* non-blocking; -1: none */
	bool handed;
	struct mt_listen at; /* when it is ours */
};

/* MT_ABSENT when nobody handed us one. */
MT_MUST_CHECK enum mt_rc pixel_listen_handed(
    struct pixel_listener *ret_listener, struct mt_err *err);
MT_MUST_CHECK enum mt_rc pixel_listen_at(const struct mt_listen *place,
    struct pixel_listener *ret_listener, struct mt_err *err);
/* Hides it, too. */
void pixel_listen_close(struct pixel_listener *listener);

#endif
