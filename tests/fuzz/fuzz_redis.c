/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Any bytes as what a Redis answers, to whatever was asked.
 *
 * What holds: an answer that is read can be written, and read again, to the
 * same answer; texts end in a zero that does not count; whoever reads entries
 * or facts takes only what has their form, and its texts are those of the
 * answer.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <hiredis/hiredis.h>

#include "base/buf.h"
#include "redis/entries.h"
#include "redis/facts.h"
#include "redis/server.h"
#include "redis/stream.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define TEXT_MAX 1048576
#define ANSWERS 64

static void
must(bool holds)
{
	if (!holds)
		abort();
}

static void
write_line(struct mt_buf *out, char kind, long long n)
{
	char line[32];
	int length = snprintf(line, sizeof(line), "%c%lld\r\n", kind, n);

	mt_buf_str(out, mt_str_n(line, (size_t)length));
}

static void
write_node(struct mt_buf *out, const struct mt_node *node)
{
	size_t i;

	switch (node->type) {
	case MT_NODE_NIL:
		mt_buf_str(out, MT_LIT("$-1\r\n"));
		return;
	case MT_NODE_NUMBER:
		write_line(out, ':', node->number);
		return;
	case MT_NODE_TEXT:
		must(node->text.p[node->text.n] == '\0');
		write_line(out, '$', (long long)node->text.n);
		mt_buf_str(out, node->text);
		mt_buf_str(out, MT_LIT("\r\n"));
		return;
	case MT_NODE_ERROR:
		must(node->text.p[node->text.n] == '\0');
		mt_buf_str(out, MT_LIT("-"));
		mt_buf_str(out, node->text);
		mt_buf_str(out, MT_LIT("\r\n"));
		return;
	case MT_NODE_ARRAY:
		write_line(out, '*', (long long)node->n);
		for (i = 0; i < node->n; i++) {
			must(node->items[i] != NULL);
			write_node(out, node->items[i]);
		}
		return;
	default:
		abort();
	}
}

static void
check_entries(const struct mt_entries *entries, size_t most)
{
	struct mt_buf texts;
	size_t i, j;

	mt_buf_init(&texts, TEXT_MAX);
	for (i = 0; i < entries->n; i++)
		for (j = 0; j < entries->entries[i].n; j++) {
			mt_buf_str(&texts, entries->entries[i].pairs[j].name);
			mt_buf_str(&texts, entries->entries[i].pairs[j].value);
		}
	must(texts.n <= most);
	mt_buf_done(&texts);
}

/* An answer that takes so many bytes. */
static void
read_as_anything(struct mt_link *link, const struct mt_redis_options *options,
    const struct mt_node *node, size_t size)
{
	struct mt_stream_facts facts;
	struct mt_consumer_facts consumers;
	struct mt_entries entries;
	struct mt_err err;
	unsigned i;

	for (i = 0; i < MT_FACTS_STEPS; i++) {
		memset(&facts, 0, sizeof(facts));
		facts.group = true; /* what is asked next depends on it */
		facts.pending = 1;
		if (mt_facts_read(link, i, options, MT_LIT("marker"), node,
			&facts, &err) != MT_OK)
			must(i > 0);
	}
	if (mt_consumers_read(node, &consumers))
		must(node->type == MT_NODE_ARRAY && consumers.n == node->n);
	if (mt_entries_read(link, node, &entries, &err) != MT_OK)
		return;
	must(node->type == MT_NODE_ARRAY && entries.n == node->n);
	check_entries(&entries, size);
}

/* The answers in bytes, given in two pieces, written anew; how many. */
static size_t
rewrite(struct mt_link *link, const struct mt_redis_options *options,
    const char *bytes, size_t n, struct mt_buf *out)
{
	redisReader *reader = mt_nodes_reader(mt_link_arena(link));
	size_t before, found = 0, first = n / 2;
	void *node;

	must(reader != NULL);
	(void)redisReaderFeed(reader, bytes, first);
	while (
	    found < ANSWERS && redisReaderGetReply(reader, &node) == REDIS_OK) {
		if (node == NULL) {
			if (first == n)
				break;
			(void)redisReaderFeed(reader, bytes + first, n - first);
			first = n;
			continue;
		}
		found++;
		before = out->n;
		write_node(out, node);
		read_as_anything(link, options, node, out->n - before);
	}
	redisReaderFree(reader);
	return found;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct mt_redis_options options = {
		.stream = { "mailtrail", 9 }, .group = { "mailtrail", 9 }
	};
	static const struct mt_endpoint endpoint = { .text = "unix:/none",
		.host = "/none" };
	struct mt_link *link = mt_link_new(&options, &endpoint);
	struct mt_buf once, again;
	size_t n;

	mt_buf_init(&once, TEXT_MAX);
	mt_buf_init(&again, TEXT_MAX);
	n = rewrite(link, &options, (const char *)data, size, &once);
	must(rewrite(link, &options, once.p, once.n, &again) == n);
	must(mt_str_eq(mt_buf_view(&once), mt_buf_view(&again)));
	mt_buf_done(&once);
	mt_buf_done(&again);
	mt_link_free(link);
	return 0;
}
