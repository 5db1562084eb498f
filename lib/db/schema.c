/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "db/inside.h"
#include "db/schema.h"

#define LOCK "schema"
#define LOCK_WAIT_S 120
#define MAX_STATEMENT 65536
#define MAX_NAME 64
#define NEWER \
	"is not known here: the database was migrated by a newer Mailtrail"
#define CHECKSUM_LEN 64 /* SHA-256 in hexadecimal */

static const char registry[] =
    "CREATE TABLE IF NOT EXISTS schema_migration ("
    "number INT UNSIGNED NOT NULL COMMENT 'of the file in schema/', "
    "name VARCHAR(64) NOT NULL COMMENT 'the file without .sql', "
    "checksum VARCHAR(64) NOT NULL COMMENT 'SHA-256 of its text', "
    "began_at DATETIME(6) NOT NULL COMMENT 'when it was begun', "
    "done_at DATETIME(6) NULL COMMENT 'when it was done; NULL: interrupted', "
    "PRIMARY KEY (number)) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 "
    "COLLATE utf8mb4_nopad_bin COMMENT 'Migrations this database has'";

/* A row of schema_migration. */
struct found {
	unsigned number;
	char name[MAX_NAME + 1];
	char checksum[CHECKSUM_LEN + 1];
	int64_t done_at;
};

const char *
mt_migration_state_name(enum mt_migration_state state)
{
	static const char *const names[] = {
		[MT_MIGRATION_DONE] = "done",
		[MT_MIGRATION_PENDING] = "pending",
		[MT_MIGRATION_BEGUN] = "begun",
		[MT_MIGRATION_EDITED] = "edited",
		[MT_MIGRATION_UNKNOWN] = "unknown",
	};

	return names[state];
}

static struct mt_str
take_line(struct mt_str *rest)
{
	struct mt_str line;

	(void)mt_str_cut(*rest, '\n', &line, rest);
	if (line.n > 0 && line.p[line.n - 1] == '\r')
		line.n--;
	return line;
}

static bool
says_nothing(struct mt_str line)
{
	line = mt_str_trim(line);
	return line.n == 0 || mt_str_starts(line, "--");
}

enum mt_rc
mt_schema_statement(
    struct mt_str *rest, struct mt_str *ret_statement, struct mt_err *err)
{
	const char *from = NULL;
	struct mt_str line;

	while (rest->n > 0) {
		line = take_line(rest);
		if (from == NULL && says_nothing(line))
			continue;
		if (from == NULL)
			from = line.p;
		if (line.n > 0 && line.p[line.n - 1] == ';') {
			*ret_statement = mt_str_n(
			    from, (size_t)(line.p + line.n - 1 - from));
			return MT_OK;
		}
	}
	if (from != NULL)
		return mt_fail(
		    err, MT_FORMAT, "its last statement does not end with ';'");
	return mt_fail(err, MT_ABSENT, "no more statements");
}

static void
keep_text(char *out, size_t max, struct mt_str s)
{
	size_t n = s.n < max ? s.n : max;

	if (n > 0)
		memcpy(out, s.p, n);
	out[n] = '\0';
}

static enum mt_rc
read_found(struct mt_rows *rows, struct found **ret_found, size_t *ret_n,
    struct mt_err *err)
{
	struct found *all = NULL, *f;
	size_t n = 0;
	enum mt_rc rc;

	while ((rc = mt_rows_next(rows, err)) == MT_OK) {
		all = mt_realloc_array(all, n + 1, sizeof(*all));
		f = &all[n++];
		f->number = (unsigned)mt_rows_num(rows, 0);
		keep_text(f->name, MAX_NAME, mt_rows_text(rows, 1));
		keep_text(f->checksum, CHECKSUM_LEN, mt_rows_text(rows, 2));
		f->done_at = mt_rows_time(rows, 3);
	}
	if (rc != MT_ABSENT) {
		mt_free(all);
		return rc;
	}
	*ret_found = all;
	*ret_n = n;
	return MT_OK;
}

/* What schema_migration holds; nothing when it is not there. */
static enum mt_rc
load_found(struct mt_db *db, struct found **ret_found, size_t *ret_n,
    struct mt_err *err)
{
	struct mt_rows *rows;
	char *there = NULL;
	enum mt_rc rc;

	*ret_found = NULL;
	*ret_n = 0;
	if (mt_db_text(db,
		"SELECT 1 FROM information_schema.tables WHERE table_schema = "
		"DATABASE() AND table_name = 'schema_migration'",
		NULL, 0, &there, err) != MT_OK)
		return err->rc;
	if (there == NULL)
		return MT_OK;
	mt_free(there);
	if (mt_rows_open(db,
		"SELECT number, name, checksum, done_at FROM schema_migration "
		"ORDER BY number",
		NULL, 0, &rows, err) != MT_OK)
		return err->rc;
	rc = read_found(rows, ret_found, ret_n, err);
	mt_rows_close(rows);
	return rc;
}

static enum mt_rc
checksum(struct mt_db *db, struct mt_str sql, char *out, struct mt_err *err)
{
	char *sum = NULL;

	if (mt_db_text(db, "SELECT SHA2(?, 256)", &sql, 1, &sum, err) != MT_OK)
		return err->rc;
	keep_text(out, CHECKSUM_LEN, mt_str(sum));
	mt_free(sum);
	return MT_OK;
}

static const struct found *
find(const struct found *all, size_t n, unsigned number)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (all[i].number == number)
			return &all[i];
	return NULL;
}

static bool
known(const struct mt_migration *migrations, unsigned number)
{
	for (; migrations->name != NULL; migrations++)
		if (migrations->number == number)
			return true;
	return false;
}

static enum mt_rc
judge(struct mt_db *db, const struct mt_migration *m, const struct found *f,
    enum mt_migration_state *ret_state, struct mt_err *err)
{
	char sum[CHECKSUM_LEN + 1];

	*ret_state = MT_MIGRATION_PENDING;
	if (f == NULL)
		return MT_OK;
	*ret_state = MT_MIGRATION_BEGUN;
	if (f->done_at == 0)
		return MT_OK;
	if (checksum(db, m->sql, sum, err) != MT_OK)
		return err->rc;
	*ret_state =
	    strcmp(sum, f->checksum) == 0 && strcmp(m->name, f->name) == 0
	    ? MT_MIGRATION_DONE
	    : MT_MIGRATION_EDITED;
	return MT_OK;
}

/* Tell of all, those of ours first, then what is not ours. */
static enum mt_rc
walk(struct mt_db *db, const struct mt_migration *migrations,
    mt_migration_said *said, void *context, struct mt_err *err)
{
	struct mt_migration_status status;
	const struct mt_migration *m;
	const struct found *f;
	struct found *all;
	size_t i, n;
	enum mt_rc rc;

	if (load_found(db, &all, &n, err) != MT_OK)
		return err->rc;
	rc = MT_OK;
	for (m = migrations; rc == MT_OK && m->name != NULL; m++) {
		f = find(all, n, m->number);
		rc = judge(db, m, f, &status.state, err);
		if (rc != MT_OK)
			break;
		status.number = m->number;
		status.name = mt_str(m->name);
		status.at = f == NULL ? 0 : f->done_at;
		said(context, &status);
	}
	for (i = 0; rc == MT_OK && i < n; i++) {
		if (known(migrations, all[i].number))
			continue;
		status.number = all[i].number;
		status.name = mt_str(all[i].name);
		status.state = MT_MIGRATION_UNKNOWN;
		status.at = all[i].done_at;
		said(context, &status);
	}
	mt_free(all);
	return rc;
}

enum mt_rc
mt_schema_status(struct mt_db *db, mt_migration_said *said, void *context,
    struct mt_err *err)
{
	return walk(db, mt_migrations, said, context, err);
}

/* The first migration that forbids what we are about to do. */
struct verdict {
	bool pending_is_fine;
	bool bad;
	enum mt_migration_state state;
	char name[MAX_NAME + 1];
};

static void
look(void *context, const struct mt_migration_status *status)
{
	struct verdict *v = context;

	if (v->bad || status->state == MT_MIGRATION_DONE)
		return;
	if (v->pending_is_fine &&
	    (status->state == MT_MIGRATION_PENDING ||
		status->state == MT_MIGRATION_BEGUN))
		return;
	v->bad = true;
	v->state = status->state;
	keep_text(v->name, MAX_NAME, status->name);
}

static enum mt_rc
refuse(struct mt_db *db, const struct mt_migration *migrations,
    bool pending_is_fine, struct mt_err *err)
{
	static const char *const why[] = {
		[MT_MIGRATION_DONE] = "",
		[MT_MIGRATION_PENDING] =
		    "is not applied; run `mailtrail schema migrate`",
		[MT_MIGRATION_BEGUN] =
		    "was interrupted; run `mailtrail schema migrate`",
		[MT_MIGRATION_EDITED] =
		    "is not the text that was applied to this database",
		[MT_MIGRATION_UNKNOWN] = NEWER,
	};
	struct verdict v = { .pending_is_fine = pending_is_fine };

	if (walk(db, migrations, look, &v, err) != MT_OK)
		return err->rc;
	if (v.bad)
		return mt_fail(err, MT_CONFIG, "schema: migration %s %s",
		    v.name, why[v.state]);
	return MT_OK;
}

enum mt_rc
mt_schema_refuse(struct mt_db *db, struct mt_err *err)
{
	return refuse(db, mt_migrations, false, err);
}

static enum mt_rc
run_statements(
    struct mt_db *db, const struct mt_migration *m, struct mt_err *err)
{
	struct mt_str rest = m->sql, statement;
	struct mt_buf sql;
	unsigned count = 0;
	enum mt_rc rc;

	mt_buf_init(&sql, MAX_STATEMENT);
	while ((rc = mt_schema_statement(&rest, &statement, err)) == MT_OK) {
		count++;
		mt_buf_reset(&sql);
		mt_buf_str(&sql, statement);
		if (mt_buf_over(&sql))
			rc = mt_fail(err, MT_LIMIT, "longer than %d bytes",
			    MAX_STATEMENT);
		else
			rc = mt_db_exec(db, sql.p, err);
		if (rc != MT_OK) {
			mt_err_in(err, "statement %u", count);
			break;
		}
	}
	mt_buf_done(&sql);
	return rc == MT_ABSENT ? MT_OK : rc;
}

static enum mt_rc
apply(struct mt_db *db, const struct mt_migration *m, struct mt_err *err)
{
	char sum[CHECKSUM_LEN + 1], number[16];
	struct mt_str args[3] = { { number, 0 }, mt_str(m->name) };
	struct mt_buf b;

	if (checksum(db, m->sql, sum, err) != MT_OK)
		return err->rc;
	mt_buf_init(&b, sizeof(number));
	mt_buf_printf(&b, "%u", m->number);
	keep_text(number, sizeof(number) - 1, mt_buf_view(&b));
	args[0] = mt_str(number);
	args[2] = mt_str(sum);
	mt_buf_done(&b);
	if (mt_db_run(db,
		"REPLACE INTO schema_migration (number, name, checksum, "
		"began_at) VALUES (?, ?, ?, UTC_TIMESTAMP(6))",
		args, 3, NULL, err) != MT_OK)
		return err->rc;
	if (run_statements(db, m, err) != MT_OK)
		return err->rc;
	return mt_db_run(db,
	    "UPDATE schema_migration SET done_at = UTC_TIMESTAMP(6) WHERE "
	    "number = ?",
	    args, 1, NULL, err);
}

static enum mt_rc
apply_missing(struct mt_db *db, const struct mt_migration *migrations,
    mt_migration_said *said, void *context, struct mt_err *err)
{
	struct mt_migration_status status;
	const struct mt_migration *m;
	struct found *all;
	const struct found *f;
	size_t n;
	enum mt_rc rc;

	if (load_found(db, &all, &n, err) != MT_OK)
		return err->rc;
	rc = MT_OK;
	for (m = migrations; rc == MT_OK && m->name != NULL; m++) {
		f = find(all, n, m->number);
		if (f != NULL && f->done_at != 0)
			continue;
		if ((rc = apply(db, m, err)) != MT_OK) {
			mt_err_in(err, "schema: migration %s", m->name);
			break;
		}
		status.number = m->number;
		status.name = mt_str(m->name);
		status.state = MT_MIGRATION_DONE;
		status.at = 0;
		if (said != NULL)
			said(context, &status);
	}
	mt_free(all);
	return rc;
}

enum mt_rc
mt_schema_migrate_from(struct mt_db *db, const struct mt_migration *migrations,
    mt_migration_said *said, void *context, struct mt_err *err)
{
	enum mt_rc rc;

	if (mt_db_lock(db, LOCK, LOCK_WAIT_S, err) != MT_OK)
		return err->rc;
	if ((rc = mt_db_exec(db, registry, err)) == MT_OK &&
	    (rc = refuse(db, migrations, true, err)) == MT_OK)
		rc = apply_missing(db, migrations, said, context, err);
	mt_db_unlock(db, LOCK);
	return rc;
}

enum mt_rc
mt_schema_migrate(struct mt_db *db, mt_migration_said *said, void *context,
    struct mt_err *err)
{
	return mt_schema_migrate_from(db, mt_migrations, said, context, err);
}
