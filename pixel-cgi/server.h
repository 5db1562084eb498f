/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * FastCGI with a pool of threads. The library reads and writes the protocol;
 * the waiting is ours: connections that rest between requests wait in one
 * epoll set and hold no thread, so idle keep-alive connections neither starve
 * the pool nor delay the end. When the program shall stop, what has been
 * accepted or waits in the queue of our own socket is answered first, for a
 * quarter of a second at most; a peer that stalls is cut off.
 */
#ifndef PIXEL_SERVER_H
#define PIXEL_SERVER_H

#include "base/err.h"
#include "listen.h"
#include "site.h"

struct pixel_server;

/* Takes the listener over, also on failure. site may be NULL: answer only. */
MT_MUST_CHECK enum mt_rc pixel_server_new(struct pixel_listener *listener,
    unsigned threads, struct pixel_site *site, struct pixel_server **ret_server,
    struct mt_err *err);
/* Until mt_stopping(). */
MT_MUST_CHECK enum mt_rc pixel_server_run(
    struct pixel_server *server, struct mt_err *err);
void pixel_server_free(struct pixel_server *server); /* NULL is fine */

#endif
