/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the files of this room share and nobody else includes: the connection
 * and how MariaDB's error numbers become ours.
 */
#ifndef MT_DB_INSIDE_H
#define MT_DB_INSIDE_H

#include <mysql.h>

#include "base/err.h"
#include "db/db.h"

struct mt_db {
	MYSQL *c;
	size_t packet; /* most bytes of one packet the server takes */
};

/* The class of an error number; an unknown one is MT_AGAIN: keep the data. */
enum mt_rc mt_db_class(unsigned number);
/* The error that a call on the connection (or statement) just left. */
enum mt_rc mt_db_failed(struct mt_db *db, struct mt_err *err);
enum mt_rc mt_db_stmt_failed(MYSQL_STMT *stmt, struct mt_err *err);
/*
 * Shut the connection down: its answers can no longer be told apart, or the
 * rest of one would be waited for. (A bulk statement with RETURNING that fails
 * half-way leaves packets behind, which the next statement would take for its
 * own; and mysql_stmt_free_result waits for what never comes.)
 */
void mt_db_break(struct mt_db *db);
/* MT_CONFIG unless exactly the migrations we have are applied. */
enum mt_rc mt_schema_refuse(struct mt_db *db, struct mt_err *err);

#endif
