/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Opens, summed up per message. A token's opens and its mark may arrive in any
 * order and through different collectors; neither can see what the other has
 * not committed. So after its COMMIT a collector looks which messages its
 * events touched, takes their message rows' locks, and only then sums their
 * tokens' opens (READ COMMITTED: each statement sees all that is committed by
 * then). Who locks last has seen all; doing it twice changes nothing.
 *
 * message_open holds the sums, and the counters follow by the difference. A
 * message whose offer has not come yet (a stub) is settled when it comes.
 */
#ifndef COLLECTOR_SETTLE_H
#define COLLECTOR_SETTLE_H

#include <stdbool.h>
#include <stddef.h>

#include "db/db.h"
#include "store.h"

struct settle;

struct settle *settle_new(struct mt_db *db);
void settle_free(struct settle *s); /* NULL is fine */
/* Forget what was suspected for the events before. */
void settle_begin(struct settle *s);
/*
 * An offer, or its message, was there before: opens may have been waiting for
 * it. Texts are borrowed until settle_events.
 */
void settle_suspect(
    struct settle *s, int64_t born, struct mt_str host, struct mt_str queue_id);
/* Settle the suspects, and the messages that these events' marks and opens
 * touched; all is committed. */
MT_MUST_CHECK enum mt_rc settle_events(struct settle *s,
    const struct store_event *events, size_t n, struct mt_err *err);

#endif
