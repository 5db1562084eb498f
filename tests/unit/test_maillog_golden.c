/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Logs of tests/data/maillog against what is to come of them (SOURCES.md there
 * says how to make an .events file anew).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/num.h"
#include "maillog/shape.h"

#include "../lib/maillog_text.h"

#define N(table) (sizeof(table) / sizeof((table)[0]))
#define DATA "tests/data/maillog/"
#define MAX_TEXT 16777216

static void
read_data(const char *name, const char *suffix, struct mt_buf *out)
{
	char path[256];

	(void)snprintf(path, sizeof(path), DATA "%s%s", name, suffix);
	maillog_read(path, out);
}

static void
read_golden(const char *name, struct mt_buf *out)
{
	struct mt_maillog_options options = { .host = MAILLOG_HOST,
		.zone = "UTC" };
	struct mt_buf log;

	mt_buf_init(&log, MAX_TEXT);
	read_data(name, ".log", &log);
	maillog_golden(&options, mt_buf_view(&log), MAILLOG_NOW, out);
	mt_buf_done(&log);
}

/* Says the first line that differs. */
static void
must_equal(const char *name, struct mt_str got, struct mt_str wanted)
{
	struct mt_str a, b;

	while (got.n > 0 || wanted.n > 0) {
		(void)mt_str_cut(got, '\n', &a, &got);
		(void)mt_str_cut(wanted, '\n', &b, &wanted);
		if (!mt_str_eq(a, b))
			fail_msg("%s:\n  %.*s\nwanted:\n  %.*s", name,
			    MT_STR_ARG(a), MT_STR_ARG(b));
	}
}

static void
logs_come_to_their_events(void **state)
{
	static const char *const names[] = { "shapes", "forged", "whyscream",
		"crowdsec", "exporter", "digineo", "maillogger", "froide" };
	struct mt_buf got, wanted;
	size_t i;

	(void)state;
	for (i = 0; i < N(names); i++) {
		mt_buf_init(&got, MAX_TEXT);
		mt_buf_init(&wanted, MAX_TEXT);
		read_golden(names[i], &got);
		read_data(names[i], ".events", &wanted);
		must_equal(names[i], mt_buf_view(&got), mt_buf_view(&wanted));
		mt_buf_done(&got);
		mt_buf_done(&wanted);
	}
}

/* Is there a line "<number> <kind> <name>"? */
static bool
has_shape(struct mt_str events, const char *name)
{
	struct mt_str line, head, shape;

	while (events.n > 0) {
		(void)mt_str_cut(events, '\n', &line, &events);
		if (line.n > 0 && line.p[0] != ' ' &&
		    mt_str_cut_last(line, ' ', &head, &shape) &&
		    mt_str_eqz(shape, name))
			return true;
	}
	return false;
}

static void
every_row_of_the_table_has_a_line(void **state)
{
	struct mt_buf events;
	size_t i;

	(void)state;
	mt_buf_init(&events, MAX_TEXT);
	read_data("shapes", ".events", &events);
	for (i = 0; i < mt_shapes_n; i++)
		if (!has_shape(mt_buf_view(&events), mt_shapes[i].name))
			fail_msg("shapes.def: %s has no line in " DATA
				 "shapes.log",
			    mt_shapes[i].name);
	mt_buf_done(&events);
}

/* The events of a line, as text. */
static struct mt_str
events_of(struct mt_str golden, uint64_t number)
{
	struct mt_str line, digits, rest, events = { 0 };
	uint64_t n;
	bool ours = false;

	while (golden.n > 0) {
		(void)mt_str_cut(golden, '\n', &line, &golden);
		if (line.n > 0 && line.p[0] != ' ') {
			if (ours)
				break;
			(void)mt_str_cut(line, ' ', &digits, &rest);
			ours =
			    mt_num_read(digits, UINT32_MAX, &n) && n == number;
			events = mt_str_n(line.p + line.n, 0);
		} else {
			events.n = (size_t)(line.p + line.n - events.p);
		}
	}
	return ours ? events : mt_str(NULL);
}

/* Another reader's fields, which were not made by ours. */
static void
what_the_source_expects_is_there(void **state)
{
	struct mt_buf golden, expected;
	struct mt_str rest, line, digits, field, events;
	uint64_t number;
	unsigned fields = 0;

	(void)state;
	mt_buf_init(&golden, MAX_TEXT);
	mt_buf_init(&expected, MAX_TEXT);
	read_golden("whyscream", &golden);
	read_data("whyscream", ".expected", &expected);
	for (rest = mt_buf_view(&expected); rest.n > 0; fields++) {
		(void)mt_str_cut(rest, '\n', &line, &rest);
		assert_true(mt_str_cut(line, '\t', &digits, &field));
		assert_true(mt_num_read(digits, UINT32_MAX, &number));
		events = events_of(mt_buf_view(&golden), number);
		if (events.p == NULL ||
		    memmem(events.p, events.n, field.p, field.n) == NULL)
			fail_msg("line %.*s: no%.*s in%.*s", MT_STR_ARG(digits),
			    MT_STR_ARG(field), MT_STR_ARG(events));
	}
	assert_true(fields > 100);
	mt_buf_done(&golden);
	mt_buf_done(&expected);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(logs_come_to_their_events),
		cmocka_unit_test(every_row_of_the_table_has_a_line),
		cmocka_unit_test(what_the_source_expects_is_there),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
