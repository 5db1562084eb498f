/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One connection to Redis, never waiting unless told to: commands are queued
 * and written as the socket takes them, answers come back in order. It logs in
 * by itself. For this room only; hiredis connects in link.c and parses in
 * nodes.c.
 *
 * A failure closes the connection and forgets what was queued and outstanding;
 * mt_link_start begins anew.
 */
#ifndef MT_REDIS_LINK_H
#define MT_REDIS_LINK_H

#include "redis/nodes.h"
#include "redis/redis.h"

struct mt_link;

struct mt_link *mt_link_new(
    const struct mt_redis_options *options, const struct mt_endpoint *endpoint);
void mt_link_free(struct mt_link *link); /* NULL is fine */
const struct mt_endpoint *mt_link_endpoint(const struct mt_link *link);
MT_MUST_CHECK enum mt_rc mt_link_start(
    struct mt_link *link, struct mt_err *err);
void mt_link_stop(struct mt_link *link);
bool mt_link_up(const struct mt_link *link); /* started, not failed */
int mt_link_fd(const struct mt_link *link);
short mt_link_events(const struct mt_link *link); /* for poll(2) */

/* A command of argc words: begin, then argc times word. */
void mt_link_begin(struct mt_link *link, size_t argc);
void mt_link_word(struct mt_link *link, struct mt_str word);
void mt_link_wordz(struct mt_link *link, const char *word);
void mt_link_id(struct mt_link *link, struct mt_id id);
void mt_link_number(struct mt_link *link, uint64_t n);
/* The words "name value name value …" of pairs. */
void mt_link_pairs(struct mt_link *link, const struct mt_pair *pairs, size_t n);
/* The command may take this long on purpose (BLOCK). */
void mt_link_grace(struct mt_link *link, unsigned ms);
size_t mt_link_unsent(const struct mt_link *link); /* bytes */
size_t mt_link_expected(const struct mt_link *link); /* answers */

/*
 * Connect on and write what is possible now; read nothing, so that poll(2) will
 * tell of the answer however soon it comes.
 */
MT_MUST_CHECK enum mt_rc mt_link_flush(
    struct mt_link *link, struct mt_err *err);
/* The same, and read what is there. */
MT_MUST_CHECK enum mt_rc mt_link_work(struct mt_link *link, struct mt_err *err);
/*
 * The next answer. MT_ABSENT: not there yet. A refused log-in is an error
 * here; other refusals are nodes of type MT_NODE_ERROR.
 */
MT_MUST_CHECK enum mt_rc mt_link_take(
    struct mt_link *link, struct mt_node **ret_node, struct mt_err *err);
/*
 * Wait for the next answer. MT_ABSENT: wake_fd (-1: none) became readable, or
 * wait_ms are over and `patient` says that this is no failure.
 */
MT_MUST_CHECK enum mt_rc mt_link_wait(struct mt_link *link, unsigned wait_ms,
    int wake_fd, bool patient, struct mt_node **ret_node, struct mt_err *err);
/* When nothing was heard although something should have been; 0: never. */
int64_t mt_link_deadline_ms(const struct mt_link *link);
/* Nodes taken so far become invalid. */
void mt_link_release(struct mt_link *link);
struct mt_arena *mt_link_arena(struct mt_link *link);

/* The error for an answer of type MT_NODE_ERROR. */
enum mt_rc mt_link_refused(
    const struct mt_link *link, const struct mt_node *node, struct mt_err *err);
/* The error for an answer of a form it should not have. */
enum mt_rc mt_link_strange(const struct mt_link *link, struct mt_err *err);

#endif
