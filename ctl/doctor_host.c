/* SPDX-License-Identifier: BSD-2-Clause */
/* What else is on this host's disk: room, keys, policy snapshot. */
#include <sys/stat.h>
#include <sys/statvfs.h>

#include "base/clock.h"
#include "base/mem.h"
#include "doctor.h"
#include "policy/snapshot.h"
#include "rules.h"
#include "text.h"
#include "token/keys.h"

void
ctl_doctor_room(struct ctl_doctor *d, enum ctl_health health, const char *step,
    const char *dir, uint64_t least, const char *remedy)
{
	struct statvfs fs;
	struct mt_buf size;
	uint64_t left;

	if (statvfs(dir, &fs) != 0)
		return;
	left = (uint64_t)fs.f_bavail * fs.f_frsize;
	if (left >= least && (fs.f_flag & ST_RDONLY) == 0)
		return;
	mt_buf_init(&size, 64);
	ctl_bytes(left, &size);
	ctl_doctor_say(d, health, step, remedy, "%s: %s left%s", dir, size.p,
	    (fs.f_flag & ST_RDONLY) != 0 ? ", and mounted read-only" : "");
	mt_buf_done(&size);
}

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
