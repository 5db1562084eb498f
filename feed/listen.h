/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The socket that LMTP clients connect to (options listen, listen_mode,
 * listen_group). A socket file that nobody listens on any more is taken away,
 * and no other; ours goes first when we end.
 */
#ifndef FEED_LISTEN_H
#define FEED_LISTEN_H

#include <stdbool.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "options.h"

struct feed_place {
	bool none;
	struct sockaddr_storage addr;
	socklen_t len;
	mode_t mode;
	char path[sizeof(((struct sockaddr_un *)0)->sun_path)]; /* "": inet */
	struct stat made; /* path, when we made it */
};

MT_MUST_CHECK enum mt_rc feed_place_read(const struct feed_options *o,
    struct feed_place *ret_place, struct mt_err *err);
/* A listening, non-blocking socket. MT_CONFIG: another program listens. */
MT_MUST_CHECK enum mt_rc feed_place_open(struct feed_place *place,
    struct mt_str group, int *ret_fd, struct mt_err *err);
/* Nobody new shall come: the file goes, unless it is another's by now. */
void feed_place_hide(struct feed_place *place);

#endif
