/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "db/inside.h"
#include "db/schema.h"
#include "db/table.h"

#define MAX_SQL 8192
#define COLLATION "utf8mb4_nopad_bin"

/* Bits of a table's columns that were found. */
struct seen {
	bool column[MT_MAX_FIELDS];
};

/*
 * A type as information_schema writes it: "int(10) unsigned" for INT
 * UNSIGNED, "tinyint(1)" for BOOLEAN. Display widths say nothing.
 */
static bool
same_type(struct mt_str found, const struct mt_field *f)
{
	struct mt_buf want, have;
	struct mt_str head, tail;
	bool same;

	mt_buf_init(&want, 64);
	mt_buf_init(&have, 64);
	mt_field_sql(f, &want);
	if (mt_str_eqz(found, "tinyint(1)"))
		found = MT_LIT("BOOLEAN");
	if (mt_str_cut(found, '(', &head, &tail) &&
	    (mt_str_eqz(head, "int") || mt_str_eqz(head, "bigint"))) {
		(void)mt_str_cut(tail, ')', &found, &tail);
		mt_buf_str(&have, head);
		mt_buf_str(&have, tail);
	} else {
		mt_buf_str(&have, found);
	}
	same = mt_str_eq_nocase(mt_buf_view(&want), mt_buf_view(&have));
	mt_buf_done(&want);
	mt_buf_done(&have);
	return same;
}

/* What the migration that is missing would have to say. */
static enum mt_rc
differs(const struct mt_table *t, const struct mt_field *f, const char *verb,
    const char *what, struct mt_err *err)
{
	struct mt_buf sql;
	enum mt_rc rc;

	mt_buf_init(&sql, MAX_SQL);
	mt_table_column(f, &sql);
	rc = mt_fail(err, MT_CONFIG,
	    "schema: table %s, column %s: %s; a migration must say ALTER TABLE "
	    "`%s` %s COLUMN %s",
	    t->name, f->name, what, t->name, verb, sql.p);
	mt_buf_done(&sql);
	return rc;
}

static enum mt_rc
check_column(const struct mt_table *t, struct mt_rows *rows, struct seen *seen,
    struct mt_err *err)
{
	struct mt_str name = mt_rows_text(rows, 0);
	struct mt_str collation = mt_rows_text(rows, 3);
	const struct mt_field *f;
	bool null = mt_str_eqz(mt_rows_text(rows, 2), "YES");
	size_t i;

	for (i = 0; i < t->n; i++)
		if (mt_str_eqz(name, t->columns[i].name))
			break;
	if (i == t->n)
		return mt_fail(err, MT_CONFIG,
		    "schema: table %s, column %.*s: not a column we know",
		    t->name, MT_STR_ARG(name));
	f = &t->columns[i];
	seen->column[i] = true;
	if (!same_type(mt_rows_text(rows, 1), f))
		return differs(t, f, "MODIFY", "of another type", err);
	if (null != ((f->flags & (MT_KEY | MT_REQ)) == 0))
		return differs(t, f, "MODIFY",
		    null ? "may be NULL" : "may not be NULL", err);
	if (collation.p != NULL && !mt_str_eqz(collation, COLLATION))
		return differs(t, f, "MODIFY", "not " COLLATION, err);
	return MT_OK;
}

/* Columns that the server works out itself are the migrations' own. */
static enum mt_rc
check_columns(struct mt_db *db, const struct mt_table *t, struct mt_err *err)
{
	struct mt_str name = mt_str(t->name);
	struct seen seen = { { false } };
	struct mt_rows *rows;
	size_t i, n = 0;
	enum mt_rc rc;

	if (mt_rows_open(db,
		"SELECT column_name, column_type, is_nullable, collation_name "
		"FROM information_schema.columns WHERE table_schema = "
		"DATABASE() AND table_name = ? AND is_generated = 'NEVER' "
		"ORDER BY ordinal_position",
		&name, 1, &rows, err) != MT_OK)
		return err->rc;
	while ((rc = mt_rows_next(rows, err)) == MT_OK) {
		n++;
		if ((rc = check_column(t, rows, &seen, err)) != MT_OK)
			break;
	}
	mt_rows_close(rows);
	if (rc != MT_ABSENT)
		return rc;
	if (n == 0)
		return mt_fail(err, MT_CONFIG,
		    "schema: table %s: missing, or not ours to see", t->name);
	for (i = 0; i < t->n; i++)
		if (!seen.column[i])
			return differs(
			    t, &t->columns[i], "ADD", "missing", err);
	return MT_OK;
}

/* The key decides what is stored twice: it must be exactly ours. */
static enum mt_rc
check_key(struct mt_db *db, const struct mt_table *t, struct mt_err *err)
{
	struct mt_str name = mt_str(t->name);
	struct mt_buf want;
	char *have = NULL;
	enum mt_rc rc;
	size_t i, keys = mt_table_keys(t);

	if (mt_db_text(db,
		"SELECT GROUP_CONCAT(column_name ORDER BY seq_in_index) FROM "
		"information_schema.statistics WHERE table_schema = DATABASE() "
		"AND table_name = ? AND index_name = 'PRIMARY'",
		&name, 1, &have, err) != MT_OK)
		return err->rc;
	mt_buf_init(&want, 1024);
	for (i = 0; i < keys; i++)
		mt_buf_printf(
		    &want, "%s%s", i == 0 ? "" : ",", t->columns[i].name);
	rc = MT_OK;
	if (have == NULL || strcmp(have, want.p) != 0)
		rc = mt_fail(err, MT_CONFIG,
		    "schema: table %s: its primary key is (%s), not (%s)",
		    t->name, have == NULL ? "" : have, want.p);
	mt_buf_done(&want);
	mt_free(have);
	return rc;
}

enum mt_rc
mt_schema_check(struct mt_db *db, struct mt_err *err)
{
	size_t i;

	if (mt_schema_refuse(db, err) != MT_OK)
		return err->rc;
	for (i = 0; i < MT_TABLES; i++) {
		struct mt_table t = mt_table_at(i);

		if (check_columns(db, &t, err) != MT_OK ||
		    check_key(db, &t, err) != MT_OK)
			return err->rc;
	}
	return MT_OK;
}
