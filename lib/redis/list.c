/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/mem.h"
#include "redis/link.h"
#include "redis/list.h"

struct mt_list {
	struct mt_link *link; /* owned */
	struct mt_str *elements; /* owned; of the last answer */
	size_t room;
};

struct mt_list *
mt_list_new(
    const struct mt_redis_options *options, const struct mt_endpoint *endpoint)
{
	struct mt_list *list = mt_alloc(sizeof(*list));

	list->link = mt_link_new(options, endpoint);
	return list;
}

void
mt_list_free(struct mt_list *list)
{
	if (list == NULL)
		return;
	mt_link_free(list->link);
	mt_free(list->elements);
	mt_free(list);
}

enum mt_rc
mt_list_start(struct mt_list *list, struct mt_err *err)
{
	return mt_link_start(list->link, err);
}

void
mt_list_stop(struct mt_list *list)
{
	mt_link_stop(list->link);
	mt_link_release(list->link);
}

bool
mt_list_up(const struct mt_list *list)
{
	return mt_link_up(list->link);
}

int
mt_list_fd(const struct mt_list *list)
{
	return mt_link_fd(list->link);
}

short
mt_list_events(const struct mt_list *list)
{
	return mt_link_events(list->link);
}

int64_t
mt_list_deadline_ms(const struct mt_list *list)
{
	return mt_link_deadline_ms(list->link);
}

enum mt_rc
mt_list_work(struct mt_list *list, struct mt_err *err)
{
	return mt_link_work(list->link, err);
}

void
mt_list_ask(struct mt_list *list, struct mt_str key, size_t n)
{
	mt_link_begin(list->link, 4);
	mt_link_wordz(list->link, "LRANGE");
	mt_link_word(list->link, key);
	mt_link_wordz(list->link, "0");
	mt_link_number(list->link, n > 0 ? n - 1 : 0);
}

enum mt_rc
mt_list_take(
    struct mt_list *list, struct mt_list_answer *ret_answer, struct mt_err *err)
{
	struct mt_node *node;
	size_t i;

	mt_link_release(list->link);
	if (mt_link_take(list->link, &node, err) != MT_OK)
		return err->rc;
	if (node->type == MT_NODE_ERROR)
		return mt_link_refused(list->link, node, err);
	if (node->type != MT_NODE_ARRAY)
		return mt_link_strange(list->link, err);
	if (node->n > list->room) {
		list->elements = mt_realloc_array(
		    list->elements, node->n, sizeof(*list->elements));
		list->room = node->n;
	}
	for (i = 0; i < node->n; i++) {
		if (node->items[i] == NULL ||
		    node->items[i]->type != MT_NODE_TEXT)
			return mt_link_strange(list->link, err);
		list->elements[i] = node->items[i]->text;
	}
	*ret_answer = (struct mt_list_answer){ list->elements, node->n };
	return MT_OK;
}
