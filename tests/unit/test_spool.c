/* SPDX-License-Identifier: BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/num.h"
#include "spool/dir.h"
#include "spool/reader.h"
#include "spool/spool.h"
#include "spool/stat.h"
#include "spool/state.h"
#include "spool/watch.h"

#define SEGMENT 65536
#define MAX_BYTES (8u << 20)

struct place {
	char dir[64];
	int fd;
};

static struct place
new_place(void)
{
	struct place place = { .dir = "/tmp/test_spool.XXXXXX" };
	struct mt_err err;

	assert_non_null(mkdtemp(place.dir));
	assert_int_equal(mt_dir_open(place.dir, &place.fd, &err), MT_OK);
	return place;
}

static void
remove_place(struct place *place)
{
	char command[128];
	pid_t pid;

	(void)close(place->fd);
	(void)snprintf(command, sizeof(command), "%s", place->dir);
	pid = fork();
	if (pid == 0) {
		(void)execlp("rm", "rm", "-rf", command, (char *)NULL);
		_exit(1);
	}
	(void)waitpid(pid, NULL, 0);
}

static struct mt_spool *
open_spool(const char *dir, uint64_t max, uint64_t segment)
{
	struct mt_spool_options options = { .dir = mt_str(dir),
		.max = max,
		.segment = segment,
		.sync = MT_sync_never };
	struct mt_spool *spool;
	struct mt_err err;

	assert_int_equal(mt_spool_open(&options, &spool, &err), MT_OK);
	return spool;
}

/* An event that says which producer made it and its number. */
static enum mt_rc
put_number(
    struct mt_spool *spool, unsigned who, unsigned number, struct mt_err *err)
{
	char queue_id[32];
	struct mt_ev_mark ev = {
		.at = 1,
		.host = MT_LIT("h"),
		.token = MT_LIT("00112233445566778899aabbccddeeff"),
		.mode = MT_mode_anonymous,
	};

	(void)snprintf(
	    queue_id, sizeof(queue_id), "%u", who * 1000000 + number);
	ev.queue_id = mt_str(queue_id);
	return mt_spool_put(spool, MT_EV_mark, &ev, err);
}

static uint64_t
number_of(struct mt_str payload)
{
	struct mt_pair pairs[MT_EVENT_PAIRS];
	union mt_event_any ev;
	enum mt_event id;
	struct mt_err err;
	uint64_t n;
	size_t n_pairs;

	assert_int_equal(
	    mt_event_split(payload, pairs, MT_EVENT_PAIRS, &n_pairs, &err),
	    MT_OK);
	assert_int_equal(
	    mt_event_decode(pairs, n_pairs, &id, &ev, &err), MT_OK);
	assert_int_equal(id, MT_EV_mark);
	assert_true(mt_num_read(ev.mark.queue_id, UINT64_MAX, &n));
	return n;
}

/* Counts the records of all segments; seen may be NULL. */
static size_t
read_everything(int dir_fd, unsigned char *seen, uint64_t *ret_skipped)
{
	struct mt_segment_list list;
	struct mt_reader *reader;
	struct mt_record record;
	struct mt_err err;
	size_t i, n = 0;

	*ret_skipped = 0;
	assert_int_equal(mt_dir_list(dir_fd, &list, &err), MT_OK);
	for (i = 0; i < list.n; i++) {
		assert_int_equal(
		    mt_reader_open(dir_fd, list.ids[i], 0, &reader, &err),
		    MT_OK);
		while (mt_reader_next(reader, &record, &err) == MT_OK) {
			n++;
			*ret_skipped += record.skipped;
			if (seen != NULL)
				seen[number_of(record.payload)]++;
		}
		assert_int_equal(err.rc, MT_ABSENT);
		mt_reader_close(reader);
	}
	mt_segment_list_done(&list);
	return n;
}

static struct mt_lost
lost_of(int dir_fd)
{
	struct mt_lost lost;
	struct mt_err err;

	assert_int_equal(mt_lost_read(dir_fd, &lost, &err), MT_OK);
	return lost;
}

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

#define THREADS 4
#define PROCESSES 3
#define EACH 2000

struct producer {
	struct mt_spool *spool;
	unsigned who;
	unsigned failed;
};

static void *
produce(void *arg)
{
	struct producer *p = arg;
	struct mt_err err;
	unsigned i;

	for (i = 0; i < EACH; i++)
		p->failed += put_number(p->spool, p->who, i, &err) != MT_OK;
	return NULL;
}

static void
run_threads(const char *dir, unsigned process)
{
	struct producer producers[THREADS];
	pthread_t threads[THREADS];
	struct mt_spool *spool = open_spool(dir, 64 << 20, SEGMENT);
	unsigned i, failed = 0;

	for (i = 0; i < THREADS; i++) {
		producers[i] =
		    (struct producer){ spool, process * THREADS + i, 0 };
		if (pthread_create(&threads[i], NULL, produce, &producers[i]) !=
		    0)
			_exit(2);
	}
	for (i = 0; i < THREADS; i++) {
		(void)pthread_join(threads[i], NULL);
		failed += producers[i].failed;
	}
	mt_spool_close(spool);
	_exit(failed == 0 ? 0 : 1);
}

/* One segment's reader, as far as it got. */
struct follow {
	uint64_t id;
	uint64_t at;
};

struct follower {
	int dir_fd;
	struct follow segments[1024];
	size_t n;
	unsigned char *seen;
	size_t records;
	uint64_t skipped;
	unsigned deleted;
};

static struct follow *
follow_of(struct follower *f, uint64_t id)
{
	size_t i;

	for (i = 0; i < f->n; i++)
		if (f->segments[i].id == id)
			return &f->segments[i];
	assert_true(f->n < 1024);
	f->segments[f->n] = (struct follow){ id, 0 };
	return &f->segments[f->n++];
}

static void
count_seen(struct follower *f, struct mt_str payload)
{
	uint64_t n = number_of(payload);

	f->seen[n / 1000000 * EACH + n % 1000000]++;
	f->records++;
}

static void
follow_segment(struct follower *f, struct follow *s)
{
	struct mt_reader *reader;
	struct mt_record record;
	struct mt_err err;

	assert_int_equal(
	    mt_reader_open(f->dir_fd, s->id, s->at, &reader, &err), MT_OK);
	while (mt_reader_next(reader, &record, &err) == MT_OK) {
		f->skipped += record.skipped;
		count_seen(f, record.payload);
	}
	s->at = mt_reader_at(reader);
	mt_reader_close(reader);
}

/* What the shipper does, with nothing to wait for in between. */
static void
follow_all(struct follower *f)
{
	struct mt_segment_list list;
	struct follow *s;
	struct mt_err err;
	uint64_t size;
	size_t i;
	int fd;

	assert_int_equal(mt_dir_list(f->dir_fd, &list, &err), MT_OK);
	for (i = 0; i < list.n; i++) {
		s = follow_of(f, list.ids[i]);
		follow_segment(f, s);
		if (i + 1 == list.n ||
		    mt_segment_end(f->dir_fd, s->id, &fd, &size, &err) != MT_OK)
			continue;
		if (size == s->at) {
			assert_int_equal(
			    mt_segment_delete(f->dir_fd, s->id, &err), MT_OK);
			f->deleted++;
		}
		(void)close(fd);
	}
	mt_segment_list_done(&list);
}

static void
many_producers_lose_nothing_while_segments_are_deleted(void **state)
{
	struct place place = new_place();
	struct follower *f = mt_alloc(sizeof(*f));
	size_t i, all = (size_t)THREADS * PROCESSES * EACH;
	unsigned running = PROCESSES;
	int status;

	(void)state;
	f->dir_fd = place.fd;
	f->seen = mt_alloc(all);
	for (i = 0; i < PROCESSES; i++)
		if (fork() == 0)
			run_threads(place.dir, (unsigned)i);
	while (running > 0) {
		follow_all(f);
		while (waitpid(-1, &status, WNOHANG) > 0) {
			assert_int_equal(status, 0);
			running--;
		}
	}
	follow_all(f);
	assert_int_equal(f->records, all);
	assert_int_equal(f->skipped, 0);
	for (i = 0; i < all; i++)
		assert_int_equal(f->seen[i], 1);
	assert_in_range(f->deleted, 10, 1000);
	assert_int_equal(lost_of(place.fd).records, 0);
	mt_free(f->seen);
	mt_free(f);
	remove_place(&place);
}

#define CASE_RECORDS 10

enum how { FLIP, CUT, ZERO_TAIL, ZERO, GARBAGE_TAIL };

static void
damage_segment(const char *path, enum how how, off_t at, size_t n)
{
	char bytes[4096];
	int fd = open(path, O_RDWR);

	assert_true(fd >= 0);
	assert_true(n <= sizeof(bytes));
	memset(bytes, how == GARBAGE_TAIL ? 'x' : 0, sizeof(bytes));
	if (how == FLIP) {
		assert_int_equal(pread(fd, bytes, 1, at), 1);
		bytes[0] = (char)(bytes[0] ^ 0x10);
		assert_int_equal(pwrite(fd, bytes, 1, at), 1);
	} else if (how == CUT) {
		assert_int_equal(ftruncate(fd, at), 0);
	} else {
		if (how != ZERO)
			at = lseek(fd, 0, SEEK_END);
		assert_int_equal(pwrite(fd, bytes, n, at), n);
	}
	(void)close(fd);
}

/* Ten records of equal length are written, damaged, and two more put. */
static void
damage_costs_only_what_it_hit(void **state)
{
	static const struct {
		const char *name;
		enum how how;
		int record; /* -1: the file's head */
		int byte; /* of the record */
		unsigned n;
		unsigned left; /* of the ten */
		unsigned skipped_records;
		unsigned skipped_bytes;
	} cases[] = {
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
	struct place place;
	struct mt_spool *spool;
	struct mt_segment_list list;
	struct mt_err err;
	char name[MT_SEGMENT_NAME], path[128];
	size_t i, length;
	uint64_t skipped;
	unsigned j;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		place = new_place();
		spool = open_spool(place.dir, MAX_BYTES, SEGMENT);
		for (j = 0; j < CASE_RECORDS; j++)
			assert_int_equal(put_number(spool, 1, j, &err), MT_OK);
		mt_spool_close(spool);
		assert_int_equal(mt_dir_list(place.fd, &list, &err), MT_OK);
		length = (mt_dir_bytes(place.fd, &list) - MT_SEGMENT_HEAD) /
		    CASE_RECORDS;
		mt_segment_name(list.ids[0], name);
		(void)snprintf(path, sizeof(path), "%s/%s", place.dir, name);
		mt_segment_list_done(&list);
		damage_segment(path, cases[i].how,
		    cases[i].record < 0 ? cases[i].byte
					: (off_t)(MT_SEGMENT_HEAD +
					      (size_t)cases[i].record * length +
					      (size_t)cases[i].byte),
		    cases[i].n);
		if (read_everything(place.fd, NULL, &skipped) != cases[i].left)
			fail_msg("%s: not %u records left", cases[i].name,
			    cases[i].left);
		spool = open_spool(place.dir, MAX_BYTES, SEGMENT);
		assert_int_equal(put_number(spool, 1, 10, &err), MT_OK);
		assert_int_equal(put_number(spool, 1, 11, &err), MT_OK);
		mt_spool_close(spool);
		if (read_everything(place.fd, NULL, &skipped) !=
			cases[i].left + 2 ||
		    skipped !=
			cases[i].skipped_records * length +
			    cases[i].skipped_bytes)
			fail_msg("%s: after two more: skipped %" PRIu64,
			    cases[i].name, skipped);
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
touch(const struct place *place, const char *name)
{
	int fd = openat(place->fd, name, O_WRONLY | O_CREAT, 0600);

	assert_true(fd >= 0);
	(void)close(fd);
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

static void
the_shippers_state_survives(void **state)
{
	struct place place = new_place();
	struct mt_state out = { .n = 0 }, in;
	struct mt_state_endpoint *e;
	struct mt_state_segment *s;
	struct mt_err err;
	char path[128];

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
		cmocka_unit_test(
		    many_producers_lose_nothing_while_segments_are_deleted),
		cmocka_unit_test(damage_costs_only_what_it_hit),
		cmocka_unit_test(a_lost_head_makes_producers_begin_anew),
		cmocka_unit_test(a_file_size_limit_leads_to_another_segment),
		cmocka_unit_test(a_full_disk_is_counted_and_survived),
		cmocka_unit_test(a_segment_deleted_underneath_is_noticed),
		cmocka_unit_test(a_stopped_shipper_stops_no_producer),
		cmocka_unit_test(foreign_files_are_ignored_and_counted),
		cmocka_unit_test(the_shippers_state_survives),
		cmocka_unit_test(growth_wakes_the_reader),
		cmocka_unit_test(files_are_for_the_group_whatever_the_umask),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
