/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Be told when the spool grows, through inotify: no polling, no delay. A
 * descriptor that polls as readable, and what has happened since.
 */
#ifndef MT_SPOOL_WATCH_H
#define MT_SPOOL_WATCH_H

#include "base/err.h"

#define MT_WATCH_GROWN 1u /* a segment got new bytes */
#define MT_WATCH_CHANGED 2u /* segments came or went: list them again */
#define MT_WATCH_GONE 4u /* the directory itself is gone: open again */

MT_MUST_CHECK enum mt_rc mt_watch_open(
    const char *dir, int *ret_fd, struct mt_err *err);
/* Take what has happened, without waiting: a set of MT_WATCH_*. */
unsigned mt_watch_take(int fd);

#endif
