/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Opens, summed up per message. A token's opens and its mark may arrive in any
 * order and through different collectors; neither can see what the other has
 * not committed. So after its COMMIT a collector looks which messages its
 * events touched (touch.h), takes their message rows' locks, and only then
 * sums their tokens' opens (READ COMMITTED: each statement sees all that is
 * committed by then). Who locks last has seen all; doing it twice changes
 * nothing.
 *
 * message_open holds the sums, and the counters follow by the difference. A
 * message whose offer has not come yet (a stub) is settled when it comes; one
 * whose sender changes, since an earlier offer of it came later, has its opens
 * counted under the other domain from then on.
 */
#ifndef COLLECTOR_SETTLE_H
#define COLLECTOR_SETTLE_H

#include <stddef.h>

#include "db/db.h"
#include "store.h"
#include "touch.h"

struct settle;

struct settle *settle_new(struct mt_db *db);
void settle_free(struct settle *s); /* NULL is fine */
/* To begin a batch with, and to put its suspects in. */
struct touch *settle_touch(struct settle *s);
/* Settle the messages that these committed events and the suspects touched. */
MT_MUST_CHECK enum mt_rc settle_events(struct settle *s,
    const struct store_event *events, size_t n, struct mt_err *err);

#endif
