/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Many rows of one table in one statement, through MariaDB's bulk array
 * binding: one prepared statement a connection, one round trip a batch.
 *
 * Rows are added as the table's structs, whose texts are borrowed until
 * mt_bulk_clear. An insert says which rows were new (INSERT IGNORE ...
 * RETURNING the row's ordinal); an upsert merges by the table's rules. Any
 * warning but "duplicate key" fails the statement with MT_FORMAT: nothing is
 * ever cut or converted in silence. After a failure the connection is of no
 * further use: free the bulks and close it.
 */
#ifndef MT_DB_BULK_H
#define MT_DB_BULK_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "db/db.h"
#include "db/table.h"

struct mt_bulk;

/* The statement is prepared on first use and lives as long as db. */
struct mt_bulk *mt_bulk_new(struct mt_db *db, const struct mt_table *table);
void mt_bulk_free(struct mt_bulk *bulk); /* before mt_db_close; NULL is fine */
void mt_bulk_add(struct mt_bulk *bulk, const void *row);
size_t mt_bulk_rows(const struct mt_bulk *bulk);
void mt_bulk_clear(struct mt_bulk *bulk);
/*
 * Insert the rows that are not there yet. added[i] tells of the i-th row
 * whether it was new.
 */
MT_MUST_CHECK enum mt_rc mt_bulk_insert(
    struct mt_bulk *bulk, bool *added, struct mt_err *err);
/*
 * Insert or merge; rows must come in the order of mt_table_compare. Unless
 * NULL, merged[i] tells of the i-th row whether its key was there before (for
 * tables with SUM columns, see mt_table_returning).
 */
MT_MUST_CHECK enum mt_rc mt_bulk_upsert(
    struct mt_bulk *bulk, bool *merged, struct mt_err *err);

#endif
