/* SPDX-License-Identifier: BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "spool/dir.h"
#include "spool/spool.h"
#include "spool/stat.h"
#include "spool/state.h"
#include "spool/watch.h"
#include "../lib/spool_place.h"

static void
what_is_put_is_read(void **state)
{
	struct place place = new_place();
	struct mt_spool *spool = open_spool(place.dir, MAX_BYTES, SEGMENT);
	struct mt_err err;
	unsigned char seen[100] = { 0 };
	uint64_t skipped;
	unsigned i;

	(void)state;
	for (i = 0; i < 100; i++)
		assert_int_equal(put_number(spool, 0, i, &err), MT_OK);
	assert_int_equal(read_everything(place.fd, seen, &skipped), 100);
	assert_int_equal(skipped, 0);
	for (i = 0; i < 100; i++)
		assert_int_equal(seen[i], 1);
	mt_spool_close(spool);
	remove_place(&place);
}

static void
options_without_sense_are_refused(void **state)
{
	static const struct {
		const char *dir;
		uint64_t max, segment;
		const char *message;
	} cases[] = {
		{ "spool", 1000, 100, "spool_dir: not a full path" },
		{ "", 1000, 100, "spool_dir: not a full path" },
		{ "/tmp", 1000, 10, "spool_segment: too small" },
		{ "/tmp", 1000, 501,
		    "spool_segment: more than half of spool_max" },
	};
	struct mt_spool_options options;
	struct mt_spool *spool;
	struct mt_err err;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		options = (struct mt_spool_options){ mt_str(cases[i].dir),
			cases[i].max, cases[i].segment, MT_sync_never };
		assert_int_equal(
		    mt_spool_open(&options, &spool, &err), MT_CONFIG);
		assert_string_equal(err.msg, cases[i].message);
	}
}

static void
a_missing_directory_is_counted_and_then_used(void **state)
{
	struct place place = new_place();
	struct mt_spool *spool;
	struct mt_err err;
	struct mt_lost lost;
	char dir[128];
	uint64_t skipped;

	(void)state;
	(void)snprintf(dir, sizeof(dir), "%s/spool", place.dir);
	spool = open_spool(dir, MAX_BYTES, SEGMENT);
	assert_int_equal(mt_spool_check(spool, &err), MT_SYSTEM);
	assert_int_equal(put_number(spool, 0, 1, &err), MT_SYSTEM);
	assert_int_equal(err.sys, ENOENT);
	assert_non_null(strstr(err.msg, dir));
	assert_int_equal(put_number(spool, 0, 2, &err), MT_SYSTEM);
	assert_int_equal(mkdir(dir, 0770), 0);
	(void)usleep(120000);
	assert_int_equal(put_number(spool, 0, 3, &err), MT_OK);
	(void)close(place.fd);
	assert_int_equal(mt_dir_open(dir, &place.fd, &err), MT_OK);
	assert_int_equal(read_everything(place.fd, NULL, &skipped), 1);
	lost = lost_of(place.fd);
	assert_int_equal(lost.records, 2);
	assert_int_equal(lost.sys, ENOENT);
	assert_true(lost.bytes > 100);
	mt_spool_close(spool);
	remove_place(&place);
}

static void
a_full_spool_says_so_and_recovers(void **state)
{
	struct place place = new_place();
	struct mt_spool *spool = open_spool(place.dir, 4096, 1024);
	struct mt_segment_list list;
	struct mt_err err;
	unsigned i, accepted = 0, again;
	uint64_t skipped;

	(void)state;
	for (i = 0; i < 200; i++)
		accepted += put_number(spool, 0, i, &err) == MT_OK;
	assert_int_equal(put_number(spool, 0, i, &err), MT_LIMIT);
	assert_non_null(strstr(err.msg, "spool: full: "));
	assert_int_equal(lost_of(place.fd).records, 201 - accepted);
	assert_int_equal(read_everything(place.fd, NULL, &skipped), accepted);
	assert_int_equal(mt_dir_list(place.fd, &list, &err), MT_OK);
	assert_in_range(list.n, 2, 4);
	assert_true(mt_dir_bytes(place.fd, &list) <= 4096 + 1024);
	again = (unsigned)list.n;
	assert_int_equal(mt_segment_delete(place.fd, list.ids[0], &err), MT_OK);
	assert_int_equal(mt_segment_delete(place.fd, list.ids[1], &err), MT_OK);
	mt_segment_list_done(&list);
	(void)usleep(120000);
	assert_int_equal(put_number(spool, 0, 1, &err), MT_OK);
	assert_int_equal(mt_dir_list(place.fd, &list, &err), MT_OK);
	assert_int_equal(list.n, again - 1);
	mt_segment_list_done(&list);
	mt_spool_close(spool);
	remove_place(&place);
}
static void
the_shippers_state_survives(void **state)
{
	struct place place = new_place();
	struct mt_state out = { .n = 0 }, in;
	struct mt_state_endpoint *e;
	struct mt_state_segment *s;
	struct mt_err err;
	char boot[MT_BOOT_ID + 1], path[128];

	(void)state;
	assert_int_equal(mt_state_read(place.fd, &in, &err), MT_ABSENT);
	e = mt_state_add_endpoint(&out);
	(void)snprintf(e->name, sizeof(e->name), "unix:/run/r.sock");
	(void)snprintf(e->run_id, sizeof(e->run_id), "abc");
	e->entries_added = 12;
	e->marker = (struct mt_state_id){ 99, 1 };
	s = mt_state_add_segment(e);
	*s = (struct mt_state_segment){ 7, { 1, 2, 3 }, 500, 400, { 98, 0 } };
	(void)mt_state_add_endpoint(&out);
	(void)snprintf(out.endpoints[1].name, 8, "h:1");
	assert_int_equal(mt_state_write(place.fd, &out, &err), MT_OK);
	assert_int_equal(mt_state_read(place.fd, &in, &err), MT_OK);
	assert_int_equal(in.n, 2);
	assert_string_equal(in.endpoints[0].name, "unix:/run/r.sock");
	mt_state_boot(boot);
	assert_int_equal(strlen(boot), MT_BOOT_ID);
	assert_string_equal(in.boot, boot);
	assert_string_equal(in.endpoints[0].run_id, "abc");
	assert_string_equal(in.endpoints[1].run_id, "");
	assert_int_equal(in.endpoints[0].entries_added, 12);
	assert_int_equal(in.endpoints[0].marker.ms, 99);
	assert_int_equal(in.endpoints[0].n, 1);
	assert_memory_equal(in.endpoints[0].segments, s, sizeof(*s));
	mt_state_done(&in);
	mt_state_done(&out);
	(void)snprintf(path, sizeof(path), "%s/ship.state", place.dir);
	damage_segment(path, FLIP, 30, 1);
	assert_int_equal(mt_state_read(place.fd, &in, &err), MT_FORMAT);
	assert_string_equal(err.msg, "ship.state: damaged");
	remove_place(&place);
}

/* The set of what has happened, a bit an event. */
static unsigned
happened(struct mt_watch *watch)
{
	enum mt_watch_event what;
	unsigned set = 0;
	uint64_t id;

	while ((what = mt_watch_next(watch, &id)) != MT_WATCH_NOTHING)
		set |= 1u << what;
	return set;
}

static void
growth_wakes_the_reader(void **state)
{
	struct place place = new_place();
	struct mt_spool *spool = open_spool(place.dir, MAX_BYTES, SEGMENT);
	struct pollfd p = { .events = POLLIN };
	struct mt_watch watch;
	struct mt_err err;

	(void)state;
	assert_int_equal(mt_watch_init(&watch, place.dir, &err), MT_OK);
	p.fd = watch.fd;
	assert_int_equal(poll(&p, 1, 0), 0);
	assert_int_equal(put_number(spool, 0, 1, &err), MT_OK);
	assert_int_equal(poll(&p, 1, 0), 1);
	assert_int_equal(
	    happened(&watch), 1u << MT_WATCH_GROWN | 1u << MT_WATCH_CHANGED);
	assert_int_equal(put_number(spool, 0, 2, &err), MT_OK);
	assert_int_equal(happened(&watch), 1u << MT_WATCH_GROWN);
	touch(&place, "ship.state");
	assert_int_equal(happened(&watch), 0);
	mt_spool_close(spool);
	assert_int_equal(happened(&watch), 1u << MT_WATCH_GROWN);
	remove_place(&place);
	assert_true(happened(&watch) & 1u << MT_WATCH_GONE);
	mt_watch_done(&watch);
}

static void
files_are_for_the_group_whatever_the_umask(void **state)
{
	struct place place = new_place();
	mode_t before = umask(077);
	struct mt_spool *spool = open_spool(place.dir, MAX_BYTES, SEGMENT);
	struct mt_segment_list list;
	char name[MT_SEGMENT_NAME];
	struct stat st;
	struct mt_err err;

	(void)state;
	assert_int_equal(put_number(spool, 0, 1, &err), MT_OK);
	(void)umask(before);
	assert_int_equal(mt_dir_list(place.fd, &list, &err), MT_OK);
	mt_segment_name(list.ids[0], name);
	mt_segment_list_done(&list);
	assert_int_equal(fstatat(place.fd, name, &st, 0), 0);
	assert_int_equal(st.st_mode & 0777, 0660);
	assert_int_equal(fstatat(place.fd, "lost", &st, 0), 0);
	assert_int_equal(st.st_mode & 0777, 0660);
	mt_spool_close(spool);
	remove_place(&place);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_put_is_read),
		cmocka_unit_test(options_without_sense_are_refused),
		cmocka_unit_test(a_missing_directory_is_counted_and_then_used),
		cmocka_unit_test(a_full_spool_says_so_and_recovers),
		cmocka_unit_test(the_shippers_state_survives),
		cmocka_unit_test(growth_wakes_the_reader),
		cmocka_unit_test(files_are_for_the_group_whatever_the_umask),
	};

	return cmocka_run_group_tests_name("spool", tests, NULL, NULL);
}
