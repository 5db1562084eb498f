/* SPDX-License-Identifier: BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "redis/arena.h"
#include "redis/redis.h"

static void
ids_are_read_written_and_counted(void **state)
{
	static const struct {
		const char *text, *before, *after;
	} cases[] = {
		{ "0-0", "0-0", "0-1" },
		{ "0-1", "0-0", "0-2" },
		{ "5-0", "4-18446744073709551615", "5-1" },
		{ "1795204030291-2", "1795204030291-1", "1795204030291-3" },
		{ "7-18446744073709551615", "7-18446744073709551614", "8-0" },
	};
	char text[MT_ID_LEN + 1];
	struct mt_id id;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_true(mt_id_read(mt_str(cases[i].text), &id));
		mt_id_write(id, text);
		assert_string_equal(text, cases[i].text);
		mt_id_write(mt_id_before(id), text);
		assert_string_equal(text, cases[i].before);
		mt_id_write(mt_id_after(id), text);
		assert_string_equal(text, cases[i].after);
		assert_int_equal(mt_id_cmp(id, mt_id_after(id)), -1);
		assert_int_equal(mt_id_cmp(mt_id_after(id), id), 1);
		assert_int_equal(mt_id_cmp(id, id), 0);
	}
}

static void
what_is_no_id_is_refused(void **state)
{
	static const char *const cases[] = { "", "-", "1", "1-", "-1", "1-2-3",
		"a-1", "1-a", " 1-1", "18446744073709551616-0" };
	struct mt_id id;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_false(mt_id_read(mt_str(cases[i]), &id));
}

static void
endpoints_are_read(void **state)
{
	struct mt_endpoint e[MT_MAX_ENDPOINTS];
	struct mt_err err;
	size_t n;

	(void)state;
	assert_int_equal(
	    mt_endpoints_read(MT_LIT(" unix:/run/r.sock  redis.example:6379 "
				     "[2001:db8::1]:7000"),
		e, MT_MAX_ENDPOINTS, &n, &err),
	    MT_OK);
	assert_int_equal(n, 3);
	assert_string_equal(e[0].text, "unix:/run/r.sock");
	assert_string_equal(e[0].host, "/run/r.sock");
	assert_int_equal(e[0].port, 0);
	assert_string_equal(e[1].host, "redis.example");
	assert_int_equal(e[1].port, 6379);
	assert_string_equal(e[2].text, "[2001:db8::1]:7000");
	assert_string_equal(e[2].host, "2001:db8::1");
	assert_int_equal(e[2].port, 7000);
}

static void
what_is_no_endpoint_is_refused_by_name(void **state)
{
	static const struct {
		const char *option, *message;
	} cases[] = {
		{ "", "no endpoint" },
		{ "  ", "no endpoint" },
		{ "localhost", "'localhost': not unix:/PATH or HOST:PORT" },
		{ "unix:", "'unix:': not unix:/PATH or HOST:PORT" },
		{ "unix:run/x", "'unix:run/x': not unix:/PATH or HOST:PORT" },
		{ "h:0", "'h:0': not unix:/PATH or HOST:PORT" },
		{ "h:65536", "'h:65536': not unix:/PATH or HOST:PORT" },
		{ ":1", "':1': not unix:/PATH or HOST:PORT" },
		{ "::1:80", "'::1:80': not unix:/PATH or HOST:PORT" },
		{ "a:1 b:x", "'b:x': not unix:/PATH or HOST:PORT" },
		{ "a:1 b:2 a:1", "'a:1': given twice" },
		{ "a:1 b:2 c:3 d:4", "more than 3 endpoints" },
	};
	struct mt_endpoint e[3];
	struct mt_err err;
	size_t i, n;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(
		    mt_endpoints_read(mt_str(cases[i].option), e, 3, &n, &err),
		    MT_CONFIG);
		assert_string_equal(err.msg, cases[i].message);
	}
}

static void
events_of_one_message_choose_the_same_endpoint(void **state)
{
	struct mt_pair offer[] = { { MT_LIT("t"), MT_LIT("offer") },
		{ MT_LIT("host"), MT_LIT("h") },
		{ MT_LIT("queue_id"), MT_LIT("4Qx") } };
	struct mt_pair mark[] = { { MT_LIT("queue_id"), MT_LIT("4Qx") },
		{ MT_LIT("token"), MT_LIT("ff") },
		{ MT_LIT("host"), MT_LIT("h") } };
	struct mt_pair open[] = { { MT_LIT("host"), MT_LIT("pixel") },
		{ MT_LIT("token"), MT_LIT("a") } };
	size_t n, i, count[4] = { 0 };
	char token[1];

	(void)state;
	for (n = 1; n < 10; n++)
		assert_int_equal(mt_endpoint_choose(offer, 3, n),
		    mt_endpoint_choose(mark, 3, n));
	for (i = 0; i < 256; i++) {
		token[0] = (char)i;
		open[1].value = mt_str_n(token, 1);
		count[mt_endpoint_choose(open, 2, 4)]++;
	}
	for (i = 0; i < 4; i++)
		assert_in_range(count[i], 32, 96);
	assert_int_equal(mt_endpoint_choose(open, 0, 4), 0);
}

static void
the_arena_gives_memory_of_every_size(void **state)
{
	struct mt_arena arena;
	size_t i, round;
	char *p;

	(void)state;
	mt_arena_init(&arena);
	mt_arena_reset(&arena);
	for (round = 0; round < 3; round++) {
		for (i = 0; i < 200; i++) {
			p = mt_arena_get(&arena, i * i * 10);
			assert_int_equal((uintptr_t)p % sizeof(void *), 0);
			memset(p, (int)i, i * i * 10);
		}
		mt_arena_reset(&arena);
	}
	mt_arena_done(&arena);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ids_are_read_written_and_counted),
		cmocka_unit_test(what_is_no_id_is_refused),
		cmocka_unit_test(endpoints_are_read),
		cmocka_unit_test(what_is_no_endpoint_is_refused_by_name),
		cmocka_unit_test(
		    events_of_one_message_choose_the_same_endpoint),
		cmocka_unit_test(the_arena_gives_memory_of_every_size),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
