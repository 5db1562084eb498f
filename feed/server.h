/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The LMTP connections: who is spoken to, what may be read and written, who
 * has been silent for too long. It never waits; feed.c does, for all.
 */
#ifndef FEED_SERVER_H
#define FEED_SERVER_H

#include <poll.h>
#include <stddef.h>
#include <stdint.h>

#include "listen.h"
#include "taker.h"

struct feed_server;

/* Listen; the taker outlives it. With listen = none there is no server: NULL.
 */
MT_MUST_CHECK enum mt_rc feed_server_new(struct feed_taker *taker,
    struct feed_server **ret_server, struct mt_err *err);
/* Each client who is not in the middle of it is told that we go. */
void feed_server_free(struct feed_server *s); /* NULL is fine */
/* At most so many descriptors to wait for. */
size_t feed_server_most(const struct feed_server *s);
/* What to wait for; how many of them. */
size_t feed_server_wants(const struct feed_server *s, struct pollfd *fds);
/* The same ones again, with their events. */
void feed_server_work(
    struct feed_server *s, const struct pollfd *fds, int64_t now_ms);
/* When the next client has been silent for too long; INT64_MAX: nobody. */
int64_t feed_server_due_ms(const struct feed_server *s);

#endif
