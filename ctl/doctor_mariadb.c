/* SPDX-License-Identifier: BSD-2-Clause */
/* MariaDB: the server, our rights, the schema. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/statvfs.h>

#include "base/clock.h"
#include "base/mem.h"
#include "connect.h"
#include "db/schema.h"
#include "doctor.h"
#include "text.h"

#define ROOM_LEAST (16u << 20)
#define WAITING "until then events wait in Redis"

/* Statements that change nothing: the server refuses what we may not do. */
static void
check_rights(struct ctl_doctor *d)
{
	static const struct {
		const char *sql;
		const char *what;
		bool reads; /* what no user can do without */
	} rights[] = {
		{ "SELECT 1 FROM v_message WHERE 1 = 0", "mailtrail trail",
		    true },
		{ "SELECT 1 FROM v_recipient WHERE 1 = 0", "mailtrail trail",
		    true },
		{ "SELECT 1 FROM v_open WHERE 1 = 0", "mailtrail trail", true },
		{ "SELECT 1 FROM policy_rule, consent WHERE 1 = 0",
		    "mailtrail track", false },
		{ "INSERT INTO policy_rule SELECT * FROM policy_rule "
		  "WHERE 1 = 0",
		    "mailtrail track set", false },
		{ "DELETE FROM consent WHERE 1 = 0", "mailtrail track unset",
		    false },
	};
	struct mt_err err;
	bool good = true;
	size_t i;

	for (i = 0; i < sizeof(rights) / sizeof(rights[0]); i++) {
		if (mt_db_run(d->db, rights[i].sql, NULL, 0, NULL, &err) ==
		    MT_OK)
			continue;
		good = false;
		ctl_doctor_say(d, rights[i].reads ? CTL_FAIL : CTL_WARN,
		    "mariadb",
		    "give the user db_user its role (schema/grants.sql), or "
		    "run mailtrail schema migrate",
		    "%s cannot work: %s", rights[i].what, err.msg);
	}
	if (good)
		ctl_doctor_say(d, CTL_OK, "mariadb", NULL,
		    "%.*s may do what mailtrail trail and track need",
		    MT_STR_ARG(d->c->o->db_user));
}

static void
check_schema(struct ctl_doctor *d)
{
	char *there = NULL, name[16], at[MT_TIME_LEN + 1];
	struct mt_str arg;
	struct mt_err err;

	if (mt_schema_check(d->db, &err) != MT_OK) {
		ctl_doctor_say(d, CTL_FAIL, "schema",
		    "mailtrail schema migrate; when the schema is the newer "
		    "one, upgrade this host; " WAITING,
		    "%s", err.msg);
		return;
	}
	ctl_doctor_say(d, CTL_OK, "schema", NULL,
	    "the tables are what this version writes");
	mt_time_write(mt_clock_now() + MT_DAY, ' ', false, at);
	(void)snprintf(name, sizeof(name), "p%.4s%.2s%.2s", at, at + 5, at + 8);
	arg = mt_str(name);
	if (mt_db_text(d->db,
		"SELECT partition_name FROM information_schema.partitions "
		"WHERE table_schema = DATABASE() AND table_name = 'ev_offer' "
		"AND partition_name = ?",
		&arg, 1, &there, &err) == MT_OK &&
	    there == NULL)
		ctl_doctor_say(d, CTL_WARN, "schema",
		    "start mailtrail-collector, or run mailtrail prune once a "
		    "day",
		    "there is no partition for tomorrow: its rows could only "
		    "be dropped one by one");
	mt_free(there);
}

/* Would it take events? Read-only and full ones answer well. */
static void
check_writing(struct ctl_doctor *d)
{
	char *only = NULL, *dir = NULL;
	struct statvfs fs;
	struct mt_buf room;
	struct mt_err err;

	if (mt_db_text(d->db, "SELECT @@read_only", NULL, 0, &only, &err) ==
		MT_OK &&
	    only != NULL && strcmp(only, "0") != 0)
		ctl_doctor_say(d, CTL_FAIL, "mariadb",
		    "SET GLOBAL read_only = 0, when it is not a replica; " WAITING,
		    "it is read-only");
	mt_free(only);
	/* Behind a socket its disk is one of this host's. */
	if (d->c->o->db_host.n > 0 ||
	    mt_db_text(d->db, "SELECT @@datadir", NULL, 0, &dir, &err) !=
		MT_OK ||
	    dir == NULL)
		return;
	mt_buf_init(&room, 64);
	if (statvfs(dir, &fs) == 0 &&
	    (uint64_t)fs.f_bavail * fs.f_frsize < ROOM_LEAST) {
		ctl_bytes((uint64_t)fs.f_bavail * fs.f_frsize, &room);
		ctl_doctor_say(d, CTL_FAIL, "mariadb", "make room; " WAITING,
		    "its disk is full: %s left in %s", room.p, dir);
	}
	mt_buf_done(&room);
	mt_free(dir);
}

static void
check_db_clock(struct ctl_doctor *d)
{
	int64_t before = mt_clock_now(), theirs = 0, after;
	struct mt_rows *rows;
	struct mt_err err;

	if (mt_rows_open(d->db, "SELECT UTC_TIMESTAMP(6)", NULL, 0, &rows,
		&err) != MT_OK)
		return;
	after = mt_clock_now();
	if (mt_rows_next(rows, &err) == MT_OK)
		theirs = mt_rows_time(rows, 0);
	mt_rows_close(rows);
	if (theirs != 0)
		ctl_doctor_clock(
		    d, "MariaDB", theirs, before + (after - before) / 2);
}

void
ctl_doctor_mariadb(struct ctl_doctor *d)
{
	char *version = NULL;
	struct mt_buf place;
	struct mt_err err;

	if (ctl_db_open(d->c->o, &d->db, &err) != MT_OK) {
		d->db = NULL;
		ctl_doctor_say(d, CTL_FAIL, "mariadb",
		    err.rc == MT_CONFIG
			? "correct db_name, db_user and db_password_file "
			  "(schema/database.sql makes database and roles)"
			: "start MariaDB, or restart it when it does not "
			  "answer, or correct db_socket or db_host; " WAITING,
		    "%s", err.msg);
		return;
	}
	mt_buf_init(&place, 2048);
	ctl_db_place(d->c->o, &place);
	if (mt_db_text(d->db, "SELECT VERSION()", NULL, 0, &version, &err) !=
	    MT_OK)
		version = NULL;
	ctl_doctor_say(d, CTL_OK, "mariadb", NULL, "%s: version %s", place.p,
	    version != NULL ? version : "unknown");
	mt_free(version);
	mt_buf_done(&place);
	check_writing(d);
	check_rights(d);
	check_schema(d);
	check_db_clock(d);
}
