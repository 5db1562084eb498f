/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A file that is followed through every kind of rotation.
 *
 * Renamed: the open one is read until another file stands in its place and has
 * got something, and then once more to its end; then come the rotated ones that
 * are later, if there are any, and the file of that name. What is left without
 * a line end then is a line.
 *
 * Truncated (copytruncate): the bytes before our place are not there any more
 * or are others. Whatever was not read yet is in the copy, which is known by
 * those bytes; then the file is read from its start.
 *
 * What happened while we were away is found by the same means: the place that
 * was remembered is looked for in the file and in all rotated ones.
 */
#ifndef TAIL_FILE_H
#define TAIL_FILE_H

#include "rotated.h"
#include "source.h"

#define FILE_READ (256u << 10) /* bytes of one read(2) */

struct file {
	const char *path; /* the source's */
	char *dir; /* owned */
	const char *base; /* in path */
	int fd; /* -1: none */
	uint64_t dev, ino; /* of fd */
	uint64_t at; /* the first byte that was not read */
	uint64_t size; /* as last seen */
	int64_t mtime; /* µs */
	char *bytes; /* owned; ROTATED_CHECK + FILE_READ */
	char before[ROTATED_CHECK]; /* the bytes before `at` */
	size_t n_before;
	bool skipping; /* in the midst of a line that was cut */
	bool leaving; /* another file is in its place: the last look */
	bool new_log; /* it was not there: read it from its start */
	/*
	 * Where to begin again, as of the last line read (next: soon, see
	 * mt_maillog_again); as of the last line recorded; and of those some
	 * seconds ago.
	 */
	struct mt_place next, moment, recorded, older, safe;
	int64_t older_ms;
	bool placed; /* recorded is set */
	struct rotated_list known; /* owned; when it was decided to open fd */
	bool unsure; /* nothing was read of it yet, see find_unknown */
	bool look; /* something happened to it */
	int64_t look_ms; /* when to look all the same */
	bool watched;
};

/* find.c: *ret_fd -1: nothing is there that we could read now. */
/* Open the file of that name. */
MT_MUST_CHECK enum mt_rc find_path(
    const struct file *f, int *ret_fd, struct mt_err *err);
/* The file that holds a place: under its own name, or a rotated one. */
MT_MUST_CHECK enum mt_rc find_place(const struct file *f,
    const struct mt_place *place, int *ret_fd, struct mt_err *err);
/* What follows the file that is open: a rotated one, or the file itself. */
MT_MUST_CHECK enum mt_rc find_next(
    struct source *s, int *ret_fd, struct mt_err *err);
/* Is there a rotated file with lines that is later than the one that is open?
 */
bool find_later(const struct file *f);
/*
 * The oldest file with lines since `since` (µs), when there is no place to go
 * by; missing: because it is lost, which is said.
 */
MT_MUST_CHECK enum mt_rc find_since(struct source *s, int64_t since,
    bool missing, int *ret_fd, struct mt_err *err);
/*
 * The file was opened anew and something is in it. Is it what came first, or
 * was that copied and truncated since find_next? Then the copy comes first.
 */
bool find_unknown(struct source *s, int *ret_fd);
/* A rotated copy that goes on where the open file was; -1: there is none. */
int find_copy(const struct file *f);
/* A compressed one that was changed since the open file was last read. */
bool find_compressed(
    const struct file *f, int64_t since, char *out, size_t size);

#endif
