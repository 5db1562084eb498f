/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Answers of Redis (RESP 2), as hiredis reads them from bytes that come piece
 * by piece, in an arena. For this room only.
 */
#ifndef MT_REDIS_NODES_H
#define MT_REDIS_NODES_H

#include "base/str.h"
#include "redis/arena.h"

enum mt_node_type {
	MT_NODE_NIL,
	MT_NODE_TEXT, /* string or status */
	MT_NODE_ERROR,
	MT_NODE_NUMBER,
	MT_NODE_ARRAY
};

/* All of it is in the arena. */
struct mt_node {
	enum mt_node_type type; /* says which of these it has */
	union {
		struct mt_str text; /* also of an error */
		long long number;
		struct {
			struct mt_node **items;
			size_t n;
		};
	};
};

/*
 * A reader (hiredis's; the caller frees it) whose answers are struct mt_node.
 * NULL: there is no memory.
 */
struct redisReader *mt_nodes_reader(struct mt_arena *arena);

#endif
