/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>

#include <mysqld_error.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/num.h"
#include "db/bulk.h"
#include "db/inside.h"

#define FIRST_ROWS 256
/* max_error_count of the session: warnings of one statement that we see. */
#define MOST_ROWS 60000
/*
 * Rows are sent in pieces of about this size, whatever the server would take:
 * libmariadb lets its packet grow by small steps and copies it at each.
 */
#define MOST_BYTES (1u << 20)
/* What a row needs beside its texts; more than it ever does. */
#define ROW_BYTES 512

/*
 * One column's values of all rows, as array binding wants them: numbers side
 * by side, of everything else an array of pointers.
 */
struct column {
	const struct mt_field *field; /* NULL: the ordinal */
	enum enum_field_types type;
	size_t width; /* of a value */
	char *values; /* uint64_t, uint32_t or void * */
	unsigned long *lengths; /* of texts */
	char *states; /* STMT_INDICATOR_* */
	/*
	 * What rows do not hold as MariaDB wants it: times, and texts of
	 * addresses. values point here once all rows are added.
	 */
	char *own;
	size_t own_width;
};

struct mt_bulk {
	struct mt_db *db;
	const struct mt_table *table;
	struct mt_table kept; /* *table, copied */
	/* Prepared on first use; `telling` is an upsert with RETURNING. */
	MYSQL_STMT *insert, *upsert, *telling;
	struct column *columns; /* kept.n, and the ordinal */
	MYSQL_BIND *binds;
	size_t n, cap; /* rows */
	size_t *bytes; /* of each row, at most */
	uint64_t *sums; /* mt_table_sum of each row */
};

static enum enum_field_types
column_type(const struct mt_field *f)
{
	switch (f->type) {
	case MT_BOOL:
	case MT_NUM:
	case MT_SIZE:
		return MYSQL_TYPE_LONGLONG;
	case MT_TIME:
		return MYSQL_TYPE_DATETIME;
	case MT_DEC:
	case MT_IP:
	case MT_STR:
	case MT_ENUM:
		break;
	}
	return MYSQL_TYPE_STRING;
}

static size_t
value_width(enum enum_field_types type)
{
	if (type == MYSQL_TYPE_LONGLONG)
		return sizeof(uint64_t);
	return type == MYSQL_TYPE_LONG ? sizeof(uint32_t) : sizeof(void *);
}

static size_t
own_width(const struct mt_field *f)
{
	if (f == NULL)
		return 0;
	if (f->type == MT_TIME)
		return sizeof(MYSQL_TIME);
	if (f->type == MT_DEC)
		return MT_DEC_LEN;
	return f->type == MT_IP ? MT_IP_LEN : 0;
}

struct mt_bulk *
mt_bulk_new(struct mt_db *db, const struct mt_table *table)
{
	struct mt_bulk *b = mt_alloc(sizeof(*b));
	size_t i;

	b->db = db;
	b->kept = *table;
	b->table = &b->kept;
	b->columns = mt_alloc_array(table->n + 1, sizeof(*b->columns));
	b->binds = mt_alloc_array(table->n + 1, sizeof(*b->binds));
	for (i = 0; i <= table->n; i++) {
		struct column *c = &b->columns[i];

		c->field = i < table->n ? &table->columns[i] : NULL;
		c->type =
		    c->field != NULL ? column_type(c->field) : MYSQL_TYPE_LONG;
		c->width = value_width(c->type);
		c->own_width = own_width(c->field);
	}
	return b;
}

void
mt_bulk_free(struct mt_bulk *b)
{
	size_t i;

	if (b == NULL)
		return;
	if (b->insert != NULL)
		mysql_stmt_close(b->insert);
	if (b->upsert != NULL)
		mysql_stmt_close(b->upsert);
	if (b->telling != NULL)
		mysql_stmt_close(b->telling);
	for (i = 0; i <= b->kept.n; i++) {
		mt_free(b->columns[i].values);
		mt_free(b->columns[i].lengths);
		mt_free(b->columns[i].states);
		mt_free(b->columns[i].own);
	}
	mt_free(b->columns);
	mt_free(b->binds);
	mt_free(b->bytes);
	mt_free(b->sums);
	mt_free(b);
}

static void
grow(struct mt_bulk *b)
{
	size_t i, cap = b->cap == 0 ? FIRST_ROWS : b->cap * 2;

	for (i = 0; i <= b->kept.n; i++) {
		struct column *c = &b->columns[i];

		c->values = mt_realloc_array(c->values, cap, c->width);
		c->states = mt_realloc_array(c->states, cap, 1);
		if (c->type == MYSQL_TYPE_STRING)
			c->lengths = mt_realloc_array(
			    c->lengths, cap, sizeof(*c->lengths));
		if (c->own_width > 0)
			c->own = mt_realloc_array(c->own, cap, c->own_width);
	}
	b->bytes = mt_realloc_array(b->bytes, cap, sizeof(*b->bytes));
	b->sums = mt_realloc_array(b->sums, cap, sizeof(*b->sums));
	b->cap = cap;
}

static void
set_text(struct column *c, size_t row, const char *p, size_t n)
{
	memcpy(c->values + row * sizeof(p), &p, sizeof(p));
	c->lengths[row] = n;
}

static void
set_time(struct column *c, size_t row, int64_t at)
{
	struct mt_date date = mt_date_of(at);
	MYSQL_TIME t = { .year = date.year,
		.month = date.month,
		.day = date.day,
		.hour = date.hour,
		.minute = date.minute,
		.second = date.second,
		.second_part = date.us,
		.time_type = MYSQL_TIMESTAMP_DATETIME };

	memcpy(c->own + row * sizeof(t), &t, sizeof(t));
}

static void
set_value(struct column *c, size_t row, const void *from)
{
	const void *at = mt_field_at(c->field, from);
	const char *word;
	struct mt_str s;
	uint64_t n;
	int64_t dec;

	switch (c->field->type) {
	case MT_BOOL:
		n = *(const bool *)at;
		memcpy(c->values + row * sizeof(n), &n, sizeof(n));
		break;
	case MT_NUM:
	case MT_SIZE:
		memcpy(c->values + row * sizeof(n), at, sizeof(n));
		break;
	case MT_TIME:
		set_time(c, row, *(const int64_t *)at);
		break;
	case MT_DEC:
		memcpy(&dec, at, sizeof(dec));
		set_text(c, row, NULL,
		    mt_num_put_dec(dec, c->own + row * MT_DEC_LEN));
		break;
	case MT_IP:
		mt_ip_write(at, c->own + row * MT_IP_LEN);
		set_text(c, row, NULL, strlen(c->own + row * MT_IP_LEN));
		break;
	case MT_STR:
		s = *(const struct mt_str *)at;
		set_text(c, row, s.p == NULL ? "" : s.p, s.n);
		break;
	case MT_ENUM:
		word = c->field->words[*(const unsigned *)at];
		set_text(c, row, word, strlen(word));
		break;
	}
}

void
mt_bulk_add(struct mt_bulk *b, const void *row)
{
	size_t i;
	uint32_t ordinal;

	if (b->n == b->cap)
		grow(b);
	b->bytes[b->n] = ROW_BYTES;
	b->sums[b->n] =
	    b->table->rules == NULL ? 0 : mt_table_sum(b->table, row);
	for (i = 0; i < b->kept.n; i++) {
		struct column *c = &b->columns[i];

		if (mt_field_absent(c->field, row)) {
			c->states[b->n] = STMT_INDICATOR_NULL;
			if (c->type == MYSQL_TYPE_STRING)
				set_text(c, b->n, "", 0);
			continue;
		}
		c->states[b->n] = STMT_INDICATOR_NONE;
		set_value(c, b->n, row);
		if (c->type == MYSQL_TYPE_STRING)
			b->bytes[b->n] += c->lengths[b->n];
	}
	ordinal = (uint32_t)b->n;
	b->columns[i].states[b->n] = STMT_INDICATOR_NONE;
	memcpy(b->columns[i].values + b->n * sizeof(ordinal), &ordinal,
	    sizeof(ordinal));
	b->n++;
}

size_t
mt_bulk_rows(const struct mt_bulk *b)
{
	return b->n;
}

void
mt_bulk_clear(struct mt_bulk *b)
{
	b->n = 0;
}

static enum mt_rc
prepare(struct mt_bulk *b, MYSQL_STMT **stmt, struct mt_err *err)
{
	struct mt_buf sql;
	enum mt_rc rc = MT_OK;

	if (*stmt != NULL)
		return MT_OK;
	if ((*stmt = mysql_stmt_init(b->db->c)) == NULL)
		return mt_db_failed(b->db, err);
	mt_buf_init(&sql, 1u << 20);
	if (stmt == &b->insert)
		mt_table_insert(b->table, &sql);
	else
		mt_table_upsert(b->table, &sql);
	if (stmt == &b->telling)
		mt_table_returning(b->table, &sql);
	if (mysql_stmt_prepare(*stmt, sql.p, sql.n) != 0) {
		rc = mt_db_stmt_failed(*stmt, err);
		mysql_stmt_close(*stmt);
		*stmt = NULL;
	}
	mt_buf_done(&sql);
	return rc;
}

/* How many rows from `from` on fit into one packet; at least one. */
static size_t
piece(const struct mt_bulk *b, size_t from)
{
	size_t most = b->db->packet / 2, bytes = 0, to = from;

	if (most > MOST_BYTES)
		most = MOST_BYTES;
	while (to < b->n && to - from < MOST_ROWS) {
		bytes += b->bytes[to];
		if (bytes > most && to > from)
			break;
		to++;
	}
	return to - from;
}

static void
bind_column(struct column *c, size_t from, size_t n, MYSQL_BIND *bind)
{
	const char *p;
	size_t row;

	if (c->own != NULL) {
		for (row = from; row < from + n; row++) {
			p = c->own + row * c->own_width;
			memcpy(c->values + row * sizeof(p), &p, sizeof(p));
		}
	}
	memset(bind, 0, sizeof(*bind));
	bind->buffer_type = c->type;
	bind->buffer = c->values + from * c->width;
	bind->is_unsigned = 1;
	bind->u.indicator = c->states + from;
	if (c->type == MYSQL_TYPE_STRING)
		bind->length = c->lengths + from;
}

static enum mt_rc
send_piece(struct mt_bulk *b, MYSQL_STMT *stmt, size_t from, unsigned n,
    struct mt_err *err)
{
	size_t i;

	for (i = 0; i <= b->kept.n; i++)
		bind_column(&b->columns[i], from, n, &b->binds[i]);
	if (mysql_stmt_attr_set(stmt, STMT_ATTR_ARRAY_SIZE, &n) != 0 ||
	    mysql_stmt_bind_param(stmt, b->binds) != 0 ||
	    mysql_stmt_execute(stmt) != 0)
		return mt_db_stmt_failed(stmt, err);
	return MT_OK;
}

/*
 * Every warning must say "duplicate key". A note about the binary log's
 * format (1592) says nothing about the data.
 */
static enum mt_rc
check_warnings(struct mt_bulk *b, size_t expected, struct mt_err *err)
{
	MYSQL_RES *result;
	MYSQL_ROW row;
	uint64_t code;
	size_t seen = 0;
	enum mt_rc rc = MT_OK;

	if (mysql_query(b->db->c, "SHOW WARNINGS") != 0 ||
	    (result = mysql_store_result(b->db->c)) == NULL)
		return mt_db_failed(b->db, err);
	while (rc == MT_OK && (row = mysql_fetch_row(result)) != NULL) {
		if (!mt_num_read(mt_str(row[1]), UINT32_MAX, &code))
			code = 0;
		if (code == ER_DUP_ENTRY)
			seen++;
		else if (code != ER_BINLOG_UNSAFE_STATEMENT)
			rc = mt_fail(
			    err, MT_FORMAT, "mariadb: %s (%s)", row[2], row[1]);
	}
	mysql_free_result(result);
	if (rc == MT_OK && seen != expected)
		rc = mt_fail(err, MT_FORMAT,
		    "mariadb: %zu rows not stored, %zu of them there before",
		    expected, seen);
	return rc;
}

/* The ordinals of the rows that were new. */
static enum mt_rc
read_added(MYSQL_STMT *stmt, size_t n, bool *added, size_t *ret_count,
    struct mt_err *err)
{
	uint32_t ordinal = 0;
	MYSQL_BIND bind;
	int r;

	memset(&bind, 0, sizeof(bind));
	bind.buffer_type = MYSQL_TYPE_LONG;
	bind.buffer = &ordinal;
	bind.is_unsigned = 1;
	if (mysql_stmt_bind_result(stmt, &bind) != 0 ||
	    mysql_stmt_store_result(stmt) != 0)
		return mt_db_stmt_failed(stmt, err);
	while ((r = mysql_stmt_fetch(stmt)) == 0) {
		if (ordinal >= n || added[ordinal])
			return mt_fail(err, MT_CONFIG,
			    "mariadb: RETURNING told of row %u, which we did "
			    "not send",
			    ordinal);
		added[ordinal] = true;
		(*ret_count)++;
	}
	if (r != MYSQL_NO_DATA)
		return mt_db_stmt_failed(stmt, err);
	return MT_OK;
}

static enum mt_rc
insert_piece(
    struct mt_bulk *b, size_t from, size_t n, bool *added, struct mt_err *err)
{
	size_t count = 0;

	if (send_piece(b, b->insert, from, (unsigned)n, err) != MT_OK)
		return err->rc;
	if (read_added(b->insert, b->n, added, &count, err) != MT_OK)
		return err->rc;
	mysql_stmt_free_result(b->insert);
	if (count < n || mysql_warning_count(b->db->c) > 0)
		return check_warnings(b, n - count, err);
	return MT_OK;
}

static enum mt_rc
give_up(struct mt_bulk *b, struct mt_err *err)
{
	mt_db_break(b->db);
	mt_err_in(err, "%s", b->table->name);
	return err->rc;
}

enum mt_rc
mt_bulk_insert(struct mt_bulk *b, bool *added, struct mt_err *err)
{
	size_t from, n;

	memset(added, 0, b->n * sizeof(*added));
	if (b->n > 0 && prepare(b, &b->insert, err) != MT_OK)
		return give_up(b, err);
	for (from = 0; from < b->n; from += n) {
		n = piece(b, from);
		if (insert_piece(b, from, n, added, err) != MT_OK)
			return give_up(b, err);
	}
	return MT_OK;
}

/* One row comes back for each that was sent, in the same order. */
static enum mt_rc
read_merged(
    struct mt_bulk *b, size_t from, size_t n, bool *merged, struct mt_err *err)
{
	uint64_t sum = 0;
	MYSQL_BIND bind;
	size_t i;
	int r;

	memset(&bind, 0, sizeof(bind));
	bind.buffer_type = MYSQL_TYPE_LONGLONG;
	bind.buffer = &sum;
	bind.is_unsigned = 1;
	if (mysql_stmt_bind_result(b->telling, &bind) != 0 ||
	    mysql_stmt_store_result(b->telling) != 0)
		return mt_db_stmt_failed(b->telling, err);
	for (i = from; (r = mysql_stmt_fetch(b->telling)) == 0; i++) {
		if (i == from + n)
			break;
		merged[i] = sum != b->sums[i];
	}
	if (r != 0 && r != MYSQL_NO_DATA)
		return mt_db_stmt_failed(b->telling, err);
	if (r == 0 || i != from + n)
		return mt_fail(err, MT_CONFIG,
		    "mariadb: RETURNING did not tell of every row we sent");
	return MT_OK;
}

static enum mt_rc
upsert_piece(
    struct mt_bulk *b, size_t from, size_t n, bool *merged, struct mt_err *err)
{
	if (send_piece(b, merged != NULL ? b->telling : b->upsert, from,
		(unsigned)n, err) != MT_OK)
		return err->rc;
	if (merged != NULL) {
		if (read_merged(b, from, n, merged, err) != MT_OK)
			return err->rc;
		mysql_stmt_free_result(b->telling);
	}
	if (mysql_warning_count(b->db->c) > 0)
		return check_warnings(b, 0, err);
	return MT_OK;
}

enum mt_rc
mt_bulk_upsert(struct mt_bulk *b, bool *merged, struct mt_err *err)
{
	size_t from, n;
	enum mt_rc rc = MT_OK;

	if (b->n > 0)
		rc = prepare(b, merged != NULL ? &b->telling : &b->upsert, err);
	for (from = 0; rc == MT_OK && from < b->n; from += n) {
		n = piece(b, from);
		rc = upsert_piece(b, from, n, merged, err);
	}
	return rc == MT_OK ? MT_OK : give_up(b, err);
}
