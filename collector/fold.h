/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * From events to rows. fold_event adds what one event, seen for the first time
 * ever, contributes to the tables of db/tables.def; fold_finish sorts each
 * table's rows by primary key and merges those of one key, so that a batch
 * writes a row once. The result depends on the set of events only, not on
 * their order: every contribution is merged by the table's commutative rules.
 *
 * Texts are borrowed from the events, or owned until fold_reset.
 */
#ifndef COLLECTOR_FOLD_H
#define COLLECTOR_FOLD_H

#include <stddef.h>

#include "arena.h"
#include "db/table.h"
#include "event/event.h"

struct fold_rows {
	void **rows;
	size_t n;
	size_t cap;
};

/* Rows met a moment ago, so that most contributions need no row of their own.
 */
#define FOLD_RECENT 256

struct fold {
	struct arena arena;
	struct mt_buf key; /* scratch */
	struct fold_rows tables[MT_TABLE_N];
	struct mt_row_counter *recent[FOLD_RECENT];
};

void fold_init(struct fold *f);
void fold_done(struct fold *f);
void fold_reset(struct fold *f);
void fold_event(struct fold *f, enum mt_event id, const void *event);
/* n to a counter of the message's hour; word "" where there is none. */
void fold_count(struct fold *f, const struct mt_row_counter *count);
/* Keep a copy of a row, or merge it into the last one when that has its key;
 * which of them it is. */
void *fold_row(struct fold *f, enum mt_table_id id, const void *row);
/*
 * An address as it is looked up, and its domain. What is no address is its
 * own key, in lower case, and has no domain.
 */
void fold_address(struct fold *f, struct mt_str raw, struct mt_str *ret_key,
    struct mt_str *ret_domain);
void fold_finish(struct fold *f);
/* The day and hour that a message's counters stand under. */
void fold_hour(int64_t born, struct mt_row_counter *count);
/* Where an open class is counted in a row of opens: n_<class>. */
uint64_t *fold_class(struct mt_row_open_day *row, enum mt_class word);

#endif
