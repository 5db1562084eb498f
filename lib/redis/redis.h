/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What everything that talks to Redis shares: endpoints, who logs in, stream
 * ids, and which of Redis's refusals mean what. hiredis stays inside the room.
 *
 * Errors: MT_AGAIN when Redis is away, loading, read-only, out of memory or
 * cannot save: keep the data, try later. MT_CONFIG when an operator must act
 * (password, ACL, key of another type). MT_ABSENT when the stream or group is
 * not there. MT_FORMAT when Redis answered what its documentation does not
 * allow. The text names the endpoint and has Redis's own words.
 */
#ifndef MT_REDIS_REDIS_H
#define MT_REDIS_REDIS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/str.h"
#include "event/event.h"

/* Most endpoints of the option `redis`. */
#define MT_MAX_ENDPOINTS 64

/* Borrowed; must outlive what is opened with it. */
struct mt_redis_options {
	struct mt_str user; /* absent: the default user */
	struct mt_str password; /* absent: none */
	struct mt_str stream; /* key of the event stream */
	struct mt_str group; /* consumer group of the collectors */
	unsigned timeout_ms; /* for a connection or an answer */
};

/* unix:PATH or HOST:PORT ([::1]:6379 for IPv6). */
struct mt_endpoint {
	char text[256]; /* as configured */
	char host[256]; /* or the path */
	unsigned port; /* 0: unix socket */
};

/* The option `redis`. MT_CONFIG: "'x': not unix:PATH or HOST:PORT". */
MT_MUST_CHECK enum mt_rc mt_endpoints_read(struct mt_str option,
    struct mt_endpoint *endpoints, size_t max, size_t *ret_n,
    struct mt_err *err);
/*
 * Which of n endpoints an event belongs to: by host and queue id, or token
 * where there is no queue id.
 */
size_t mt_endpoint_choose(
    const struct mt_pair *pairs, size_t n_pairs, size_t n);

/* The id of a stream entry; all zero is before every entry. */
struct mt_id {
	uint64_t ms;
	uint64_t seq;
};

#define MT_ID_LEN 41 /* bytes of the longest text, without NUL */

bool mt_id_read(struct mt_str s, struct mt_id *ret_id);
void mt_id_write(struct mt_id id, char *out); /* MT_ID_LEN + 1 bytes */
int mt_id_cmp(struct mt_id a, struct mt_id b);
struct mt_id mt_id_before(struct mt_id id); /* of 0-0: 0-0 */
struct mt_id mt_id_after(struct mt_id id);

/* What Redis tells about the stream and its groups. */
struct mt_stream_facts {
	char run_id[41];
	bool exists; /* the stream is there */
	uint64_t length;
	uint64_t entries_added;
	struct mt_id last; /* last-generated-id */
	bool group; /* the collectors' group is there */
	struct mt_id delivered; /* its last-delivered-id */
	uint64_t pending;
	bool lag_known; /* Redis cannot tell it after some deletions */
	uint64_t lag; /* entries not yet delivered to the group */
	/* Every entry up to this one is stored and acknowledged. */
	struct mt_id acked;
	bool marker; /* the asking shipper's marker group is there */
	struct mt_id marked; /* its last-delivered-id */
};

#endif
