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

#include "conf/conf.h"
#include "conf/option.h"
#include "conf/secret.h"

struct sample_options {
	uint64_t batch;
	uint64_t size;
	bool quiet;
	struct mt_str socket;
	struct mt_str name;
	unsigned sync;
};

static const struct mt_field fields[] = { MT_OPTION(sample_options, batch, NUM,
    MAX(10000), "500", MT_REQ, "Most events in one transaction.")
	    MT_OPTION(sample_options, size, SIZE, MAX(1048576), "64k", MT_REQ,
		"Size.") MT_OPTION(sample_options, quiet, BOOL, ANY, "no",
		MT_REQ, "Quiet.") MT_OPTION(sample_options, socket, STR,
		MAX(20), "/run/s", MT_REQ, "Socket.") MT_OPTION(sample_options,
		name, STR, MAX(20), NULL, 0, "Name.") MT_OPTION(sample_options,
		sync, ENUM, WORDS(sync), "interval", MT_REQ, "Sync.") };

static enum mt_rc
check(const void *values, struct mt_err *err)
{
	const struct sample_options *o = values;

	if (o->batch == 13)
		return mt_fail(err, MT_CONFIG, "batch: brings bad luck");
	return MT_OK;
}

static const struct mt_conf_desc desc = { .program = "mailtrail-sample",
	.fields = fields,
	.n = sizeof(fields) / sizeof(fields[0]),
	.size = sizeof(struct sample_options),
	.check = check };

static void
good_files_give_values(void **state)
{
	const char *const overrides[] = { "batch=8", "name = x y" };
	const struct sample_options *o;
	struct mt_conf *conf;
	struct mt_err err;

	(void)state;
	assert_int_equal(mt_conf_parse(&desc, "c.conf",
			     MT_LIT("# comment\n\n batch = 7\r\nquiet=yes\n"
				    "sync = always\nname =\nsocket=/x=y"),
			     overrides, 2, &conf, &err),
	    MT_OK);
	o = mt_conf_values(conf);
	assert_int_equal(o->batch, 8);
	assert_int_equal(o->size, 65536);
	assert_true(o->quiet);
	assert_true(mt_str_eqz(o->socket, "/x=y"));
	assert_true(mt_str_eqz(o->name, "x y"));
	assert_int_equal(o->sync, MT_sync_always);
	mt_conf_unref(mt_conf_ref(conf));
	mt_conf_unref(conf);
}

static void
an_empty_text_is_absent(void **state)
{
	const struct sample_options *o;
	struct mt_conf *conf;
	struct mt_err err;

	(void)state;
	assert_int_equal(mt_conf_parse(&desc, "c.conf", MT_LIT("name ="), NULL,
			     0, &conf, &err),
	    MT_OK);
	o = mt_conf_values(conf);
	assert_null(o->name.p);
	mt_conf_unref(conf);
}

static void
bad_lines_are_named(void **state)
{
	static const struct {
		const char *text;
		const char *message;
	} cases[] = {
		{ "# x\nbach = 5\n", "c.conf:2: unknown option 'bach'" },
		{ "batch 5", "c.conf:1: not of the form name = value" },
		{ "batch = x", "c.conf:1: batch: not a number" },
		{ "batch =", "c.conf:1: batch: has no value" },
		{ "batch = 10001", "c.conf:1: batch: larger than 10000" },
		{ "batch = -1", "c.conf:1: batch: not a number" },
		{ "size = 2m", "c.conf:1: size: larger than 1048576" },
		{ "quiet = maybe", "c.conf:1: quiet: neither yes nor no" },
		{ "sync = daily", "c.conf:1: sync: unknown word" },
		{ "socket = 123456789012345678901",
		    "c.conf:1: socket: longer than 20 bytes" },
		{ "\n\nsocket = \xff", "c.conf:3: socket: not clean UTF-8" },
		{ "socket =", "c.conf:1: socket: has no value" },
		{ "batch = 1\nbatch = 2",
		    "c.conf:2: batch: set before, on line 1" },
		{ "quiet = yes\nbatch = 13",
		    "c.conf:2: batch: brings bad luck" },
		{ "a'\nb", "c.conf:1: not of the form name = value" },
		{ "a'\x01 = b", "c.conf:1: unknown option 'a\\x27\\x01'" },
	};
	struct mt_conf *conf = NULL;
	struct mt_err err;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(
		    mt_conf_parse(&desc, "c.conf", mt_str(cases[i].text), NULL,
			0, &conf, &err),
		    MT_CONFIG);
		assert_string_equal(err.msg, cases[i].message);
		assert_null(conf);
	}
}

static void
bad_overrides_are_named(void **state)
{
	const char *const overrides[] = { "tokn=1" };
	struct mt_conf *conf;
	struct mt_err err;

	(void)state;
	assert_int_equal(
	    mt_conf_load(&desc, NULL, overrides, 1, &conf, &err), MT_CONFIG);
	assert_string_equal(err.msg, "-o tokn=1: unknown option 'tokn'");
}

static void
a_missing_file_is_absent(void **state)
{
	struct mt_conf *conf;
	struct mt_err err;

	(void)state;
	assert_int_equal(
	    mt_conf_load(&desc, "/nowhere/c.conf", NULL, 0, &conf, &err),
	    MT_ABSENT);
	assert_string_equal(
	    err.msg, "/nowhere/c.conf: No such file or directory");
}

static void
print_reads_back_as_the_same(void **state)
{
	struct mt_conf *conf, *again;
	struct mt_buf all, changed, twice;
	struct mt_err err;

	(void)state;
	mt_buf_init(&all, 10000);
	mt_buf_init(&changed, 10000);
	mt_buf_init(&twice, 10000);
	assert_int_equal(mt_conf_parse(&desc, "c", MT_LIT("batch=9\nname=a b"),
			     NULL, 0, &conf, &err),
	    MT_OK);
	mt_conf_print(conf, false, &all);
	mt_conf_print(conf, true, &changed);
	assert_string_equal(changed.p, "batch = 9\nname = a b\n");
	assert_int_equal(
	    mt_conf_parse(&desc, "c", mt_buf_view(&all), NULL, 0, &again, &err),
	    MT_OK);
	mt_conf_print(again, false, &twice);
	assert_string_equal(all.p, twice.p);
	mt_conf_unref(again);
	mt_conf_unref(conf);
	mt_buf_done(&all);
	mt_buf_done(&changed);
	mt_buf_done(&twice);
}

static void
the_sample_is_all_comments(void **state)
{
	struct mt_conf *conf;
	struct mt_buf out, printed;
	struct mt_err err;

	(void)state;
	mt_buf_init(&out, 10000);
	mt_buf_init(&printed, 10000);
	mt_conf_sample(&desc, &out);
	assert_non_null(strstr(out.p, "\n#batch = 500\n"));
	assert_non_null(strstr(out.p, "\n#name =\n"));
	assert_int_equal(mt_conf_parse(&desc, "sample", mt_buf_view(&out), NULL,
			     0, &conf, &err),
	    MT_OK);
	mt_conf_print(conf, true, &printed);
	assert_string_equal(printed.p, "");
	mt_conf_unref(conf);
	mt_buf_done(&out);
	mt_buf_done(&printed);
}

static void
secrets_must_be_private(void **state)
{
	char path[] = "/tmp/mt-secret-XXXXXX", message[200];
	struct mt_buf secret;
	struct mt_err err;
	int fd = mkstemp(path);

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(mt_secret_read(path, &secret, &err), MT_CONFIG);
	assert_non_null(strstr(err.msg, ": is empty"));
	assert_int_equal(write(fd, "hush hush\n", 10), 10);
	assert_int_equal(mt_secret_read(path, &secret, &err), MT_OK);
	assert_string_equal(secret.p, "hush hush");
	mt_secret_done(&secret);
	assert_int_equal(fchmod(fd, 0644), 0);
	assert_int_equal(mt_secret_read(path, &secret, &err), MT_CONFIG);
	(void)snprintf(message, sizeof(message),
	    "%s: open to everybody (mode 0644); chmod o= it", path);
	assert_string_equal(err.msg, message);
	(void)close(fd);
	(void)unlink(path);
	assert_int_equal(mt_secret_read(path, &secret, &err), MT_CONFIG);
	(void)snprintf(
	    message, sizeof(message), "%s: No such file or directory", path);
	assert_string_equal(err.msg, message);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(good_files_give_values),
		cmocka_unit_test(an_empty_text_is_absent),
		cmocka_unit_test(bad_lines_are_named),
		cmocka_unit_test(bad_overrides_are_named),
		cmocka_unit_test(a_missing_file_is_absent),
		cmocka_unit_test(print_reads_back_as_the_same),
		cmocka_unit_test(the_sample_is_all_comments),
		cmocka_unit_test(secrets_must_be_private),
	};

	return cmocka_run_group_tests_name("conf", tests, NULL, NULL);
}
