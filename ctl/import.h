/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The parts of `mailtrail import`: files and what they are packed with
 * (import_file.c), the way into the spool (import_spool.c), what is said of it
 * (import_say.c).
 */
#ifndef CTL_IMPORT_H
#define CTL_IMPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/str.h"
#include "event/event.h"
#include "maillog/maillog.h"
#include "spool/spool.h"

#include "ctl.h"

struct archive;

/* One log, as it lies there or packed with gzip, bzip2, xz or zstd. */
struct import_file {
	const char *name; /* the argument; "-": standard input */
	bool regular; /* it can be opened again, and has a size */
	uint64_t dev, ino;
	uint64_t size; /* packed; 0 unless regular */
	uint64_t taken; /* packed bytes read so far */
	int64_t written; /* when it was last written, µs */
	int64_t first_at; /* of its first line that has a time; 0: none found */
	uint64_t lines, damaged;
	char why[256]; /* why it could not be read to its end; "" */
	/* While it is open: */
	int fd; /* -1: it is not */
	struct archive *archive;
	char *packed; /* owned; what was read of it */
	char *bytes; /* owned; unpacked: from at to n is not yet read */
	size_t at, n;
	bool skipping; /* in the midst of a line that was cut */
	bool ended;
};

/* Knows nothing of the file yet. */
void import_file_init(struct import_file *f, const char *name);
/* MT_ABSENT: it cannot be read at all. Done already when it is open. */
MT_MUST_CHECK enum mt_rc import_file_open(
    struct import_file *f, struct mt_err *err);
void import_file_close(struct import_file *f);
/*
 * Look at its first lines for its first_at; what can be opened again is closed,
 * and nothing is taken of the rest.
 */
MT_MUST_CHECK enum mt_rc import_file_peek(struct import_file *f,
    const struct mt_maillog_options *options, int64_t as_of,
    struct mt_err *err);
/*
 * The next line, valid until the next call; false at the end, or where it
 * cannot be read further (`why`). Ends early once the program shall stop.
 */
bool import_file_line(struct import_file *f, struct mt_str *ret_line);

struct import {
	struct ctl *c;
	bool dry; /* nothing is recorded */
	int64_t as_of; /* instead of when a file was written; 0: not given */
	struct mt_maillog_options options;
	struct mt_maillog *log; /* owned */
	struct import_file *files; /* owned; in the order of reading */
	size_t n_files;
	size_t at; /* the file that is being read */
	/* What was read: */
	uint64_t lines;
	uint64_t kinds[MT_MAILLOG_DAMAGED + 1];
	uint64_t events[MT_EV_N]; /* made, whether recorded or not */
	uint64_t left_out; /* events too long for the spool */
	int64_t first_at, last_at;
	bool stopped; /* by a signal */
	/* The spool: */
	char *dir; /* owned */
	struct mt_spool *spool; /* owned; NULL when dry */
	struct mt_spool_batch batch;
	uint64_t share; /* bytes of the spool beyond which we wait */
	uint64_t used; /* as far as is known */
	uint64_t unseen; /* of it, appended since it was looked at */
	bool waiting;
	bool told; /* that we wait, and nobody empties the spool */
	/* Progress: */
	bool shows; /* standard error is a terminal */
	int64_t began_ms, shown_ms;
};

MT_MUST_CHECK enum mt_rc import_spool_open(
    struct import *in, struct mt_err *err);
void import_spool_close(struct import *in);
/* A mt_maillog_sink; arg is the struct import. */
MT_MUST_CHECK enum mt_rc import_spool_take(
    void *arg, enum mt_event id, const void *ev, struct mt_err *err);
/* Is there enough for an append? */
bool import_spool_due(const struct import *in);
/*
 * Append what was taken, once there is room. What was taken is dropped when the
 * program shall stop before there is.
 */
MT_MUST_CHECK enum mt_rc import_spool_record(
    struct import *in, struct mt_err *err);

/* Show where we are, if it is time to. */
void import_say_progress(struct import *in);
/* Take the line of progress away. */
void import_say_nothing(struct import *in);
/* What came of it, to standard output. */
void import_say_result(struct import *in, bool json);

#endif
