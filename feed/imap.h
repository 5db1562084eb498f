/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A connection to an IMAP server. libcurl finds it, starts TLS, checks its
 * certificate and logs in; from there on bytes go to and fro as they are. (Its
 * own FETCH sets \Seen before we have the message, and takes lines of a
 * message for responses when it is asked in other words.)
 *
 * Nothing here waits but imap_wait, which waits for everybody.
 */
#ifndef FEED_IMAP_H
#define FEED_IMAP_H

#include <poll.h>
#include <stddef.h>

#include "options.h"

struct imap;

enum imap_state {
	IMAP_DOWN, /* not begun, or ended */
	IMAP_CONNECTING,
	IMAP_UP /* logged in */
};

MT_MUST_CHECK enum mt_rc imap_new(struct imap **ret_imap, struct mt_err *err);
void imap_free(struct imap *imap); /* NULL is fine */
/* Begin to connect, with the password that its file holds now. */
MT_MUST_CHECK enum mt_rc imap_open(
    struct imap *imap, const struct feed_options *o, struct mt_err *err);
void imap_close(struct imap *imap);
/*
 * Go on connecting. MT_CONFIG: the server refuses the login, or its
 * certificate is not good. MT_AGAIN: it is away.
 */
MT_MUST_CHECK enum mt_rc imap_work(struct imap *imap, struct mt_err *err);
enum imap_state imap_state(const struct imap *imap);
int imap_fd(const struct imap *imap); /* once up */
/*
 * Once up: how many bytes went or came; 0 when it cannot be now. What came
 * may wait in libcurl: read until there is nothing before waiting.
 */
MT_MUST_CHECK enum mt_rc imap_send(struct imap *imap, const char *p, size_t n,
    size_t *ret_n, struct mt_err *err);
MT_MUST_CHECK enum mt_rc imap_recv(
    struct imap *imap, char *p, size_t n, size_t *ret_n, struct mt_err *err);
/* poll(2), and wake up for what libcurl waits for while it connects. */
void imap_wait(struct imap *imap, struct pollfd *fds, size_t n, int timeout_ms);

#endif
