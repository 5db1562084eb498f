/* SPDX-License-Identifier: BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/mem.h"
#include "token/daykey.h"
#include "token/token.h"

/* Bytes 0 to 31; the sums below were made from it with another program. */
#define KEY "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
#define OTHER "/////////////////////////////////////////+8="
#define RING "3 2026-11-20T16:41:37Z " KEY " active\n"
#define TOKEN "IxAREhMUFRYXGBkaGxwdHh_jY-OeECCH7A"
#define ID "101112131415161718191a1b1c1d1e1f"
#define N(a) (sizeof(a) / sizeof((a)[0]))

static struct mt_keys *
ring_of(const char *text)
{
	struct mt_keys *keys = NULL;
	struct mt_err err;

	assert_int_equal(
	    mt_keys_parse("keys", mt_str(text), &keys, &err), MT_OK);
	return keys;
}

static void
a_known_token_is_read_and_written(void **state)
{
	struct mt_keys *keys = ring_of(RING);
	char text[MT_TOKEN_TEXT + 1], hex[MT_TOKEN_HEX + 1];
	struct mt_token token;

	(void)state;
	assert_true(mt_token_check(keys, MT_LIT(TOKEN), &token));
	assert_int_equal(token.mode, MT_mode_pseudonymous);
	assert_int_equal(token.key, 3);
	mt_token_hex(&token, hex);
	assert_string_equal(hex, ID);
	assert_true(mt_token_write(keys, &token, text));
	assert_string_equal(text, TOKEN);
	token.key = 4;
	assert_false(mt_token_write(keys, &token, text));
	mt_keys_unref(keys);
}

static void
what_is_not_ours_is_refused(void **state)
{
	static const char *const cases[] = {
		"",
		"i",
		"IxAREhMUFRYXGBkaGxwdHh_jY-OeECCH7A=", /* padded */
		"IxAREhMUFRYXGBkaGxwdHh_jY-OeECCH7AA", /* longer */
		"IxAREhMUFRYXGBkaGxwdHh_jY-OeECCH7", /* cut */
		"IxAREhMUFRYXGBkaGxwdHh_jY-OeECCH7B", /* unused bits */
		"IxAREhMUFRYXGBkaGxwdHh/jY+OeECCH7A", /* the other alphabet */
		"JBAREhMUFRYXGBkaGxwdHh_jY-OeECCH7A", /* key 4 */
		"ExAREhMUFRYXGBkaGxwdHh_jY-OeECCH7A", /* anonymous */
		"IxAREhMUFRYXGBkaGxwdHh_jY-OeECCI7A",
		"ixarehmufryxgbkagxwdhh_jy-oeecch7a",
		"IxAREhMUFRYXGBkaGxwdHh_jY OeECCH7A",
	};
	struct mt_keys *keys = ring_of(RING), *other;
	struct mt_token token;
	size_t i;

	(void)state;
	for (i = 0; i < N(cases); i++)
		assert_false(mt_token_check(keys, mt_str(cases[i]), &token));
	assert_false(mt_token_check(keys, mt_str(NULL), &token));
	other = ring_of("3 2026-11-20T16:41:37Z " OTHER " active\n");
	assert_false(mt_token_check(other, MT_LIT(TOKEN), &token));
	mt_keys_unref(other);
	mt_keys_unref(keys);
}

static void
new_tokens_are_accepted_and_differ(void **state)
{
	struct mt_keys *keys = ring_of(RING);
	char text[MT_TOKEN_TEXT + 1], last[MT_TOKEN_TEXT + 1] = "";
	struct mt_token token, got;
	unsigned mode, i;
	struct mt_err err;

	(void)state;
	for (mode = MT_mode_anonymous; mode <= MT_mode_identified; mode++)
		for (i = 0; i < 100; i++) {
			assert_int_equal(
			    mt_token_make(keys, mode, &token, &err), MT_OK);
			assert_true(mt_token_write(keys, &token, text));
			assert_string_not_equal(text, last);
			assert_int_equal(strlen(text), MT_TOKEN_TEXT);
			assert_true(mt_token_check(keys, mt_str(text), &got));
			assert_int_equal(got.mode, mode);
			assert_memory_equal(got.id, token.id, MT_TOKEN_ID);
			memcpy(last, text, sizeof(last));
		}
	mt_keys_unref(keys);
}

static void
marks_hold_for_their_message_only(void **state)
{
	struct mt_keys *keys = ring_of(RING);
	char value[MT_MARK_TEXT + 1], hex[MT_TOKEN_HEX + 1] = "";
	struct mt_str id = MT_LIT("m1@example.org");
	struct mt_token token;

	(void)state;
	assert_true(mt_token_check(keys, MT_LIT(TOKEN), &token));
	mt_mark_make(keys, &token, id, value);
	assert_string_equal(value, ID ".483596ccfc00545e");
	assert_true(mt_mark_check(keys, id, mt_str(value), hex));
	assert_string_equal(hex, ID);
	assert_false(
	    mt_mark_check(keys, MT_LIT("m2@example.org"), mt_str(value), hex));
	assert_false(mt_mark_check(keys, mt_str(NULL), mt_str(value), NULL));
	assert_false(
	    mt_mark_check(keys, id, MT_LIT(ID ".483596ccfc00545f"), NULL));
	assert_false(
	    mt_mark_check(keys, id, MT_LIT(ID ".483596CCFC00545E"), NULL));
	assert_false(mt_mark_check(keys, id, MT_LIT(ID), NULL));
	assert_false(mt_mark_check(keys, id, mt_str(NULL), NULL));
	mt_mark_make(keys, &token, mt_str(NULL), value);
	assert_string_equal(value, ID ".9c3f5046c8b60a8d");
	assert_true(mt_mark_check(keys, MT_LIT(""), mt_str(value), NULL));
	mt_keys_unref(keys);
}

static void
a_mark_outlives_its_key_s_turn(void **state)
{
	struct mt_keys *before = ring_of(RING), *after;
	char value[MT_MARK_TEXT + 1];
	struct mt_token token;

	(void)state;
	assert_true(mt_token_check(before, MT_LIT(TOKEN), &token));
	mt_mark_make(before, &token, MT_LIT("m"), value);
	after = ring_of("3 2026-11-20T16:41:37Z " KEY "\n"
			"4 2026-12-20T16:41:37Z " OTHER " active\n");
	assert_true(mt_mark_check(after, MT_LIT("m"), mt_str(value), NULL));
	assert_true(mt_token_check(after, MT_LIT(TOKEN), &token));
	mt_keys_unref(before);
	mt_keys_unref(after);
}

static void
damaged_key_files_are_refused_by_line(void **state)
{
#define SHAPE "not '<id> <created> <base64 of 32 bytes> [active]'"
	static const struct {
		const char *text, *message;
	} cases[] = {
		{ "", "keys: no key is active" },
		{ "# nothing\n\n", "keys: no key is active" },
		{ "0 2026-11-20T16:41:37Z " KEY "\n",
		    "keys: no key is active" },
		{ RING "# x\n4 2026-11-20T16:41:37Z " KEY " active\n",
		    "keys: keys 3 and 4 are both active" },
		{ RING "3 2026-11-21T16:41:37Z " KEY "\n",
		    "keys:2: id: 3 stands here a second time" },
		{ "16 2026-11-20T16:41:37Z " KEY " active\n",
		    "keys:1: id: not a number from 0 to 15" },
		{ "-1 2026-11-20T16:41:37Z " KEY " active\n",
		    "keys:1: id: not a number from 0 to 15" },
		{ "1 yesterday " KEY " active\n",
		    "keys:1: created: not a time such as "
		    "2026-11-20T16:41:37Z" },
		{ "\n\n1 2026-11-20T16:41:37Z c2hvcnQ= active\n",
		    "keys:3: key: not 32 bytes in base64" },
		{ "1 2026-11-20T16:41:37Z " KEY " inactive\n",
		    "keys:1: " SHAPE },
		{ "1 2026-11-20T16:41:37Z " KEY " active now\n",
		    "keys:1: " SHAPE },
		{ "1 2026-11-20T16:41:37Z\n", "keys:1: " SHAPE },
	};
	struct mt_keys *keys;
	struct mt_err err;
	size_t i;

	(void)state;
	for (i = 0; i < N(cases); i++) {
		assert_int_equal(
		    mt_keys_parse("keys", mt_str(cases[i].text), &keys, &err),
		    MT_CONFIG);
		assert_string_equal(err.msg, cases[i].message);
	}
}

static char dir[64];

static const char *
in_dir(const char *name)
{
	static char path[128];

	(void)snprintf(path, sizeof(path), "%s/%s", dir, name);
	return path;
}

static int
make_dir(void **state)
{
	(void)state;
	(void)snprintf(dir, sizeof(dir), "/tmp/mt_token_XXXXXX");
	return mkdtemp(dir) == NULL;
}

static int
drop_dir(void **state)
{
	(void)state;
	(void)unlink(in_dir("keys"));
	(void)unlink(in_dir("day"));
	return rmdir(dir);
}

static void
open_key_files_are_refused_by_name(void **state)
{
	static const struct {
		mode_t mode;
		const char *what; /* NULL: accepted */
	} cases[] = {
		{ 0600, NULL },
		{ 0640, NULL },
		{ 0440, NULL },
		{ 0644, "mode 0644 opens it to everybody; chmod 0640" },
		{ 0601, "mode 0601 opens it to everybody; chmod 0640" },
		{ 0660, "mode 0660 lets its group write; chmod 0640" },
	};
	char path[128], message[256];
	struct mt_keys *keys;
	struct mt_err err;
	enum mt_rc rc;
	size_t i;

	(void)state;
	(void)snprintf(path, sizeof(path), "%s", in_dir("keys"));
	(void)snprintf(message, sizeof(message),
	    "%s: no such file; `mailtrail key new` makes it", path);
	assert_int_equal(mt_keys_load(path, &keys, &err), MT_CONFIG);
	assert_string_equal(err.msg, message);
	assert_int_equal(mt_keys_create(path, MT_SECOND, &err), MT_OK);
	for (i = 0; i < N(cases); i++) {
		assert_int_equal(chmod(path, cases[i].mode), 0);
		rc = mt_keys_load(path, &keys, &err);
		assert_int_equal(rc, cases[i].what ? MT_CONFIG : MT_OK);
		if (rc == MT_OK) {
			mt_keys_unref(keys);
			continue;
		}
		(void)snprintf(
		    message, sizeof(message), "%s: %s", path, cases[i].what);
		assert_string_equal(err.msg, message);
	}
	(void)snprintf(message, sizeof(message), "%s: not a regular file", dir);
	assert_int_equal(mt_keys_load(dir, &keys, &err), MT_CONFIG);
	assert_string_equal(err.msg, message);
}

static void
keys_rotate_and_old_ones_leave(void **state)
{
	const int64_t day0 = INT64_C(1790000000) * MT_SECOND;
	char path[128], message[256], old[MT_TOKEN_TEXT + 1];
	struct mt_keys *keys;
	struct mt_token token;
	unsigned id, dropped, i;
	struct mt_err err;
	struct stat st;

	(void)state;
	(void)snprintf(path, sizeof(path), "%s", in_dir("keys"));
	assert_int_equal(mt_keys_create(path, day0, &err), MT_OK);
	assert_int_equal(mt_keys_create(path, day0, &err), MT_CONFIG);
	(void)snprintf(message, sizeof(message),
	    "%s: exists already; `mailtrail key rotate` adds a key", path);
	assert_string_equal(err.msg, message);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0640);
	assert_int_equal(chmod(path, 0600), 0);
	assert_int_equal(mt_keys_load(path, &keys, &err), MT_OK);
	assert_false(mt_keys_stale(keys));
	assert_int_equal(
	    mt_token_make(keys, MT_mode_identified, &token, &err), MT_OK);
	assert_true(mt_token_write(keys, &token, old));

	/* One a day; what was retired 4 days before is not needed. */
	for (i = 1; i <= 20; i++) {
		assert_int_equal(
		    mt_keys_rotate(path, day0 + i * MT_DAY,
			day0 + ((int64_t)i - 4) * MT_DAY, &id, &dropped, &err),
		    MT_OK);
		assert_int_equal(id, i % 16);
		assert_int_equal(dropped, i > 5 ? 1 : 0);
	}
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_true(mt_keys_stale(keys));
	mt_keys_unref(keys);
	assert_int_equal(mt_keys_load(path, &keys, &err), MT_OK);
	assert_int_equal(mt_keys_n(keys), 6);
	for (i = 0; i < 6; i++) {
		assert_int_equal(mt_keys_at(keys, i).created,
		    day0 + (int64_t)(15 + i) * MT_DAY);
		assert_int_equal(mt_keys_at(keys, i).active, i == 5);
		assert_int_equal(mt_keys_at(keys, i).retired,
		    i == 5 ? 0 : day0 + (int64_t)(16 + i) * MT_DAY);
	}
	assert_false(mt_token_check(keys, mt_str(old), &token));
	mt_keys_unref(keys);
}

static void
sixteen_keys_are_the_most(void **state)
{
	char path[128], message[256];
	unsigned id, i;
	struct mt_keys *keys;
	struct mt_err err;

	(void)state;
	(void)snprintf(path, sizeof(path), "%s", in_dir("keys"));
	assert_int_equal(mt_keys_create(path, MT_DAY, &err), MT_OK);
	/* All within one moment: their order is kept all the same. */
	for (i = 1; i < 16; i++)
		assert_int_equal(
		    mt_keys_rotate(path, MT_DAY, 0, &id, NULL, &err), MT_OK);
	assert_int_equal(
	    mt_keys_rotate(path, MT_DAY, 0, &id, NULL, &err), MT_LIMIT);
	(void)snprintf(message, sizeof(message),
	    "%s: all 16 keys are still needed; rotate less often", path);
	assert_string_equal(err.msg, message);
	assert_int_equal(mt_keys_load(path, &keys, &err), MT_OK);
	assert_true(mt_keys_at(keys, 15).active);
	assert_int_equal(mt_keys_at(keys, 15).id, 15);
	mt_keys_unref(keys);
}

static void
put_day(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
	assert_int_equal(chmod(path, 0600), 0);
}

static void
fingerprints_are_what_they_say(void **state)
{
	static const struct {
		const char *ip, *print;
	} cases[] = {
		{ "192.0.2.1", "ce4939dabc1ddacad31bc9179a550f7f" },
		{ "192.0.2.254", "ce4939dabc1ddacad31bc9179a550f7f" },
		{ "2001:db8:1:7::9", "3684657a872145a18244a1d5aa32d835" },
	};
	char path[128], out[MT_FINGERPRINT_HEX + 1];
	struct mt_keys *keys = ring_of(RING);
	struct mt_daykey *day;
	struct mt_token token;
	struct mt_ip ip = { .family = 0 };
	struct mt_err err;
	int64_t now = 0;
	size_t i;

	(void)state;
	(void)snprintf(path, sizeof(path), "%s", in_dir("day"));
	put_day(path, "2026-11-20 " KEY "\n");
	assert_true(mt_time_read(MT_LIT("2026-11-20T12:00:00Z"), &now));
	assert_true(mt_token_check(keys, MT_LIT(TOKEN), &token));
	day = mt_daykey_new(path);
	assert_int_equal(mt_fingerprint_make(day, now, &ip,
			     MT_agent_thunderbird, &token, out, &err),
	    MT_ABSENT);
	for (i = 0; i < N(cases); i++) {
		assert_true(mt_ip_read(mt_str(cases[i].ip), &ip));
		assert_int_equal(mt_fingerprint_make(day, now, &ip,
				     MT_agent_thunderbird, &token, out, &err),
		    MT_OK);
		assert_string_equal(out, cases[i].print);
	}
	assert_int_equal(mt_fingerprint_make(day, now, &ip, MT_agent_browser,
			     &token, out, &err),
	    MT_OK);
	assert_string_not_equal(out, cases[2].print);
	mt_daykey_free(day);
	mt_keys_unref(keys);
}

static void
read_file(const char *path, char *out, size_t max)
{
	FILE *f = fopen(path, "r");
	size_t n;

	assert_non_null(f);
	n = fread(out, 1, max - 1, f);
	out[n] = '\0';
	(void)fclose(f);
}

static void
print_of(struct mt_daykey *day, int64_t now, char *out)
{
	struct mt_token token = { .mode = MT_mode_identified };
	struct mt_ip ip = { 4, { 192, 0, 2, 1 } };
	struct mt_err err;

	assert_int_equal(mt_fingerprint_make(
			     day, now, &ip, MT_agent_other, &token, out, &err),
	    MT_OK);
}

static void
days_cannot_be_linked(void **state)
{
	char path[128], first[80], second[80], message[256];
	char print[4][MT_FINGERPRINT_HEX + 1];
	struct mt_daykey *a, *b;
	struct mt_err err;
	struct stat st;
	int64_t now = 0;

	(void)state;
	(void)snprintf(path, sizeof(path), "%s", in_dir("day"));
	assert_true(mt_time_read(MT_LIT("2026-11-20T23:59:59.5Z"), &now));
	a = mt_daykey_new(path);
	b = mt_daykey_new(path);
	print_of(a, now, print[0]);
	print_of(b, now, print[1]);
	assert_string_equal(print[0], print[1]); /* they share it */
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	read_file(path, first, sizeof(first));
	assert_int_equal(strlen(first), 56);
	assert_memory_equal(first, "2026-11-20 ", 11);

	print_of(a, now + MT_SECOND, print[2]);
	assert_string_not_equal(print[0], print[2]);
	read_file(path, second, sizeof(second));
	assert_memory_equal(second, "2026-11-21 ", 11);
	assert_string_not_equal(first + 11, second + 11);
	/* b still has yesterday's; once it has turned, nobody has. */
	print_of(b, now, print[3]);
	assert_string_equal(print[0], print[3]);
	assert_int_equal(mt_daykey_turn(b, now + MT_SECOND, &err), MT_OK);
	assert_int_equal(mt_daykey_turn(b, now, &err), MT_ABSENT);
	(void)snprintf(message, sizeof(message),
	    "%s: the key of 2026-11-20 was destroyed already", path);
	assert_string_equal(err.msg, message);
	/* A clock that was days ahead is put right. */
	assert_int_equal(mt_daykey_turn(b, now + 9 * MT_DAY, &err), MT_OK);
	assert_int_equal(mt_daykey_turn(b, now, &err), MT_OK);
	mt_daykey_free(a);
	mt_daykey_free(b);
}

static void
day_keys_expire_without_a_pixel(void **state)
{
	char path[128], text[80];
	struct mt_err err;
	struct mt_daykey *day;
	int64_t now = 0;

	(void)state;
	(void)snprintf(path, sizeof(path), "%s", in_dir("day"));
	assert_true(mt_time_read(MT_LIT("2026-11-20T12:00:00Z"), &now));
	assert_int_equal(mt_daykey_expire(path, now, &err), MT_ABSENT);
	put_day(path, "2026-11-20 " KEY "\n");
	assert_int_equal(mt_daykey_expire(path, now, &err), MT_OK);
	read_file(path, text, sizeof(text));
	assert_int_equal(strlen(text), 56);
	assert_int_equal(mt_daykey_expire(path, now + MT_DAY, &err), MT_OK);
	read_file(path, text, sizeof(text));
	assert_int_equal(strlen(text), 0);
	/* Damaged or empty: a new key. */
	put_day(path, "2026-11-20 garbage\n");
	day = mt_daykey_new(path);
	assert_int_equal(mt_daykey_turn(day, now, &err), MT_OK);
	read_file(path, text, sizeof(text));
	assert_int_equal(strlen(text), 56);
	mt_daykey_free(day);
}

static void
open_day_keys_are_refused(void **state)
{
	char path[128], message[256];
	struct mt_daykey *day;
	struct mt_err err;

	(void)state;
	(void)snprintf(path, sizeof(path), "%s", in_dir("day"));
	put_day(path, "2026-11-20 " KEY "\n");
	assert_int_equal(chmod(path, 0644), 0);
	day = mt_daykey_new(path);
	assert_int_equal(mt_daykey_turn(day, 0, &err), MT_CONFIG);
	(void)snprintf(message, sizeof(message),
	    "%s: mode 0644 opens it to everybody; chmod 0600", path);
	assert_string_equal(err.msg, message);
	mt_daykey_free(day);
	day = mt_daykey_new("/nonexistent/day");
	assert_int_equal(mt_daykey_turn(day, 0, &err), MT_CONFIG);
	assert_string_equal(
	    err.msg, "/nonexistent/day: No such file or directory");
	mt_daykey_free(day);
}

#define IN_DIR(test) cmocka_unit_test_setup_teardown(test, make_dir, drop_dir)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_known_token_is_read_and_written),
		cmocka_unit_test(what_is_not_ours_is_refused),
		cmocka_unit_test(new_tokens_are_accepted_and_differ),
		cmocka_unit_test(marks_hold_for_their_message_only),
		cmocka_unit_test(a_mark_outlives_its_key_s_turn),
		cmocka_unit_test(damaged_key_files_are_refused_by_line),
		IN_DIR(open_key_files_are_refused_by_name),
		IN_DIR(keys_rotate_and_old_ones_leave),
		IN_DIR(sixteen_keys_are_the_most),
		IN_DIR(fingerprints_are_what_they_say),
		IN_DIR(days_cannot_be_linked),
		IN_DIR(day_keys_expire_without_a_pixel),
		IN_DIR(open_day_keys_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
