/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The tables our programs write, declared once in db/tables.def (the event
 * tables come from event/events.def). A row is a C struct; a column is a field
 * (base/field.h) and a rule that says how two rows of one key become one. The
 * rules are commutative and associative, so the order in which events arrive
 * cannot show:
 *
 *   KEY    part of the primary key
 *   SUM    added
 *   MIN    the smaller one that is not absent
 *   MAX    the larger one that is not absent
 *   FIRST  the one of the row whose `order` column is smaller (absent: last);
 *          of two rows without, the new one, unless it is absent
 *   SET    the new one, unless it is absent (what is worked out as a whole)
 *   LAST   the new one (tables with one writer: policy, absolute values)
 *
 * mt_table_fold applies the rules in memory, mt_table_upsert writes the SQL
 * that applies them in MariaDB.
 */
#ifndef MT_DB_TABLE_H
#define MT_DB_TABLE_H

#include <stddef.h>

#include "base/buf.h"
#include "base/field.h"
#include "base/limits.h"
#include "event/event.h"

enum mt_rule {
	MT_RULE_KEY,
	MT_RULE_SUM,
	MT_RULE_MIN,
	MT_RULE_MAX,
	MT_RULE_FIRST,
	MT_RULE_SET,
	MT_RULE_LAST
};

/* How a table is cut, on the first column of its key. */
enum mt_cut { MT_CUT_NONE, MT_CUT_DAY, MT_CUT_MONTH };

struct mt_table {
	const char *name;
	const char *doc;
	enum mt_cut cut;
	const struct mt_field *columns;
	const enum mt_rule *rules; /* NULL: rows are inserted once (events) */
	size_t n;
	size_t order; /* column that decides FIRST; n when there is none */
	size_t size; /* of the struct */
};

#define TABLE(name, cut, order, doc) struct mt_row_##name {
#define COLUMN(table, name, type, bound, flags, rule, doc) MT_CTYPE_##type name;
#define END(name) \
	} \
	;
#include "db/tables.def"
#undef TABLE
#undef COLUMN
#undef END

enum mt_table_id {
#define TABLE(name, cut, order, doc) MT_TABLE_##name,
#define COLUMN(table, name, type, bound, flags, rule, doc)
#define END(name)
#include "db/tables.def"
#undef TABLE
#undef COLUMN
#undef END
	MT_TABLE_N
};

extern const struct mt_table mt_tables[MT_TABLE_N];
/* The table of an event, "ev_<name>". */
struct mt_table mt_table_of_event(enum mt_event id);
/* Every table: those of events, then the others. */
#define MT_TABLES ((size_t)MT_EV_N + (size_t)MT_TABLE_N)
struct mt_table mt_table_at(size_t i);
/* Columns of the primary key, which come first. */
size_t mt_table_keys(const struct mt_table *table);
/* The column it is partitioned on; NULL when it is not. */
const struct mt_field *mt_table_cut(const struct mt_table *table);

/* Order of primary keys, as the nopad_bin collations have it. */
int mt_table_compare(
    const struct mt_table *table, const void *a, const void *b);
/* Make `into` the one row of both, which have the same key. */
void mt_table_merge(const struct mt_table *table, void *into, const void *row);
/*
 * Sort rows (pointers to the table's structs) by key and merge those of one
 * key into the first; returns how many are left.
 */
size_t mt_table_fold(const struct mt_table *table, void **rows, size_t n);

/* "INSERT IGNORE INTO t (…) VALUES (?, …) RETURNING ?" */
void mt_table_insert(const struct mt_table *table, struct mt_buf *out);
/* "INSERT INTO t (…) VALUES (?, …) ON DUPLICATE KEY UPDATE …" */
void mt_table_upsert(const struct mt_table *table, struct mt_buf *out);
/*
 * What an upsert's RETURNING must give to tell a new row from a merged one:
 * the sum of the SUM columns and the number of SET columns that are not NULL,
 * to be compared with mt_table_sum of the row sent. Every row of such a table
 * adds to it.
 */
void mt_table_returning(const struct mt_table *table, struct mt_buf *out);
uint64_t mt_table_sum(const struct mt_table *table, const void *row);

/* "CREATE TABLE IF NOT EXISTS …", without secondary indexes. */
void mt_table_create(const struct mt_table *table, struct mt_buf *out);
/* One column of it: "`size` BIGINT UNSIGNED NOT NULL COMMENT '…'". */
void mt_table_column(const struct mt_field *column, struct mt_buf *out);

#endif
