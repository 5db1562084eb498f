/* SPDX-License-Identifier: BSD-2-Clause */
/* What is on this host's disk: keys, spool, policy snapshot. */
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include "base/clock.h"
#include "base/mem.h"
#include "doctor.h"
#include "policy/snapshot.h"
#include "rules.h"
#include "spool/stat.h"
#include "text.h"
#include "token/keys.h"

#define SHIP_LATE (60 * MT_SECOND)
#define STORE_LATE (600 * MT_SECOND)

void
ctl_doctor_keys(struct ctl_doctor *d)
{
	struct mt_keys *keys = NULL;
	struct mt_key_info info = { .id = 0 };
	struct mt_err err;
	struct stat st;
	char *path = mt_str_dup(d->c->o->token_keys);
	size_t i;

	if (stat(path, &st) != 0) {
		ctl_doctor_say(d, CTL_FAIL, "keys", "mailtrail key new",
		    "%s: there is no key file, so nothing can be marked", path);
	} else if (mt_keys_load(path, &keys, &err) != MT_OK) {
		ctl_doctor_say(d, CTL_FAIL, "keys",
		    "owner and group only (chmod 0640), one key a line: see "
		    "mailtrail(1)",
		    "%s", err.msg);
	} else {
		for (i = 0; i < mt_keys_n(keys); i++)
			if (mt_keys_at(keys, i).active)
				info = mt_keys_at(keys, i);
		ctl_doctor_say(d,
		    (st.st_mode & S_IRGRP) == 0 && st.st_uid == 0 ? CTL_WARN
								  : CTL_OK,
		    "keys",
		    (st.st_mode & S_IRGRP) == 0 && st.st_uid == 0
			? "let the programs' group read it: chgrp mailtrail, "
			  "chmod 0640"
			: NULL,
		    "%s: %zu %s, %u is active, mode %04o", path,
		    mt_keys_n(keys), mt_keys_n(keys) == 1 ? "key" : "keys",
		    info.id, (unsigned)st.st_mode & 07777);
	}
	mt_keys_unref(keys);
	mt_free(path);
}

static void
say_lost(struct ctl_doctor *d, const struct mt_lost *lost)
{
	char at[MT_TIME_LEN + 1];

	if (lost->records == 0)
		return;
	mt_time_write(lost->at, 'T', true, at);
	ctl_doctor_say(d,
	    mt_clock_now() - lost->at < 3600 * MT_SECOND ? CTL_FAIL : CTL_WARN,
	    "spool", "make room on the disk, or raise spool_max",
	    "%" PRIu64 " events were lost, the last at %s: %s", lost->records,
	    at,
	    lost->sys == 0 ? "spool full, or event too long"
			   : strerrordesc_np((int)lost->sys));
}

static void
say_endpoint(struct ctl_doctor *d, const struct mt_spool_stat *stat,
    const struct mt_spool_endpoint *e)
{
	int64_t now = mt_clock_now();
	struct mt_buf unsent, unacked;
	bool late;

	mt_buf_init(&unsent, 64);
	mt_buf_init(&unacked, 64);
	ctl_bytes(e->unsent, &unsent);
	ctl_bytes(e->unacked, &unacked);
	late = now - stat->oldest_at > STORE_LATE &&
	    now - stat->grown_at > SHIP_LATE;
	if (e->unsent > 0 && now - stat->grown_at > SHIP_LATE)
		ctl_doctor_say(d, CTL_FAIL, "spool",
		    "is mailtrail-ship running? Its log says what Redis "
		    "refused",
		    "%s waits for %s", unsent.p, e->endpoint);
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

static void
say_stat(
    struct ctl_doctor *d, const struct mt_spool_stat *stat, const char *dir)
{
	uint64_t max = d->c->o->spool_max;
	struct mt_buf size;
	size_t i;

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
	if (!stat->shipped && stat->segments > 0)
		ctl_doctor_say(d, CTL_FAIL, "spool",
		    "start mailtrail-ship, with this spool_dir",
		    "no mailtrail-ship has ever worked here");
	for (i = 0; i < stat->n; i++)
		say_endpoint(d, stat, &stat->endpoints[i]);
	mt_buf_done(&size);
}

/*
 * Could events be appended? Nothing is tried: what root would make here might
 * be what the programs cannot write.
 */
static void
check_room(struct ctl_doctor *d, const char *dir)
{
	struct statvfs fs;
	struct stat st;
	struct mt_buf size;
	uint64_t left;

	if (stat(dir, &st) != 0 || statvfs(dir, &fs) != 0)
		return;
	left = (uint64_t)fs.f_bavail * fs.f_frsize;
	mt_buf_init(&size, 64);
	ctl_bytes(left, &size);
	if (left < d->c->o->spool_segment || (fs.f_flag & ST_RDONLY) != 0)
		ctl_doctor_say(d, CTL_FAIL, "spool",
		    "make room, or give the spool a file system of its own",
		    "%s: %s left%s", dir, size.p,
		    (fs.f_flag & ST_RDONLY) != 0 ? ", and mounted read-only"
						 : "");
	if ((st.st_mode & (S_ISGID | S_IWGRP)) != (S_ISGID | S_IWGRP) &&
	    st.st_uid == 0)
		ctl_doctor_say(d, CTL_WARN, "spool",
		    "chgrp mailtrail, chmod 2770: producers of other users "
		    "append there too",
		    "%s: mode %04o lets only root append", dir,
		    (unsigned)st.st_mode & 07777);
	mt_buf_done(&size);
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
		mt_spool_stat_done(&stat);
	} else {
		ctl_doctor_say(d, CTL_FAIL, "spool",
		    "make the directory (mode 2770, the programs' group), or "
		    "correct spool_dir",
		    "%s", err.msg);
	}
	mt_free(dir);
}

/* The snapshot has as many rules as the tables, or was not rebuilt. */
static void
compare_policy(struct ctl_doctor *d, const struct mt_policy *policy)
{
	struct ctl_rules rules;
	struct mt_err err;
	size_t n;

	if (d->db == NULL || ctl_rules_load(d->db, &rules, &err) != MT_OK)
		return;
	n = rules.rules_n + rules.consents_n;
	if (n != mt_policy_count(policy))
		ctl_doctor_say(d, CTL_FAIL, "policy", "mailtrail track build",
		    "MariaDB has %zu rules and consents, the snapshot %zu", n,
		    mt_policy_count(policy));
	ctl_rules_done(&rules);
}

void
ctl_doctor_policy(struct ctl_doctor *d)
{
	char *path = mt_str_dup(d->c->o->policy_snapshot);
	struct mt_policy *policy = NULL;
	char at[MT_TIME_LEN + 1];
	struct mt_err err;
	enum mt_rc rc;

	rc = mt_policy_open(path, &policy, &err);
	if (rc == MT_OK) {
		mt_time_write(mt_policy_created(policy), 'T', true, at);
		ctl_doctor_say(d, CTL_OK, "policy", NULL,
		    "%s: %zu rules and consents, of %s", path,
		    mt_policy_count(policy), at);
		compare_policy(d, policy);
	} else if (rc == MT_ABSENT) {
		ctl_doctor_say(d, CTL_WARN, "policy",
		    "mailtrail track set ..., or mailtrail track build",
		    "%s is not there: nothing is tracked", path);
	} else {
		ctl_doctor_say(d, CTL_FAIL, "policy", "mailtrail track build",
		    "%s", err.msg);
	}
	mt_policy_unref(policy);
	mt_free(path);
}
