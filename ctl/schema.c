/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/clock.h"
#include "connect.h"
#include "ctl.h"
#include "db/schema.h"
#include "json.h"
#include "text.h"

#define AHEAD_DAYS 7

struct progress {
	const struct ctl *c;
	size_t n;
	int64_t from_ms;
};

/* A migration may take minutes: each line comes when it is done. */
static void
say_done(void *context, const struct mt_migration_status *status)
{
	struct progress *p = context;
	int64_t now = mt_clock_mono_ms();

	p->n++;
	(void)printf("%04u %.*s: %s", status->number, MT_STR_ARG(status->name),
	    mt_migration_state_name(status->state));
	if (p->c->terminal)
		(void)printf(" (%lld ms)", (long long)(now - p->from_ms));
	(void)putchar('\n');
	(void)fflush(stdout);
	p->from_ms = now;
}

static enum mt_rc
run_migrate(struct ctl *c, const struct ctl_args *a, struct mt_err *err)
{
	struct progress p = { .c = c, .from_ms = mt_clock_mono_ms() };
	struct mt_db *db = NULL;
	enum mt_rc rc;

	(void)a;
	if ((rc = ctl_db_open(c->o, &db, err)) != MT_OK)
		return rc;
	rc = mt_schema_migrate(db, say_done, &p, err);
	if (rc == MT_OK)
		rc = mt_partitions_ahead(db, mt_clock_now(), AHEAD_DAYS, err);
	if (rc == MT_OK)
		rc = mt_schema_check(db, err);
	if (rc == MT_OK)
		(void)printf(p.n > 0 ? "the schema is now up to date\n"
				     : "the schema was up to date already\n");
	mt_db_close(db);
	return rc;
}

struct listing {
	struct ctl_table *table;
	json_t *json; /* instead of the table */
};

static void
say_state(void *context, const struct mt_migration_status *status)
{
	struct listing *l = context;
	const char *state = mt_migration_state_name(status->state);
	char at[MT_TIME_LEN + 1] = "";
	json_t *row;

	if (status->at != 0)
		mt_time_write(status->at, 'T', true, at);
	if (l->json != NULL) {
		row = json_object();
		ctl_json_set(row, "number", ctl_json_num(status->number));
		ctl_json_set(row, "name", ctl_json_str(status->name));
		ctl_json_set(row, "state", json_string(state));
		ctl_json_set(row, "at", ctl_json_time(status->at));
		(void)json_array_append_new(l->json, row);
		return;
	}
	ctl_table_num(l->table, status->number);
	ctl_table_cell(l->table, CTL_PLAIN, status->name);
	ctl_table_cellz(l->table,
	    status->state == MT_MIGRATION_DONE		? CTL_GREEN
		: status->state == MT_MIGRATION_PENDING ? CTL_YELLOW
							: CTL_RED,
	    state);
	ctl_table_cellz(l->table, CTL_PLAIN, at);
}

static enum mt_rc
run_status(struct ctl *c, const struct ctl_args *a, struct mt_err *err)
{
	static const char *const titles[] = { "number", "migration", "state",
		"at" };
	struct listing l = { .table = ctl_table_new(4) };
	struct mt_db *db = NULL;
	enum mt_rc rc;

	if (ctl_given(a, "json"))
		l.json = json_array();
	ctl_table_head(l.table, titles);
	rc = ctl_db_open(c->o, &db, err);
	if (rc == MT_OK)
		rc = mt_schema_status(db, say_state, &l, err);
	if (rc == MT_OK && l.json != NULL)
		ctl_json_print(json_incref(l.json), stdout);
	else if (rc == MT_OK)
		ctl_table_print(l.table, stdout, c->color, 0);
	json_decref(l.json);
	ctl_table_free(l.table);
	mt_db_close(db);
	return rc;
}

static enum mt_rc
run_check(struct ctl *c, const struct ctl_args *a, struct mt_err *err)
{
	struct mt_db *db = NULL;
	enum mt_rc rc;

	(void)a;
	if ((rc = ctl_db_open(c->o, &db, err)) != MT_OK)
		return rc;
	rc = mt_schema_check(db, err);
	if (rc == MT_OK)
		(void)printf("the schema is what this version writes\n");
	mt_db_close(db);
	return rc;
}

static const struct ctl_opt status_opts[] = {
	{ "json", '\0', NULL, "print JSON" },
	{ NULL, '\0', NULL, NULL },
};

static const struct ctl_cmd schema_migrate = {
	.name = "migrate",
	.does = "apply the migrations that the database has not had",
	.more = "Also makes the partitions of the next days. May be "
		"run again at any time, by several at once, and after it was "
		"interrupted. Needs a database user who may create tables "
		"and views (-o db_user=... -o db_password_file=...).",
	.conf = true,
	.run = run_migrate,
};
static const struct ctl_cmd schema_status = {
	.name = "status",
	.does = "list the migrations and which of them the database has",
	.opts = status_opts,
	.conf = true,
	.run = run_status,
};
static const struct ctl_cmd schema_check = {
	.name = "check",
	.does = "compare the database's tables with what programs write",
	.more = "Names the first column that differs, and the migration "
		"that would put it right.",
	.conf = true,
	.run = run_check,
};
static const struct ctl_cmd *const subs[] = { &schema_migrate, &schema_status,
	&schema_check, NULL };

const struct ctl_cmd ctl_schema = {
	.name = "schema",
	.does = "make and check the tables in MariaDB",
	.subs = subs,
};
