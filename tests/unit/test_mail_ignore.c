/* SPDX-License-Identifier: BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "mail/ignore.h"

static void
addresses_and_domains_match_in_either_case(void **state)
{
	static const struct {
		const char *address;
		bool ignored;
	} cases[] = {
		{ "watchdog@localhost", true },
		{ "<Watchdog@LOCALHOST>", true },
		{ "watchdog@localhost.example", false },
		{ "x@nagios.example", true },
		{ "x@NAGIOS.example.", true },
		{ "x@sub.nagios.example", false },
		{ "nagios.example", false },
		{ "\"a b\"@nagios.example", true },
		{ "root", true },
		{ "", false },
		{ "<>", false },
		{ "@", false },
	};
	struct mt_ignore *ignore;
	struct mt_err err;
	size_t i;

	(void)state;
	assert_int_equal(mt_ignore_load(MT_LIT("  watchdog@LocalHost "
					       "@Nagios.Example   root "),
			     &ignore, &err),
	    MT_OK);
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		if (mt_ignore_has(ignore, mt_str(cases[i].address)) !=
		    cases[i].ignored)
			fail_msg("%s", cases[i].address);
	assert_false(mt_ignore_has(ignore, mt_str(NULL)));
	assert_false(mt_ignore_has(NULL, MT_LIT("root")));
	mt_ignore_free(ignore);
}

static void
nothing_is_ignored_without_the_option(void **state)
{
	struct mt_ignore *ignore;
	struct mt_err err;

	(void)state;
	assert_int_equal(mt_ignore_load(mt_str(NULL), &ignore, &err), MT_OK);
	assert_null(ignore);
	assert_int_equal(mt_ignore_load(MT_LIT("  "), &ignore, &err), MT_OK);
	assert_null(ignore);
}

static void
what_is_no_address_is_named(void **state)
{
	struct mt_ignore *ignore;
	struct mt_err err;

	(void)state;
	assert_int_equal(
	    mt_ignore_load(MT_LIT("a@b.example a@"), &ignore, &err), MT_CONFIG);
	assert_string_equal(err.msg, "'a@': not an address, @domain or /path");
	assert_int_equal(
	    mt_ignore_load(MT_LIT("/nowhere/at/all"), &ignore, &err),
	    MT_CONFIG);
	assert_string_equal(
	    err.msg, "/nowhere/at/all: No such file or directory");
}

static void
a_file_holds_one_a_line(void **state)
{
	char path[] = "/tmp/mt-ignore-XXXXXX", option[64];
	static const char text[] = "# ours\n\n a@example.org \n@example.net\n";
	static const char bad[] = "a@example.org\n@\n";
	struct mt_ignore *ignore;
	struct mt_err err;
	char want[128];
	int fd = mkstemp(path);

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	(void)snprintf(option, sizeof(option), "%s b@example.org", path);
	assert_int_equal(mt_ignore_load(mt_str(option), &ignore, &err), MT_OK);
	assert_true(mt_ignore_has(ignore, MT_LIT("a@example.org")));
	assert_true(mt_ignore_has(ignore, MT_LIT("b@example.org")));
	assert_true(mt_ignore_has(ignore, MT_LIT("c@example.net")));
	assert_false(mt_ignore_has(ignore, MT_LIT("c@example.org")));
	mt_ignore_free(ignore);
	assert_int_equal(ftruncate(fd, 0), 0);
	assert_int_equal(pwrite(fd, bad, strlen(bad), 0), strlen(bad));
	assert_int_equal(
	    mt_ignore_load(mt_str(option), &ignore, &err), MT_CONFIG);
	(void)snprintf(want, sizeof(want),
	    "%s:2: '@': not an address, @domain or /path", path);
	assert_string_equal(err.msg, want);
	(void)close(fd);
	(void)unlink(path);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(addresses_and_domains_match_in_either_case),
		cmocka_unit_test(nothing_is_ignored_without_the_option),
		cmocka_unit_test(what_is_no_address_is_named),
		cmocka_unit_test(a_file_holds_one_a_line),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
