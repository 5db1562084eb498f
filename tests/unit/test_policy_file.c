/* SPDX-License-Identifier: BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/sum.h"
#include "policy/cascade.h"
#include "policy/snapshot.h"
#include "../lib/policy_rows.h"

static void
wrong_rules_are_named(void **state)
{
	static const struct {
		struct row row;
		const char *msg;
	} cases[] = {
		{ { G, "example.org", SET, OFF, NULL, NULL },
		    "global rule 'example.org': is no subject of this scope" },
		{ { D, "a@b.example", SET, OFF, NULL, NULL },
		    "domain rule 'a@b.example': is no subject of this scope" },
		{ { D, "", SET, OFF, NULL, NULL },
		    "domain rule '': is no subject of this scope" },
		{ { M, "a b@c.example", SET, OFF, NULL, NULL },
		    "mailbox rule 'a b@c.example': is no subject of this "
		    "scope" },
		{ { R, "@", SET, OFF, NULL, NULL },
		    "recipient rule '@': is no subject of this scope" },
		{ { M, "a@b.example", MT_kind_absent, OFF, NULL, NULL },
		    "mailbox rule 'a@b.example': has no kind" },
		{ { M, "a@b.example", SET, MT_mode_absent, NULL, NULL },
		    "mailbox rule 'a@b.example': has no mode" },
		{ { M, "a@b.example", SET, MT_mode_end, NULL, NULL },
		    "mailbox rule 'a@b.example': has no mode" },
		{ { MT_scope_absent, "*", SET, OFF, NULL, NULL },
		    " rule '*': has no scope" },
		{ { D, "b.example", SET, ANON, "\xff", NULL },
		    "domain rule 'b.example': the notice is not UTF-8" },
		{ { D, "b.example", SET, ANON, NULL, "ftp://x" },
		    "domain rule 'b.example': the pixel URL is not an http or "
		    "https URL of at most 800 characters" },
		{ { D, "b.example", SET, ANON, NULL, "https://x/\"" }, NULL },
		{ { D, "b.example", SET, ANON, NULL, "https://x y" },
		    "domain rule 'b.example': the pixel URL is not an http or "
		    "https URL of at most 800 characters" },
	};
	struct mt_policy_rule rules[ROWS];
	struct row rows[2] = { { .subject = NULL }, { .subject = NULL } };
	struct mt_policy_source source;
	struct mt_buf out;
	struct mt_err err;
	enum mt_rc rc;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		rows[0] = cases[i].row;
		source = policy_source(rows, NULL, rules, NULL);
		mt_buf_init(&out, 1 << 20);
		rc = mt_policy_build(&source, &out, &err);
		mt_buf_done(&out);
		if (cases[i].msg == NULL) {
			assert_int_equal(rc, MT_OK);
			continue;
		}
		assert_int_equal(rc, MT_CONFIG);
		assert_string_equal(err.msg, cases[i].msg);
	}
}

static void
two_rules_for_one_subject_are_refused(void **state)
{
	static const struct row rows[] = {
		{ M, "a@b.example", SET, ANON, NULL, NULL },
		{ M, "A@B.Example", SET, OFF, NULL, NULL },
		{ G, NULL, MT_kind_absent, MT_mode_absent, NULL, NULL },
	};
	static const struct said refused[] = {
		{ "a@b.example", MT_consent_denied },
		{ "A@b.example", MT_consent_granted },
		{ NULL, MT_consent_absent },
	};
	struct mt_policy_rule rules[ROWS];
	struct mt_policy_source source = policy_source(rows, NULL, rules, NULL);
	struct mt_policy *policy;
	struct mt_buf out;
	struct mt_err err;

	(void)state;
	mt_buf_init(&out, 1 << 20);
	assert_int_equal(mt_policy_build(&source, &out, &err), MT_CONFIG);
	assert_string_equal(
	    err.msg, "mailbox rule 'A@B.Example': there are two rules for it");
	mt_buf_done(&out);
	policy = policy_of(NULL, refused);
	assert_int_equal(mt_policy_count(policy), 1);
	assert_int_equal(mt_policy_find_consent(policy, MT_LIT("a@b.example")),
	    MT_consent_denied);
	mt_policy_unref(policy);
}

static void
many_rules_are_all_found(void **state)
{
	enum { N = 20000 };
	struct mt_policy_rule *rules = mt_alloc_array(N, sizeof(*rules));
	char(*names)[32] = mt_alloc_array(N, sizeof(*names));
	struct mt_policy_source source = { .rules = rules, .rules_n = N };
	struct mt_policy *policy = NULL;
	struct mt_policy_rule got;
	struct mt_buf bytes;
	struct mt_err err;
	size_t i;

	(void)state;
	for (i = 0; i < N; i++) {
		(void)snprintf(
		    names[i], sizeof(names[i]), "user%zu@example.org", i);
		rules[i] = (struct mt_policy_rule){ .scope = M,
			.subject = mt_str(names[i]),
			.kind = SET,
			.mode = (enum mt_mode)(1 + i % 4) };
	}
	mt_buf_init(&bytes, 1 << 24);
	assert_int_equal(mt_policy_build(&source, &bytes, &err), MT_OK);
	assert_int_equal(
	    mt_policy_parse(mt_buf_view(&bytes), &policy, &err), MT_OK);
	assert_int_equal(mt_policy_count(policy), N);
	for (i = 0; i < N; i++) {
		assert_true(
		    mt_policy_find_rule(policy, M, mt_str(names[i]), &got));
		assert_int_equal(got.mode, 1 + i % 4);
		assert_false(
		    mt_policy_find_rule(policy, R, mt_str(names[i]), &got));
	}
	mt_policy_unref(policy);
	mt_buf_done(&bytes);
	mt_free(rules);
	mt_free(names);
}

static void
put32(struct mt_buf *b, size_t at, uint32_t v)
{
	size_t i;

	for (i = 0; i < 4; i++)
		b->p[at + i] = (char)(v >> (8 * i));
}

static void
assert_refused(struct mt_buf *b, const char *msg)
{
	struct mt_policy *policy = NULL;
	struct mt_err err;

	assert_int_equal(
	    mt_policy_parse(mt_buf_view(b), &policy, &err), MT_FORMAT);
	if (strcmp(err.msg, msg) != 0)
		fail_msg("'%s', not '%s'", err.msg, msg);
}

/* Change four bytes and set the checksum right again. */
static void
assert_patched_refused(size_t at, uint32_t v, const char *msg)
{
	struct mt_buf b;

	policy_bytes(policy_many, policy_many_said, &b);
	put32(&b, at, v);
	put32(&b, b.n - 4, mt_sum(0, b.p, b.n - 4));
	assert_refused(&b, msg);
	mt_buf_done(&b);
}

static void
a_damaged_snapshot_is_refused(void **state)
{
	struct mt_policy *policy = NULL;
	struct mt_err err;
	struct mt_buf b, part;
	char msg[128];
	size_t i;

	(void)state;
	policy_bytes(policy_many, policy_many_said, &b);
	for (i = 0; i < b.n; i++) { /* cut anywhere */
		mt_buf_init(&part, 1 << 20);
		mt_buf_add(&part, b.p, i);
		if (i < 52)
			(void)snprintf(
			    msg, sizeof(msg), "is only %zu bytes long", i);
		else
			(void)snprintf(msg, sizeof(msg),
			    "has %zu bytes and should have %zu", i, b.n);
		assert_refused(&part, msg);
		mt_buf_done(&part);
	}
	for (i = 0; i < b.n; i++) { /* flipped anywhere */
		b.p[i] = (char)(b.p[i] ^ 0x10);
		assert_int_equal(
		    mt_policy_parse(mt_buf_view(&b), &policy, &err), MT_FORMAT);
		b.p[i] = (char)(b.p[i] ^ 0x10);
	}
	mt_buf_c(&b, 'x');
	assert_int_equal(
	    mt_policy_parse(mt_buf_view(&b), &policy, &err), MT_FORMAT);
	mt_buf_done(&b);
	assert_patched_refused(0, 0, "is not a policy snapshot");
	assert_patched_refused(8, 2, "version 2 is newer than ours (1)");
	assert_patched_refused(8, 0, "version 0 is unknown");
	assert_patched_refused(12, 21, "its tables do not fit");
	assert_patched_refused(28, 0xffffffff, "its time is none");
	assert_patched_refused(40, 0, "its table has a wrong size");
	assert_patched_refused(40, 48, "its table has a wrong size");
	assert_patched_refused(40, 0x80000000, "its tables do not fit");
	assert_patched_refused(44, 0xffffffff, "its tables do not fit");
	/* 20 entries in 64 slots: the tables begin at 48, 304 and 944 */
	assert_patched_refused(308, 0, "entry 0 is wrong");
	/* Scope, kind, mode and, in the last byte, words there are not. */
	assert_patched_refused(308, 0x03040201, "entry 0 is wrong");
	assert_patched_refused(308, 0x0c040201, "entry 0 is wrong");
	assert_patched_refused(308, 0x10040201, "entry 0 is wrong");
	assert_patched_refused(304, 0, "entry 0 is out of place");
	assert_patched_refused(312, 0xfffffff0, "entry 0 is wrong");
	assert_patched_refused(312, 100, "entry 0 is wrong");
	assert_patched_refused(324, 100000, "entry 0 is wrong");
	assert_patched_refused(324, 0, "entry 0 is wrong");
}

static void
make_dir(char *dir, size_t n)
{
	(void)snprintf(dir, n, "/tmp/test_policy.XXXXXX");
	assert_non_null(mkdtemp(dir));
}

static void
write_policy(const char *path, enum mt_mode mode)
{
	struct row rows[2] = { { G, "*", SET, mode, NULL, NULL },
		{ .subject = NULL } };
	struct mt_policy_rule rules[ROWS];
	struct mt_policy_source source = policy_source(rows, NULL, rules, NULL);
	struct mt_err err;

	if (mt_policy_write(path, &source, &err) != MT_OK)
		fail_msg("%s", err.msg);
}

static void
a_file_is_written_at_once(void **state)
{
	char dir[64], path[96], msg[160];
	struct mt_policy *policy = NULL;
	struct stat st;
	struct mt_err err;

	(void)state;
	make_dir(dir, sizeof(dir));
	(void)snprintf(path, sizeof(path), "%s/policy", dir);
	assert_int_equal(mt_policy_open(path, &policy, &err), MT_ABSENT);
	(void)snprintf(msg, sizeof(msg), "%s: there is no such file", path);
	assert_string_equal(err.msg, msg);
	write_policy(path, ANON);
	write_policy(path, IDENT);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0640);
	assert_int_equal(mt_policy_open(path, &policy, &err), MT_OK);
	assert_int_equal(mt_policy_created(policy), CREATED);
	mt_policy_unref(policy);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(rmdir(dir), 0); /* nothing else was left */
	assert_int_equal(mt_policy_open("/tmp", &policy, &err), MT_FORMAT);
	assert_string_equal(err.msg, "/tmp: is not a file");
}

/* off when there is no policy at all */
static enum mt_mode
watched_mode(struct mt_policy_watch *watch, struct mt_err *err)
{
	struct mt_policy *policy = mt_policy_watch_get(watch, err);
	struct mt_policy_in in = { .sender = mt_str("a@b.example"),
		.submitted = true };
	struct mt_policy_result got;

	mt_policy_decide(policy, &in, &got);
	mt_policy_unref(policy);
	return got.mode;
}

static void
a_watch_keeps_the_last_good_snapshot(void **state)
{
	struct mt_policy_watch *watch;
	char dir[64], path[96];
	struct mt_err err;
	struct stat st;
	int fd;

	(void)state;
	make_dir(dir, sizeof(dir));
	(void)snprintf(path, sizeof(path), "%s/policy", dir);
	watch = mt_policy_watch_new(path);
	assert_int_equal(watched_mode(watch, &err), OFF);
	assert_int_equal(err.rc, MT_ABSENT);
	assert_int_equal(watched_mode(watch, &err), OFF);
	assert_int_equal(err.rc, MT_OK); /* said once */
	write_policy(path, ANON);
	assert_int_equal(watched_mode(watch, &err), OFF); /* not looked yet */
	mt_policy_watch_again(watch);
	assert_int_equal(watched_mode(watch, &err), ANON);
	assert_int_equal(err.rc, MT_OK);

	assert_int_equal(stat(path, &st), 0); /* cut in half, in place */
	assert_int_equal(truncate(path, st.st_size / 2), 0);
	mt_policy_watch_again(watch);
	assert_int_equal(watched_mode(watch, &err), ANON);
	assert_int_equal(err.rc, MT_FORMAT);
	assert_int_equal(unlink(path), 0);
	mt_policy_watch_again(watch);
	assert_int_equal(watched_mode(watch, &err), ANON);
	assert_int_equal(err.rc, MT_ABSENT);
	fd = open(path, O_WRONLY | O_CREAT, 0600); /* empty */
	assert_true(fd >= 0);
	close(fd);
	(void)poll(NULL, 0, 1100); /* found without being told */
	assert_int_equal(watched_mode(watch, &err), ANON);
	assert_int_equal(err.rc, MT_FORMAT);
	write_policy(path, IDENT);
	(void)poll(NULL, 0, 1100);
	assert_int_equal(watched_mode(watch, &err), IDENT);
	mt_policy_watch_free(watch);
	unlink(path);
	rmdir(dir);
}

/* A refusal must not be missed because no descriptor was left just then. */
static void
a_watch_tries_again_what_it_could_not_open(void **state)
{
	struct mt_policy_watch *watch;
	struct rlimit limit, none;
	char dir[64], path[96];
	struct mt_err err;

	(void)state;
	make_dir(dir, sizeof(dir));
	(void)snprintf(path, sizeof(path), "%s/policy", dir);
	write_policy(path, IDENT);
	watch = mt_policy_watch_new(path);
	assert_int_equal(watched_mode(watch, &err), IDENT);
	write_policy(path, ANON);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
	none = limit;
	none.rlim_cur = 0;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
	mt_policy_watch_again(watch);
	assert_int_equal(watched_mode(watch, &err), IDENT);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
	assert_int_equal(err.rc, MT_SYSTEM);
	(void)poll(NULL, 0, 1100);
	assert_int_equal(watched_mode(watch, &err), ANON);
	assert_int_equal(err.rc, MT_OK);
	mt_policy_watch_free(watch);
	unlink(path);
	rmdir(dir);
}

struct crowd {
	struct mt_policy_watch *watch;
	bool failed;
};

static void *
ask_often(void *arg)
{
	struct crowd *crowd = arg;
	struct mt_err err;
	enum mt_mode mode;
	size_t i;

	for (i = 0; i < 2000; i++) {
		mode = watched_mode(crowd->watch, &err);
		if (mode != ANON && mode != IDENT)
			return arg;
	}
	return NULL;
}

static void
threads_share_a_watch_while_it_changes(void **state)
{
	pthread_t threads[8];
	char dir[64], path[96];
	struct crowd crowd = { .failed = false };
	struct mt_err err;
	void *bad;
	size_t i;

	(void)state;
	make_dir(dir, sizeof(dir));
	(void)snprintf(path, sizeof(path), "%s/policy", dir);
	write_policy(path, ANON);
	crowd.watch = mt_policy_watch_new(path);
	assert_int_equal(watched_mode(crowd.watch, &err), ANON);
	for (i = 0; i < 8; i++)
		assert_int_equal(
		    pthread_create(&threads[i], NULL, ask_often, &crowd), 0);
	for (i = 0; i < 50; i++) {
		write_policy(path, i % 2 ? ANON : IDENT);
		mt_policy_watch_again(crowd.watch);
	}
	for (i = 0; i < 8; i++) {
		assert_int_equal(pthread_join(threads[i], &bad), 0);
		crowd.failed = crowd.failed || bad != NULL;
	}
	assert_false(crowd.failed);
	mt_policy_watch_free(crowd.watch);
	unlink(path);
	rmdir(dir);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(wrong_rules_are_named),
		cmocka_unit_test(two_rules_for_one_subject_are_refused),
		cmocka_unit_test(many_rules_are_all_found),
		cmocka_unit_test(a_damaged_snapshot_is_refused),
		cmocka_unit_test(a_file_is_written_at_once),
		cmocka_unit_test(a_watch_keeps_the_last_good_snapshot),
		cmocka_unit_test(a_watch_tries_again_what_it_could_not_open),
		cmocka_unit_test(threads_share_a_watch_while_it_changes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
