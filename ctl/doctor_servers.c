/* SPDX-License-Identifier: BSD-2-Clause */
/* Redis and MariaDB, and whether their clocks are ours. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "connect.h"
#include "db/schema.h"
#include "doctor.h"
#include "redis/dead.h"
#include "redis/server.h"
#include "text.h"

#define LAG_WARN 100000

static void
check_server(struct ctl_doctor *d, struct mt_stream *s)
{
	int64_t before = mt_clock_now(), after;
	struct mt_server_facts f;
	struct mt_err err;

	if (mt_server_facts(s, &f, &err) != MT_OK) {
		ctl_doctor_say(d, CTL_WARN, "redis",
		    "allow +info, as conf/redis/mailtrail.acl does", "%s",
		    err.msg);
		return;
	}
	after = mt_clock_now();
	ctl_doctor_say(d, f.major >= 7 ? CTL_OK : CTL_FAIL, "redis",
	    f.major >= 7 ? NULL : "run Redis 7.0 or newer",
	    "%s: version %s, %s", mt_stream_name(s), f.version, f.role);
	if (!f.aof)
		ctl_doctor_say(d, CTL_FAIL, "redis",
		    "appendonly yes (conf/redis/mailtrail.conf)",
		    "%s keeps nothing over a restart", mt_stream_name(s));
	else if (!f.aof_good)
		ctl_doctor_say(d, CTL_FAIL, "redis",
		    "its log says why; often the disk is full",
		    "%s could not write its append-only file",
		    mt_stream_name(s));
	if (strcmp(f.eviction, "noeviction") != 0 && f.eviction[0] != '\0')
		ctl_doctor_say(d, f.max_memory > 0 ? CTL_FAIL : CTL_WARN,
		    "redis", "maxmemory-policy noeviction",
		    "%s throws keys away when memory is short (%s)",
		    mt_stream_name(s), f.eviction);
	if (f.now != 0)
		ctl_doctor_clock(
		    d, "Redis", f.now, before + (after - before) / 2);
}

static void
check_group(
    struct ctl_doctor *d, struct mt_stream *s, const struct mt_stream_facts *f)
{
	if (!f->exists || !f->group) {
		ctl_doctor_say(d, CTL_WARN, "redis",
		    "mailtrail-ship and mailtrail-collector make both when "
		    "they start",
		    "%s: there is no %s yet", mt_stream_name(s),
		    f->exists ? "consumer group" : "event stream");
		return;
	}
	ctl_doctor_say(d, f->lag_known && f->lag > LAG_WARN ? CTL_WARN : CTL_OK,
	    "redis",
	    f->lag_known && f->lag > LAG_WARN
		? "start another mailtrail-collector, or see what slows it"
		: NULL,
	    "%s: %" PRIu64 " entries, %" PRIu64 " not yet read by a "
	    "collector%s, %" PRIu64 " being stored",
	    mt_stream_name(s), f->length, f->lag,
	    f->lag_known ? "" : " (or more)", f->pending);
}

static void
check_endpoint(struct ctl_doctor *d, struct mt_stream *s)
{
	struct mt_stream_facts f;
	struct mt_err err;
	uint64_t dead;

	if (mt_stream_facts(s, &f, &err) != MT_OK) {
		ctl_doctor_say(d, CTL_FAIL, "redis",
		    err.rc == MT_CONFIG
			? "correct redis_user and redis_password_file, or the "
			  "ACL (conf/redis/mailtrail.acl)"
			: "start Redis, or correct the option redis",
		    "%s", err.msg);
		return;
	}
	check_server(d, s);
	check_group(d, s, &f);
	if (mt_dead_count(s, &dead, &err) == MT_OK && dead > 0)
		ctl_doctor_say(d, CTL_WARN, "redis",
		    "mailtrail dead list says why; then replay or drop",
		    "%s: %" PRIu64 " dead letters", mt_stream_name(s), dead);
}

void
ctl_doctor_redis(struct ctl_doctor *d)
{
	struct ctl_streams s;
	struct mt_err err;
	size_t i;

	if (ctl_streams_open(d->c->o, &s, &err) != MT_OK) {
		ctl_doctor_say(d, CTL_FAIL, "redis",
		    "correct the option in mailtrail.conf", "%s", err.msg);
		return;
	}
	for (i = 0; i < s.n; i++)
		check_endpoint(d, s.streams[i]);
	ctl_streams_close(&s);
}

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
		    "one, upgrade this host",
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
			: "start MariaDB, or correct db_socket or db_host",
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
	check_rights(d);
	check_schema(d);
	check_db_clock(d);
}
