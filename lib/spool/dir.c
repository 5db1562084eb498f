/* SPDX-License-Identifier: BSD-2-Clause */
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/num.h"
#include "spool/dir.h"
#include "spool/format.h"
#include "spool/lost.h"

#define FILE_MODE 0660
#define STALE_S 60 /* a segment in the making is done long before */
#define NEW_NAME 48

void
mt_segment_name(uint64_t id, char out[MT_SEGMENT_NAME])
{
	(void)snprintf(out, MT_SEGMENT_NAME, "%016" PRIx64 ".seg", id);
}

static bool
read_name(const char *name, const char *suffix, uint64_t *ret_id)
{
	uint64_t id = 0;
	int i, digit;

	for (i = 0; i < 16; i++) {
		digit = mt_hex_digit(name[i]);
		if (digit < 0 || (name[i] >= 'A' && name[i] <= 'F'))
			return false;
		id = id << 4 | (unsigned)digit;
	}
	if (strcmp(name + 16, suffix) != 0 || id == 0)
		return false;
	*ret_id = id;
	return true;
}

bool
mt_segment_name_read(const char *name, uint64_t *ret_id)
{
	return read_name(name, ".seg", ret_id);
}

enum mt_rc
mt_dir_open(const char *path, int *ret_fd, struct mt_err *err)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return mt_fail_sys(err, "spool: %s", path);
	*ret_fd = fd;
	return MT_OK;
}

static int
compare_ids(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

static void
add_id(struct mt_segment_list *list, uint64_t id)
{
	/* Room doubles at each power of two. */
	if ((list->n & (list->n - 1)) == 0)
		list->ids = mt_realloc_array(list->ids,
		    list->n == 0 ? 1 : list->n * 2, sizeof(*list->ids));
	list->ids[list->n++] = id;
}

static bool
is_ours(const char *name)
{
	return strncmp(name, ".new-", 5) == 0 ||
	    strcmp(name, MT_LOST_FILE) == 0 ||
	    strcmp(name, MT_DAMAGE_FILE) == 0 ||
	    strncmp(name, "ship.", 5) == 0 || strcmp(name, ".") == 0 ||
	    strcmp(name, "..") == 0;
}

enum mt_rc
mt_dir_list(int dir_fd, struct mt_segment_list *ret_list, struct mt_err *err)
{
	struct mt_segment_list list = { .n = 0 };
	struct dirent *entry;
	uint64_t id;
	DIR *dir;
	int fd;

	/* A new description: dup would share the reading position. */
	fd = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return mt_fail_sys(err, "spool");
	if ((dir = fdopendir(fd)) == NULL) {
		(void)close(fd);
		return mt_fail_sys(err, "spool");
	}
	while ((entry = readdir(dir)) != NULL) {
		if (mt_segment_name_read(entry->d_name, &id))
			add_id(&list, id);
		else if (read_name(entry->d_name, ".bad", &id))
			list.bad++;
		else if (!is_ours(entry->d_name))
			list.strange++;
	}
	(void)closedir(dir);
	if (list.n > 1)
		qsort(list.ids, list.n, sizeof(*list.ids), compare_ids);
	*ret_list = list;
	return MT_OK;
}

void
mt_segment_list_done(struct mt_segment_list *list)
{
	mt_free(list->ids);
	*list = (struct mt_segment_list){ .n = 0 };
}

uint64_t
mt_dir_bytes(int dir_fd, const struct mt_segment_list *list)
{
	char name[MT_SEGMENT_NAME];
	uint64_t bytes = 0;
	struct stat st;
	size_t i;

	for (i = 0; i < list->n; i++) {
		mt_segment_name(list->ids[i], name);
		if (fstatat(dir_fd, name, &st, 0) == 0)
			bytes += (uint64_t)st.st_size;
	}
	return bytes;
}

static bool
fill_random(void *p, size_t n)
{
	return getrandom(p, n, 0) == (ssize_t)n;
}

/* The head must be whole before the segment gets its name. */
static enum mt_rc
fill_new(int fd, bool sync, struct mt_err *err)
{
	unsigned char nonce[MT_NONCE];
	char head[MT_SEGMENT_HEAD];
	ssize_t n;

	if (fchmod(fd, FILE_MODE) != 0)
		return mt_fail_sys(err, "spool: new segment");
	if (!fill_random(nonce, sizeof(nonce)))
		return mt_fail_sys(err, "spool: random bytes");
	/* A byte that is in no UTF-8: marks are then rare within payloads. */
	nonce[0] |= 0xf8;
	mt_segment_head_write(nonce, head);
	n = write(fd, head, sizeof(head));
	if (n >= 0 && (size_t)n < sizeof(head)) {
		errno = ENOSPC;
		n = -1;
	}
	if (n < 0 || (sync && fdatasync(fd) != 0))
		return mt_fail_sys(err, "spool: new segment");
	return MT_OK;
}

static enum mt_rc
name_new(int dir_fd, const char *temporary, uint64_t id, bool sync,
    struct mt_err *err)
{
	char name[MT_SEGMENT_NAME];

	mt_segment_name(id, name);
	if (linkat(dir_fd, temporary, dir_fd, name, 0) != 0) {
		if (errno == EEXIST)
			return mt_fail(err, MT_AGAIN, "spool: %s exists", name);
		return mt_fail_sys(err, "spool: %s", name);
	}
	if (sync && fsync(dir_fd) != 0)
		return mt_fail_sys(err, "spool: directory");
	return MT_OK;
}

enum mt_rc
mt_segment_make(int dir_fd, uint64_t newest, bool sync, uint64_t *ret_id,
    struct mt_err *err)
{
	uint64_t tail, id;
	char temporary[NEW_NAME];
	enum mt_rc rc;
	int fd;

	id = (uint64_t)mt_clock_now();
	if (id <= newest)
		id = newest + 1;
	if (!fill_random(&tail, sizeof(tail)))
		return mt_fail_sys(err, "spool: random bytes");
	(void)snprintf(temporary, sizeof(temporary), ".new-%016" PRIx64, tail);
	fd = openat(dir_fd, temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC,
	    FILE_MODE);
	if (fd < 0)
		return mt_fail_sys(err, "spool: new segment");
	rc = fill_new(fd, sync, err);
	if (rc == MT_OK)
		rc = name_new(dir_fd, temporary, id, sync, err);
	(void)unlinkat(dir_fd, temporary, 0);
	(void)close(fd);
	if (rc == MT_OK)
		*ret_id = id;
	return rc;
}

enum mt_rc
mt_segment_end(int dir_fd, uint64_t id, int *ret_fd, uint64_t *ret_size,
    struct mt_err *err)
{
	char name[MT_SEGMENT_NAME];
	struct stat st;
	int fd;

	mt_segment_name(id, name);
	fd = openat(dir_fd, name, O_RDONLY | O_CLOEXEC);
	if (fd < 0 && errno == ENOENT)
		return mt_fail(err, MT_ABSENT, "spool: %s: not there", name);
	if (fd < 0)
		return mt_fail_sys(err, "spool: %s", name);
	if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
		(void)close(fd);
		return mt_fail(err, MT_AGAIN, "spool: %s: in use", name);
	}
	if (fstat(fd, &st) != 0) {
		mt_err_put_sys(err, "spool: %s", name);
		(void)close(fd);
		return MT_SYSTEM;
	}
	*ret_fd = fd;
	*ret_size = (uint64_t)st.st_size;
	return MT_OK;
}

enum mt_rc
mt_segment_delete(int dir_fd, uint64_t id, struct mt_err *err)
{
	char name[MT_SEGMENT_NAME];

	mt_segment_name(id, name);
	if (unlinkat(dir_fd, name, 0) != 0 && errno != ENOENT)
		return mt_fail_sys(err, "spool: %s", name);
	return MT_OK;
}

enum mt_rc
mt_segment_put_aside(int dir_fd, uint64_t id, struct mt_err *err)
{
	char name[MT_SEGMENT_NAME], aside[MT_SEGMENT_NAME];

	mt_segment_name(id, name);
	(void)snprintf(aside, sizeof(aside), "%016" PRIx64 ".bad", id);
	if (renameat(dir_fd, name, dir_fd, aside) != 0)
		return mt_fail_sys(err, "spool: %s", name);
	return MT_OK;
}

void
mt_dir_sweep(int dir_fd)
{
	struct dirent *entry;
	struct stat st;
	DIR *dir;
	int fd;

	fd = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return;
	if ((dir = fdopendir(fd)) == NULL) {
		(void)close(fd);
		return;
	}
	while ((entry = readdir(dir)) != NULL)
		if (strncmp(entry->d_name, ".new-", 5) == 0 &&
		    fstatat(dir_fd, entry->d_name, &st, 0) == 0 &&
		    st.st_mtime + STALE_S < mt_clock_now() / MT_SECOND)
			(void)unlinkat(dir_fd, entry->d_name, 0);
	(void)closedir(dir);
}
