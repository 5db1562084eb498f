/* SPDX-License-Identifier: BSD-2-Clause */
/* The Redis room against a real redis-server, private, on a Unix socket. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <sys/wait.h>

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "redis/dead.h"
#include "redis/stream.h"

struct server {
	char dir[64];
	pid_t pid;
	struct mt_endpoint endpoint;
};

static void
start(struct server *server)
{
	char socket[128];
	int fd;

	(void)snprintf(socket, sizeof(socket), "%s/r.sock", server->dir);
	(void)unlink(socket);
	server->pid = fork();
	if (server->pid == 0) {
		fd = open("/dev/null", O_WRONLY);
		(void)dup2(fd, 1);
		(void)dup2(fd, 2);
		(void)execlp("redis-server", "redis-server", "--port", "0",
		    "--unixsocket", socket, "--dir", server->dir, "--save", "",
		    (char *)NULL);
		_exit(77);
	}
}

static void
stop(const struct server *server)
{
	(void)kill(server->pid, SIGKILL);
	(void)waitpid(server->pid, NULL, 0);
}

static int
setup(void **state)
{
	static struct server server = { .dir = "/tmp/test_stream.XXXXXX" };
	struct mt_err err;
	char option[128];
	size_t n;

	if (mkdtemp(server.dir) == NULL)
		return -1;
	(void)snprintf(option, sizeof(option), "unix:%s/r.sock", server.dir);
	if (mt_endpoints_read(mt_str(option), &server.endpoint, 1, &n, &err) !=
	    MT_OK)
		return -1;
	start(&server);
	*state = &server;
	return 0;
}

static int
teardown(void **state)
{
	struct server *server = *state;
	char socket[128];

	stop(server);
	(void)snprintf(socket, sizeof(socket), "%s/r.sock", server->dir);
	(void)unlink(socket);
	(void)rmdir(server->dir);
	return 0;
}

static const struct mt_redis_options *
options(const char *key)
{
	static struct mt_redis_options o = { .group = { "g", 1 },
		.timeout_ms = 2000 };

	o.stream = mt_str(key);
	return &o;
}

/* Every test has a stream of its own. */
static struct mt_stream *
open_stream(const struct server *server, const char *key, const char *consumer)
{
	struct mt_stream *s;
	struct mt_err err;
	int i;

	assert_int_equal(
	    mt_stream_open(options(key), &server->endpoint, consumer, &s, &err),
	    MT_OK);
	/* The server may just be starting. */
	for (i = 0; i < 200; i++) {
		if (mt_stream_create(s, &err) == MT_OK)
			return s;
		(void)usleep(20000);
	}
	fail_msg("%s", err.msg);
	return NULL;
}

static struct mt_id
add(struct mt_stream *s, const char *value)
{
	const struct mt_pair pairs[] = { { MT_LIT("v"), MT_LIT("1") },
		{ MT_LIT("x"), mt_str(value) } };
	struct mt_id id;
	struct mt_err err;

	assert_int_equal(mt_stream_add(s, pairs, 2, &id, &err), MT_OK);
	return id;
}

static struct mt_entries
take(struct mt_stream *s, size_t count)
{
	struct mt_entries entries = { NULL, 0 };
	struct mt_err err;

	assert_int_equal(mt_stream_ask(s, count, 0, &err), MT_OK);
	if (mt_stream_take(s, 2000, -1, &entries, &err) != MT_OK)
		assert_int_equal(err.rc, MT_ABSENT);
	return entries;
}

static void
entries_are_read_acknowledged_and_trimmed(void **state)
{
	struct mt_stream *s = open_stream(*state, "k1", "c");
	struct mt_stream_facts facts;
	struct mt_entries got;
	struct mt_id first, second, ids[3];
	struct mt_err err;
	uint64_t n;

	first = add(s, "one");
	second = add(s, "");
	ids[2] = add(s, "three\r\nwith lines");
	got = take(s, 10);
	assert_int_equal(got.n, 3);
	assert_int_equal(mt_id_cmp(got.entries[0].id, first), 0);
	assert_int_equal(got.entries[0].n, 2);
	assert_true(mt_str_eqz(got.entries[0].pairs[1].name, "x"));
	assert_true(mt_str_eqz(got.entries[0].pairs[1].value, "one"));
	assert_int_equal(got.entries[1].pairs[1].value.n, 0);
	assert_true(
	    mt_str_eqz(got.entries[2].pairs[1].value, "three\r\nwith lines"));
	assert_int_equal(mt_stream_facts(s, &facts, &err), MT_OK);
	assert_int_equal(strlen(facts.run_id), 40);
	assert_int_equal(facts.entries_added, 3);
	assert_int_equal(facts.pending, 3);
	assert_int_equal(mt_id_cmp(facts.acked, mt_id_before(first)), 0);
	ids[0] = first;
	ids[1] = ids[2];
	assert_int_equal(mt_stream_ack(s, ids, 2, &err), MT_OK);
	assert_int_equal(mt_stream_facts(s, &facts, &err), MT_OK);
	assert_int_equal(mt_id_cmp(facts.acked, mt_id_before(second)), 0);
	assert_int_equal(mt_stream_trim(s, facts.acked, &n, &err), MT_OK);
	assert_int_equal(n, 1);
	assert_int_equal(mt_stream_ack(s, &second, 1, &err), MT_OK);
	assert_int_equal(mt_stream_facts(s, &facts, &err), MT_OK);
	assert_int_equal(mt_id_cmp(facts.acked, ids[2]), 0);
	assert_int_equal(facts.pending, 0);
	assert_true(facts.lag_known);
	assert_int_equal(facts.lag, 0);
	mt_stream_close(s);
}

static void
a_wait_ends_when_something_comes_or_wakes_it(void **state)
{
	struct mt_stream *s = open_stream(*state, "k2", "c");
	struct mt_stream *other = open_stream(*state, "k2", "other");
	struct mt_stream_facts facts;
	struct mt_entries got;
	struct mt_err err;
	int64_t before = mt_clock_mono_ms();
	int wake[2];

	assert_int_equal(pipe(wake), 0);
	assert_int_equal(mt_stream_take(s, 100, -1, &got, &err), MT_ABSENT);
	assert_int_equal(mt_stream_ask(s, 10, 50, &err), MT_OK);
	assert_int_equal(mt_stream_take(s, 1000, -1, &got, &err), MT_ABSENT);
	assert_in_range(mt_clock_mono_ms() - before, 40, 500);
	assert_false(mt_stream_asked(s));
	assert_int_equal(mt_stream_ask(s, 10, 5000, &err), MT_OK);
	assert_int_equal(mt_stream_take(s, 10, -1, &got, &err), MT_ABSENT);
	assert_int_equal(write(wake[1], "x", 1), 1);
	before = mt_clock_mono_ms();
	assert_int_equal(
	    mt_stream_take(s, 5000, wake[0], &got, &err), MT_ABSENT);
	assert_in_range(mt_clock_mono_ms() - before, 0, 500);
	assert_true(mt_stream_asked(s));
	(void)add(other, "late");
	/* A call in between keeps the answer for the next take. */
	assert_int_equal(mt_stream_facts(s, &facts, &err), MT_OK);
	assert_int_equal(facts.pending, 1);
	assert_int_equal(mt_stream_take(s, 0, wake[0], &got, &err), MT_OK);
	assert_int_equal(got.n, 1);
	assert_true(mt_str_eqz(got.entries[0].pairs[1].value, "late"));
	(void)close(wake[0]);
	(void)close(wake[1]);
	mt_stream_close(other);
	mt_stream_close(s);
}

static void
own_and_foreign_leftovers_are_found(void **state)
{
	struct mt_stream *dead = open_stream(*state, "k3", "dead");
	struct mt_stream *s = open_stream(*state, "k3", "s");
	struct mt_id cursor = { 0, 0 }, last = { 0, 0 };
	struct mt_entries got;
	struct mt_err err;
	size_t i, n = 0;
	char value[16];

	for (i = 0; i < 10; i++) {
		(void)snprintf(value, sizeof(value), "%zu", i);
		(void)add(s, value);
	}
	assert_int_equal(take(dead, 7).n, 7);
	mt_stream_close(dead);
	assert_int_equal(take(s, 7).n, 3);
	(void)usleep(20000);
	do {
		assert_int_equal(
		    mt_stream_claim(s, 10, 3, &cursor, &got, &err), MT_OK);
		n += got.n;
	} while (cursor.ms != 0);
	assert_int_equal(n, 10); /* its own, too: idle for as long */
	n = 0;
	while (mt_stream_own(s, last, 4, &got, &err) == MT_OK) {
		n += got.n;
		last = got.entries[got.n - 1].id;
		for (i = 0; i < got.n; i++)
			assert_int_equal(got.entries[i].n, 2);
	}
	assert_int_equal(err.rc, MT_ABSENT);
	assert_int_equal(n, 10);
	mt_stream_close(s);
}

static void
dead_letters_are_kept_shown_replayed_and_dropped(void **state)
{
	struct mt_stream *s = open_stream(*state, "k4", "c");
	const struct mt_str reasons[] = { MT_LIT("v: not a version"),
		MT_LIT("unknown event type") };
	struct mt_deads dead;
	struct mt_entries got;
	struct mt_id first, all = { 0, 0 };
	char text[MT_ID_LEN + 1];
	struct mt_err err;
	uint64_t n;

	(void)add(s, "a");
	(void)add(s, "b");
	got = take(s, 2);
	mt_id_write(got.entries[0].id, text);
	assert_int_equal(mt_dead_add(s, got.entries, reasons, 2, &err), MT_OK);
	assert_int_equal(mt_dead_count(s, &n, &err), MT_OK);
	assert_int_equal(n, 2);
	assert_int_equal(mt_dead_list(s, all, 10, &dead, &err), MT_OK);
	assert_int_equal(dead.n, 2);
	first = dead.deads[0].id;
	assert_true(mt_str_eq(dead.deads[0].reason, reasons[0]));
	assert_true(mt_str_eqz(dead.deads[0].from, text));
	assert_in_range(mt_clock_now() - dead.deads[0].at, 0, 10 * MT_SECOND);
	assert_int_equal(dead.deads[0].n, 2);
	assert_true(mt_str_eqz(dead.deads[0].pairs[1].value, "a"));
	assert_int_equal(
	    mt_dead_list(s, dead.deads[1].id, 10, &dead, &err), MT_ABSENT);
	assert_int_equal(mt_dead_replay(s, first, &err), MT_OK);
	got = take(s, 10);
	assert_int_equal(got.n, 1);
	assert_int_equal(got.entries[0].n, 2);
	assert_true(mt_str_eqz(got.entries[0].pairs[1].value, "a"));
	assert_int_equal(mt_dead_replay(s, first, &err), MT_ABSENT);
	assert_string_equal(err.msg, "no such dead letter");
	assert_int_equal(mt_dead_list(s, all, 10, &dead, &err), MT_OK);
	assert_int_equal(mt_dead_drop(s, dead.deads[0].id, &err), MT_OK);
	assert_int_equal(mt_dead_drop(s, first, &err), MT_ABSENT);
	assert_int_equal(mt_dead_count(s, &n, &err), MT_OK);
	assert_int_equal(n, 0);
	mt_stream_close(s);
}

static void
a_lost_server_is_again_and_then_found(void **state)
{
	struct server *server = *state;
	struct mt_stream *s = open_stream(server, "k5", "c");
	struct mt_entries got;
	struct mt_err err;

	(void)add(s, "a");
	assert_int_equal(mt_stream_ask(s, 10, 5000, &err), MT_OK);
	stop(server);
	if (mt_stream_take(s, 1000, -1, &got, &err) == MT_OK)
		assert_int_equal(
		    mt_stream_ack(s, &got.entries[0].id, 1, &err), MT_AGAIN);
	assert_int_equal(err.rc, MT_AGAIN);
	assert_non_null(strstr(err.msg, server->endpoint.text));
	assert_int_equal(mt_stream_ask(s, 10, 0, &err), MT_AGAIN);
	assert_non_null(strstr(err.msg, "Connection refused"));
	assert_int_equal(mt_stream_fd(s), -1);
	start(server);
	mt_stream_close(open_stream(server, "other", "c"));
	assert_int_equal(mt_stream_ask(s, 10, 0, &err), MT_OK);
	assert_int_equal(mt_stream_take(s, 1000, -1, &got, &err), MT_ABSENT);
	assert_non_null(strstr(err.msg, ": NOGROUP "));
	assert_int_equal(mt_stream_create(s, &err), MT_OK);
	assert_int_equal(take(s, 1).n, 0);
	mt_stream_close(s);
}

static void
a_wrong_password_is_for_an_operator(void **state)
{
	const struct server *server = *state;
	struct mt_redis_options o = *options("k6");
	struct mt_stream *s;
	struct mt_err err;

	o.user = MT_LIT("nobody");
	o.password = MT_LIT("guess");
	assert_int_equal(
	    mt_stream_open(&o, &server->endpoint, "c", &s, &err), MT_OK);
	assert_int_equal(mt_stream_create(s, &err), MT_CONFIG);
	assert_non_null(strstr(err.msg, ": WRONGPASS "));
	mt_stream_close(s);
}

static void
large_batches_come_whole(void **state)
{
	struct mt_stream *s = open_stream(*state, "k7", "c");
	static char value[20000];
	struct mt_id ids[3000];
	struct mt_entries got;
	struct mt_err err;
	size_t i;

	memset(value, 'x', sizeof(value) - 1);
	for (i = 0; i < 3000; i++) {
		value[i % 100 == 0 ? sizeof(value) - 1 : 200] = '\0';
		(void)add(s, value);
		value[200] = 'x';
	}
	got = take(s, 5000);
	assert_int_equal(got.n, 3000);
	for (i = 0; i < got.n; i++) {
		assert_int_equal(got.entries[i].pairs[1].value.n,
		    i % 100 == 0 ? sizeof(value) - 1 : 200);
		ids[i] = got.entries[i].id;
	}
	assert_int_equal(mt_stream_ack(s, ids, 3000, &err), MT_OK);
	mt_stream_close(s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(entries_are_read_acknowledged_and_trimmed),
		cmocka_unit_test(a_wait_ends_when_something_comes_or_wakes_it),
		cmocka_unit_test(own_and_foreign_leftovers_are_found),
		cmocka_unit_test(
		    dead_letters_are_kept_shown_replayed_and_dropped),
		cmocka_unit_test(a_lost_server_is_again_and_then_found),
		cmocka_unit_test(a_wrong_password_is_for_an_operator),
		cmocka_unit_test(large_batches_come_whole),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
