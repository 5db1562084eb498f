/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A connection to MariaDB, and statements with text in and out. (What the
 * collector writes in bulk goes through db/bulk.h.)
 *
 * The session is UTC, utf8mb4, strict, READ COMMITTED and autocommitting.
 * Nothing reconnects by itself: after MT_AGAIN close the connection and open
 * another. Classes of errors:
 *
 *   MT_AGAIN   the server is away, busy, read-only, full, or chose us as the
 *              victim of a deadlock: nothing was done, keep the data
 *   MT_CONFIG  access denied, no such database, table or column, bad SQL
 *   MT_FORMAT  the server refused the data
 */
#ifndef MT_DB_DB_H
#define MT_DB_DB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/str.h"

struct mt_db;

/* As lib/conf/shared/db.def; texts are read by mt_db_open only. */
struct mt_db_options {
	struct mt_str socket; /* used unless host is set */
	struct mt_str host;
	unsigned port;
	struct mt_str name; /* database */
	struct mt_str user;
	struct mt_str password; /* absent: none */
	unsigned timeout_ms; /* of connecting and of one answer; 0: none */
};

MT_MUST_CHECK enum mt_rc mt_db_open(const struct mt_db_options *options,
    struct mt_db **ret_db, struct mt_err *err);
void mt_db_close(struct mt_db *db); /* NULL is fine */
/*
 * Change how long to wait for one answer, from the next mt_db_open on; and
 * for locks on tables, at once (seconds; ALTER TABLE gives way to readers).
 */
MT_MUST_CHECK enum mt_rc mt_db_lock_wait(
    struct mt_db *db, unsigned seconds, struct mt_err *err);

/* One statement without placeholders whose rows, if any, do not matter. */
MT_MUST_CHECK enum mt_rc mt_db_exec(
    struct mt_db *db, const char *sql, struct mt_err *err);
/* One that has '?' for each of the args (absent: NULL). */
MT_MUST_CHECK enum mt_rc mt_db_run(struct mt_db *db, const char *sql,
    const struct mt_str *args, size_t n_args, uint64_t *ret_changed,
    struct mt_err *err);

/*
 * A query's rows, as texts:
 *
 *     if (mt_rows_open(db, sql, args, n, &rows, &err) != MT_OK)
 *             ...
 *     while ((rc = mt_rows_next(rows, &err)) == MT_OK)
 *             use(mt_rows_text(rows, 0));
 *     mt_rows_close(rows);
 *
 * All rows are read into memory by mt_rows_open: ask for a bounded number.
 */
struct mt_rows;

MT_MUST_CHECK enum mt_rc mt_rows_open(struct mt_db *db, const char *sql,
    const struct mt_str *args, size_t n_args, struct mt_rows **ret_rows,
    struct mt_err *err);
/* MT_ABSENT after the last. */
MT_MUST_CHECK enum mt_rc mt_rows_next(struct mt_rows *rows, struct mt_err *err);
size_t mt_rows_columns(const struct mt_rows *rows);
const char *mt_rows_name(const struct mt_rows *rows, size_t column);
/* What its type makes of it: a number, a DECIMAL, a DATETIME, or else text. */
enum mt_column { MT_COLUMN_TEXT, MT_COLUMN_NUM, MT_COLUMN_DEC, MT_COLUMN_TIME };
enum mt_column mt_rows_type(const struct mt_rows *rows, size_t column);
/* Absent when NULL; borrowed until the next mt_rows_next. */
struct mt_str mt_rows_text(const struct mt_rows *rows, size_t column);
/* A column that is a number, 0 when NULL or not one. */
uint64_t mt_rows_num(const struct mt_rows *rows, size_t column);
/* A DATETIME column as µs UTC, 0 when NULL or not one. */
int64_t mt_rows_time(const struct mt_rows *rows, size_t column);
void mt_rows_close(struct mt_rows *rows); /* NULL is fine */

/* The first column of the first row, NULL when there is none; mt_free it. */
MT_MUST_CHECK enum mt_rc mt_db_text(struct mt_db *db, const char *sql,
    const struct mt_str *args, size_t n_args, char **ret_text,
    struct mt_err *err);
/* Wait up to `seconds` for the server-wide lock; MT_AGAIN when not had. */
MT_MUST_CHECK enum mt_rc mt_db_lock(
    struct mt_db *db, const char *name, unsigned seconds, struct mt_err *err);
void mt_db_unlock(struct mt_db *db, const char *name);

#endif
