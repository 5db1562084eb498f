/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>

#include "json.h"
#include "row.h"

enum kind { TEXT, NUMBER, TIME };

static enum kind
kind_of(const char *name)
{
	static const char *const times[] = { "at", "born", "offered_at",
		"open_first", "open_last", "display_first", "display_last",
		"updated_at" };
	static const char *const numbers[] = { "nrcpt", "recipients", "size",
		"mark_at", "offers", "marks", "opens", "asn", "rules", "n" };
	size_t i;

	for (i = 0; i < sizeof(times) / sizeof(times[0]); i++)
		if (strcmp(name, times[i]) == 0)
			return TIME;
	for (i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		if (strcmp(name, numbers[i]) == 0)
			return NUMBER;
	return strncmp(name, "opens_", 6) == 0 ? NUMBER : TEXT;
}

json_t *
ctl_row_json(const struct mt_rows *rows)
{
	json_t *o = json_object(), *value;
	const char *name;
	size_t i;

	for (i = 0; i < mt_rows_columns(rows); i++) {
		name = mt_rows_name(rows, i);
		if (mt_rows_text(rows, i).p == NULL)
			value = json_null();
		else if (kind_of(name) == TIME)
			value = ctl_json_time(mt_rows_time(rows, i));
		else if (kind_of(name) == NUMBER)
			value = ctl_json_num(mt_rows_num(rows, i));
		else
			value = ctl_json_str(mt_rows_text(rows, i));
		ctl_json_set(o, name, value);
	}
	return o;
}

enum mt_rc
ctl_rows_json(struct mt_db *db, const char *sql, const struct mt_str *args,
    size_t n_args, json_t **ret_list, struct mt_err *err)
{
	struct mt_rows *rows;
	json_t *list;
	enum mt_rc rc;

	if ((rc = mt_rows_open(db, sql, args, n_args, &rows, err)) != MT_OK)
		return rc;
	list = json_array();
	while ((rc = mt_rows_next(rows, err)) == MT_OK)
		(void)json_array_append_new(list, ctl_row_json(rows));
	mt_rows_close(rows);
	if (rc != MT_ABSENT) {
		json_decref(list);
		return rc;
	}
	*ret_list = list;
	return MT_OK;
}
