/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Redis: the server, whether it takes events, and the collectors that should
 * read them.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "connect.h"
#include "doctor.h"
#include "redis/dead.h"
#include "redis/server.h"
#include "text.h"

#define LAG_WARN 100000
/* A collector that is well asks every three seconds, however idle. */
#define ASK_LATE_MS 8000

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

/* What a refusal means for who runs the server. */
static const struct {
	const char *begins;
	const char *remedy;
} refusals[] = {
	{ ": OOM ",
	    "raise maxmemory, or see why no collector empties it; until then "
	    "events wait in the spools" },
	{ ": READONLY ",
	    "name the master in the option redis, or end the replication; until "
	    "then events wait in the spools" },
	{ ": MISCONF ",
	    "see its log, often its disk is full; until then events wait in the "
	    "spools" },
	{ ": NOPERM ", "correct the ACL (conf/redis/mailtrail.acl)" },
	{ "", "see its log; until then events wait in the spools" },
};

/* Would it take an event? Full, read-only and broken ones answer well. */
static void
check_writing(struct ctl_doctor *d, struct mt_stream *s)
{
	struct mt_err err;
	size_t i = 0;

	if (mt_server_takes(s, &err) == MT_OK)
		return;
	while (strstr(err.msg, refusals[i].begins) == NULL)
		i++;
	ctl_doctor_say(d, CTL_FAIL, "redis", refusals[i].remedy,
	    "it takes no events: %s", err.msg);
}

static void
say_collector(struct ctl_doctor *d, const struct ctl_running *r,
    const char *asked, const char *waits)
{
	bool here = ctl_doctor_option(d, CTL_COLLECTOR, "redis").n > 0;
	char remedy[96];

	if (r->stopped) {
		(void)snprintf(remedy, sizeof(remedy),
		    "let it go on: kill -CONT %d, or systemctl restart "
		    "mailtrail-collector",
		    (int)r->pid);
		ctl_doctor_say(d, CTL_FAIL, "redis", remedy,
		    "mailtrail-collector does nothing: process %d is stopped; "
		    "%s",
		    (int)r->pid, waits);
	} else if (r->pid != 0) {
		ctl_doctor_say(d, CTL_FAIL, "redis",
		    "its log says what it waits for; often MariaDB",
		    "mailtrail-collector runs, but %s; %s", asked, waits);
	} else {
		ctl_doctor_say(d, CTL_FAIL, "redis",
		    here ? "start it: systemctl start mailtrail-collector; its "
			   "log says why not"
			 : "start mailtrail-collector on its host; its log "
			   "says why not",
		    "%s: %s; %s",
		    here ? "mailtrail-collector is not running"
			 : "no mailtrail-collector is at work",
		    asked, waits);
	}
}

/* Does anybody read what is in the stream? */
static void
check_collectors(
    struct ctl_doctor *d, struct mt_stream *s, const struct mt_stream_facts *f)
{
	struct ctl_running r = ctl_doctor_running(d, CTL_COLLECTOR);
	struct mt_buf span, asked, waits;
	struct mt_consumer_facts c;
	struct mt_err err;

	if (mt_server_consumers(s, &c, &err) != MT_OK)
		return; /* the group went away just now */
	mt_buf_init(&span, 64);
	mt_buf_init(&asked, 256);
	mt_buf_init(&waits, 256);
	ctl_span((int64_t)(c.n > 0 ? c.asked_ms : 0) * 1000, &span);
	if (c.n == 0)
		mt_buf_z(&asked, "nobody has ever asked for events");
	else
		mt_buf_printf(
		    &asked, "nobody has asked for events for %s", span.p);
	mt_buf_printf(&waits, "%" PRIu64 " entries wait in %s", f->length,
	    mt_stream_name(s));
	if (c.asked_ms > ASK_LATE_MS || r.stopped) {
		say_collector(d, &r, asked.p, waits.p);
	} else if (c.kept > 0 && c.kept_ms > ASK_LATE_MS) {
		mt_buf_reset(&span);
		ctl_span((int64_t)c.kept_ms * 1000, &span);
		ctl_doctor_say(d, CTL_WARN, "redis",
		    "see whether that collector runs; another one takes them "
		    "over after its claim_ms",
		    "the collector %s has kept %" PRIu64 " entries of %s "
		    "for %s",
		    c.keeper, c.kept, mt_stream_name(s), span.p);
	}
	mt_buf_done(&span);
	mt_buf_done(&asked);
	mt_buf_done(&waits);
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
	check_collectors(d, s, f);
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
			: "start Redis, or restart it when it does not "
			  "answer, or correct the option redis; until then "
			  "events wait in the spools",
		    "%s", err.msg);
		return;
	}
	check_server(d, s);
	check_writing(d, s);
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
