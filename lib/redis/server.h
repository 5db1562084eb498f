/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a Redis server tells about itself, for `mailtrail doctor`: whether it is
 * one that keeps events. Goes over a stream's connection and follows its
 * rules. MT_CONFIG when its ACL does not allow INFO.
 */
#ifndef MT_REDIS_SERVER_H
#define MT_REDIS_SERVER_H

#include "redis/stream.h"

struct mt_server_facts {
	char version[32]; /* "7.0.15" */
	unsigned major; /* of the version */
	bool aof; /* the append-only file is on */
	bool aof_good; /* and its last write and rewrite went well */
	char eviction[32]; /* maxmemory_policy */
	uint64_t max_memory; /* bytes; 0: no limit */
	uint64_t used_memory; /* bytes */
	char role[16]; /* "master", "slave" */
	int64_t now; /* its clock, µs UTC; 0: it does not say */
};

MT_MUST_CHECK enum mt_rc mt_server_facts(
    struct mt_stream *s, struct mt_server_facts *ret_facts, struct mt_err *err);

/*
 * Would it take an event now? Asked with an event for a stream that does not
 * exist and is not made. Fails as adding one would.
 */
MT_MUST_CHECK enum mt_rc mt_server_takes(
    struct mt_stream *s, struct mt_err *err);

/* The collectors, as the group has them. */
struct mt_consumer_facts {
	size_t n; /* there ever were */
	uint64_t asked_ms; /* since any of them last asked for entries */
	/* Who has kept entries for the longest time without asking again: */
	char keeper[129]; /* empty: nobody keeps any */
	uint64_t kept;
	uint64_t kept_ms;
};

/* MT_ABSENT: no such stream or group. */
MT_MUST_CHECK enum mt_rc mt_server_consumers(struct mt_stream *s,
    struct mt_consumer_facts *ret_facts, struct mt_err *err);

#endif
