/* SPDX-License-Identifier: BSD-2-Clause */
/* Real sockets, in a directory of each test's own and on loopback. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <arpa/inet.h>
#include <errno.h>
#include <grp.h>
#include <netinet/in.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/mem.h"
#include "net/listen.h"

#define N(a) (sizeof(a) / sizeof((a)[0]))
#define BACKLOG 8
#define GROUP_MAX 65536
#define NONE MT_LIT("")
#define TEN "/123456789"

struct scene {
	char dir[32];
	char path[64]; /* in dir, there is nothing yet */
	struct mt_listen l; /* at path */
	struct mt_err err;
};

static int
begin(void **state)
{
	struct scene *s = mt_alloc(sizeof(*s));

	(void)snprintf(s->dir, sizeof(s->dir), "/tmp/test_net.XXXXXX");
	assert_non_null(mkdtemp(s->dir));
	(void)snprintf(s->path, sizeof(s->path), "%s/sock", s->dir);
	assert_int_equal(mt_listen_mode(&s->l, MT_LIT("0640"), &s->err), MT_OK);
	assert_int_equal(
	    mt_listen_unix(&s->l, mt_str(s->path), &s->err), MT_OK);
	*state = s;
	return 0;
}

static int
end(void **state)
{
	struct scene *s = *state;

	(void)unlink(s->path);
	assert_int_equal(rmdir(s->dir), 0); /* and nothing else is left */
	mt_free(s);
	return 0;
}

static int
open_socket(const struct mt_listen *l)
{
	int fd = socket(
	    l->addr.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	assert_true(fd >= 0);
	return fd;
}

/* 0, or the errno of a connection there. */
static int
try(const struct mt_listen *l)
{
	int fd = open_socket(l), rc = 0;

	if (connect(fd, (const struct sockaddr *)&l->addr, l->len) != 0)
		rc = errno;
	(void)close(fd);
	return rc;
}

static bool
exists(const char *path)
{
	struct stat st;

	return lstat(path, &st) == 0;
}

/* As a program that runs. */
static int
must_listen(struct scene *s, int backlog)
{
	int fd = open_socket(&s->l);

	assert_int_equal(
	    mt_listen_bind(&s->l, fd, NONE, backlog, "bind", &s->err), MT_OK);
	return fd;
}

static void
modes_are_octal(void **state)
{
	static const struct {
		const char *text;
		mode_t mode;
		bool good;
	} cases[] = {
		{ "0660", 0660, true },
		{ "660", 0660, true },
		{ "000", 0, true },
		{ "0777", 0777, true },
		{ "1777", 0, false },
		{ "0668", 0, false },
		{ "66", 0, false },
		{ "00660", 0, false },
		{ "-660", 0, false },
		{ "rw-", 0, false },
		{ "", 0, false },
	};
	struct mt_listen l = { .len = 0 };
	char message[100];
	struct mt_err err;
	size_t i;

	(void)state;
	for (i = 0; i < N(cases); i++) {
		assert_int_equal(
		    mt_listen_mode(&l, mt_str(cases[i].text), &err),
		    cases[i].good ? MT_OK : MT_CONFIG);
		(void)snprintf(message, sizeof(message),
		    "listen_mode: '%s' is no mode such as 0660", cases[i].text);
		if (cases[i].good)
			assert_int_equal(l.mode, cases[i].mode);
		else
			assert_string_equal(err.msg, message);
	}
}

static void
paths_are_absolute_and_fit(void **state)
{
	static const char longest[] =
	    TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN "/123456";
	static const char longer[] =
	    TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN "/1234567";
	static const struct {
		const char *path, *message;
	} bad[] = {
		{ "", "listen: unix: needs an absolute path" },
		{ "run/x", "listen: unix: needs an absolute path" },
		{ longer, "listen: path longer than 107 bytes" },
	};
	struct mt_listen l = { .len = 0 };
	struct mt_err err;
	size_t i;

	(void)state;
	for (i = 0; i < N(bad); i++) {
		assert_int_equal(
		    mt_listen_unix(&l, mt_str(bad[i].path), &err), MT_CONFIG);
		assert_string_equal(err.msg, bad[i].message);
	}
	assert_int_equal(mt_listen_unix(&l, mt_str(longest), &err), MT_OK);
	assert_string_equal(l.path, longest);
	assert_int_equal(l.addr.ss_family, AF_UNIX);
}

static void
addresses_have_a_port(void **state)
{
	static const struct {
		const char *text, *host; /* NULL: bad */
		unsigned port;
	} cases[] = {
		{ "127.0.0.1:9000", "127.0.0.1", 9000 },
		{ "0.0.0.0:1", "0.0.0.0", 1 },
		{ "[::1]:65535", "::1", 65535 },
		{ "::1:25", "::1", 25 },
		{ "[2001:db8::5]:24", "2001:db8::5", 24 },
		{ "127.0.0.1", NULL, 0 },
		{ "127.0.0.1:", NULL, 0 },
		{ "127.0.0.1:0", NULL, 0 },
		{ "127.0.0.1:65536", NULL, 0 },
		{ "127.0.0.1:x", NULL, 0 },
		{ ":25", NULL, 0 },
		{ "[]:25", NULL, 0 },
		{ "[::1:25", NULL, 0 },
		{ "localhost:25", NULL, 0 },
		{ "", NULL, 0 },
	};
	char host[INET6_ADDRSTRLEN];
	struct sockaddr_in6 v6;
	struct sockaddr_in v4;
	struct mt_listen l;
	size_t i;

	(void)state;
	for (i = 0; i < N(cases); i++) {
		l = (struct mt_listen){ .len = 0 };
		assert_int_equal(mt_listen_inet(&l, mt_str(cases[i].text)),
		    cases[i].host != NULL);
		assert_string_equal(l.path, "");
		if (cases[i].host == NULL)
			continue;
		memcpy(&v4, &l.addr, sizeof(v4));
		memcpy(&v6, &l.addr, sizeof(v6));
		assert_int_equal(ntohs(v4.sin_port), cases[i].port);
		if (l.addr.ss_family == AF_INET)
			(void)inet_ntop(
			    AF_INET, &v4.sin_addr, host, sizeof(host));
		else
			(void)inet_ntop(
			    AF_INET6, &v6.sin6_addr, host, sizeof(host));
		assert_string_equal(host, cases[i].host);
	}
}

static void
a_file_has_its_mode_and_group(void **state)
{
	struct scene *s = *state;
	struct group group, *found = NULL;
	char *space = mt_alloc(GROUP_MAX);
	int fd = open_socket(&s->l), rc;
	struct stat st;

	/* root may give it to another than it would get by itself. */
	if (geteuid() == 0)
		rc = getgrnam_r("mail", &group, space, GROUP_MAX, &found);
	else
		rc = getgrgid_r(getegid(), &group, space, GROUP_MAX, &found);
	assert_true(rc == 0 && found != NULL);
	assert_int_equal(mt_listen_bind(&s->l, fd, mt_str(group.gr_name),
			     BACKLOG, "bind", &s->err),
	    MT_OK);
	assert_int_equal(lstat(s->path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0640);
	assert_int_equal(st.st_gid, group.gr_gid);
	assert_int_equal(try(&s->l), 0);
	(void)close(fd);
	mt_free(space);
}

static void
an_unknown_group_is_named(void **state)
{
	struct scene *s = *state;
	int fd = open_socket(&s->l);

	assert_int_equal(mt_listen_bind(&s->l, fd, MT_LIT("no such"), BACKLOG,
			     "bind", &s->err),
	    MT_CONFIG);
	assert_string_equal(s->err.msg, "listen_group: no group 'no such'");
	(void)close(fd);
}

static void
a_dead_programs_file_is_taken_away(void **state)
{
	struct scene *s = *state;
	int fd = must_listen(s, BACKLOG);

	(void)close(fd); /* killed: its file stays */
	assert_true(exists(s->path));
	assert_int_equal(try(&s->l), ECONNREFUSED);
	fd = must_listen(s, BACKLOG);
	assert_int_equal(try(&s->l), 0);
	(void)close(fd);
}

static void
assert_taken(struct scene *s, const char *why)
{
	struct mt_listen l = s->l;
	int fd = open_socket(&l);
	char message[128];

	l.ino = 0;
	(void)snprintf(message, sizeof(message), "%s: %s", s->path, why);
	assert_int_equal(
	    mt_listen_bind(&l, fd, NONE, BACKLOG, "bind", &s->err), MT_CONFIG);
	assert_string_equal(s->err.msg, message);
	mt_listen_hide(&l); /* it was not ours */
	assert_true(exists(s->path));
	(void)close(fd);
}

static void
a_living_programs_file_is_left_alone(void **state)
{
	struct scene *s = *state;
	int fd = must_listen(s, BACKLOG);

	assert_taken(s, "another program listens there");
	assert_int_equal(try(&s->l), 0);
	(void)close(fd);
}

static void
a_full_queue_is_a_living_programs(void **state)
{
	struct scene *s = *state;
	int fd = must_listen(s, 0), waiting = open_socket(&s->l);

	assert_int_equal(
	    connect(waiting, (const struct sockaddr *)&s->l.addr, s->l.len), 0);
	assert_int_equal(try(&s->l), EAGAIN);
	assert_taken(s, "another program listens there");
	(void)close(waiting);
	(void)close(fd);
}

static void
a_socket_of_another_kind_is_left_alone(void **state)
{
	struct scene *s = *state;
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	assert_int_equal(
	    bind(fd, (const struct sockaddr *)&s->l.addr, s->l.len), 0);
	assert_taken(
	    s, "another program's socket (Protocol wrong type for socket)");
	(void)close(fd);
}

static void
what_is_no_socket_is_left_alone(void **state)
{
	struct scene *s = *state;
	FILE *f = fopen(s->path, "w");

	assert_non_null(f);
	(void)fclose(f);
	assert_taken(s, "exists and is no socket");
	assert_int_equal(unlink(s->path), 0);
	assert_int_equal(symlink("/nowhere", s->path), 0);
	assert_taken(s, "exists and is no socket");
}

static void
our_file_goes_and_no_other(void **state)
{
	struct scene *s = *state;
	struct mt_listen first;
	int fd = must_listen(s, BACKLOG), other;

	first = s->l;
	assert_int_equal(unlink(s->path), 0);
	/* While ours is open its inode is not given to another. */
	other = must_listen(s, BACKLOG);
	mt_listen_hide(&first);
	assert_int_equal(try(&s->l), 0);
	(void)close(fd);
	mt_listen_hide(&s->l);
	assert_false(exists(s->path));
	/* From now on a file there is another's, whatever its inode. */
	assert_int_equal(s->l.ino, 0);
	(void)close(other);
}

static void
who_waits_is_accepted_after_the_file_went(void **state)
{
	struct scene *s = *state;
	int fd = must_listen(s, BACKLOG), waiting = open_socket(&s->l), got;

	assert_int_equal(
	    connect(waiting, (const struct sockaddr *)&s->l.addr, s->l.len), 0);
	mt_listen_hide(&s->l);
	assert_int_equal(try(&s->l), ENOENT);
	got = accept(fd, NULL, NULL);
	assert_true(got >= 0);
	(void)close(got);
	(void)close(waiting);
	(void)close(fd);
}

/* A port that the system chose, so that nobody else has it. */
static int
take_a_port(struct mt_listen *l)
{
	struct sockaddr_in any = {
		.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	socklen_t len = sizeof(any);
	char text[40];
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&any, len), 0);
	assert_int_equal(listen(fd, BACKLOG), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&any, &len), 0);
	(void)snprintf(text, sizeof(text), "127.0.0.1:%u", ntohs(any.sin_port));
	assert_true(mt_listen_inet(l, mt_str(text)));
	return fd;
}

static void
a_port_is_bound_unless_it_is_taken(void **state)
{
	struct mt_listen l = { .mode = 0600 };
	int taken = take_a_port(&l), fd = open_socket(&l);
	struct mt_err err;

	(void)state;
	assert_int_equal(
	    mt_listen_bind(&l, fd, NONE, BACKLOG, "here", &err), MT_SYSTEM);
	assert_string_equal(err.msg, "here: Address already in use");
	assert_int_equal(err.sys, EADDRINUSE);
	(void)close(taken);
	/* A group is a file's: here it does nothing. */
	assert_int_equal(
	    mt_listen_bind(&l, fd, MT_LIT("no such"), BACKLOG, "here", &err),
	    MT_OK);
	assert_true(try(&l) == 0 || try(&l) == EINPROGRESS);
	mt_listen_hide(&l);
	(void)close(fd);
}

static void
a_failed_bind_is_said_of_what_the_caller_says(void **state)
{
	struct scene *s = *state;
	int fd = open_socket(&s->l);

	assert_int_equal(rmdir(s->dir), 0);
	assert_int_equal(
	    mt_listen_bind(&s->l, fd, NONE, BACKLOG, s->path, &s->err),
	    MT_SYSTEM);
	assert_int_equal(s->err.sys, ENOENT);
	assert_memory_equal(s->err.msg, s->path, strlen(s->path));
	assert_int_equal(mkdir(s->dir, 0700), 0);
	(void)close(fd);
}

int
main(void)
{
#define IN_A_DIRECTORY(test) cmocka_unit_test_setup_teardown(test, begin, end)
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(modes_are_octal),
		cmocka_unit_test(paths_are_absolute_and_fit),
		cmocka_unit_test(addresses_have_a_port),
		IN_A_DIRECTORY(a_file_has_its_mode_and_group),
		IN_A_DIRECTORY(an_unknown_group_is_named),
		IN_A_DIRECTORY(a_dead_programs_file_is_taken_away),
		IN_A_DIRECTORY(a_living_programs_file_is_left_alone),
		IN_A_DIRECTORY(a_full_queue_is_a_living_programs),
		IN_A_DIRECTORY(a_socket_of_another_kind_is_left_alone),
		IN_A_DIRECTORY(what_is_no_socket_is_left_alone),
		IN_A_DIRECTORY(our_file_goes_and_no_other),
		IN_A_DIRECTORY(who_waits_is_accepted_after_the_file_went),
		cmocka_unit_test(a_port_is_bound_unless_it_is_taken),
		IN_A_DIRECTORY(a_failed_bind_is_said_of_what_the_caller_says),
	};

	return cmocka_run_group_tests_name("net", tests, NULL, NULL);
}
