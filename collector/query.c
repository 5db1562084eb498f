/* SPDX-License-Identifier: BSD-2-Clause */
#include <inttypes.h>

#include "base/clock.h"
#include "query.h"

#define MAX_SQL 65536u
#define MAX_TEXT ((size_t)QUERY_ARGS * (MT_TIME_LEN + 1))

void
query_init(struct query *q, struct mt_db *db)
{
	q->db = db;
	q->n = 0;
	mt_buf_init(&q->sql, MAX_SQL);
	mt_buf_init(&q->text, MAX_TEXT);
}

void
query_done(struct query *q)
{
	mt_buf_done(&q->sql);
	mt_buf_done(&q->text);
}

void
query_begin(struct query *q, const char *sql)
{
	mt_buf_reset(&q->sql);
	mt_buf_reset(&q->text);
	/* Arguments borrow from it: it must not move. */
	(void)mt_buf_reserve(&q->text, MAX_TEXT);
	q->n = 0;
	mt_buf_z(&q->sql, sql);
}

void
query_add(struct query *q, const char *sql)
{
	mt_buf_z(&q->sql, sql);
}

void
query_text(struct query *q, struct mt_str arg)
{
	q->args[q->n++] = arg;
}

/* What was appended to the texts since `from`. */
static void
take_arg(struct query *q, size_t from)
{
	query_text(q, mt_str_n(q->text.p + from, q->text.n - from));
}

void
query_time(struct query *q, int64_t at)
{
	char text[MT_TIME_LEN + 1];
	size_t from = q->text.n;

	mt_time_write(at < 0 ? 0 : at, ' ', false, text);
	mt_buf_z(&q->text, text);
	take_arg(q, from);
}

void
query_num(struct query *q, uint64_t n)
{
	size_t from = q->text.n;

	mt_buf_printf(&q->text, "%" PRIu64, n);
	take_arg(q, from);
}

void
query_message(struct query *q, const char *a, int64_t born, struct mt_str host,
    struct mt_str queue_id)
{
	if (q->n == 0)
		mt_buf_printf(
		    &q->sql, " (%s.born, %s.host, %s.queue_id) IN (", a, a, a);
	mt_buf_z(&q->sql, q->n == 0 ? "(?, ?, ?)" : ", (?, ?, ?)");
	query_time(q, born);
	query_text(q, host);
	query_text(q, queue_id);
}

static enum mt_rc
check(const struct query *q, struct mt_err *err)
{
	if (mt_buf_over(&q->sql) || mt_buf_over(&q->text))
		return mt_fail(err, MT_CONFIG, "statement too long");
	return MT_OK;
}

enum mt_rc
query_run(struct query *q, struct mt_rows **ret_rows, struct mt_err *err)
{
	if (check(q, err) != MT_OK)
		return err->rc;
	return mt_rows_open(q->db, q->sql.p, q->args, q->n, ret_rows, err);
}

enum mt_rc
query_do(struct query *q, struct mt_err *err)
{
	if (check(q, err) != MT_OK)
		return err->rc;
	return mt_db_run(q->db, q->sql.p, q->args, q->n, NULL, err);
}
