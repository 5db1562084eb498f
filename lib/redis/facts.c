/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdio.h>
#include <string.h>

#include "redis/facts.h"
#include "redis/server.h"

void
mt_facts_ask(struct mt_link *link, const struct mt_redis_options *o)
{
	mt_link_begin(link, 2);
	mt_link_wordz(link, "INFO");
	mt_link_wordz(link, "server");
	mt_link_begin(link, 3);
	mt_link_wordz(link, "XINFO");
	mt_link_wordz(link, "STREAM");
	mt_link_word(link, o->stream);
	/* Groups before pending: see read_pending. */
	mt_link_begin(link, 3);
	mt_link_wordz(link, "XINFO");
	mt_link_wordz(link, "GROUPS");
	mt_link_word(link, o->stream);
	mt_link_begin(link, 3);
	mt_link_wordz(link, "XPENDING");
	mt_link_word(link, o->stream);
	mt_link_word(link, o->group);
}

/* Without the right to INFO the marker alone must tell (see feed.h). */
static void
read_server(const struct mt_node *node, struct mt_stream_facts *facts)
{
	struct mt_str line, rest = node->text;
	size_t n;

	facts->run_id[0] = '\0';
	while (node->type == MT_NODE_TEXT && rest.n > 0) {
		(void)mt_str_cut(rest, '\n', &line, &rest);
		line = mt_str_trim(line);
		if (!mt_str_starts(line, "run_id:"))
			continue;
		n = line.n - 7;
		n = n < sizeof(facts->run_id) ? n : sizeof(facts->run_id) - 1;
		memcpy(facts->run_id, line.p + 7, n);
		facts->run_id[n] = '\0';
		return;
	}
}

/* The value of a name in a flat list of names and values. */
static const struct mt_node *
find(const struct mt_node *list, const char *name)
{
	size_t i;

	if (list->type != MT_NODE_ARRAY)
		return NULL;
	for (i = 0; i + 1 < list->n; i += 2)
		if (list->items[i]->type == MT_NODE_TEXT &&
		    mt_str_eqz(list->items[i]->text, name))
			return list->items[i + 1];
	return NULL;
}

static bool
read_number(const struct mt_node *list, const char *name, uint64_t *ret_n)
{
	const struct mt_node *node = find(list, name);

	if (node == NULL || node->type != MT_NODE_NUMBER || node->number < 0)
		return false;
	*ret_n = (uint64_t)node->number;
	return true;
}

static bool
read_id(const struct mt_node *list, const char *name, struct mt_id *ret_id)
{
	const struct mt_node *node = find(list, name);

	return node != NULL && node->type == MT_NODE_TEXT &&
	    mt_id_read(node->text, ret_id);
}

static bool
read_stream(const struct mt_node *node, struct mt_stream_facts *facts)
{
	facts->exists = read_number(node, "length", &facts->length) &&
	    read_number(node, "entries-added", &facts->entries_added) &&
	    read_id(node, "last-generated-id", &facts->last);
	return facts->exists;
}

static bool
is_named(const struct mt_node *group, struct mt_str name)
{
	const struct mt_node *node = find(group, "name");

	return node != NULL && node->type == MT_NODE_TEXT && name.p != NULL &&
	    mt_str_eq(node->text, name);
}

static bool
read_groups(const struct mt_node *node, const struct mt_redis_options *o,
    struct mt_str marker, struct mt_stream_facts *facts)
{
	const struct mt_node *group;
	size_t i;

	if (node->type != MT_NODE_ARRAY)
		return false;
	for (i = 0; i < node->n; i++) {
		group = node->items[i];
		if (is_named(group, o->group)) {
			facts->group = read_id(group, "last-delivered-id",
					   &facts->delivered) &&
			    read_number(group, "pending", &facts->pending);
			facts->lag_known =
			    read_number(group, "lag", &facts->lag);
		} else if (is_named(group, marker)) {
			facts->marker =
			    read_id(group, "last-delivered-id", &facts->marked);
		}
	}
	if (facts->group && facts->pending == 0)
		facts->acked = facts->delivered;
	return true;
}

/*
 * All up to just before the oldest pending entry is acknowledged. Between the
 * two commands more may have been delivered and acknowledged: when nothing is
 * pending any more, all that had been delivered before is acknowledged.
 */
static bool
read_pending(const struct mt_node *node, struct mt_stream_facts *facts)
{
	struct mt_id oldest;

	if (node->type != MT_NODE_ARRAY || node->n < 2)
		return false;
	if (!facts->group || facts->pending == 0)
		return true;
	if (node->items[1]->type == MT_NODE_NIL)
		facts->acked = facts->delivered;
	else if (node->items[1]->type == MT_NODE_TEXT &&
	    mt_id_read(node->items[1]->text, &oldest))
		facts->acked = mt_id_before(oldest);
	else
		return false;
	return true;
}

enum mt_rc
mt_facts_read(struct mt_link *link, unsigned step,
    const struct mt_redis_options *o, struct mt_str marker,
    const struct mt_node *node, struct mt_stream_facts *facts,
    struct mt_err *err)
{
	bool good;

	if (step == 0) {
		memset(facts, 0, sizeof(*facts));
		read_server(node, facts);
		return MT_OK;
	}
	if (node->type == MT_NODE_ERROR) {
		/* No stream, or no group in it: that is a fact, too. */
		if (mt_link_refused(link, node, err) != MT_ABSENT)
			return err->rc;
		return MT_OK;
	}
	if (step == 1)
		good = read_stream(node, facts);
	else if (step == 2)
		good = read_groups(node, o, marker, facts);
	else
		good = read_pending(node, facts);
	return good ? MT_OK : mt_link_strange(link, err);
}

bool
mt_consumers_read(const struct mt_node *node, struct mt_consumer_facts *facts)
{
	uint64_t pending, idle_ms;
	const struct mt_node *name;
	size_t i;

	*facts = (struct mt_consumer_facts){ .asked_ms = UINT64_MAX };
	if (node->type != MT_NODE_ARRAY)
		return false;
	facts->n = node->n;
	for (i = 0; i < node->n; i++) {
		name = find(node->items[i], "name");
		if (name == NULL || name->type != MT_NODE_TEXT ||
		    !read_number(node->items[i], "pending", &pending) ||
		    !read_number(node->items[i], "idle", &idle_ms))
			return false;
		if (idle_ms < facts->asked_ms)
			facts->asked_ms = idle_ms;
		if (pending == 0 || idle_ms < facts->kept_ms)
			continue;
		facts->kept = pending;
		facts->kept_ms = idle_ms;
		(void)snprintf(facts->keeper, sizeof(facts->keeper), "%.*s",
		    MT_STR_ARG(name->text));
	}
	return true;
}
