/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Be told when something happens to files of a directory, through inotify. It
 * may not be to be had (too many watches) or say nothing (network file
 * systems): whoever relies on it looks from time to time all the same.
 */
#ifndef TAIL_WATCH_H
#define TAIL_WATCH_H

#include <stdbool.h>
#include <stddef.h>

struct watch_dir {
	int wd;
	char *path; /* owned */
};

struct watch {
	int fd; /* owned; -1: none */
	struct watch_dir *dirs; /* owned */
	size_t n;
};

void watch_init(struct watch *w);
void watch_done(struct watch *w);
/* False: it cannot be watched (now). Adding it again costs nothing. */
bool watch_add(struct watch *w, const char *dir);
/*
 * Calls back for every name that something happened to; name NULL: anything
 * may have happened in dir; dir NULL: anywhere.
 */
typedef void watch_said(void *arg, const char *dir, const char *name);
void watch_take(struct watch *w, watch_said *said, void *arg);

#endif
