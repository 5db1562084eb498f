/* SPDX-License-Identifier: BSD-2-Clause */
#include "json.h"
#include "row.h"

json_t *
ctl_row_json(const struct mt_rows *rows)
{
	json_t *o = json_object(), *value;
	enum mt_column type;
	size_t i;

	for (i = 0; i < mt_rows_columns(rows); i++) {
		type = mt_rows_type(rows, i);
		if (mt_rows_text(rows, i).p == NULL)
			value = json_null();
		else if (type == MT_COLUMN_TIME)
			value = ctl_json_time(mt_rows_time(rows, i));
		else if (type == MT_COLUMN_NUM)
			value = ctl_json_num(mt_rows_num(rows, i));
		else if (type == MT_COLUMN_DEC)
			value = ctl_json_dec(mt_rows_text(rows, i));
		else
			value = ctl_json_str(mt_rows_text(rows, i));
		ctl_json_set(o, mt_rows_name(rows, i), value);
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
