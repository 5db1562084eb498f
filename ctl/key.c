/* SPDX-License-Identifier: BSD-2-Clause */
#include <inttypes.h>

#include "base/clock.h"
#include "base/mem.h"
#include "ctl.h"
#include "json.h"
#include "text.h"
#include "token/keys.h"

static enum mt_rc
run_new(struct ctl *c, const struct ctl_args *a, struct mt_err *err)
{
	char *path = mt_str_dup(c->o->token_keys);
	enum mt_rc rc;

	(void)a;
	rc = mt_keys_create(path, mt_clock_now(), err);
	if (rc == MT_OK)
		(void)printf("made %s with one key, which is active\n", path);
	mt_free(path);
	return rc;
}

static enum mt_rc
run_rotate(struct ctl *c, const struct ctl_args *a, struct mt_err *err)
{
	int64_t now = mt_clock_now(), keep_from = 0;
	unsigned id, dropped;
	uint64_t days;
	enum mt_rc rc;
	char *path;

	rc = ctl_number(c, a, "keep-days", 36500, c->o->keep_days, &days, err);
	if (rc != MT_OK)
		return rc;
	if (days > 0)
		keep_from = now - (int64_t)days * MT_DAY;
	path = mt_str_dup(c->o->token_keys);
	rc = mt_keys_rotate(path, now, keep_from, &id, &dropped, err);
	if (rc == MT_OK)
		(void)printf("%s: key %u is active; %u old %s dropped\n", path,
		    id, dropped, dropped == 1 ? "key" : "keys");
	mt_free(path);
	return rc;
}

static const char *
state_of(const struct mt_key_info *info)
{
	return info->active ? "active" : "verifies";
}

static void
print_json(const struct mt_keys *keys)
{
	json_t *list = json_array(), *row;
	struct mt_key_info info;
	size_t i;

	for (i = 0; i < mt_keys_n(keys); i++) {
		info = mt_keys_at(keys, i);
		row = json_object();
		ctl_json_set(row, "id", ctl_json_num(info.id));
		ctl_json_set(row, "state", json_string(state_of(&info)));
		ctl_json_set(row, "created", ctl_json_time(info.created));
		ctl_json_set(row, "retired", ctl_json_time(info.retired));
		(void)json_array_append_new(list, row);
	}
	ctl_json_print(list, stdout);
}

static void
print_table(const struct ctl *c, const struct mt_keys *keys)
{
	static const char *const titles[] = { "id", "state", "created",
		"retired" };
	struct ctl_table *t = ctl_table_new(4);
	char at[MT_TIME_LEN + 1];
	struct mt_key_info info;
	size_t i;

	ctl_table_head(t, titles);
	for (i = 0; i < mt_keys_n(keys); i++) {
		info = mt_keys_at(keys, i);
		ctl_table_num(t, info.id);
		ctl_table_cellz(
		    t, info.active ? CTL_GREEN : CTL_PLAIN, state_of(&info));
		mt_time_write(info.created, 'T', true, at);
		ctl_table_cellz(t, CTL_PLAIN, at);
		mt_time_write(info.retired, 'T', true, at);
		ctl_table_cellz(t, CTL_PLAIN, info.retired != 0 ? at : "");
	}
	ctl_table_print(t, stdout, c->color, 0);
	ctl_table_free(t);
}

static enum mt_rc
run_list(struct ctl *c, const struct ctl_args *a, struct mt_err *err)
{
	char *path = mt_str_dup(c->o->token_keys);
	struct mt_keys *keys = NULL;
	enum mt_rc rc;

	rc = mt_keys_load(path, &keys, err);
	if (rc == MT_OK && ctl_given(a, "json"))
		print_json(keys);
	else if (rc == MT_OK)
		print_table(c, keys);
	mt_keys_unref(keys);
	mt_free(path);
	return rc;
}

static const struct ctl_opt rotate_opts[] = {
	{ "keep-days", '\0', "N",
	    "drop keys that signed nothing for N days (default: keep_days)" },
	{ NULL, '\0', NULL, NULL },
};
static const struct ctl_opt list_opts[] = {
	{ "json", '\0', NULL, "print JSON" },
	{ NULL, '\0', NULL, NULL },
};

static const struct ctl_cmd key_new = {
	.name = "new",
	.does = "make the key file, with one new key",
	.more = "Makes the file of the option token_keys with mode 0640 and "
		"the group of its directory. An existing file is left alone.",
	.conf = true,
	.run = run_new,
};
static const struct ctl_cmd key_rotate = {
	.name = "rotate",
	.does = "add a new key and sign with it from now on",
	.more = "Old keys still verify the tokens they signed, until they "
		"are dropped. Programs take the new file up by themselves.",
	.opts = rotate_opts,
	.conf = true,
	.run = run_rotate,
};
static const struct ctl_cmd key_list = {
	.name = "list",
	.does = "list the keys, without their secrets",
	.opts = list_opts,
	.conf = true,
	.run = run_list,
};
static const struct ctl_cmd *const subs[] = { &key_new, &key_rotate, &key_list,
	NULL };

const struct ctl_cmd ctl_key = {
	.name = "key",
	.does = "make, rotate and list the keys that sign tokens",
	.subs = subs,
};
