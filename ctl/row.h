/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Rows of tables and views as JSON objects: a member a column, of the same
 * name; times in RFC 3339, counts as numbers, NULL as null. Columns are told
 * apart by name, which is the same everywhere.
 */
#ifndef CTL_ROW_H
#define CTL_ROW_H

#include <jansson.h>

#include "db/db.h"

json_t *ctl_row_json(const struct mt_rows *rows);
/* All rows of a query. */
MT_MUST_CHECK enum mt_rc ctl_rows_json(struct mt_db *db, const char *sql,
    const struct mt_str *args, size_t n_args, json_t **ret_list,
    struct mt_err *err);

#endif
