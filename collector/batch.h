/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A batch of stream entries on its way into MariaDB: decoded, stored in
 * pieces that shrink when MariaDB has trouble and grow again, and searched for
 * the culprit when one cannot be stored. What can be neither decoded nor
 * stored becomes a dead letter with the reason. While MariaDB is away, full,
 * read-only, of another schema or does not let us in, the batch waits here, as
 * the log says once a minute, until that is over, the program shall stop, or
 * whoever waits is called away: what was not stored stays in Redis.
 */
#ifndef COLLECTOR_BATCH_H
#define COLLECTOR_BATCH_H

#include <stdbool.h>
#include <stdint.h>

#include "base/trouble.h"
#include "redis/stream.h"
#include "store.h"

struct batch;

/* What was done since the last batch_counts. */
struct batch_counts {
	uint64_t events; /* decoded and stored */
	uint64_t added; /* of them, not there before */
	uint64_t dead;
	uint64_t batches;
};

/*
 * The database's troubles are told through `trouble`, which others may share.
 * `call_fd` gets readable to call away who waits.
 */
struct batch *batch_new(
    struct store *store, size_t most, struct mt_trouble *trouble, int call_fd);
void batch_free(struct batch *b); /* NULL is fine */
/* A lane_store (lane.h); context is the batch. */
MT_MUST_CHECK enum mt_rc batch_store(void *context, struct mt_stream *stream,
    const struct mt_entries *entries, struct mt_err *err);
/* From any thread. */
struct batch_counts batch_counts(struct batch *b);
/* Wait for the database to be there with the right schema; fails as below. */
MT_MUST_CHECK enum mt_rc batch_connect(struct batch *b, struct mt_err *err);
/* Did the last of these two fail since it was called away, or to the stop? */
bool batch_left(const struct batch *b);

#endif
