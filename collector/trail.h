/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What became of messages, kept up to date. Events of a message arrive in any
 * order and through different collectors, so nothing is counted up: after its
 * COMMIT a collector takes the locks of the messages that its events touched,
 * reads all there is about them (READ COMMITTED: all that is committed by
 * then), and works out their rows anew (life.h, fate.h). Who locks last has
 * seen all; doing it twice changes nothing.
 *
 * A message of a long queue id is locked by its row, which is made for that
 * when there is none. Whoever makes it has seen all there is when all of its
 * own events were new: what others have committed meanwhile they will look
 * after, and then find the row. So nothing is read of a message that comes with
 * its beginning and makes its row (fresh.h). Which messages a short queue id
 * had is what is to be found out: there a row of life_lock is taken, of the
 * lives only those are read that the events can have changed, and rows that
 * have become wrong are deleted (wrong.h). Messages that were touched by their
 * Message-ID only (stray.h) follow when the others are committed.
 */
#ifndef COLLECTOR_TRAIL_H
#define COLLECTOR_TRAIL_H

#include "db/db.h"
#include "store.h"

struct trail;

struct trail *trail_new(struct mt_db *db);
void trail_free(struct trail *t); /* NULL is fine */
/* Forget what was touched. */
void trail_begin(struct trail *t);
/*
 * Something was stored about the message that had this queue id at that time.
 * Texts are borrowed until trail_begin.
 */
void trail_touch(
    struct trail *t, struct mt_str host, struct mt_str queue_id, int64_t at);
/*
 * The same for an event, when it is about a message; added: it was not stored
 * before. The event, too, is borrowed.
 */
void trail_touch_event(
    struct trail *t, const struct store_event *event, bool added);
/* Work out all that was touched. */
MT_MUST_CHECK enum mt_rc trail_follow(struct trail *t, struct mt_err *err);

#endif
