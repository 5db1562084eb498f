/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A trouble that lasts, such as a server that is away: one line in the log when
 * it begins, one a minute while it lasts, one when it is over. This says when;
 * the caller has the words. Any thread.
 *
 *     if (mt_trouble_on(&t, err.rc))
 *             mt_log(MT_LOG_WARNING, "%s; keeping the events", err.msg);
 *     ...
 *     mt_trouble_good(&t);
 *     if (mt_trouble_over(&t, &was))
 *             mt_log(MT_LOG_INFO, "well again after s=%u", was.seconds);
 */
#ifndef MT_BASE_TROUBLE_H
#define MT_BASE_TROUBLE_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct mt_trouble {
	pthread_mutex_t lock;
	atomic_bool on;
	int kind; /* the last one */
	unsigned count;
	int64_t since_ms;
	int64_t said_ms;
	int64_t good_ms; /* first success since the last failure; 0: none */
};

struct mt_trouble_was {
	unsigned seconds;
	unsigned count; /* failures */
};

void mt_trouble_init(struct mt_trouble *t);
void mt_trouble_done(struct mt_trouble *t);
/*
 * Something failed. Should a line say so? Yes for the first, when it is of
 * another kind than the last, and once a minute.
 */
bool mt_trouble_on(struct mt_trouble *t, int kind);
/* Something went well. Costs nothing while there is no trouble. */
void mt_trouble_good(struct mt_trouble *t);
/*
 * Should a line say that it is over? Yes, once, when all went well for two
 * seconds: what is in trouble often does one thing and fails at the next.
 */
bool mt_trouble_over(struct mt_trouble *t, struct mt_trouble_was *ret_was);

#endif
