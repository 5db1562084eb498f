/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The shipper's side of one Redis endpoint: add events to the stream, many at
 * once, never waiting. Poll the descriptor for the events it wants, let it
 * work, take the answers; they come in the order of what was asked.
 *
 * After the start the feed logs in and asks for the facts by itself. Adding
 * needs the stream to exist (NOMKSTREAM): so a stream that was deleted is
 * noticed (MT_FEED_GONE) and not quietly begun anew.
 *
 * The marker is a consumer group of this host's own in the stream, which reads
 * nothing; its last-delivered-id says up to which entry the shipper has seen
 * its events in this Redis. Redis keeps a prefix of what was done to it, when
 * it is killed or set back to an older dump: so when the marker is where it
 * was put, all that came before it is there, and when it is not, nothing is
 * certain.
 */
#ifndef MT_REDIS_FEED_H
#define MT_REDIS_FEED_H

#include "redis/redis.h"

struct mt_feed;

enum mt_feed_kind {
	MT_FEED_FACTS, /* facts */
	MT_FEED_CREATED,
	MT_FEED_ADDED, /* id */
	MT_FEED_BURIED, /* in the dead letters */
	MT_FEED_MARKED, /* id: where the marker stands now */
	MT_FEED_GONE, /* the stream, or the marker, is not there any more */
	MT_FEED_REFUSED /* rc and text say why; the thing asked was not done */
};

struct mt_feed_answer {
	enum mt_feed_kind kind;
	struct mt_id id;
	const struct mt_stream_facts *facts; /* until the next answer */
	bool adding; /* REFUSED, GONE: it was an event */
	struct mt_err why; /* REFUSED */
};

/* options are borrowed; marker is copied. */
struct mt_feed *mt_feed_new(const struct mt_redis_options *options,
    const struct mt_endpoint *endpoint, const char *marker);
void mt_feed_free(struct mt_feed *feed); /* NULL is fine */
const char *mt_feed_name(const struct mt_feed *feed); /* the endpoint */
/* For the next start; borrowed. */
void mt_feed_set_password(struct mt_feed *feed, struct mt_str password);
/* Begin to connect. MT_AGAIN, MT_CONFIG as redis.h says. */
MT_MUST_CHECK enum mt_rc mt_feed_start(
    struct mt_feed *feed, struct mt_err *err);
void mt_feed_stop(struct mt_feed *feed);
bool mt_feed_up(const struct mt_feed *feed);
int mt_feed_fd(const struct mt_feed *feed);
short mt_feed_events(const struct mt_feed *feed); /* for poll(2) */
/* When work is due although nothing happened (CLOCK_MONOTONIC); 0: never. */
int64_t mt_feed_deadline_ms(const struct mt_feed *feed);
/* Any failure means: the connection is closed, nothing is outstanding. */
MT_MUST_CHECK enum mt_rc mt_feed_work(struct mt_feed *feed, struct mt_err *err);
/* MT_ABSENT: no answer there. Other failures as in work. */
MT_MUST_CHECK enum mt_rc mt_feed_take(struct mt_feed *feed,
    struct mt_feed_answer *ret_answer, struct mt_err *err);
size_t mt_feed_unsent(const struct mt_feed *feed); /* bytes queued */

void mt_feed_ask_facts(struct mt_feed *feed);
/* Make stream, group and marker where missing. */
void mt_feed_create(struct mt_feed *feed);
void mt_feed_add(struct mt_feed *feed, const struct mt_pair *pairs, size_t n);
/* A payload that is no event, into the dead letters. */
void mt_feed_bury(
    struct mt_feed *feed, struct mt_str payload, const char *reason);
void mt_feed_mark(struct mt_feed *feed, struct mt_id id);

#endif
