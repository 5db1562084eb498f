/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>

#include <hiredis/hiredis.h>

#include "base/mem.h"
#include "redis/nodes.h"

/* More than any answer of ours has; room is made when the number is read. */
#define ARRAY_MAX (1 << 20)

static void
put_into_parent(const redisReadTask *task, struct mt_node *node)
{
	struct mt_node *parent;

	if (task->parent == NULL)
		return;
	parent = task->parent->obj;
	parent->items[task->idx] = node;
}

/* With room for more bytes behind it. */
static struct mt_node *
new_node(const redisReadTask *task, enum mt_node_type type, size_t more)
{
	struct mt_arena *arena = task->privdata;
	struct mt_node *node = mt_arena_get(arena, sizeof(*node) + more);

	*node = (struct mt_node){ .type = type };
	put_into_parent(task, node);
	return node;
}

static void *
create_string(const redisReadTask *task, char *p, size_t n)
{
	struct mt_node *node = new_node(task,
	    task->type == REDIS_REPLY_ERROR ? MT_NODE_ERROR : MT_NODE_TEXT,
	    n + 1);
	char *copy = (char *)(node + 1);

	memcpy(copy, p, n);
	copy[n] = '\0';
	node->text = mt_str_n(copy, n);
	return node;
}

/* NULL: hiredis gives the connection up. */
static void *
create_array(const redisReadTask *task, int n)
{
	struct mt_node *node;
	size_t size = sizeof(void *);

	if (n > ARRAY_MAX)
		return NULL;
	node = new_node(task, MT_NODE_ARRAY, 0);
	node->n = n > 0 ? (size_t)n : 0;
	size *= node->n + 1;
	node->items = mt_arena_get(task->privdata, size);
	memset(node->items, 0, size);
	return node;
}

static void *
create_number(const redisReadTask *task, long long n)
{
	struct mt_node *node = new_node(task, MT_NODE_NUMBER, 0);

	node->number = n;
	return node;
}

static void *
create_nil(const redisReadTask *task)
{
	return new_node(task, MT_NODE_NIL, 0);
}

/* The arena takes everything back. */
static void
free_node(void *node)
{
	(void)node;
}

struct redisReader *
mt_nodes_reader(struct mt_arena *arena)
{
	static const redisReplyObjectFunctions functions = { create_string,
		create_array, create_number, create_nil, free_node };
	redisReader *reader =
	    redisReaderCreateWithFunctions(mt_unconst(&functions));

	if (reader != NULL)
		reader->privdata = arena;
	return reader;
}
