/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/clock.h"
#include "base/mem.h"
#include "connect.h"
#include "ctl.h"
#include "db/schema.h"
#include "json.h"
#include "token/daykey.h"

#define AHEAD_DAYS 7

struct listing {
	const struct ctl *c;
	json_t *json; /* NULL: lines */
	bool dry;
	size_t n;
};

static void
say(void *context, const char *table, const char *partition)
{
	struct listing *l = context;
	json_t *row;

	l->n++;
	if (l->json != NULL) {
		row = json_object();
		ctl_json_set(row, "table", json_string(table));
		ctl_json_set(row, "partition", json_string(partition));
		(void)json_array_append_new(l->json, row);
		return;
	}
	(void)printf("%s %s %s\n", table, partition,
	    l->dry ? "would be dropped" : "dropped");
	/* Each may take its time: show it as it happens. */
	(void)fflush(stdout);
}

static enum mt_rc
expire_daykey(const struct ctl *c, struct mt_err *err)
{
	char *path;
	enum mt_rc rc;

	if (c->o->day_key.n == 0)
		return MT_OK;
	path = mt_str_dup(c->o->day_key);
	rc = mt_daykey_expire(path, mt_clock_now(), err);
	mt_free(path);
	return rc == MT_ABSENT ? MT_OK : rc;
}

static enum mt_rc
prune_tables(struct ctl *c, const struct mt_prune *prune, struct listing *l,
    struct mt_err *err)
{
	struct mt_db *db = NULL;
	enum mt_rc rc;

	if ((rc = ctl_db_open(c->o, &db, err)) != MT_OK)
		return rc;
	rc = mt_partitions_prune(db, mt_clock_now(), prune, say, l, err);
	if (rc == MT_OK && !prune->dry)
		rc = mt_partitions_ahead(db, mt_clock_now(), AHEAD_DAYS, err);
	mt_db_close(db);
	return rc;
}

static enum mt_rc
run(struct ctl *c, const struct ctl_args *a, struct mt_err *err)
{
	struct mt_prune prune = {
		.keep_days = (unsigned)c->o->keep_days,
		.keep_counter_days = (unsigned)c->o->keep_counter_days,
		.dry = ctl_given(a, "dry-run"),
	};
	struct listing l = { .c = c, .dry = prune.dry };
	enum mt_rc key_rc = MT_OK, rc;
	struct mt_err why;

	if (ctl_given(a, "json"))
		l.json = json_array();
	/* Neither holds the other up: what is over must go. */
	if (!prune.dry)
		key_rc = expire_daykey(c, &why);
	rc = prune_tables(c, &prune, &l, err);
	if (rc == MT_OK && l.json != NULL)
		ctl_json_print(json_incref(l.json), stdout);
	else if (rc == MT_OK && l.n == 0)
		(void)printf("nothing is older than asked for\n");
	json_decref(l.json);
	if (key_rc == MT_OK)
		return rc;
	if (rc == MT_OK)
		*err = why;
	else
		(void)fprintf(stderr, "mailtrail prune: %s\n", why.msg);
	return rc == MT_OK ? key_rc : rc;
}

static const struct ctl_opt opts[] = {
	{ "dry-run", 'n', NULL, "say what would be dropped, and do nothing" },
	{ "json", '\0', NULL, "print JSON" },
	{ NULL, '\0', NULL, NULL },
};

const struct ctl_cmd ctl_prune = {
	.name = "prune",
	.does = "drop days that are older than keep_days",
	.more = "Drops whole partitions of MariaDB's tables, which takes well "
		"under a second a day whatever its size, and makes those of "
		"the coming days. Also destroys a fingerprint key that is not "
		"of today. Run it once a day.",
	.opts = opts,
	.conf = true,
	.run = run,
};
