/* SPDX-License-Identifier: BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "mail/address.h"
#include "mail/queue_id.h"

#define N(table) (sizeof(table) / sizeof((table)[0]))

static void
long_queue_ids_say_their_time(void **state)
{
	/* The first two are Postfix 3.7.11's own, with its log's time. */
	static const struct {
		const char *id, *at; /* at NULL: no long id */
	} cases[] = {
		{ "4jWQWp4LxZz1bkp1", "2026-11-20T19:34:30.613682Z" },
		{ "4jWQWp4QlWz1bkp3", "2026-11-20T19:34:30.623975Z" },
		{ "0000000000z0", "1970-01-01T00:00:00.000000Z" },
		{ "00000170jjz1", "1970-01-01T00:00:01.986217Z" },
		{ "4jWQWpzzzzz1", NULL }, /* more than 999999 microseconds */
		{ "4jWQW4QlWz1", NULL }, /* five digits of seconds */
		{ "4jWQWp4QlWz", NULL }, /* no inode */
		{ "4jWQWp4QlW1", NULL }, /* no separator */
		{ "4jWQWp4aQlz1", NULL }, /* a vowel */
		{ "4jWQWp4QlWz1e", NULL },
		{ "9A3F21C04D", NULL },
		{ "", NULL },
		{ "zzzzzzzzzzzzzzzzz1", NULL }, /* beyond year 9999 */
		{ "4jWQWp4QlWz11111111111111111111111", NULL },
	};
	char text[MT_TIME_LEN + 1];
	int64_t at;
	size_t i;

	(void)state;
	for (i = 0; i < N(cases); i++) {
		at = -1;
		if (!mt_queue_id_time(mt_str(cases[i].id), &at)) {
			if (cases[i].at != NULL)
				fail_msg("%s: refused", cases[i].id);
			assert_int_equal(at, -1);
			continue;
		}
		if (cases[i].at == NULL)
			fail_msg("%s: taken", cases[i].id);
		mt_time_write(at, 'T', true, text);
		assert_string_equal(text, cases[i].at);
	}
	assert_false(mt_queue_id_time(mt_str(NULL), NULL));
}

static void
short_queue_ids_are_valid_too(void **state)
{
	static const struct {
		const char *id;
		bool valid;
	} cases[] = {
		{ "9A3F21C04D", true },
		{ "4jWQWp4LxZz1bkp1", true },
		{ "9a3f21c04d", false },
		{ "NOQUEUE", false },
		{ "ABCD", false },
		{ "", false },
		{ "ABCDE\n", false },
	};
	size_t i;

	(void)state;
	for (i = 0; i < N(cases); i++)
		if (mt_queue_id_valid(mt_str(cases[i].id)) != cases[i].valid)
			fail_msg("%s", cases[i].id);
}

static void
a_message_is_born_when_its_id_says_unless_that_is_absurd(void **state)
{
	struct mt_str id = MT_LIT("4jWQWp4LxZz1bkp1");
	int64_t at;

	(void)state;
	assert_true(mt_queue_id_time(id, &at));
	assert_int_equal(mt_message_born(id, at + MT_SECOND), at);
	assert_int_equal(mt_message_born(id, at + 60 * MT_DAY), at);
	assert_int_equal(mt_message_born(id, at - MT_DAY), at);
	assert_int_equal(
	    mt_message_born(id, at + 60 * MT_DAY + 1), at + 60 * MT_DAY + 1);
	assert_int_equal(mt_message_born(id, at - MT_DAY - 1), at - MT_DAY - 1);
	assert_int_equal(mt_message_born(MT_LIT("9A3F21C04D"), at), at);
}

static void
addresses_become_keys(void **state)
{
	static const struct {
		const char *text, *key; /* key NULL: no address */
	} cases[] = {
		{ "<User@Example.ORG>", "user@example.org" },
		{ " User@Example.org. ", "user@example.org" },
		{ "\"a@B c\"@d.example", "\"a@b c\"@d.example" },
		{ "\"a\\\"@b\"@d.example", "\"a\\\"@b\"@d.example" },
		{ "a@b@c.example", "a@b@c.example" },
		{ "Postmaster", "postmaster" },
		{ "j\xc3\x84@b.example", "j\xc3\x84@b.example" },
		{ "<>", NULL },
		{ "", NULL },
		{ "@b.example", NULL },
		{ "a@", NULL },
	};
	struct mt_buf key;
	size_t i;
	bool is;

	(void)state;
	mt_buf_init(&key, 400);
	for (i = 0; i < N(cases); i++) {
		mt_buf_reset(&key);
		is = mt_address_key(mt_str(cases[i].text), &key);
		if (is != (cases[i].key != NULL) ||
		    (is && strcmp(key.p, cases[i].key) != 0))
			fail_msg("'%s' gave '%s'", cases[i].text, key.p);
	}
	mt_buf_done(&key);
}

static void
an_address_splits_at_the_last_at_outside_quotes(void **state)
{
	struct mt_address a;
	char text[400];

	(void)state;
	assert_true(mt_address_split(MT_LIT("<\"a@b\"@c.example>"), &a));
	assert_true(mt_str_eqz(a.local, "\"a@b\""));
	assert_true(mt_str_eqz(a.domain, "c.example"));
	assert_true(mt_address_split(MT_LIT("root"), &a));
	assert_null(a.domain.p);
	memset(text, 'a', sizeof(text));
	assert_false(mt_address_split(mt_str_n(text, 321), &a));
	assert_true(mt_address_split(mt_str_n(text, 320), &a));
}

static void
a_from_field_gives_its_first_mailbox(void **state)
{
	static const struct {
		const char *value, *address, *domain;
	} cases[] = {
		{ "a@B.example", "a@B.example", "b.example" },
		{ " Jo <Jo@B.example>\r\n", "Jo@B.example", "b.example" },
		{ "\"x@evil.example\" <a@b.example>", "a@b.example",
		    "b.example" },
		{ "(c@evil.example (nested \\) ) ) a@b.example", "a@b.example",
		    "b.example" },
		{ "Doe, John <j@b.example>, k@c.example", "j@b.example",
		    "b.example" },
		{ "Team: \"A, B\" <a@b.example>, c@d.example;", "a@b.example",
		    "b.example" },
		{ "<@r1.example,@r2.example:a@b.example>", "a@b.example",
		    "b.example" },
		{ "\"q\\\"@x\"@b.example", "\"q\\\"@x\"@b.example",
		    "b.example" },
		{ "a @ b . example", "a@b.example", "b.example" },
		{ "a\r\n @b.example.", "a@b.example.", "b.example" },
		{ "a@[IPv6:2001:db8::1]", "a@[IPv6:2001:db8::1]",
		    "[ipv6:2001:db8::1]" },
		{ "=?utf-8?q?J=40?= <a@b.example>", "a@b.example",
		    "b.example" },
		{ "undisclosed-recipients:;", NULL, NULL },
		{ "nobody", NULL, NULL },
		{ "", NULL, NULL },
		{ "\"open", NULL, NULL },
		{ "(open", NULL, NULL },
	};
	struct mt_buf out;
	size_t i;
	bool is;

	(void)state;
	mt_buf_init(&out, 400);
	for (i = 0; i < N(cases); i++) {
		mt_buf_reset(&out);
		is = mt_address_from(mt_str(cases[i].value), &out);
		if (is != (cases[i].address != NULL) ||
		    (is && strcmp(out.p, cases[i].address) != 0))
			fail_msg("'%s' gave '%s'", cases[i].value, out.p);
		mt_buf_reset(&out);
		is = mt_address_from_domain(mt_str(cases[i].value), &out);
		if (is != (cases[i].domain != NULL) ||
		    (is && strcmp(out.p, cases[i].domain) != 0))
			fail_msg("'%s' gave '%s'", cases[i].value, out.p);
	}
	mt_buf_done(&out);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(long_queue_ids_say_their_time),
		cmocka_unit_test(short_queue_ids_are_valid_too),
		cmocka_unit_test(
		    a_message_is_born_when_its_id_says_unless_that_is_absurd),
		cmocka_unit_test(addresses_become_keys),
		cmocka_unit_test(
		    an_address_splits_at_the_last_at_outside_quotes),
		cmocka_unit_test(a_from_field_gives_its_first_mailbox),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
