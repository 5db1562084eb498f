/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The follower: one thread around poll(2) that reads lines from its sources
 * (source.h), lets lib/maillog make events of them and appends those to the
 * spool. Position and events move together:
 *
 *     read     lines were taken from the source, their events are in its batch
 *     recorded the batch is in the spool
 *     saved    the state file says so: the first line of the last moment
 *
 * Nothing new is read while a batch waits for room in the spool: the log is our
 * buffer. (But for a socket, whose senders would wait, too: what comes while
 * the spool takes nothing is counted as lost there.) After a restart reading
 * goes on at the first line of a moment, which gives the lines since then the
 * same keys as before; they are stored once.
 */
#ifndef TAIL_TAIL_H
#define TAIL_TAIL_H

#include "base/trouble.h"
#include "conf/conf.h"
#include "mail/ignore.h"
#include "redis/redis.h"
#include "spool/spool.h"
#include "spool/tailed.h"

#include "options.h"
#include "watch.h"

#define TAIL_SOURCES 64 /* most logs of one program */

struct source;

struct tail {
	struct mt_conf *conf; /* reference */
	const struct tail_options *options; /* of conf */
	char *zone; /* owned; NULL: the system's */
	struct mt_ignore *ignore; /* owned; NULL: none */
	struct mt_spool *spool; /* owned */
	int dir_fd; /* state_dir; -1: nothing to be remembered */
	int lock_fd;
	struct watch watch;
	struct source *sources[TAIL_SOURCES]; /* owned */
	size_t n_sources;
	/* Of mailcow; read again at each connection. */
	struct mt_buf redis_password;
	struct mt_redis_options redis;
	struct mt_endpoint endpoint;
	/* What was remembered when we began, and whether the machine was
	 * started anew since. */
	struct mt_tailed before;
	bool rebooted;
	bool full; /* the spool took nothing: a batch waits */
	int64_t retry_ms;
	struct mt_trouble spool_trouble;
	struct mt_trouble state_trouble;
	bool unsaved; /* the state differs from what is on disk */
	int64_t saved_ms;
	int64_t summary_ms;
	int64_t unknown_ms; /* when unknown lines were last told of */
	int64_t since; /* the program's start */
	struct mt_tailed_counts said; /* as of the last summary */
};

/* tail.c */
enum mt_rc tail_setup(
    struct mt_conf *conf, void **ret_state, struct mt_err *err);
enum mt_rc tail_run(void *state, struct mt_err *err);
void tail_done(void *state);
enum mt_rc tail_test(struct mt_conf *conf, struct mt_err *err);

/* setup.c: all that comes of the options */
enum mt_rc setup_begin(
    struct tail *t, struct mt_conf *conf, struct mt_err *err);
void setup_end(struct tail *t);
/* Take another configuration; the old one stays when it cannot be used. */
enum mt_rc setup_again(struct tail *t, struct mt_err *err);
/* Write the state, if there is anything new; trouble is logged. */
void setup_save(struct tail *t);
/* Words of the operands, or else of the option. */
enum mt_rc setup_words(
    const struct tail_options *o, struct mt_buf *out, struct mt_err *err);

#endif
