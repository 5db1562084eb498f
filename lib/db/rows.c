/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/num.h"
#include "db/inside.h"

struct cell {
	char *p; /* within mt_rows.text */
	unsigned long n;
	my_bool null;
};

struct mt_rows {
	MYSQL_STMT *stmt;
	MYSQL_RES *meta; /* names; NULL when the statement has no rows */
	size_t n; /* columns */
	struct cell *cells;
	MYSQL_BIND *binds;
	char *text; /* one row */
};

static enum mt_rc
bind_args(MYSQL_STMT *stmt, const struct mt_str *args, size_t n,
    MYSQL_BIND *binds, struct mt_err *err)
{
	size_t i;

	if (mysql_stmt_param_count(stmt) != n)
		return mt_fail(err, MT_CONFIG,
		    "mariadb: %lu placeholders, %zu arguments",
		    mysql_stmt_param_count(stmt), n);
	for (i = 0; i < n; i++) {
		binds[i].buffer_type =
		    args[i].p == NULL ? MYSQL_TYPE_NULL : MYSQL_TYPE_STRING;
		binds[i].buffer = mt_unconst(args[i].p);
		binds[i].buffer_length = args[i].n;
		binds[i].length = &binds[i].buffer_length;
	}
	if (n > 0 && mysql_stmt_bind_param(stmt, binds) != 0)
		return mt_db_stmt_failed(stmt, err);
	return MT_OK;
}

static enum mt_rc
execute(MYSQL_STMT *stmt, const char *sql, const struct mt_str *args, size_t n,
    struct mt_err *err)
{
	MYSQL_BIND *binds;
	enum mt_rc rc;

	if (mysql_stmt_prepare(stmt, sql, strlen(sql)) != 0)
		return mt_db_stmt_failed(stmt, err);
	binds = mt_alloc_array(n + 1, sizeof(*binds));
	rc = bind_args(stmt, args, n, binds, err);
	if (rc == MT_OK && mysql_stmt_execute(stmt) != 0)
		rc = mt_db_stmt_failed(stmt, err);
	mt_free(binds);
	return rc;
}

enum mt_rc
mt_db_run(struct mt_db *db, const char *sql, const struct mt_str *args,
    size_t n_args, uint64_t *ret_changed, struct mt_err *err)
{
	MYSQL_STMT *stmt = mysql_stmt_init(db->c);
	enum mt_rc rc;

	if (stmt == NULL)
		return mt_db_failed(db, err);
	rc = execute(stmt, sql, args, n_args, err);
	if (rc == MT_OK && ret_changed != NULL)
		*ret_changed = mysql_stmt_affected_rows(stmt);
	mysql_stmt_close(stmt);
	return rc;
}

/* Memory for the widest row there is, and one binding a column into it. */
static enum mt_rc
bind_columns(struct mt_rows *rows, struct mt_err *err)
{
	MYSQL_FIELD *fields = mysql_fetch_fields(rows->meta);
	size_t i, total = 0;
	char *at;

	for (i = 0; i < rows->n; i++)
		total += fields[i].max_length + 1;
	rows->cells = mt_alloc_array(rows->n, sizeof(*rows->cells));
	rows->binds = mt_alloc_array(rows->n, sizeof(*rows->binds));
	rows->text = at = mt_alloc(total);
	for (i = 0; i < rows->n; i++) {
		rows->cells[i].p = at;
		rows->binds[i].buffer_type = MYSQL_TYPE_STRING;
		rows->binds[i].buffer = at;
		rows->binds[i].buffer_length = fields[i].max_length + 1;
		rows->binds[i].length = &rows->cells[i].n;
		rows->binds[i].is_null = &rows->cells[i].null;
		at += fields[i].max_length + 1;
	}
	if (mysql_stmt_bind_result(rows->stmt, rows->binds) != 0)
		return mt_db_stmt_failed(rows->stmt, err);
	return MT_OK;
}

static enum mt_rc
store(struct mt_rows *rows, struct mt_err *err)
{
	if ((rows->meta = mysql_stmt_result_metadata(rows->stmt)) == NULL)
		return MT_OK;
	rows->n = mysql_num_fields(rows->meta);
	if (mysql_stmt_store_result(rows->stmt) != 0)
		return mt_db_stmt_failed(rows->stmt, err);
	/* Again, now that max_length is known. */
	mysql_free_result(rows->meta);
	if ((rows->meta = mysql_stmt_result_metadata(rows->stmt)) == NULL)
		return mt_db_stmt_failed(rows->stmt, err);
	return bind_columns(rows, err);
}

enum mt_rc
mt_rows_open(struct mt_db *db, const char *sql, const struct mt_str *args,
    size_t n_args, struct mt_rows **ret_rows, struct mt_err *err)
{
	struct mt_rows *rows = mt_alloc(sizeof(*rows));
	my_bool on = 1;

	if ((rows->stmt = mysql_stmt_init(db->c)) == NULL) {
		mt_free(rows);
		return mt_db_failed(db, err);
	}
	mysql_stmt_attr_set(rows->stmt, STMT_ATTR_UPDATE_MAX_LENGTH, &on);
	if (execute(rows->stmt, sql, args, n_args, err) != MT_OK ||
	    store(rows, err) != MT_OK) {
		mt_rows_close(rows);
		return err->rc;
	}
	*ret_rows = rows;
	return MT_OK;
}

enum mt_rc
mt_rows_next(struct mt_rows *rows, struct mt_err *err)
{
	int r;

	if (rows->meta == NULL)
		return mt_fail(err, MT_ABSENT, "mariadb: no rows");
	if ((r = mysql_stmt_fetch(rows->stmt)) == 0)
		return MT_OK;
	if (r == MYSQL_NO_DATA)
		return mt_fail(err, MT_ABSENT, "mariadb: no more rows");
	if (r == MYSQL_DATA_TRUNCATED)
		return mt_fail(err, MT_FORMAT, "mariadb: a value was cut");
	return mt_db_stmt_failed(rows->stmt, err);
}

size_t
mt_rows_columns(const struct mt_rows *rows)
{
	return rows->n;
}

const char *
mt_rows_name(const struct mt_rows *rows, size_t column)
{
	return mysql_fetch_field_direct(rows->meta, (unsigned)column)->name;
}

enum mt_column
mt_rows_type(const struct mt_rows *rows, size_t column)
{
	enum enum_field_types type =
	    mysql_fetch_field_direct(rows->meta, (unsigned)column)->type;

	if (type == MYSQL_TYPE_DATETIME)
		return MT_COLUMN_TIME;
	if (type == MYSQL_TYPE_NEWDECIMAL)
		return MT_COLUMN_DEC;
	return IS_NUM(type) ? MT_COLUMN_NUM : MT_COLUMN_TEXT;
}

struct mt_str
mt_rows_text(const struct mt_rows *rows, size_t column)
{
	const struct cell *cell = &rows->cells[column];

	return cell->null ? mt_str_n(NULL, 0) : mt_str_n(cell->p, cell->n);
}

uint64_t
mt_rows_num(const struct mt_rows *rows, size_t column)
{
	uint64_t n;

	return mt_num_read(mt_rows_text(rows, column), UINT64_MAX, &n) ? n : 0;
}

int64_t
mt_rows_time(const struct mt_rows *rows, size_t column)
{
	struct mt_str s = mt_rows_text(rows, column);
	char zoned[MT_TIME_LEN + 2];
	int64_t at;

	/* "2026-11-20 16:41:37.123456" is RFC 3339 but for T and Z. */
	if (s.n < 11 || s.n >= MT_TIME_LEN)
		return 0;
	memcpy(zoned, s.p, s.n);
	zoned[10] = 'T';
	zoned[s.n] = 'Z';
	return mt_time_read(mt_str_n(zoned, s.n + 1), &at) ? at : 0;
}

void
mt_rows_close(struct mt_rows *rows)
{
	if (rows == NULL)
		return;
	if (rows->meta != NULL)
		mysql_free_result(rows->meta);
	mysql_stmt_close(rows->stmt);
	mt_free(rows->cells);
	mt_free(rows->binds);
	mt_free(rows->text);
	mt_free(rows);
}
