/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>

#include "base/mem.h"
#include "ctl.h"
#include "json.h"
#include "spool/stat.h"

#define OUTPUT_MAX (1u << 20)

static void
print_json(const struct mt_spool_stat *stat, const char *dir)
{
	json_t *o = json_object(), *lost = json_object();
	json_t *passed = json_object(), *list = json_array(), *row;
	size_t i;

	ctl_json_set(o, "spool_dir", json_string(dir));
	ctl_json_set(o, "segments", ctl_json_num(stat->segments));
	ctl_json_set(o, "bytes", ctl_json_num(stat->bytes));
	ctl_json_set(o, "oldest_at", ctl_json_time(stat->oldest_at));
	ctl_json_set(o, "grown_at", ctl_json_time(stat->grown_at));
	ctl_json_set(o, "damaged", ctl_json_num(stat->damaged));
	ctl_json_set(o, "strange", ctl_json_num(stat->strange));
	ctl_json_set(lost, "records", ctl_json_num(stat->lost.records));
	ctl_json_set(lost, "bytes", ctl_json_num(stat->lost.bytes));
	ctl_json_set(lost, "at", ctl_json_time(stat->lost.at));
	ctl_json_set(lost, "why",
	    stat->lost.at == 0 ? json_null()
		: stat->lost.sys == 0
		? json_string("spool full, or event too long")
		: json_string(strerrordesc_np((int)stat->lost.sys)));
	ctl_json_set(o, "lost", lost);
	ctl_json_set(passed, "places", ctl_json_num(stat->damage.records));
	ctl_json_set(passed, "bytes", ctl_json_num(stat->damage.bytes));
	ctl_json_set(passed, "at", ctl_json_time(stat->damage.at));
	ctl_json_set(o, "passed_over", passed);
	ctl_json_set(o, "shipped_at",
	    stat->shipped ? ctl_json_time(stat->shipped_at) : json_null());
	for (i = 0; i < stat->n; i++) {
		row = json_object();
		ctl_json_set(
		    row, "endpoint", json_string(stat->endpoints[i].endpoint));
		ctl_json_set(
		    row, "unsent", ctl_json_num(stat->endpoints[i].unsent));
		ctl_json_set(
		    row, "unacked", ctl_json_num(stat->endpoints[i].unacked));
		(void)json_array_append_new(list, row);
	}
	ctl_json_set(o, "endpoints", list);
	ctl_json_print(o, stdout);
}

static enum mt_rc
run_status(struct ctl *c, const struct ctl_args *a, struct mt_err *err)
{
	char *dir = mt_str_dup(c->o->spool_dir);
	struct mt_spool_stat stat = { 0 };
	struct mt_buf out;
	enum mt_rc rc;

	rc = mt_spool_stat_read(dir, &stat, err);
	if (rc == MT_OK && ctl_given(a, "json")) {
		print_json(&stat, dir);
	} else if (rc == MT_OK) {
		mt_buf_init(&out, OUTPUT_MAX);
		mt_spool_stat_print(&stat, &out);
		(void)fwrite(out.p, 1, out.n, stdout);
		mt_buf_done(&out);
	}
	if (rc == MT_OK)
		mt_spool_stat_done(&stat);
	mt_free(dir);
	return rc;
}

static const struct ctl_opt status_opts[] = {
	{ "json", '\0', NULL, "print JSON" },
	{ NULL, '\0', NULL, NULL },
};

static const struct ctl_cmd spool_status = {
	.name = "status",
	.does = "show what is in this host's spool, and what was lost",
	.more = "Per Redis endpoint: what mailtrail-ship has not sent yet, "
		"and what is sent but not yet stored by a collector. Reads "
		"files only; no program needs to run.",
	.opts = status_opts,
	.conf = true,
	.run = run_status,
};
static const struct ctl_cmd *const subs[] = { &spool_status, NULL };

const struct ctl_cmd ctl_spool = {
	.name = "spool",
	.does = "look into the event spool of this host",
	.subs = subs,
};
