/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The collector's side of MariaDB. store_events puts a set of events there,
 * all or none, each at most once ever, whoever else stores the same ones at
 * the same time:
 *
 *   1. one transaction: INSERT IGNORE of the event rows, which tells the new
 *      ones; what these contribute is folded and merged into the other tables,
 *      every table in the order of its primary key (unsorted, two collectors
 *      would deadlock); COMMIT
 *   2. the opens of every message that the events touched are summed again
 *      (settle.h), new or not: so a crash between 1 and 2 heals when the
 *      events come again
 *
 *   3. what became of the messages that the events are about is worked out anew
 *      (trail.h), new or not, likewise
 *
 * After MT_AGAIN nothing may be acknowledged; call again with the same events.
 * MT_CONFIG: the same, once somebody has changed schema, rights or password.
 * MT_FORMAT, MT_LIMIT: one of the events cannot be stored. The connection is
 * made when it is needed, and the schema is checked each time it is made.
 */
#ifndef COLLECTOR_STORE_H
#define COLLECTOR_STORE_H

#include <stdbool.h>
#include <stddef.h>

#include "db/db.h"
#include "event/event.h"

struct store_event {
	enum mt_event id;
	union mt_event_any event;
};

struct store;

/*
 * options' texts are borrowed. password_file is read for each connection, so
 * that a new password needs no reload; absent: none.
 */
struct store *store_new(
    const struct mt_db_options *options, struct mt_str password_file);
void store_free(struct store *s); /* NULL is fine */
/* Connect, and check the schema, unless that is done. */
MT_MUST_CHECK enum mt_rc store_connect(struct store *s, struct mt_err *err);
void store_disconnect(struct store *s);
/* The connection, for upkeep; NULL when there is none. */
struct mt_db *store_db(struct store *s);
/* *ret_new: how many of the events were not there before. */
MT_MUST_CHECK enum mt_rc store_events(struct store *s,
    const struct store_event *events, size_t n, size_t *ret_new,
    struct mt_err *err);

#endif
