/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The database's schema: numbered append-only migrations, built into the
 * binary from schema/NNNN-name.sql; which of them a database has stands in its
 * table schema_migration with checksum and time. What `mailtrail schema
 * migrate|status|check` and `mailtrail prune` do, and what the collector asks
 * for before it writes.
 *
 * Migrators wait for each other (GET_LOCK). A database with a migration that
 * we do not know (a schema from the future), or whose migration is not the one
 * we have (edited), is refused by name with MT_CONFIG.
 */
#ifndef MT_DB_SCHEMA_H
#define MT_DB_SCHEMA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/str.h"
#include "db/db.h"

struct mt_migration {
	unsigned number;
	const char *name; /* "0001-first" */
	struct mt_str sql;
};

/* Ends with a NULL name. */
extern const struct mt_migration mt_migrations[];

enum mt_migration_state {
	MT_MIGRATION_DONE,
	MT_MIGRATION_PENDING,
	MT_MIGRATION_BEGUN, /* stopped half-way; migrate does it again */
	MT_MIGRATION_EDITED, /* not the text that was applied */
	MT_MIGRATION_UNKNOWN /* applied by a newer version of Mailtrail */
};

struct mt_migration_status {
	unsigned number;
	struct mt_str name; /* borrowed for the call */
	enum mt_migration_state state;
	int64_t at; /* when it was done, 0 when it was not */
};

typedef void mt_migration_said(
    void *context, const struct mt_migration_status *status);

/* The word for a state: "done", "pending", ... */
const char *mt_migration_state_name(enum mt_migration_state state);
/* Apply what is missing; `said` (or NULL) hears of each one applied. */
MT_MUST_CHECK enum mt_rc mt_schema_migrate(struct mt_db *db,
    mt_migration_said *said, void *context, struct mt_err *err);
/* Tell of every migration, known and found, by number. */
MT_MUST_CHECK enum mt_rc mt_schema_status(struct mt_db *db,
    mt_migration_said *said, void *context, struct mt_err *err);
/*
 * MT_OK when all migrations are applied and every table has the columns, types
 * and primary key that events.def and tables.def declare; else MT_CONFIG with
 * table, column and migration named.
 */
MT_MUST_CHECK enum mt_rc mt_schema_check(struct mt_db *db, struct mt_err *err);
/* The same migrations from elsewhere, for tests; ends with a NULL name. */
MT_MUST_CHECK enum mt_rc mt_schema_migrate_from(struct mt_db *db,
    const struct mt_migration *migrations, mt_migration_said *said,
    void *context, struct mt_err *err);

/*
 * The next statement of a migration's text (rules: schema/README.md), without
 * its comments and its ';', borrowed from *rest, which moves on. MT_ABSENT
 * when there is none; MT_FORMAT when the text ends within one.
 */
MT_MUST_CHECK enum mt_rc mt_schema_statement(
    struct mt_str *rest, struct mt_str *ret_statement, struct mt_err *err);

/*
 * Partitions. Each table cut by day (month) has one partition a day, named
 * p<yyyymmdd>, the first of which also takes all that is older; the last,
 * p_max, takes all that is later than the days made ahead.
 */
struct mt_prune {
	unsigned
	    keep_days; /* of events, messages, tokens, opens; 0: for ever */
	unsigned keep_counter_days; /* of the counters; 0: for ever */
	bool dry; /* say, do nothing */
};

/* One line a partition: "ev_open p20260820 dropped". */
typedef void mt_partition_said(
    void *context, const char *table, const char *partition);

/* Make the partitions from today (of now) to `days` ahead. */
MT_MUST_CHECK enum mt_rc mt_partitions_ahead(
    struct mt_db *db, int64_t now, unsigned days, struct mt_err *err);
/* Drop the partitions all of whose rows are older than asked for. */
MT_MUST_CHECK enum mt_rc mt_partitions_prune(struct mt_db *db, int64_t now,
    const struct mt_prune *prune, mt_partition_said *said, void *context,
    struct mt_err *err);

#endif
