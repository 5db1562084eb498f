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

#endif
