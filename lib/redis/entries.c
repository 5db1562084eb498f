/* SPDX-License-Identifier: BSD-2-Clause */
#include "redis/entries.h"

static bool
read_pairs(
    struct mt_arena *arena, const struct mt_node *list, struct mt_entry *entry)
{
	struct mt_pair *pairs;
	size_t i, n = list->n / 2;

	if (list->n % 2 != 0)
		return false;
	pairs = mt_arena_get(arena, (n + 1) * sizeof(*pairs));
	for (i = 0; i < n; i++) {
		if (list->items[2 * i]->type != MT_NODE_TEXT ||
		    list->items[2 * i + 1]->type != MT_NODE_TEXT)
			return false;
		pairs[i].name = list->items[2 * i]->text;
		pairs[i].value = list->items[2 * i + 1]->text;
	}
	entry->pairs = pairs;
	entry->n = n;
	return true;
}

static bool
read_entry(
    struct mt_arena *arena, const struct mt_node *node, struct mt_entry *entry)
{
	const struct mt_node *fields;

	if (node->type != MT_NODE_ARRAY || node->n != 2 ||
	    node->items[0]->type != MT_NODE_TEXT ||
	    !mt_id_read(node->items[0]->text, &entry->id))
		return false;
	entry->pairs = NULL;
	entry->n = 0;
	fields = node->items[1];
	if (fields->type == MT_NODE_NIL)
		return true;
	return fields->type == MT_NODE_ARRAY &&
	    read_pairs(arena, fields, entry);
}

enum mt_rc
mt_entries_read(struct mt_link *link, const struct mt_node *list,
    struct mt_entries *ret_entries, struct mt_err *err)
{
	struct mt_arena *arena = mt_link_arena(link);
	struct mt_entry *entries;
	size_t i;

	if (list->type != MT_NODE_ARRAY)
		return mt_link_strange(link, err);
	entries = mt_arena_get(arena, (list->n + 1) * sizeof(*entries));
	for (i = 0; i < list->n; i++)
		if (!read_entry(arena, list->items[i], &entries[i]))
			return mt_link_strange(link, err);
	*ret_entries = (struct mt_entries){ entries, list->n };
	return MT_OK;
}
