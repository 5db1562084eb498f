/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Events read back from their tables: of each kind that is about a message the
 * columns that decide what became of it.
 */
#ifndef COLLECTOR_READ_H
#define COLLECTOR_READ_H

#include "arena.h"
#include "query.h"
#include "store.h"

#define READ_COLUMNS 20

struct read {
	enum mt_event id;
	const char *table;
	const char *columns[READ_COLUMNS]; /* the first is `at` */
};

/* By queue id: `host` and `queue_id` are the second and third column. */
extern const struct read read_own[];
extern const size_t read_own_n;
/* By Message-ID (stray.h). */
extern const struct read read_strays[];
extern const size_t read_strays_n;

/* A statement that reads such events. */
struct reader {
	enum mt_event id;
	const struct mt_field *fields[READ_COLUMNS];
	size_t n;
	struct arena *arena; /* borrowed; the events' */
};

/* Begin it: "SELECT `at`, ... FROM table WHERE ". */
void read_begin(struct reader *r, struct query *q, const struct read *read,
    struct arena *arena);
/* The event that the current row is, in the arena. */
struct store_event *read_row(
    const struct reader *r, const struct mt_rows *rows);

#endif
