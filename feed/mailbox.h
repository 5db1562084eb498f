/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A mailbox that is searched for reports. Unread messages are looked at, from
 * time to time, without marking them; one that is a report and was taken is
 * marked as read, and moved if so wished. All else is left as it is, and not
 * looked at again by this process. Nothing is deleted (but what a server
 * without MOVE has to be told to expunge after a copy).
 *
 * A report whose mark or move fails is taken again the next time, which counts
 * once all the same.
 */
#ifndef FEED_MAILBOX_H
#define FEED_MAILBOX_H

#include <poll.h>
#include <stdint.h>

#include "taker.h"

struct feed_mailbox;

/* The taker outlives it. Without the option imap there is none: NULL. */
MT_MUST_CHECK enum mt_rc feed_mailbox_new(struct feed_taker *taker,
    struct feed_mailbox **ret_mailbox, struct mt_err *err);
void feed_mailbox_free(struct feed_mailbox *m); /* NULL is fine */
/* What to wait for: one descriptor or none. */
size_t feed_mailbox_wants(const struct feed_mailbox *m, struct pollfd *fds);
/* When there is something to do even so. */
int64_t feed_mailbox_due_ms(const struct feed_mailbox *m);
void feed_mailbox_work(struct feed_mailbox *m, int64_t now_ms);
/* poll(2), also for m, which may be NULL. */
void feed_mailbox_wait(
    struct feed_mailbox *m, struct pollfd *fds, size_t n, int timeout_ms);

#endif
