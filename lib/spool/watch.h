/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Be told when the spool grows, through inotify: no polling, no delay. The
 * descriptor polls as readable; mt_watch_next then says, one by one, what has
 * happened.
 */
#ifndef MT_SPOOL_WATCH_H
#define MT_SPOOL_WATCH_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

enum mt_watch_event {
	MT_WATCH_NOTHING,
	MT_WATCH_GROWN, /* a segment got new bytes, or a producer left it */
	MT_WATCH_CHANGED, /* segments came or went: list them again */
	MT_WATCH_MISSED, /* the kernel lost count: list and look at all */
	MT_WATCH_GONE /* the directory itself, or ship.lock in it, is gone */
};

struct mt_watch {
	int fd; /* owned; -1: none */
	char *bytes; /* owned; what was read and not yet said */
	size_t at;
	size_t n;
};

MT_MUST_CHECK enum mt_rc mt_watch_init(
    struct mt_watch *watch, const char *dir, struct mt_err *err);
void mt_watch_done(struct mt_watch *watch);
/* *ret_id is the segment's for MT_WATCH_GROWN. Never waits. */
enum mt_watch_event mt_watch_next(struct mt_watch *watch, uint64_t *ret_id);

#endif
