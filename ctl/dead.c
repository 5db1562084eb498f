/* SPDX-License-Identifier: BSD-2-Clause */
#include <inttypes.h>
#include <string.h>
#include <sysexits.h>

#include "base/clock.h"
#include "base/log.h"
#include "connect.h"
#include "ctl.h"
#include "json.h"
#include "redis/dead.h"
#include "text.h"

#define LIST_DEFAULT 20
#define LIST_MAX 1000000
#define STEP 100 /* dead letters of one question */

/* The endpoints to look at: all, or the one of --endpoint. */
struct places {
	struct ctl_streams all;
	size_t from, to;
};

static enum mt_rc
open_places(struct ctl *c, const struct ctl_args *a, struct places *ret_p,
    struct mt_err *err)
{
	const char *wanted = ctl_value(a, "endpoint");
	enum mt_rc rc;
	size_t i;

	if ((rc = ctl_streams_open(c->o, &ret_p->all, err)) != MT_OK)
		return rc;
	ret_p->from = 0;
	ret_p->to = ret_p->all.n;
	if (wanted == NULL)
		return MT_OK;
	for (i = 0; i < ret_p->all.n; i++)
		if (strcmp(ret_p->all.endpoints[i].text, wanted) == 0)
			break;
	if (i == ret_p->all.n) {
		ctl_streams_close(&ret_p->all);
		return ctl_usage(c, err,
		    "--endpoint: %s is none of the option redis",
		    mt_quotez(wanted).s);
	}
	ret_p->from = i;
	ret_p->to = i + 1;
	return MT_OK;
}

static struct mt_str
field_of(const struct mt_dead *dead, const char *name)
{
	size_t i;

	for (i = 0; i < dead->n; i++)
		if (mt_str_eqz(dead->pairs[i].name, name))
			return dead->pairs[i].value;
	return (struct mt_str){ 0 };
}

static json_t *
json_of(const struct mt_dead *dead, const char *endpoint)
{
	json_t *o = json_object(), *fields = json_object();
	char id[MT_ID_LEN + 1], *name;
	struct mt_buf clean;
	size_t i;

	mt_id_write(dead->id, id);
	ctl_json_set(o, "id", json_string(id));
	ctl_json_set(o, "endpoint", json_string(endpoint));
	ctl_json_set(o, "at", ctl_json_time(dead->at));
	ctl_json_set(o, "reason", ctl_json_str(dead->reason));
	ctl_json_set(o, "from", ctl_json_str(dead->from));
	for (i = 0; i < dead->n; i++) {
		mt_buf_init(&clean, 4 * dead->pairs[i].name.n + 1);
		ctl_clean(dead->pairs[i].name, &clean);
		name = clean.p;
		ctl_json_set(fields, name, ctl_json_str(dead->pairs[i].value));
		mt_buf_done(&clean);
	}
	ctl_json_set(o, "fields", fields);
	return o;
}

struct listing {
	struct ctl_table *table;
	json_t *json; /* instead of the table */
	uint64_t left; /* of the count */
	uint64_t more; /* that were not shown */
};

static void
list_one(struct listing *l, const struct mt_dead *dead, const char *endpoint)
{
	char id[MT_ID_LEN + 1], at[MT_TIME_LEN + 1];
	struct mt_str event = field_of(dead, "t");

	if (l->json != NULL) {
		(void)json_array_append_new(l->json, json_of(dead, endpoint));
		return;
	}
	mt_id_write(dead->id, id);
	mt_time_write(dead->at, 'T', true, at);
	ctl_table_cellz(l->table, CTL_PLAIN, id);
	ctl_table_cellz(l->table, CTL_DIM, dead->at != 0 ? at : "-");
	ctl_table_cell(
	    l->table, CTL_PLAIN, event.p != NULL ? event : MT_LIT("-"));
	ctl_table_cell(l->table, CTL_YELLOW, dead->reason);
	ctl_table_cellz(l->table, CTL_DIM, endpoint);
}

static enum mt_rc
list_place(struct listing *l, struct mt_stream *s, struct mt_err *err)
{
	struct mt_id after = { 0 };
	struct mt_deads deads;
	uint64_t n;
	enum mt_rc rc;
	size_t i, ask;

	if ((rc = mt_dead_count(s, &n, err)) != MT_OK)
		return rc;
	while (l->left > 0) {
		ask = l->left < STEP ? (size_t)l->left : STEP;
		rc = mt_dead_list(s, after, ask, &deads, err);
		if (rc == MT_ABSENT)
			break;
		if (rc != MT_OK)
			return rc;
		for (i = 0; i < deads.n; i++) {
			list_one(l, &deads.deads[i], mt_stream_name(s));
			after = deads.deads[i].id;
		}
		l->left -= deads.n;
		n -= deads.n < n ? deads.n : n;
	}
	l->more += n;
	return MT_OK;
}

static enum mt_rc
run_list(struct ctl *c, const struct ctl_args *a, struct mt_err *err)
{
	static const char *const titles[] = { "id", "at", "event", "reason",
		"endpoint" };
	struct listing l = { .table = NULL };
	struct places p;
	enum mt_rc rc;
	size_t i;

	rc = ctl_number(c, a, "limit", LIST_MAX, LIST_DEFAULT, &l.left, err);
	if (rc != MT_OK || (rc = open_places(c, a, &p, err)) != MT_OK)
		return rc;
	l.table = ctl_table_new(5);
	if (ctl_given(a, "json"))
		l.json = json_array();
	ctl_table_head(l.table, titles);
	for (i = p.from; i < p.to && rc == MT_OK; i++)
		rc = list_place(&l, p.all.streams[i], err);
	if (rc == MT_OK && l.json != NULL)
		ctl_json_print(json_incref(l.json), stdout);
	else if (rc == MT_OK && ctl_table_rows(l.table) > 1)
		ctl_table_print(l.table, stdout, c->color, 0);
	else if (rc == MT_OK && l.more == 0)
		(void)printf("no dead letters\n");
	if (rc == MT_OK && l.json == NULL && l.more > 0)
		(void)printf("%" PRIu64 " more; see --limit\n", l.more);
	json_decref(l.json);
	ctl_table_free(l.table);
	ctl_streams_close(&p.all);
	return rc;
}

/* Which endpoint has it; an error when several have. */
static enum mt_rc
find_place(struct places *p, struct mt_id id, size_t *ret_i, struct mt_err *err)
{
	struct mt_deads deads;
	size_t i, found = p->to;
	char text[MT_ID_LEN + 1];
	enum mt_rc rc;

	mt_id_write(id, text);
	for (i = p->from; i < p->to; i++) {
		rc = mt_dead_get(p->all.streams[i], id, &deads, err);
		if (rc == MT_ABSENT)
			continue;
		if (rc != MT_OK)
			return rc;
		if (found != p->to)
			return mt_fail(err, MT_CONFIG,
			    "%s: both %s and %s have one of that id; say "
			    "--endpoint",
			    text, p->all.endpoints[found].text,
			    p->all.endpoints[i].text);
		found = i;
	}
	if (found == p->to)
		return mt_fail(
		    err, MT_ABSENT, "%s: no dead letter of that id", text);
	*ret_i = found;
	return MT_OK;
}

static enum mt_rc
read_id(
    struct ctl *c, const char *text, struct mt_id *ret_id, struct mt_err *err)
{
	if (!mt_id_read(mt_str(text), ret_id))
		return ctl_usage(c, err,
		    "%s is not an id such as 1763650000000-0",
		    mt_quotez(text).s);
	return MT_OK;
}

static void
show(const struct ctl *c, const struct mt_dead *dead, const char *endpoint)
{
	struct ctl_table *t = ctl_table_new(2);
	char id[MT_ID_LEN + 1], at[MT_TIME_LEN + 1];
	size_t i;

	mt_id_write(dead->id, id);
	mt_time_write(dead->at, 'T', true, at);
	ctl_table_cellz(t, CTL_BOLD, "id");
	ctl_table_cellz(t, CTL_PLAIN, id);
	ctl_table_cellz(t, CTL_BOLD, "endpoint");
	ctl_table_cellz(t, CTL_PLAIN, endpoint);
	ctl_table_cellz(t, CTL_BOLD, "at");
	ctl_table_cellz(t, CTL_PLAIN, dead->at != 0 ? at : "-");
	ctl_table_cellz(t, CTL_BOLD, "reason");
	ctl_table_cell(t, CTL_YELLOW, dead->reason);
	ctl_table_cellz(t, CTL_BOLD, "from");
	ctl_table_cell(t, CTL_PLAIN, dead->from);
	for (i = 0; i < dead->n; i++) {
		ctl_table_cell(t, CTL_CYAN, dead->pairs[i].name);
		ctl_table_cell(t, CTL_PLAIN, dead->pairs[i].value);
	}
	ctl_table_print(t, stdout, c->color, 0);
	ctl_table_free(t);
}

static enum mt_rc
run_show(struct ctl *c, const struct ctl_args *a, struct mt_err *err)
{
	struct mt_deads deads;
	struct mt_id id;
	struct places p;
	enum mt_rc rc;
	size_t i;

	if ((rc = read_id(c, a->argv[0], &id, err)) != MT_OK ||
	    (rc = open_places(c, a, &p, err)) != MT_OK)
		return rc;
	rc = find_place(&p, id, &i, err);
	if (rc == MT_OK)
		rc = mt_dead_get(p.all.streams[i], id, &deads, err);
	if (rc == MT_OK && ctl_given(a, "json"))
		ctl_json_print(
		    json_of(&deads.deads[0], p.all.endpoints[i].text), stdout);
	else if (rc == MT_OK)
		show(c, &deads.deads[0], p.all.endpoints[i].text);
	ctl_streams_close(&p.all);
	return rc;
}

typedef enum mt_rc action(
    struct mt_stream *s, struct mt_id id, struct mt_err *err);

static enum mt_rc
act_on_all(struct places *p, action *act, uint64_t *n, struct mt_err *err)
{
	struct mt_deads deads;
	struct mt_id ids[STEP], after;
	enum mt_rc rc = MT_OK;
	size_t i, k, found;

	for (i = p->from; i < p->to; i++) {
		after = (struct mt_id){ 0 };
		while ((rc = mt_dead_list(p->all.streams[i], after, STEP,
			    &deads, err)) == MT_OK) {
			found = deads.n;
			/* The next call on the stream takes them away. */
			for (k = 0; k < found && k < STEP; k++)
				ids[k] = deads.deads[k].id;
			for (k = 0; k < found && k < STEP; k++) {
				rc = act(p->all.streams[i], ids[k], err);
				if (rc != MT_OK && rc != MT_ABSENT)
					return rc;
				*n += rc == MT_OK;
				after = ids[k];
			}
		}
		if (rc != MT_ABSENT)
			return rc;
	}
	return MT_OK;
}

static enum mt_rc
act_on_ids(struct ctl *c, const struct ctl_args *a, struct places *p,
    action *act, uint64_t *n, struct mt_err *err)
{
	struct mt_id id;
	enum mt_rc rc;
	size_t i, place;

	for (i = 0; i < a->n; i++)
		if ((rc = read_id(c, a->argv[i], &id, err)) != MT_OK)
			return rc;
	for (i = 0; i < a->n; i++) {
		if ((rc = read_id(c, a->argv[i], &id, err)) != MT_OK ||
		    (rc = find_place(p, id, &place, err)) != MT_OK ||
		    (rc = act(p->all.streams[place], id, err)) != MT_OK)
			return rc;
		++*n;
	}
	return MT_OK;
}

static enum mt_rc
run_act(struct ctl *c, const struct ctl_args *a, action *act, const char *done,
    struct mt_err *err)
{
	struct places p;
	uint64_t n = 0;
	enum mt_rc rc;

	if ((a->n == 0) != ctl_given(a, "all"))
		return ctl_usage(c, err, "either ids or --all must be given");
	if ((rc = open_places(c, a, &p, err)) != MT_OK)
		return rc;
	rc = a->n > 0 ? act_on_ids(c, a, &p, act, &n, err)
		      : act_on_all(&p, act, &n, err);
	if (rc == MT_OK || n > 0)
		(void)printf("%s %" PRIu64 " dead %s\n", done, n,
		    n == 1 ? "letter" : "letters");
	ctl_streams_close(&p.all);
	return rc;
}

static enum mt_rc
run_replay(struct ctl *c, const struct ctl_args *a, struct mt_err *err)
{
	return run_act(c, a, mt_dead_replay, "replayed", err);
}

static enum mt_rc
run_drop(struct ctl *c, const struct ctl_args *a, struct mt_err *err)
{
	return run_act(c, a, mt_dead_drop, "dropped", err);
}

#define ENDPOINT \
	{ \
		"endpoint", '\0', "E", \
		    "only that endpoint of the option redis" \
	}

static const struct ctl_opt list_opts[] = {
	{ "limit", 'l', "N", "at most N (default 20), oldest first" },
	ENDPOINT,
	{ "json", '\0', NULL, "print JSON" },
	{ NULL, '\0', NULL, NULL },
};
static const struct ctl_opt show_opts[] = {
	ENDPOINT,
	{ "json", '\0', NULL, "print JSON" },
	{ NULL, '\0', NULL, NULL },
};
static const struct ctl_opt act_opts[] = {
	{ "all", '\0', NULL, "all that there are" },
	ENDPOINT,
	{ NULL, '\0', NULL, NULL },
};

static const struct ctl_cmd dead_list = {
	.name = "list",
	.does = "list dead letters, oldest first",
	.opts = list_opts,
	.conf = true,
	.run = run_list,
};
static const struct ctl_cmd dead_show = {
	.name = "show",
	.args = "ID",
	.does = "show a dead letter with all its fields",
	.opts = show_opts,
	.min = 1,
	.max = 1,
	.conf = true,
	.run = run_show,
};
static const struct ctl_cmd dead_replay = {
	.name = "replay",
	.args = "ID... | --all",
	.does = "put dead letters back into the event stream",
	.more = "For instance after an upgrade of the collector. What still "
		"cannot be stored becomes a dead letter again; what is "
		"stored already is not stored twice.",
	.opts = act_opts,
	.max = 10000,
	.conf = true,
	.run = run_replay,
};
static const struct ctl_cmd dead_drop = {
	.name = "drop",
	.args = "ID... | --all",
	.does = "throw dead letters away, for good",
	.opts = act_opts,
	.max = 10000,
	.conf = true,
	.run = run_drop,
};
static const struct ctl_cmd *const subs[] = { &dead_list, &dead_show,
	&dead_replay, &dead_drop, NULL };

const struct ctl_cmd ctl_dead = {
	.name = "dead",
	.does = "look after events that could not be stored",
	.subs = subs,
};
