/* SPDX-License-Identifier: BSD-2-Clause */
/* What of the db room needs no server: tables, statements, error classes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "db/schema.h"
#include "db/table.h"

static void
keys_come_first_and_decide_the_partition(void **state)
{
	struct mt_table t;
	size_t i, c, keys;

	(void)state;
	for (i = 0; i < MT_TABLES; i++) {
		t = mt_table_at(i);
		keys = mt_table_keys(&t);
		assert_true(keys > 0);
		for (c = keys; c < t.n; c++)
			assert_int_equal(t.columns[c].flags & MT_KEY, 0);
		if (t.cut == MT_CUT_NONE)
			continue;
		assert_non_null(mt_table_cut(&t));
		assert_true((mt_table_cut(&t)->flags & MT_KEY) != 0);
	}
}

static void
rules_fit_their_columns(void **state)
{
	const struct mt_table *t;
	size_t i, c;

	(void)state;
	for (i = 0; i < MT_TABLE_N; i++) {
		t = &mt_tables[i];
		for (c = 0; c < t->n; c++) {
			const struct mt_field *f = &t->columns[c];

			assert_int_equal(t->rules[c] == MT_RULE_KEY,
			    (f->flags & MT_KEY) != 0);
			if (t->rules[c] == MT_RULE_SUM)
				assert_true(f->type == MT_NUM &&
				    (f->flags & MT_REQ) != 0);
			if (t->rules[c] == MT_RULE_MIN ||
			    t->rules[c] == MT_RULE_MAX)
				assert_int_equal(f->flags & MT_REQ, 0);
			if (t->rules[c] == MT_RULE_FIRST) {
				assert_true(t->order < t->n);
				assert_int_equal(f->flags & MT_REQ, 0);
			}
			assert_true(strlen(f->doc) > 0);
		}
		if (t->order < t->n)
			assert_int_equal(t->rules[t->order], MT_RULE_MIN);
	}
}

static void
statements_are_as_written_down(void **state)
{
	struct mt_table marks = mt_table_of_event(MT_EV_mark);
	struct mt_buf sql;

	(void)state;
	mt_buf_init(&sql, 4096);
	mt_table_insert(&marks, &sql);
	assert_string_equal(sql.p,
	    "INSERT IGNORE INTO `ev_mark` (`at`, `host`, `queue_id`, `token`, "
	    "`mode`) VALUES (?, ?, ?, ?, ?) RETURNING ?");
	mt_buf_reset(&sql);
	mt_table_upsert(&mt_tables[MT_TABLE_token], &sql);
	assert_string_equal(sql.p,
	    "INSERT INTO `token` (`born`, `host`, `queue_id`, `token`, `mode`, "
	    "`marked_at`) VALUES (?, ?, ?, ?, ?, ?) ON DUPLICATE KEY UPDATE "
	    "`mode` = IF(VALUES(`marked_at`) IS NOT NULL AND (`marked_at` IS "
	    "NULL OR VALUES(`marked_at`) < `marked_at`), VALUES(`mode`), "
	    "IF(`marked_at` IS NULL, COALESCE(VALUES(`mode`), `mode`), "
	    "`mode`)), `marked_at` = IF(`marked_at` IS NULL OR "
	    "VALUES(`marked_at`) < `marked_at`, VALUES(`marked_at`), "
	    "`marked_at`)");
	mt_buf_reset(&sql);
	mt_table_upsert(&mt_tables[MT_TABLE_life_lock], &sql);
	assert_string_equal(sql.p,
	    "INSERT INTO `life_lock` (`slot`, `n`) VALUES (?, ?) ON DUPLICATE "
	    "KEY UPDATE `n` = `n` + VALUES(`n`)");
	mt_buf_reset(&sql);
	mt_table_returning(&mt_tables[MT_TABLE_message], &sql);
	assert_true(mt_str_starts(mt_buf_view(&sql),
	    " RETURNING 0 + `offers` + `recipients` + `marks` + (`status` IS "
	    "NOT NULL) + (`first_at` IS NOT NULL)"));
	mt_buf_reset(&sql);
	mt_table_column(&marks.columns[1], &sql);
	assert_string_equal(
	    sql.p, "`host` VARCHAR(255) NOT NULL COMMENT 'the offer''s host'");
	mt_buf_done(&sql);
}

static void
rows_of_one_key_become_one(void **state)
{
	struct mt_row_message a = { .born = 1,
		.host = mt_str("mx"),
		.queue_id = mt_str("A"),
		.marks = 1 };
	struct mt_row_message b = a, c = a, d = a;
	void *rows[] = { &d, &a, &b, &c };

	(void)state;
	b.marks = 0;
	b.offers = 1;
	b.subject = mt_str("later");
	b.offered_at = 20;
	c = b;
	c.subject = mt_str("earlier");
	c.offered_at = 10;
	d.queue_id = mt_str("B");
	assert_int_equal(
	    mt_table_fold(&mt_tables[MT_TABLE_message], rows, 4), 2);
	assert_ptr_equal(rows[1], &d);
	{
		const struct mt_row_message *m = rows[0];

		assert_int_equal(m->offers, 2);
		assert_int_equal(m->marks, 1);
		assert_int_equal(m->offered_at, 10);
		assert_true(mt_str_eqz(m->subject, "earlier"));
		assert_int_equal(
		    mt_table_sum(&mt_tables[MT_TABLE_message], m), 3);
	}
}

static void
what_an_offer_says_wins_over_the_log(void **state)
{
	const struct mt_table *t = &mt_tables[MT_TABLE_message];
	struct mt_row_message log = { .born = 1,
		.host = mt_str("mx"),
		.queue_id = mt_str("A"),
		.sender = mt_str("log@example.org"),
		.user = mt_str("alice"),
		.status = MT_status_queued };
	struct mt_row_message offer = { .born = 1,
		.host = mt_str("mx"),
		.queue_id = mt_str("A"),
		.sender = mt_str("offer@example.org"),
		.offered_at = 9 };
	struct mt_row_message a = log, b = offer,
			      none = { .born = 1,
				      .host = mt_str("mx"),
				      .queue_id = mt_str("A") };

	(void)state;
	mt_table_merge(t, &a, &offer);
	mt_table_merge(t, &b, &log);
	assert_true(mt_str_eqz(a.sender, "offer@example.org"));
	assert_true(mt_str_eqz(b.sender, "offer@example.org"));
	/* All of it, what the offer did not have, too. */
	assert_null(a.user.p);
	assert_null(b.user.p);
	assert_int_equal(a.status, MT_status_queued);
	assert_int_equal(b.status, MT_status_queued);
	/* Without any offer nothing is forgotten. */
	mt_table_merge(t, &log, &none);
	assert_true(mt_str_eqz(log.sender, "log@example.org"));
	assert_int_equal(log.status, MT_status_queued);
}

static void
keys_sort_as_in_the_database(void **state)
{
	static const char *const sorted[] = { "", "A", "A ", "B", "a",
		"\xc3\xa4", "\xf0\x9f\x90\x98" };
	struct mt_row_consent a = { .at = 0 }, b = { .at = 0 };
	size_t i, j;
	int r;

	(void)state;
	for (i = 0; i < sizeof(sorted) / sizeof(sorted[0]); i++)
		for (j = 0; j < sizeof(sorted) / sizeof(sorted[0]); j++) {
			a.rcpt = mt_str(sorted[i]);
			b.rcpt = mt_str(sorted[j]);
			r = mt_table_compare(
			    &mt_tables[MT_TABLE_consent], &a, &b);
			assert_int_equal(r < 0, i < j);
			assert_int_equal(r == 0, i == j);
		}
}

static void
migrations_are_cut_at_semicolons_that_end_a_line(void **state)
{
	static const struct {
		const char *name, *text;
		enum mt_rc rc; /* after the statements */
		const char *last; /* error */
		const char *statements[3];
	} cases[] = {
		{ "nothing", "", MT_ABSENT, "no more statements", { NULL } },
		{ "comments only", "-- a;\n\n  -- b\n", MT_ABSENT,
		    "no more statements", { NULL } },
		{ "two", "-- c\nSELECT 1;\nSELECT\n  'a;b',\n  2;\n", MT_ABSENT,
		    "no more statements",
		    { "SELECT 1", "SELECT\n  'a;b',\n  2", NULL } },
		{ "a comment within", "SELECT 1\n-- why\n;\n", MT_ABSENT,
		    "no more statements", { "SELECT 1\n-- why\n", NULL } },
		{ "DOS lines", "SELECT 1;\r\n", MT_ABSENT, "no more statements",
		    { "SELECT 1", NULL } },
		{ "no end", "SELECT 1;\nSELECT 2\n", MT_FORMAT,
		    "its last statement does not end with ';'",
		    { "SELECT 1", NULL } },
	};
	struct mt_str rest, statement;
	struct mt_err err;
	size_t i, j;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		rest = mt_str(cases[i].text);
		for (j = 0; cases[i].statements[j] != NULL; j++) {
			assert_int_equal(
			    mt_schema_statement(&rest, &statement, &err),
			    MT_OK);
			assert_true(
			    mt_str_eqz(statement, cases[i].statements[j]));
		}
		assert_int_equal(
		    mt_schema_statement(&rest, &statement, &err), cases[i].rc);
		assert_string_equal(err.msg, cases[i].last);
	}
}

static void
our_migrations_are_whole(void **state)
{
	const struct mt_migration *m;
	struct mt_str rest, statement;
	struct mt_err err;
	unsigned number = 1;
	enum mt_rc rc;
	size_t i;

	(void)state;
	for (m = mt_migrations; m->name != NULL; m++) {
		assert_int_equal(m->number, number++);
		rest = m->sql;
		while ((rc = mt_schema_statement(&rest, &statement, &err)) ==
		    MT_OK)
			assert_true(statement.n > 0);
		assert_int_equal(rc, MT_ABSENT);
		for (i = 0; i < m->sql.n; i++)
			assert_true((unsigned char)m->sql.p[i] < 0x80);
	}
	assert_true(number > 2);
}

static void
a_server_that_is_not_there_is_tried_again_later(void **state)
{
	struct mt_db_options o = { .socket = mt_str("/nonexistent/socket"),
		.name = mt_str("x"),
		.user = mt_str("x"),
		.timeout_ms = 100 };
	struct mt_db *db = NULL;
	struct mt_err err;

	(void)state;
	assert_int_equal(mt_db_open(&o, &db, &err), MT_AGAIN);
	assert_null(db);
	assert_string_equal(err.msg,
	    "/nonexistent/socket: mariadb: Can't connect to local server "
	    "through socket '/nonexistent/socket' (2) (2002)");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keys_come_first_and_decide_the_partition),
		cmocka_unit_test(rules_fit_their_columns),
		cmocka_unit_test(statements_are_as_written_down),
		cmocka_unit_test(rows_of_one_key_become_one),
		cmocka_unit_test(what_an_offer_says_wins_over_the_log),
		cmocka_unit_test(keys_sort_as_in_the_database),
		cmocka_unit_test(
		    migrations_are_cut_at_semicolons_that_end_a_line),
		cmocka_unit_test(our_migrations_are_whole),
		cmocka_unit_test(
		    a_server_that_is_not_there_is_tried_again_later),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
