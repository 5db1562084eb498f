/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Look at Redis LISTs of somebody else's, such as mailcow's logs: elements from
 * the newest (LPUSH) on, never waiting. Poll the descriptor for the events it
 * wants, let it work, take the answers; they come in the order of what was
 * asked. Nothing is ever written. Of the options only who logs in and the
 * timeout matter. Errors: redis.h.
 */
#ifndef MT_REDIS_LIST_H
#define MT_REDIS_LIST_H

#include "redis/redis.h"

struct mt_list;

/* Borrowed until the next mt_list_take. */
struct mt_list_answer {
	const struct mt_str *elements; /* the newest first */
	size_t n;
};

/* options are borrowed. */
struct mt_list *mt_list_new(
    const struct mt_redis_options *options, const struct mt_endpoint *endpoint);
void mt_list_free(struct mt_list *list); /* NULL is fine */
/* Begin to connect. */
MT_MUST_CHECK enum mt_rc mt_list_start(
    struct mt_list *list, struct mt_err *err);
void mt_list_stop(struct mt_list *list);
bool mt_list_up(const struct mt_list *list);
int mt_list_fd(const struct mt_list *list);
short mt_list_events(const struct mt_list *list); /* for poll(2) */
/* When work is due although nothing happened (CLOCK_MONOTONIC); 0: never. */
int64_t mt_list_deadline_ms(const struct mt_list *list);
/* Any failure means: the connection is closed, nothing is outstanding. */
MT_MUST_CHECK enum mt_rc mt_list_work(struct mt_list *list, struct mt_err *err);
/* Ask for the newest n elements of the list at key; none if there is no list.
 */
void mt_list_ask(struct mt_list *list, struct mt_str key, size_t n);
/*
 * MT_ABSENT: no answer there. A refusal, such as of a key that is no list,
 * leaves the connection open.
 */
MT_MUST_CHECK enum mt_rc mt_list_take(struct mt_list *list,
    struct mt_list_answer *ret_answer, struct mt_err *err);

#endif
