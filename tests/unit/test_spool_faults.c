/* SPDX-License-Identifier: BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "spool/dir.h"
#include "spool/reader.h"
#include "spool/spool.h"
#include "spool/stat.h"
#include "../lib/spool_place.h"

#define CASE_RECORDS 10

struct damage {
	const char *name;
	enum how how;
	int record; /* -1: the file's head */
	int byte; /* of the record */
	unsigned n;
	unsigned left; /* of the ten */
	unsigned skipped_records;
	unsigned skipped_bytes;
};

/* Damage the only segment; how long each of its records is. */
static size_t
damage(const struct place *place, const struct damage *d)
{
	char name[MT_SEGMENT_NAME], path[128];
	struct mt_segment_list list;
	struct mt_err err;
	size_t length;
	off_t at = d->byte;

	assert_int_equal(mt_dir_list(place->fd, &list, &err), MT_OK);
	length =
	    (mt_dir_bytes(place->fd, &list) - MT_SEGMENT_HEAD) / CASE_RECORDS;
	if (d->record >= 0)
		at += (off_t)(MT_SEGMENT_HEAD + (size_t)d->record * length);
	mt_segment_name(list.ids[0], name);
	(void)snprintf(path, sizeof(path), "%s/%s", place->dir, name);
	mt_segment_list_done(&list);
	damage_segment(path, d->how, at, d->n);
	return length;
}

static void
put_numbers(const struct place *place, unsigned from, unsigned n)
{
	struct mt_spool *spool = open_spool(place->dir, MAX_BYTES, SEGMENT);
	struct mt_err err;
	unsigned i;

	for (i = from; i < from + n; i++)
		assert_int_equal(put_number(spool, 1, i, &err), MT_OK);
	mt_spool_close(spool);
}

/* Ten records of equal length are written, damaged, and two more put. */
static void
damage_costs_only_what_it_hit(void **state)
{
	static const struct damage cases[] = {
		{ "a flipped bit in a payload", FLIP, 4, 30, 1, 9, 1, 0 },
		{ "in a mark", FLIP, 4, 0, 1, 9, 1, 0 },
		{ "in a length", FLIP, 4, 5, 1, 9, 1, 0 },
		{ "in a low length byte", FLIP, 4, 4, 1, 9, 1, 0 },
		{ "in a sum", FLIP, 0, 8, 1, 9, 1, 0 },
		{ "in the first head", FLIP, -1, 14, 1, 10, 0, 0 },
		{ "in the second head", FLIP, -1, 50, 1, 10, 0, 0 },
		{ "a torn last record", CUT, 9, 40, 0, 9, 0, 40 },
		{ "a torn head of a record", CUT, 9, 3, 0, 9, 0, 3 },
		{ "a zero tail", ZERO_TAIL, 0, 0, 3000, 10, 0, 3000 },
		{ "zeros over two records", ZERO, 3, 5, 150, 8, 2, 0 },
		{ "a garbage tail", GARBAGE_TAIL, 0, 0, 4096, 10, 0, 4096 },
	};
	const struct damage *d;
	struct place place;
	uint64_t skipped;
	size_t length;

	(void)state;
	for (d = cases; d < cases + sizeof(cases) / sizeof(cases[0]); d++) {
		place = new_place();
		put_numbers(&place, 0, CASE_RECORDS);
		length = damage(&place, d);
		if (read_everything(place.fd, NULL, &skipped) != d->left)
			fail_msg("%s: not %u records left", d->name, d->left);
		put_numbers(&place, CASE_RECORDS, 2);
		if (read_everything(place.fd, NULL, &skipped) != d->left + 2 ||
		    skipped != d->skipped_records * length + d->skipped_bytes)
			fail_msg("%s: after two more: skipped %" PRIu64,
			    d->name, skipped);
		remove_place(&place);
	}
}

static void
a_lost_head_makes_producers_begin_anew(void **state)
{
	struct place place = new_place();
	struct mt_spool *spool = open_spool(place.dir, MAX_BYTES, SEGMENT);
	struct mt_segment_list list;
	struct mt_reader *reader;
	struct mt_err err;
	char name[MT_SEGMENT_NAME], path[128];

	(void)state;
	assert_int_equal(put_number(spool, 0, 1, &err), MT_OK);
	mt_spool_close(spool);
	assert_int_equal(mt_dir_list(place.fd, &list, &err), MT_OK);
	mt_segment_name(list.ids[0], name);
	(void)snprintf(path, sizeof(path), "%s/%s", place.dir, name);
	damage_segment(path, CUT, 20, 0);
	assert_int_equal(
	    mt_reader_open(place.fd, list.ids[0], 0, &reader, &err), MT_FORMAT);
	assert_non_null(strstr(err.msg, ".seg: no valid segment head"));
	mt_segment_list_done(&list);
	spool = open_spool(place.dir, MAX_BYTES, SEGMENT);
	assert_int_equal(put_number(spool, 0, 2, &err), MT_OK);
	assert_int_equal(mt_dir_list(place.fd, &list, &err), MT_OK);
	assert_int_equal(list.n, 2);
	mt_segment_list_done(&list);
	mt_spool_close(spool);
	remove_place(&place);
}

static void
a_file_size_limit_leads_to_another_segment(void **state)
{
	struct place place = new_place();
	const struct rlimit limit = { 5000, 5000 };
	struct mt_spool *spool;
	struct mt_err err;
	unsigned i, failed = 0;
	uint64_t skipped;
	int status;
	pid_t pid;

	(void)state;
	pid = fork();
	if (pid == 0) {
		(void)signal(SIGXFSZ, SIG_IGN);
		(void)setrlimit(RLIMIT_FSIZE, &limit);
		spool = open_spool(place.dir, MAX_BYTES, SEGMENT);
		for (i = 0; i < 200; i++)
			failed += put_number(spool, 0, i, &err) != MT_OK;
		mt_spool_close(spool);
		_exit((int)failed);
	}
	(void)waitpid(pid, &status, 0);
	failed = (unsigned)WEXITSTATUS(status);
	assert_in_range(failed, 1, 10);
	assert_int_equal(
	    read_everything(place.fd, NULL, &skipped), 200 - failed);
	assert_int_equal(lost_of(place.fd).records, failed);
	assert_int_equal(lost_of(place.fd).sys, EFBIG);
	remove_place(&place);
}

/* In a mount namespace of its own; 0 held, 77 may not mount, else a line. */
static int
fill_small_disk(const char *dir)
{
	struct mt_spool *spool;
	struct mt_err err;
	char path[128], bytes[4096] = { 0 };
	unsigned i, accepted = 0, more = 0;
	uint64_t skipped;
	int fd, dir_fd;

	if (unshare(CLONE_NEWNS) != 0 ||
	    mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
	    mount("tmpfs", dir, "tmpfs", 0, "size=256k") != 0)
		return 77;
	(void)snprintf(path, sizeof(path), "%s/ballast", dir);
	fd = open(path, O_WRONLY | O_CREAT, 0600);
	for (i = 0; i < 32; i++)
		(void)!write(fd, bytes, sizeof(bytes));
	spool = open_spool(dir, MAX_BYTES, SEGMENT);
	for (i = 0; i < 4000; i++)
		accepted += put_number(spool, 0, i, &err) == MT_OK;
	if (accepted == 4000 || err.sys != ENOSPC)
		return 1;
	(void)close(fd);
	(void)unlink(path);
	(void)usleep(120000);
	for (i = 0; i < 100; i++)
		more += put_number(spool, 1, i, &err) == MT_OK;
	mt_spool_close(spool);
	if (more != 100)
		return 2;
	if (mt_dir_open(dir, &dir_fd, &err) != MT_OK)
		return 3;
	if (read_everything(dir_fd, NULL, &skipped) != accepted + 100)
		return 4;
	return lost_of(dir_fd).records == 4000 - accepted ? 0 : 5;
}

static void
a_full_disk_is_counted_and_survived(void **state)
{
	struct place place = new_place();
	int status;
	pid_t pid;

	(void)state;
	pid = fork();
	if (pid == 0)
		_exit(fill_small_disk(place.dir));
	(void)waitpid(pid, &status, 0);
	remove_place(&place);
	if (WEXITSTATUS(status) == 77)
		skip();
	assert_int_equal(status, 0);
}

static void
a_segment_deleted_underneath_is_noticed(void **state)
{
	struct place place = new_place();
	struct mt_spool *spool = open_spool(place.dir, MAX_BYTES, SEGMENT);
	struct mt_segment_list list;
	struct mt_err err;
	uint64_t skipped;

	(void)state;
	assert_int_equal(put_number(spool, 0, 1, &err), MT_OK);
	assert_int_equal(mt_dir_list(place.fd, &list, &err), MT_OK);
	assert_int_equal(mt_segment_delete(place.fd, list.ids[0], &err), MT_OK);
	mt_segment_list_done(&list);
	assert_int_equal(put_number(spool, 0, 2, &err), MT_OK);
	assert_int_equal(read_everything(place.fd, NULL, &skipped), 1);
	mt_spool_close(spool);
	remove_place(&place);
}

static void
a_stopped_shipper_stops_no_producer(void **state)
{
	struct place place = new_place();
	struct mt_spool *spool = open_spool(place.dir, MAX_BYTES, SEGMENT);
	struct mt_segment_list list;
	struct mt_err err;
	uint64_t size, skipped;
	int fd;

	(void)state;
	assert_int_equal(put_number(spool, 0, 1, &err), MT_OK);
	assert_int_equal(mt_dir_list(place.fd, &list, &err), MT_OK);
	assert_int_equal(
	    mt_segment_end(place.fd, list.ids[0], &fd, &size, &err), MT_AGAIN);
	mt_spool_close(spool);
	assert_int_equal(
	    mt_segment_end(place.fd, list.ids[0], &fd, &size, &err), MT_OK);
	mt_segment_list_done(&list);
	spool = open_spool(place.dir, MAX_BYTES, SEGMENT);
	assert_int_equal(put_number(spool, 0, 2, &err), MT_OK);
	assert_int_equal(read_everything(place.fd, NULL, &skipped), 2);
	assert_int_equal(mt_dir_list(place.fd, &list, &err), MT_OK);
	assert_int_equal(list.n, 2);
	mt_segment_list_done(&list);
	(void)close(fd);
	mt_spool_close(spool);
	remove_place(&place);
}

static void
foreign_files_are_ignored_and_counted(void **state)
{
	static const char *const names[] = { "notes.txt", "1.seg",
		"0000000000000000.seg", "00000000000000AB.seg",
		"00000000000000ab.seg~", "lost", "ship.state", ".new-1",
		"00000000000000ab.bad" };
	struct place place = new_place();
	struct mt_spool *spool = open_spool(place.dir, MAX_BYTES, SEGMENT);
	struct mt_spool_stat stat;
	struct mt_buf text;
	struct mt_err err;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		touch(&place, names[i]);
	assert_int_equal(put_number(spool, 0, 1, &err), MT_OK);
	assert_int_equal(mt_spool_stat_read(place.dir, &stat, &err), MT_OK);
	assert_int_equal(stat.segments, 1);
	assert_int_equal(stat.strange, 5);
	assert_int_equal(stat.damaged, 1);
	assert_false(stat.shipped);
	mt_buf_init(&text, 4096);
	mt_spool_stat_print(&stat, &text);
	assert_non_null(strstr(text.p, "segments=1\n"));
	assert_non_null(strstr(text.p, "shipper=never\n"));
	assert_non_null(strstr(text.p, "lost=0\n"));
	mt_buf_done(&text);
	mt_spool_stat_done(&stat);
	assert_int_equal(
	    mt_spool_stat_read("/nonexistent", &stat, &err), MT_ABSENT);
	assert_string_equal(
	    err.msg, "spool: /nonexistent: No such file or directory");
	mt_spool_close(spool);
	remove_place(&place);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(damage_costs_only_what_it_hit),
		cmocka_unit_test(a_lost_head_makes_producers_begin_anew),
		cmocka_unit_test(a_file_size_limit_leads_to_another_segment),
		cmocka_unit_test(a_full_disk_is_counted_and_survived),
		cmocka_unit_test(a_segment_deleted_underneath_is_noticed),
		cmocka_unit_test(a_stopped_shipper_stops_no_producer),
		cmocka_unit_test(foreign_files_are_ignored_and_counted),
	};

	return cmocka_run_group_tests_name("spool_faults", tests, NULL, NULL);
}
