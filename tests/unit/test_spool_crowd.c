/* SPDX-License-Identifier: BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <sys/wait.h>

#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/mem.h"
#include "spool/dir.h"
#include "spool/reader.h"
#include "spool/spool.h"
#include "../lib/spool_place.h"

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

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    many_producers_lose_nothing_while_segments_are_deleted),
	};

	return cmocka_run_group_tests_name("spool_crowd", tests, NULL, NULL);
}
