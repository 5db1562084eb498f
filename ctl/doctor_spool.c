/* SPDX-License-Identifier: BSD-2-Clause */
/* The spool of this host, and mailtrail-ship, which empties it. */
#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "base/clock.h"
#include "base/mem.h"
#include "doctor.h"
#include "spool/stat.h"
#include "text.h"

#define STORE_LATE (600 * MT_SECOND)
#define GROWN_LATE (60 * MT_SECOND)
/* A shipper that is well writes its state within two seconds. */
#define WATCH_MS 5000

#define RECENT (3600 * MT_SECOND)

static const char *
lost_remedy(int sys)
{
	if (sys == EACCES || sys == EPERM || sys == EROFS)
		return "let the programs' user write there (mode 2770, group "
		       "mailtrail)";
	return "make room on the disk, or raise spool_max";
}

static void
say_lost(struct ctl_doctor *d, const struct mt_lost *lost)
{
	char at[MT_TIME_LEN + 1];

	if (lost->records == 0)
		return;
	mt_time_write(lost->at, 'T', true, at);
	ctl_doctor_say(d,
	    mt_clock_now() - lost->at < RECENT ? CTL_FAIL : CTL_WARN, "spool",
	    lost_remedy((int)lost->sys),
	    "%" PRIu64 " events were lost, the last at %s: %s", lost->records,
	    at,
	    lost->sys == 0 ? "spool full, or event too long"
			   : strerrordesc_np((int)lost->sys));
}

static void
say_damage(struct ctl_doctor *d, const struct mt_lost *damage)
{
	char at[MT_TIME_LEN + 1];
	struct mt_buf size;

	if (damage->records == 0)
		return;
	mt_buf_init(&size, 64);
	ctl_bytes(damage->bytes, &size);
	mt_time_write(damage->at, 'T', true, at);
	ctl_doctor_say(d,
	    mt_clock_now() - damage->at < RECENT ? CTL_FAIL : CTL_WARN, "spool",
	    "look for a failing disk or memory; the log of mailtrail-ship "
	    "names segments and offsets",
	    "%s in %" PRIu64 " places were damaged and passed over, the last "
	    "at %s",
	    size.p, damage->records, at);
	mt_buf_done(&size);
}

/* Where something is to be sent, has anything been since the first look? */
static bool
has_moved(const struct mt_spool_stat *first, const struct mt_spool_stat *now)
{
	size_t i;

	for (i = 0; i < now->n && i < first->n; i++)
		if (now->endpoints[i].unsent > 0 &&
		    now->endpoints[i].sent == first->endpoints[i].sent)
			return false;
	return true;
}

/*
 * Events that wait may just have come: look until they move, or should have.
 * False: the spool cannot be read any more.
 */
static bool
watch(const char *dir, const struct mt_spool_stat *first,
    struct mt_spool_stat *ret_now)
{
	const struct timespec pause = { .tv_nsec = 100000000 };
	int64_t until_ms = mt_clock_mono_ms() + WATCH_MS;
	struct mt_err err;

	while (mt_spool_stat_read(dir, ret_now, &err) == MT_OK) {
		if (has_moved(first, ret_now) || mt_clock_mono_ms() >= until_ms)
			return true;
		mt_spool_stat_done(ret_now);
		(void)nanosleep(&pause, NULL);
	}
	return false;
}

static void
say_endpoint(struct ctl_doctor *d, const struct mt_spool_stat *stat,
    const struct mt_spool_endpoint *e, const struct mt_spool_endpoint *first)
{
	int64_t now = mt_clock_now();
	struct mt_buf unsent, unacked;
	bool late;

	mt_buf_init(&unsent, 64);
	mt_buf_init(&unacked, 64);
	ctl_bytes(e->unsent, &unsent);
	ctl_bytes(e->unacked, &unacked);
	late = now - stat->oldest_at > STORE_LATE &&
	    now - stat->grown_at > GROWN_LATE;
	if (e->unsent > 0 && e->sent == first->sent)
		ctl_doctor_say(d, CTL_FAIL, "spool",
		    "the log of mailtrail-ship says what Redis refuses; the "
		    "events are safe on this disk",
		    "%s waits for %s: nothing was sent for %d s", unsent.p,
		    e->endpoint, WATCH_MS / 1000);
	else if (e->unacked > 0 && late)
		ctl_doctor_say(d, CTL_FAIL, "spool",
		    "is mailtrail-collector running? Its log says what "
		    "MariaDB refused",
		    "%s sent to %s is not stored yet", unacked.p, e->endpoint);
	else
		ctl_doctor_say(d, CTL_OK, "spool", NULL,
		    "%s: %s to send, %s to be stored", e->endpoint, unsent.p,
		    unacked.p);
	mt_buf_done(&unsent);
	mt_buf_done(&unacked);
}

static uint64_t
all_unsent(const struct mt_spool_stat *stat)
{
	uint64_t bytes = 0;
	size_t i;

	for (i = 0; i < stat->n; i++)
		bytes += stat->endpoints[i].unsent;
	return bytes;
}

/* False: there is none that works, and why is said. */
static bool
check_shipper(
    struct ctl_doctor *d, const struct mt_spool_stat *stat, const char *dir)
{
	struct ctl_running r = ctl_doctor_running(d, CTL_SHIP);
	struct mt_buf unsent;
	char remedy[96];
	bool good = false;

	mt_buf_init(&unsent, 64);
	ctl_bytes(all_unsent(stat), &unsent);
	if (!mt_spool_served(dir)) {
		ctl_doctor_say(d, CTL_FAIL, "spool",
		    "start it: systemctl start mailtrail-ship; its log says "
		    "why not",
		    "mailtrail-ship is not running: %s waits in %s", unsent.p,
		    dir);
	} else if (r.stopped) {
		(void)snprintf(remedy, sizeof(remedy),
		    "let it go on: kill -CONT %d, or systemctl restart "
		    "mailtrail-ship",
		    (int)r.pid);
		ctl_doctor_say(d, CTL_FAIL, "spool", remedy,
		    "mailtrail-ship does nothing: process %d is stopped; %s "
		    "waits in %s",
		    (int)r.pid, unsent.p, dir);
	} else {
		good = true;
	}
	mt_buf_done(&unsent);
	return good;
}

static void
check_shipping(
    struct ctl_doctor *d, const struct mt_spool_stat *first, const char *dir)
{
	struct mt_spool_stat now = { 0 };
	size_t i;

	if (!first->shipped && first->segments > 0)
		ctl_doctor_say(d, CTL_FAIL, "spool",
		    "start mailtrail-ship, with this spool_dir",
		    "no mailtrail-ship has ever worked here");
	if (!first->shipped || !check_shipper(d, first, dir) ||
	    !watch(dir, first, &now))
		return;
	for (i = 0; i < now.n && i < first->n; i++)
		say_endpoint(d, &now, &now.endpoints[i], &first->endpoints[i]);
	mt_spool_stat_done(&now);
}

static void
say_stat(
    struct ctl_doctor *d, const struct mt_spool_stat *stat, const char *dir)
{
	uint64_t max = d->c->o->spool_max;
	struct mt_buf size;

	mt_buf_init(&size, 64);
	ctl_bytes(stat->bytes, &size);
	ctl_doctor_say(d, stat->bytes > max / 5 * 4 ? CTL_FAIL : CTL_OK,
	    "spool",
	    stat->bytes > max / 5 * 4
		? "find out who does not take events on, before it is full"
		: NULL,
	    "%s: %zu segments, %s", dir, stat->segments, size.p);
	if (stat->damaged > 0 || stat->strange > 0)
		ctl_doctor_say(d, CTL_WARN, "spool",
		    "look at them; nobody else does",
		    "%zu damaged segments and %zu files that are none of ours",
		    stat->damaged, stat->strange);
	say_lost(d, &stat->lost);
	say_damage(d, &stat->damage);
	mt_buf_done(&size);
}

/*
 * Could events be appended? Nothing is tried: what root would make here might
 * be what the programs cannot write.
 */
static void
check_room(struct ctl_doctor *d, const char *dir)
{
	struct stat st;

	if (stat(dir, &st) != 0)
		return;
	ctl_doctor_room(d, CTL_FAIL, "spool", dir, d->c->o->spool_segment,
	    "make room, or give the spool a file system of its own");
	if ((st.st_mode & (S_IWUSR | S_IWGRP)) == 0)
		ctl_doctor_say(d, CTL_FAIL, "spool",
		    "chmod 2770; until then events are lost, and counted",
		    "%s: mode %04o lets nobody append", dir,
		    (unsigned)st.st_mode & 07777);
	else if ((st.st_mode & (S_ISGID | S_IWGRP)) != (S_ISGID | S_IWGRP) &&
	    st.st_uid == 0)
		ctl_doctor_say(d, CTL_WARN, "spool",
		    "chgrp mailtrail, chmod 2770: producers of other users "
		    "append there too",
		    "%s: mode %04o lets only root append", dir,
		    (unsigned)st.st_mode & 07777);
}

void
ctl_doctor_spool(struct ctl_doctor *d)
{
	char *dir = mt_str_dup(d->c->o->spool_dir);
	struct mt_spool_stat stat = { 0 };
	struct mt_err err;

	if (mt_spool_stat_read(dir, &stat, &err) == MT_OK) {
		say_stat(d, &stat, dir);
		check_room(d, dir);
		check_shipping(d, &stat, dir);
		mt_spool_stat_done(&stat);
	} else {
		ctl_doctor_say(d, CTL_FAIL, "spool",
		    "make the directory (mode 2770, the programs' group), or "
		    "correct spool_dir",
		    "%s", err.msg);
	}
	mt_free(dir);
}
