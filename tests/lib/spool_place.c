/* SPDX-License-Identifier: BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <sys/wait.h>

#include <fcntl.h>
#include <string.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/num.h"
#include "spool/dir.h"
#include "spool/reader.h"
#include "spool/spool.h"
#include "spool_place.h"

struct place
new_place(void)
{
	struct place place = { .dir = "/tmp/test_spool.XXXXXX" };
	struct mt_err err;

	assert_non_null(mkdtemp(place.dir));
	assert_int_equal(mt_dir_open(place.dir, &place.fd, &err), MT_OK);
	return place;
}

void
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

struct mt_spool *
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
enum mt_rc
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

uint64_t
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
size_t
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

struct mt_lost
lost_of(int dir_fd)
{
	struct mt_lost lost;
	struct mt_err err;

	assert_int_equal(
	    mt_lost_read(dir_fd, MT_LOST_FILE, &lost, &err), MT_OK);
	return lost;
}

void
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

void
touch(const struct place *place, const char *name)
{
	int fd = openat(place->fd, name, O_WRONLY | O_CREAT, 0600);

	assert_true(fd >= 0);
	(void)close(fd);
}
