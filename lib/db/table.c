/* SPDX-License-Identifier: BSD-2-Clause */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/ip.h"
#include "base/mem.h"
#include "db/table.h"

#define CHARSET "utf8mb4"
#define COLLATION "utf8mb4_nopad_bin"

/* The number of each column, for `order`. */
#define TABLE(name, cut, order, doc) enum {
#define COLUMN(table, name, type, bound, flags, rule, doc) COL_##table##_##name,
#define END(name) \
	COL_##name##_NO_ORDER \
	} \
	;
#include "db/tables.def"
#undef TABLE
#undef COLUMN
#undef END

#define ANY 0, NULL
#define MAX(n) (n), NULL
#define WORDS(set) 0, mt_words_##set
#define COLUMN_BOUND(...) COLUMN_BOUND2(__VA_ARGS__)
#define COLUMN_BOUND2(most, table) .max = (most), .words = (table)
#define TABLE(name, cut, order, doc) \
	static const struct mt_field columns_##name[] = {
#define COLUMN(table, column, kind, bound, flag, rule, text) \
	{ .name = #column, \
		.type = MT_##kind, \
		.flags = (flag), \
		.off = offsetof(struct mt_row_##table, column), \
		COLUMN_BOUND(bound), \
		.doc = (text) },
#define END(name) \
	} \
	;
#include "db/tables.def"
#undef TABLE
#undef COLUMN
#undef END

#define TABLE(name, cut, order, doc) \
	static const enum mt_rule rules_##name[] = {
#define COLUMN(table, column, kind, bound, flag, rule, text) MT_RULE_##rule,
#define END(name) \
	} \
	;
#include "db/tables.def"
#undef TABLE
#undef COLUMN
#undef END

const struct mt_table mt_tables[MT_TABLE_N] = {
#define TABLE(id, by, decides, text) \
	{ .name = #id, \
		.doc = (text), \
		.cut = MT_CUT_##by, \
		.columns = columns_##id, \
		.rules = rules_##id, \
		.n = sizeof(columns_##id) / sizeof(columns_##id[0]), \
		.order = COL_##id##_##decides, \
		.size = sizeof(struct mt_row_##id) },
#define COLUMN(table, column, kind, bound, flag, rule, text)
#define END(name)
#include "db/tables.def"
#undef TABLE
#undef COLUMN
#undef END
};

static const char *const event_names[MT_EV_N] = {
#define EVENT(name, version, doc) "ev_" #name,
#define FIELD(event, field, kind, bound, flag, text)
#define END(name)
#include "event/events.def"
#undef EVENT
#undef FIELD
#undef END
};

struct mt_table
mt_table_of_event(enum mt_event id)
{
	const struct mt_event_desc *desc = &mt_events[id];

	return (struct mt_table){ .name = event_names[id],
		.doc = desc->doc,
		.cut = MT_CUT_DAY,
		.columns = desc->fields,
		.n = desc->n,
		.order = desc->n,
		.size = desc->size };
}

struct mt_table
mt_table_at(size_t i)
{
	assert(i < MT_TABLES);
	if (i < MT_EV_N)
		return mt_table_of_event((enum mt_event)i);
	return mt_tables[i - MT_EV_N];
}

size_t
mt_table_keys(const struct mt_table *table)
{
	size_t i = 0;

	while (i < table->n && (table->columns[i].flags & MT_KEY) != 0)
		i++;
	return i;
}

const struct mt_field *
mt_table_cut(const struct mt_table *table)
{
	size_t i;

	if (table->cut == MT_CUT_NONE)
		return NULL;
	for (i = 0; i < table->n; i++)
		if (table->columns[i].type == MT_TIME)
			return &table->columns[i];
	return NULL;
}

static int
compare_numbers(uint64_t a, uint64_t b)
{
	return a < b ? -1 : a > b;
}

/* Like mt_str_cmp, which every byte of a batch's keys goes through. */
static int
compare_texts(struct mt_str a, struct mt_str b)
{
	size_t n = a.n < b.n ? a.n : b.n;
	int r = n == 0 ? 0 : memcmp(a.p, b.p, n);

	return r != 0 ? r : compare_numbers(a.n, b.n);
}

/* A column's value as a number: the smaller time is the earlier one. */
static uint64_t
number(const struct mt_field *f, const void *row)
{
	const void *at = mt_field_at(f, row);

	switch (f->type) {
	case MT_BOOL:
		return *(const bool *)at;
	case MT_NUM:
	case MT_SIZE:
		return *(const uint64_t *)at;
	case MT_DEC:
	case MT_TIME:
		/* Negative numbers before the others. */
		return (uint64_t) * (const int64_t *)at ^ (UINT64_C(1) << 63);
	case MT_ENUM:
		return *(const unsigned *)at;
	case MT_IP:
	case MT_STR:
		break;
	}
	assert(f->type == MT_NUM);
	return 0;
}

static int
compare_column(const struct mt_field *f, const void *a, const void *b)
{
	char ips[2][MT_IP_LEN];
	unsigned word_a, word_b;

	switch (f->type) {
	case MT_STR:
		return compare_texts(*(const struct mt_str *)mt_field_at(f, a),
		    *(const struct mt_str *)mt_field_at(f, b));
	case MT_ENUM:
		word_a = *(const unsigned *)mt_field_at(f, a);
		word_b = *(const unsigned *)mt_field_at(f, b);
		return word_a == word_b
		    ? 0
		    : strcmp(f->words[word_a], f->words[word_b]);
	case MT_IP:
		mt_ip_write(mt_field_at(f, a), ips[0]);
		mt_ip_write(mt_field_at(f, b), ips[1]);
		return strcmp(ips[0], ips[1]);
	case MT_BOOL:
	case MT_NUM:
	case MT_SIZE:
	case MT_DEC:
	case MT_TIME:
		break;
	}
	return compare_numbers(number(f, a), number(f, b));
}

int
mt_table_compare(const struct mt_table *table, const void *a, const void *b)
{
	size_t i;
	int r;

	for (i = 0; i < table->n; i++) {
		if ((table->columns[i].flags & MT_KEY) == 0)
			break;
		if ((r = compare_column(&table->columns[i], a, b)) != 0)
			return r;
	}
	return 0;
}

static size_t
width(enum mt_type type)
{
	switch (type) {
	case MT_BOOL:
		return sizeof(bool);
	case MT_NUM:
	case MT_SIZE:
		return sizeof(uint64_t);
	case MT_DEC:
	case MT_TIME:
		return sizeof(int64_t);
	case MT_IP:
		return sizeof(struct mt_ip);
	case MT_STR:
		return sizeof(struct mt_str);
	case MT_ENUM:
		return sizeof(unsigned);
	}
	return 0;
}

static void
copy(const struct mt_field *f, void *into, const void *row)
{
	memcpy((char *)into + f->off, mt_field_at(f, row), width(f->type));
}

static void
add(const struct mt_field *f, void *into, const void *row)
{
	uint64_t sum = number(f, into) + number(f, row);

	memcpy((char *)into + f->off, &sum, sizeof(sum));
}

/* Is row's value the one that MIN (sign -1) or MAX (1) keeps? */
static bool
wins(const struct mt_field *f, int sign, const void *into, const void *row)
{
	if (mt_field_absent(f, row))
		return false;
	if (mt_field_absent(f, into))
		return true;
	return compare_numbers(number(f, row), number(f, into)) == sign;
}

void
mt_table_merge(const struct mt_table *table, void *into, const void *row)
{
	const struct mt_field *by =
	    table->order < table->n ? &table->columns[table->order] : NULL;
	bool first = by != NULL && wins(by, -1, into, row);
	bool neither =
	    by != NULL && mt_field_absent(by, into) && mt_field_absent(by, row);
	size_t i;

	for (i = 0; i < table->n; i++) {
		const struct mt_field *f = &table->columns[i];

		switch (table->rules[i]) {
		case MT_RULE_KEY:
			break;
		case MT_RULE_SUM:
			add(f, into, row);
			break;
		case MT_RULE_MIN:
			if (wins(f, -1, into, row))
				copy(f, into, row);
			break;
		case MT_RULE_MAX:
			if (wins(f, 1, into, row))
				copy(f, into, row);
			break;
		case MT_RULE_FIRST:
			if (first || (neither && !mt_field_absent(f, row)))
				copy(f, into, row);
			break;
		case MT_RULE_SET:
			if (!mt_field_absent(f, row))
				copy(f, into, row);
			break;
		case MT_RULE_LAST:
			copy(f, into, row);
			break;
		}
	}
}

static int
compare_pointers(const void *a, const void *b, void *table)
{
	return mt_table_compare(table, *(void *const *)a, *(void *const *)b);
}

size_t
mt_table_fold(const struct mt_table *table, void **rows, size_t n)
{
	size_t i, left = 0;

	if (n == 0)
		return 0;
	qsort_r(rows, n, sizeof(*rows), compare_pointers, mt_unconst(table));
	for (i = 1; i < n; i++) {
		if (mt_table_compare(table, rows[left], rows[i]) == 0)
			mt_table_merge(table, rows[left], rows[i]);
		else
			rows[++left] = rows[i];
	}
	return left + 1;
}

static void
write_columns(const struct mt_table *table, struct mt_buf *out)
{
	size_t i;

	mt_buf_printf(out, "INTO `%s` (", table->name);
	for (i = 0; i < table->n; i++)
		mt_buf_printf(
		    out, "%s`%s`", i == 0 ? "" : ", ", table->columns[i].name);
	mt_buf_z(out, ") VALUES (");
	for (i = 0; i < table->n; i++)
		mt_buf_z(out, i == 0 ? "?" : ", ?");
	mt_buf_c(out, ')');
}

void
mt_table_insert(const struct mt_table *table, struct mt_buf *out)
{
	mt_buf_z(out, "INSERT IGNORE ");
	write_columns(table, out);
	mt_buf_z(out, " RETURNING ?");
}

/* What is assigned to the i-th column when the key is there already. */
static void
write_update(const struct mt_table *table, size_t i, struct mt_buf *out)
{
	const char *c = table->columns[i].name;
	const char *by =
	    table->order < table->n ? table->columns[table->order].name : "";

	switch (table->rules[i]) {
	case MT_RULE_KEY:
		return;
	case MT_RULE_SUM:
		mt_buf_printf(out, "`%s` = `%s` + VALUES(`%s`)", c, c, c);
		return;
	case MT_RULE_MIN:
	case MT_RULE_MAX:
		mt_buf_printf(out,
		    "`%s` = IF(`%s` IS NULL OR VALUES(`%s`) %c `%s`, "
		    "VALUES(`%s`), `%s`)",
		    c, c, c, table->rules[i] == MT_RULE_MIN ? '<' : '>', c, c,
		    c);
		return;
	case MT_RULE_FIRST:
		mt_buf_printf(out,
		    "`%s` = IF(VALUES(`%s`) IS NOT NULL AND (`%s` IS NULL OR "
		    "VALUES(`%s`) < `%s`), VALUES(`%s`), IF(`%s` IS NULL, "
		    "COALESCE(VALUES(`%s`), `%s`), `%s`))",
		    c, by, by, by, by, c, by, c, c, c);
		return;
	case MT_RULE_SET:
		mt_buf_printf(
		    out, "`%s` = COALESCE(VALUES(`%s`), `%s`)", c, c, c);
		return;
	case MT_RULE_LAST:
		mt_buf_printf(out, "`%s` = VALUES(`%s`)", c, c);
		return;
	}
}

/*
 * MariaDB assigns from left to right and later assignments see the new
 * values, so what FIRST looks at is assigned after every FIRST.
 */
void
mt_table_upsert(const struct mt_table *table, struct mt_buf *out)
{
	const char *between = " ";
	size_t i;

	mt_buf_z(out, "INSERT ");
	write_columns(table, out);
	mt_buf_z(out, " ON DUPLICATE KEY UPDATE");
	for (i = 0; i < table->n; i++) {
		if (table->rules[i] == MT_RULE_KEY || i == table->order)
			continue;
		mt_buf_z(out, between);
		write_update(table, i, out);
		between = ", ";
	}
	if (table->order < table->n) {
		mt_buf_z(out, between);
		write_update(table, table->order, out);
	}
}

void
mt_table_returning(const struct mt_table *table, struct mt_buf *out)
{
	size_t i;

	mt_buf_z(out, " RETURNING 0");
	for (i = 0; i < table->n; i++)
		if (table->rules[i] == MT_RULE_SUM)
			mt_buf_printf(out, " + `%s`", table->columns[i].name);
		else if (table->rules[i] == MT_RULE_SET)
			mt_buf_printf(out, " + (`%s` IS NOT NULL)",
			    table->columns[i].name);
}

uint64_t
mt_table_sum(const struct mt_table *table, const void *row)
{
	uint64_t sum = 0;
	size_t i;

	for (i = 0; i < table->n; i++)
		if (table->rules[i] == MT_RULE_SUM)
			sum += number(&table->columns[i], row);
		else if (table->rules[i] == MT_RULE_SET)
			sum += !mt_field_absent(&table->columns[i], row);
	return sum;
}

void
mt_table_column(const struct mt_field *column, struct mt_buf *out)
{
	const char *c;

	mt_buf_printf(out, "`%s` ", column->name);
	mt_field_sql(column, out);
	mt_buf_z(out,
	    (column->flags & (MT_KEY | MT_REQ)) != 0 ? " NOT NULL" : " NULL");
	mt_buf_z(out, " COMMENT '");
	for (c = column->doc; *c != '\0'; c++) {
		if (*c == '\'')
			mt_buf_c(out, '\'');
		mt_buf_c(out, *c);
	}
	mt_buf_c(out, '\'');
}

void
mt_table_create(const struct mt_table *table, struct mt_buf *out)
{
	const struct mt_field *cut = mt_table_cut(table);
	size_t i, keys = mt_table_keys(table);

	mt_buf_printf(out, "CREATE TABLE IF NOT EXISTS `%s` (\n", table->name);
	for (i = 0; i < table->n; i++) {
		mt_buf_z(out, "  ");
		mt_table_column(&table->columns[i], out);
		mt_buf_z(out, ",\n");
	}
	mt_buf_z(out, "  PRIMARY KEY (");
	for (i = 0; i < keys; i++)
		mt_buf_printf(
		    out, "%s`%s`", i == 0 ? "" : ", ", table->columns[i].name);
	mt_buf_z(out,
	    ")\n) ENGINE=InnoDB DEFAULT CHARACTER SET " CHARSET
	    " COLLATE " COLLATION);
	if (cut != NULL)
		mt_buf_printf(out,
		    "\n  PARTITION BY RANGE COLUMNS(`%s`)\n"
		    "  (PARTITION p_max VALUES LESS THAN (MAXVALUE))",
		    cut->name);
	mt_buf_z(out, ";\n");
}
