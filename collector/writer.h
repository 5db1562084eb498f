/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One who stores events: lanes to each Redis endpoint, a batch in hand and a
 * connection to MariaDB. The first writer of a program does all there is to do
 * while it can; the others catch up: they are woken when the first got as many
 * events as it had asked for, and rest, without any connection, when there is
 * no more. So only who is behind takes a second processor, and messages whose
 * events come one by one are not fought for.
 *
 * To Redis and MariaDB writers are collectors of their own; the second one's
 * consumer is called "NAME/2".
 */
#ifndef COLLECTOR_WRITER_H
#define COLLECTOR_WRITER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/trouble.h"
#include "batch.h"
#include "conf/conf.h"
#include "store.h"

struct writer;

/*
 * The number-th, from 1 on; `trouble` is what all share of the database's
 * (borrowed). What is readable at `call_fd` calls it away from waiting for the
 * database. The first connects: Redis and a database that is away are waited
 * for later, one that has another schema, or does not let us in, is an error.
 */
MT_MUST_CHECK enum mt_rc writer_new(struct mt_conf *conf, unsigned number,
    struct mt_trouble *trouble, int call_fd, struct writer **ret_writer,
    struct mt_err *err);
void writer_free(struct writer *w); /* NULL is fine */
/* One turn with each lane, unless it is called away. */
MT_MUST_CHECK enum mt_rc writer_turn(struct writer *w, struct mt_err *err);
/* Was the last turn cut short by a call, or the stop? */
bool writer_left(const struct writer *w);
/* Wait for Redis, for `wake_fd`, or for the stop. */
void writer_sleep(const struct writer *w, int wake_fd);
/* Did Redis, the last time, give all that was asked for? */
bool writer_behind(const struct writer *w);
/* Of those that catch up. The password files are read again. */
MT_MUST_CHECK enum mt_rc writer_wake(struct writer *w, struct mt_err *err);
bool writer_done(const struct writer *w);
/*
 * Ask for nothing any more, and be done with what was given. False: that is in
 * trouble, and whoever takes over entries has to.
 */
bool writer_finish(struct writer *w);
void writer_rest(struct writer *w);
/* For upkeep. */
struct batch *writer_batch(struct writer *w);
struct store *writer_store(struct writer *w);

#endif
