/* SPDX-License-Identifier: BSD-2-Clause */
/* mailtrail-tail: is it at work, does it keep up, does it understand? */
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "doctor.h"
#include "spool/tailed.h"
#include "text.h"

/* Its state is a second old when it works; then it reads megabytes. */
#define STATE_LATE (15 * MT_SECOND)
#define STATE_ROOM 65536 /* bytes; a state has fewer */
#define BEHIND 65536 /* bytes; a line that is not whole yet has fewer */
#define UNKNOWN_LEAST 10 /* lines, and … */
#define UNKNOWN_SHARE 100 /* … one in so many */

/* Bytes of a file that were not read, as far as a look at it can tell. */
static uint64_t
behind(const struct mt_tailed_source *s)
{
	struct stat st;

	if (s->name[0] != '/' || !s->placed || stat(s->name, &st) != 0)
		return 0;
	if (st.st_ino != s->place.ino || st.st_dev != s->place.dev)
		return (uint64_t)st.st_size;
	return (uint64_t)st.st_size > s->place.until
	    ? (uint64_t)st.st_size - s->place.until
	    : 0;
}

static void
say_behind(struct ctl_doctor *d, const struct mt_tailed *t,
    const struct mt_tailed_source *s)
{
	char at[MT_TIME_LEN + 1] = "never";
	int64_t now = mt_clock_now();
	struct mt_buf size, since;

	mt_buf_init(&size, 64);
	mt_buf_init(&since, 64);
	ctl_bytes(behind(s), &size);
	ctl_span(now - t->at, &since);
	if (s->counts.last > 0)
		mt_time_write((int64_t)s->counts.last, 'T', true, at);
	if (behind(s) >= BEHIND && now - t->at > STATE_LATE)
		ctl_doctor_say(d, CTL_FAIL, "log",
		    "its log says what it waits for; is the spool full?",
		    "%s: %s are not read, and nothing was for %s", s->name,
		    size.p, since.p);
	else
		ctl_doctor_say(d, CTL_OK, "log", NULL,
		    "%s: %" PRIu64 " lines, %" PRIu64 " events, %s to read; "
		    "the last line is of %s",
		    s->name, s->counts.lines, s->counts.events, size.p, at);
	mt_buf_done(&size);
	mt_buf_done(&since);
}

static void
say_source(struct ctl_doctor *d, const struct mt_tailed *t,
    const struct mt_tailed_source *s)
{
	const struct mt_tailed_counts *c = &s->counts;

	say_behind(d, t, s);
	if (c->gaps > 0)
		ctl_doctor_say(d, CTL_WARN, "log",
		    "mailtrail-tail's log says which; give it what is still "
		    "there: zcat FILE | mailtrail-tail -",
		    "%s: lines are missing in %" PRIu64 " places", s->name,
		    c->gaps);
	if (c->unknown >= UNKNOWN_LEAST &&
	    c->unknown > c->lines / UNKNOWN_SHARE)
		ctl_doctor_say(d, CTL_WARN, "log",
		    "mailtrail-tail's log has samples of them; a newer release "
		    "may know them",
		    "%s: %" PRIu64 " of %" PRIu64 " lines are not understood, "
		    "most of %s",
		    s->name, c->unknown, c->lines,
		    s->n_unknown > 0 ? s->unknown[0].program : "?");
	if (c->damaged >= UNKNOWN_LEAST && c->damaged > c->lines / 2)
		ctl_doctor_say(d, CTL_WARN, "log",
		    "is it a mail log, as syslog or the journal writes it?",
		    "%s: %" PRIu64 " of %" PRIu64 " lines are no log lines",
		    s->name, c->damaged, c->lines);
}

/* Could it remember where it is? Nothing is tried, as with the spool. */
static void
check_room(struct ctl_doctor *d, const char *dir)
{
	struct stat st;

	if (stat(dir, &st) != 0)
		return;
	ctl_doctor_room(d, CTL_WARN, "log", dir, STATE_ROOM,
	    "make room; until then a restart reads more twice, which is stored "
	    "once");
	if ((st.st_mode & (S_IWUSR | S_IWGRP)) == 0)
		ctl_doctor_say(d, CTL_WARN, "log",
		    "chmod 750; until then a restart reads more twice, which "
		    "is stored once",
		    "%s: mode %04o lets nobody write", dir,
		    (unsigned)st.st_mode & 07777);
}

/* False: there is none that works, and why is said. */
static bool
check_running(struct ctl_doctor *d, int dir_fd)
{
	struct ctl_running r = ctl_doctor_running(d, CTL_TAIL);
	char remedy[96];

	if (!mt_tailed_served(dir_fd)) {
		ctl_doctor_say(d, CTL_FAIL, "log",
		    "start it: systemctl start mailtrail-tail; its log says "
		    "why not",
		    "mailtrail-tail is not running");
		return false;
	}
	if (!r.stopped)
		return true;
	(void)snprintf(remedy, sizeof(remedy),
	    "let it go on: kill -CONT %d, or systemctl restart mailtrail-tail",
	    (int)r.pid);
	ctl_doctor_say(d, CTL_FAIL, "log", remedy,
	    "mailtrail-tail does nothing: process %d is stopped", (int)r.pid);
	return false;
}

void
ctl_doctor_tail(struct ctl_doctor *d)
{
	struct mt_str option = ctl_doctor_option(d, CTL_TAIL, "state_dir");
	struct mt_tailed t = { .n = 0 };
	struct mt_err err;
	char *dir;
	int dir_fd;
	size_t i;

	if (option.n == 0)
		return;
	dir = mt_str_dup(option);
	dir_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir_fd < 0) {
		ctl_doctor_say(d, CTL_FAIL, "log",
		    "start it: systemctl start mailtrail-tail; its log says "
		    "why not",
		    "mailtrail-tail has never worked here: %s: %s", dir,
		    strerror(errno));
	} else if (check_running(d, dir_fd)) {
		check_room(d, dir);
		if (mt_tailed_read(dir_fd, &t, &err) != MT_OK)
			ctl_doctor_say(d, CTL_WARN, "log",
			    "its log says why it cannot write there", "%s/%s",
			    dir, err.msg);
		for (i = 0; i < t.n; i++)
			say_source(d, &t, &t.sources[i]);
		mt_tailed_done(&t);
	}
	if (dir_fd >= 0)
		(void)close(dir_fd);
	mt_free(dir);
}
