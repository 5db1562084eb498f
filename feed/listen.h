/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The socket that LMTP clients connect to (options listen, listen_mode,
 * listen_group). It is hidden (mt_listen_hide) first when we end.
 */
#ifndef FEED_LISTEN_H
#define FEED_LISTEN_H

#include <stdbool.h>

#include "net/listen.h"
#include "options.h"

struct feed_place {
	bool none;
	struct mt_listen at;
};

MT_MUST_CHECK enum mt_rc feed_place_read(const struct feed_options *o,
    struct feed_place *ret_place, struct mt_err *err);
/* A listening, non-blocking socket. MT_CONFIG: another program listens. */
MT_MUST_CHECK enum mt_rc feed_place_open(struct feed_place *place,
    struct mt_str group, int *ret_fd, struct mt_err *err);

#endif
