/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The collector's side of one Redis endpoint: read the event stream as a
 * member of the consumer group, acknowledge, claim what a dead peer left,
 * trim. One connection, one thread. A call waits for its answer at most the
 * options' timeout_ms; errors are classed as redis/redis.h says. After
 * MT_AGAIN the connection is closed and the next call makes a new one.
 *
 * Reading is in two steps, so that one poll(2) can watch many endpoints and
 * the stop descriptor: mt_stream_ask sends XREADGROUP BLOCK, mt_stream_take
 * has the entries once the answer is there. While an answer is outstanding the
 * other calls wait for it first (it is kept for the next take); so ask last.
 *
 *     if (mt_stream_ask(s, 500, 5000, &err) == MT_OK &&
 *         mt_stream_take(s, 5000, mt_stop_fd(), &batch, &err) == MT_OK)
 *             store(batch.entries, batch.n);
 */
#ifndef MT_REDIS_STREAM_H
#define MT_REDIS_STREAM_H

#include "redis/redis.h"

struct mt_stream;

/* Borrowed from the stream: valid until the next call on it that reads. */
struct mt_entry {
	struct mt_id id;
	const struct mt_pair *pairs;
	size_t n; /* 0: the entry was deleted while pending; acknowledge it */
};

struct mt_entries {
	const struct mt_entry *entries;
	size_t n;
};

/* Does not connect yet. consumer is copied, endpoint too. */
MT_MUST_CHECK enum mt_rc mt_stream_open(const struct mt_redis_options *options,
    const struct mt_endpoint *endpoint, const char *consumer,
    struct mt_stream **ret_stream, struct mt_err *err);
void mt_stream_close(struct mt_stream *s); /* NULL is fine */
const char *mt_stream_name(const struct mt_stream *s); /* the endpoint */
/* For the next connection; borrowed. */
void mt_stream_set_password(struct mt_stream *s, struct mt_str password);
/* To poll for POLLIN while an answer is outstanding; -1: not connected. */
int mt_stream_fd(const struct mt_stream *s);

/* Make the stream and the group (from the first entry) where missing. */
MT_MUST_CHECK enum mt_rc mt_stream_create(
    struct mt_stream *s, struct mt_err *err);
/*
 * Ask for at most count new entries, waiting in Redis up to block_ms (0: not
 * at all). Does nothing while an answer is outstanding.
 */
MT_MUST_CHECK enum mt_rc mt_stream_ask(
    struct mt_stream *s, size_t count, unsigned block_ms, struct mt_err *err);
/*
 * The asked-for entries. MT_ABSENT when there are none: nothing was asked,
 * block_ms went by, wait_ms went by, or wake_fd (-1: none) became readable. In
 * the last two cases the answer remains outstanding. Or MT_ABSENT because the
 * stream or group is gone: then mt_stream_gone says so (see create).
 */
MT_MUST_CHECK enum mt_rc mt_stream_take(struct mt_stream *s, unsigned wait_ms,
    int wake_fd, struct mt_entries *ret_entries, struct mt_err *err);
bool mt_stream_asked(const struct mt_stream *s); /* an answer is outstanding */
/* Why the last take or own was MT_ABSENT: there is no stream or group. */
bool mt_stream_gone(const struct mt_stream *s);
/*
 * What this consumer was given before and has not acknowledged, after an id:
 * to be read at start. MT_ABSENT at the end, or when mt_stream_gone.
 */
MT_MUST_CHECK enum mt_rc mt_stream_own(struct mt_stream *s, struct mt_id after,
    size_t count, struct mt_entries *ret_entries, struct mt_err *err);
/*
 * Take over what other consumers have kept for min_idle_ms (XAUTOCLAIM).
 * Begin with *cursor all zero and go on until it is zero again; a step may
 * yield no entries.
 */
MT_MUST_CHECK enum mt_rc mt_stream_claim(struct mt_stream *s,
    uint64_t min_idle_ms, size_t count, struct mt_id *cursor,
    struct mt_entries *ret_entries, struct mt_err *err);
/* Acknowledge (XACK), any number in one go. */
MT_MUST_CHECK enum mt_rc mt_stream_ack(
    struct mt_stream *s, const struct mt_id *ids, size_t n, struct mt_err *err);
/* Remove single entries (XDEL), which must be acknowledged. */
MT_MUST_CHECK enum mt_rc mt_stream_delete(
    struct mt_stream *s, const struct mt_id *ids, size_t n, struct mt_err *err);
MT_MUST_CHECK enum mt_rc mt_stream_facts(
    struct mt_stream *s, struct mt_stream_facts *ret_facts, struct mt_err *err);
/* Remove every entry up to an id, which must be acknowledged (facts.acked). */
MT_MUST_CHECK enum mt_rc mt_stream_trim(struct mt_stream *s, struct mt_id upto,
    uint64_t *ret_removed, struct mt_err *err);
/* Add one entry; for replaying, and for tests. The shipper uses feed.h. */
MT_MUST_CHECK enum mt_rc mt_stream_add(struct mt_stream *s,
    const struct mt_pair *pairs, size_t n, struct mt_id *ret_id,
    struct mt_err *err);

#endif
