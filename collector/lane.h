/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One Redis endpoint, seen from the loop: its connection, and what is to be
 * done there when. A lane asks for entries and lets the loop poll for the
 * answer; it never waits by itself, except for short answers (acknowledge,
 * trim). What it reads it hands to the loop's function, which returns MT_OK
 * when all of it may be acknowledged.
 *
 * Every endpoint has two lanes, so that Redis prepares one's answer while the
 * other's is stored (one, of a writer that only catches up). The elder looks
 * after what both have in common: read first is what this consumer was given in
 * an earlier life, then what is new, and now and then what a dead peer left.
 */
#ifndef COLLECTOR_LANE_H
#define COLLECTOR_LANE_H

#include <stdbool.h>
#include <stdint.h>

#include "options.h"
#include "redis/stream.h"

struct lane;

/*
 * Store entries. MT_OK: acknowledge them all (the dead letters among them were
 * put aside). Anything else: keep them, and come again.
 */
typedef enum mt_rc lane_store(void *context, struct mt_stream *stream,
    const struct mt_entries *entries, struct mt_err *err);

struct lane_options {
	const struct mt_redis_options *redis;
	struct mt_str password_file; /* read for each connection */
	const char *consumer;
	size_t batch;
	uint64_t claim_ms;
	/*
	 * Only what waits there now: ask without waiting, until an answer is
	 * shorter than asked for. What others left is left to them.
	 */
	bool catch_up;
	lane_store *store;
	/* Did it fail because it was called away? */
	bool (*left)(const void *context);
	void *context;
};

/* Options are borrowed. elder: the first lane there, NULL to be that. */
MT_MUST_CHECK enum mt_rc lane_open(const struct lane_options *options,
    const struct mt_endpoint *endpoint, struct lane *elder,
    struct lane **ret_lane, struct mt_err *err);
void lane_close(struct lane *lane); /* NULL is fine */
/* To poll for; -1 while there is nothing to wait for but time. */
int lane_fd(const struct lane *lane);
/* When lane_step wants to be called at the latest (mt_clock_mono_ms). */
int64_t lane_due(const struct lane *lane);
/* Was the last answer all that had been asked for? */
bool lane_full(const struct lane *lane);
/* One that catches up: has it, with nothing outstanding? */
bool lane_done(const struct lane *lane);
/* Ask for nothing any more; what is outstanding is still to be stored. */
void lane_enough(struct lane *lane);
bool lane_stuck(const struct lane *lane); /* it is in trouble with Redis */
/*
 * Do what is to be done now. Troubles with Redis, a password that was changed
 * among them, are logged and tried again later; only MT_LIMIT comes back.
 */
MT_MUST_CHECK enum mt_rc lane_step(
    struct lane *lane, int64_t now_ms, struct mt_err *err);

#endif
