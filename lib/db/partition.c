/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/num.h"
#include "db/schema.h"
#include "db/table.h"

#define LOCK "partitions"
#define LOCK_WAIT_S 10
/* A table someone reads for long is left for the next time. */
#define TABLE_WAIT_S 10
/* Days (months) that were missed and are made afterwards, at most. */
#define MOST_BEHIND 31
#define MAX_SQL 65536
#define NAME_LEN 16

/* The start of the day or month that `at` is in. */
static int64_t
floor_to(enum mt_cut cut, int64_t at)
{
	char text[MT_TIME_LEN + 1];

	at -= at % MT_DAY;
	if (cut == MT_CUT_MONTH) {
		mt_time_write(at, 'T', true, text);
		text[8] = '0';
		text[9] = '1';
		(void)mt_time_read(mt_str(text), &at);
	}
	return at;
}

static int64_t
next(enum mt_cut cut, int64_t start)
{
	return cut == MT_CUT_DAY ? start + MT_DAY
				 : floor_to(cut, start + 32 * MT_DAY);
}

/* p20261120, p202611 */
static void
name_of(enum mt_cut cut, int64_t start, char *out)
{
	char text[MT_TIME_LEN + 1];

	mt_time_write(start, ' ', false, text);
	out[0] = 'p';
	memcpy(out + 1, text, 4);
	memcpy(out + 5, text + 5, 2);
	memcpy(out + 7, text + 8, 2);
	out[cut == MT_CUT_DAY ? 9 : 7] = '\0';
}

/* The start of the day or month a partition is named after. */
static bool
start_of(enum mt_cut cut, struct mt_str name, int64_t *ret_start)
{
	char text[] = "0000-00-01T00:00:00Z";

	if (name.n != (cut == MT_CUT_DAY ? 9u : 7u) || name.p[0] != 'p')
		return false;
	memcpy(text, name.p + 1, 4);
	memcpy(text + 5, name.p + 5, 2);
	if (cut == MT_CUT_DAY)
		memcpy(text + 8, name.p + 7, 2);
	return mt_time_read(mt_str(text), ret_start);
}

static enum mt_rc
open_list(struct mt_db *db, const struct mt_table *t, struct mt_rows **ret_rows,
    struct mt_err *err)
{
	struct mt_str name = mt_str(t->name);

	return mt_rows_open(db,
	    "SELECT partition_name FROM information_schema.partitions WHERE "
	    "table_schema = DATABASE() AND table_name = ? ORDER BY "
	    "partition_ordinal_position",
	    &name, 1, ret_rows, err);
}

/*
 * The next partition that is named after a day or month, MT_ABSENT at p_max,
 * which must be the last.
 */
static enum mt_rc
next_listed(const struct mt_table *t, struct mt_rows *rows, int64_t *ret_start,
    struct mt_err *err)
{
	struct mt_str name;
	enum mt_rc rc = mt_rows_next(rows, err);

	if (rc == MT_OK) {
		name = mt_rows_text(rows, 0);
		if (start_of(t->cut, name, ret_start))
			return MT_OK;
		if (mt_str_eqz(name, "p_max"))
			return mt_fail(err, MT_ABSENT, "no more partitions");
		return mt_fail(err, MT_CONFIG,
		    "table %s: partition '%.*s' is not one of ours", t->name,
		    MT_STR_ARG(name));
	}
	if (rc == MT_ABSENT)
		return mt_fail(err, MT_CONFIG,
		    "table %s: missing, or has no partition p_max", t->name);
	return rc;
}

/* Where the partitions that are to be made begin. */
static enum mt_rc
find_first(struct mt_db *db, const struct mt_table *t, int64_t now,
    int64_t *ret_first, struct mt_err *err)
{
	struct mt_rows *rows;
	int64_t start, least = floor_to(t->cut, now);
	int64_t first = least;
	enum mt_rc rc;
	bool any = false;

	if (open_list(db, t, &rows, err) != MT_OK)
		return err->rc;
	while ((rc = next_listed(t, rows, &start, err)) == MT_OK) {
		first = next(t->cut, start);
		any = true;
	}
	mt_rows_close(rows);
	if (rc != MT_ABSENT)
		return rc;
	least = floor_to(t->cut, now - MOST_BEHIND * MT_DAY);
	*ret_first = any && first < least ? least : first;
	return MT_OK;
}

static void
write_ahead(
    const struct mt_table *t, int64_t first, int64_t last, struct mt_buf *sql)
{
	char name[NAME_LEN], bound[MT_TIME_LEN + 1];
	int64_t start;

	mt_buf_printf(
	    sql, "ALTER TABLE `%s` REORGANIZE PARTITION p_max INTO (", t->name);
	for (start = first; start <= last; start = next(t->cut, start)) {
		name_of(t->cut, start, name);
		mt_time_write(next(t->cut, start), ' ', false, bound);
		mt_buf_printf(sql, "PARTITION %s VALUES LESS THAN ('%.19s'), ",
		    name, bound);
	}
	mt_buf_z(sql, "PARTITION p_max VALUES LESS THAN (MAXVALUE))");
}

static enum mt_rc
make_ahead(struct mt_db *db, const struct mt_table *t, int64_t now,
    unsigned days, struct mt_err *err)
{
	int64_t first = 0, last = floor_to(t->cut, now + days * MT_DAY);
	struct mt_buf sql;
	enum mt_rc rc;

	if (find_first(db, t, now, &first, err) != MT_OK)
		return err->rc;
	if (first > last)
		return MT_OK;
	mt_buf_init(&sql, MAX_SQL);
	write_ahead(t, first, last, &sql);
	rc = mt_db_exec(db, sql.p, err);
	mt_buf_done(&sql);
	return rc;
}

/* The list of partitions to drop: "p20260820, p20260821"; empty when none. */
static enum mt_rc
list_expired(struct mt_db *db, const struct mt_table *t, int64_t keep_from,
    struct mt_buf *list, struct mt_err *err)
{
	char name[NAME_LEN];
	struct mt_rows *rows;
	int64_t start;
	enum mt_rc rc;

	if (open_list(db, t, &rows, err) != MT_OK)
		return err->rc;
	while ((rc = next_listed(t, rows, &start, err)) == MT_OK) {
		if (next(t->cut, start) > keep_from)
			continue;
		name_of(t->cut, start, name);
		mt_buf_printf(list, "%s%s", list->n > 0 ? ", " : "", name);
	}
	mt_rows_close(rows);
	return rc == MT_ABSENT ? MT_OK : rc;
}

static void
say_list(const struct mt_table *t, struct mt_str list, mt_partition_said *said,
    void *context)
{
	char name[NAME_LEN];
	struct mt_str one;

	while (said != NULL && list.n > 0) {
		(void)mt_str_cut(list, ',', &one, &list);
		one = mt_str_trim(one);
		memcpy(name, one.p, one.n);
		name[one.n] = '\0';
		said(context, t->name, name);
	}
}

static enum mt_rc
drop_expired(struct mt_db *db, const struct mt_table *t, int64_t keep_from,
    struct mt_buf *list, struct mt_err *err)
{
	struct mt_buf sql;
	enum mt_rc rc;

	if (list_expired(db, t, keep_from, list, err) != MT_OK)
		return err->rc;
	if (mt_buf_over(list))
		return mt_fail(
		    err, MT_LIMIT, "table %s: too many partitions", t->name);
	if (list->n == 0)
		return MT_OK;
	mt_buf_init(&sql, MAX_SQL + 128);
	mt_buf_printf(
	    &sql, "ALTER TABLE `%s` DROP PARTITION %s", t->name, list->p);
	rc = mt_db_exec(db, sql.p, err);
	mt_buf_done(&sql);
	return rc;
}

static enum mt_rc
prune_table(struct mt_db *db, const struct mt_table *t, int64_t keep_from,
    const struct mt_prune *prune, mt_partition_said *said, void *context,
    struct mt_err *err)
{
	struct mt_buf list;
	enum mt_rc rc;

	mt_buf_init(&list, MAX_SQL);
	rc = prune->dry ? list_expired(db, t, keep_from, &list, err)
			: drop_expired(db, t, keep_from, &list, err);
	if (rc == MT_OK)
		say_list(t, mt_buf_view(&list), said, context);
	mt_buf_done(&list);
	return rc;
}

static enum mt_rc
prune_tables(struct mt_db *db, int64_t now, const struct mt_prune *prune,
    mt_partition_said *said, void *context, struct mt_err *err)
{
	unsigned keep;
	size_t i;

	for (i = 0; i < MT_TABLES; i++) {
		struct mt_table t = mt_table_at(i);

		keep = t.cut == MT_CUT_MONTH ? prune->keep_counter_days
					     : prune->keep_days;
		if (t.cut == MT_CUT_NONE || keep == 0 || now / MT_DAY <= keep)
			continue;
		if (prune_table(db, &t, now - now % MT_DAY - keep * MT_DAY,
			prune, said, context, err) != MT_OK)
			return err->rc;
	}
	return MT_OK;
}

static enum mt_rc
make_all_ahead(struct mt_db *db, int64_t now, unsigned days, struct mt_err *err)
{
	size_t i;

	for (i = 0; i < MT_TABLES; i++) {
		struct mt_table t = mt_table_at(i);

		if (t.cut != MT_CUT_NONE &&
		    make_ahead(db, &t, now, days, err) != MT_OK)
			return err->rc;
	}
	return MT_OK;
}

enum mt_rc
mt_partitions_ahead(
    struct mt_db *db, int64_t now, unsigned days, struct mt_err *err)
{
	enum mt_rc rc;

	if (mt_db_lock(db, LOCK, LOCK_WAIT_S, err) != MT_OK)
		return err->rc;
	if ((rc = mt_db_lock_wait(db, TABLE_WAIT_S, err)) == MT_OK)
		rc = make_all_ahead(db, now, days, err);
	mt_db_unlock(db, LOCK);
	if (rc != MT_OK)
		mt_err_in(err, "partitions");
	return rc;
}

enum mt_rc
mt_partitions_prune(struct mt_db *db, int64_t now, const struct mt_prune *prune,
    mt_partition_said *said, void *context, struct mt_err *err)
{
	enum mt_rc rc;

	if (mt_db_lock(db, LOCK, LOCK_WAIT_S, err) != MT_OK)
		return err->rc;
	if ((rc = mt_db_lock_wait(db, TABLE_WAIT_S, err)) == MT_OK)
		rc = prune_tables(db, now, prune, said, context, err);
	mt_db_unlock(db, LOCK);
	if (rc != MT_OK)
		mt_err_in(err, "prune");
	return rc;
}
