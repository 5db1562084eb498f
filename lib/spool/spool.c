/* SPDX-License-Identifier: BSD-2-Clause */
#include <sys/file.h>
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "spool/dir.h"
#include "spool/format.h"
#include "spool/lost.h"
#include "spool/spool.h"

#define RETRY_MS 100 /* between attempts to get a segment */
#define JOIN_TRIES 32 /* races with other producers and the shipper */
#define WRITE_TRIES 3 /* short writes in a row */
#define CLOSE_TRIES 50 /* ms to wait for the lock of "lost" at the end */

struct mt_spool {
	char *dir; /* owned */
	uint64_t max;
	uint64_t segment;
	enum mt_sync sync;
	/* Held shared while appending, exclusively while changing these: */
	pthread_rwlock_t lock;
	int fd; /* the segment, LOCK_SH held; -1: none */
	uint64_t id; /* of the segment */
	uint64_t avoid; /* segments up to this one are not joined again */
	struct mt_seal seal;
	struct mt_err why; /* what the last attempt to get a segment said */
	int64_t retry_at_ms;
	/* Set under the shared lock: */
	atomic_bool full; /* the segment is to be changed, */
	atomic_bool spent; /* and never to be joined again */
	pthread_mutex_t lost_lock;
	struct mt_lost lost; /* not yet in the file */
	atomic_bool lost_any;
};

static void
add_to_file(struct mt_spool *spool)
{
	struct mt_err ignored;
	int dir_fd;

	if (mt_dir_open(spool->dir, &dir_fd, &ignored) != MT_OK)
		return;
	if (mt_lost_add(dir_fd, MT_LOST_FILE, &spool->lost, &ignored) ==
	    MT_OK) {
		spool->lost = (struct mt_lost){ 0, 0, 0, 0 };
		atomic_store(&spool->lost_any, false);
	}
	(void)close(dir_fd);
}

static void
count_lost(struct mt_spool *spool, size_t records, size_t bytes, int sys)
{
	(void)pthread_mutex_lock(&spool->lost_lock);
	spool->lost.records += records;
	spool->lost.bytes += bytes;
	if (records > 0) {
		spool->lost.at = mt_clock_now();
		spool->lost.sys = (uint64_t)sys;
		atomic_store(&spool->lost_any, true);
	}
	add_to_file(spool);
	(void)pthread_mutex_unlock(&spool->lost_lock);
}

static enum mt_rc
init_lock(pthread_rwlock_t *lock, struct mt_err *err)
{
	pthread_rwlockattr_t attr;
	int sys;

	(void)pthread_rwlockattr_init(&attr);
	/* Many threads that append must not keep the one that rotates out. */
	(void)pthread_rwlockattr_setkind_np(
	    &attr, PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP);
	sys = pthread_rwlock_init(lock, &attr);
	(void)pthread_rwlockattr_destroy(&attr);
	if (sys != 0)
		return mt_fail(
		    err, MT_SYSTEM, "spool: lock: %s", strerror(sys));
	return MT_OK;
}

enum mt_rc
mt_spool_open(const struct mt_spool_options *options,
    struct mt_spool **ret_spool, struct mt_err *err)
{
	struct mt_spool *spool;

	if (options->dir.n == 0 || options->dir.p[0] != '/')
		return mt_fail(err, MT_CONFIG, "spool_dir: not a full path");
	if (options->segment < MT_SEGMENT_HEAD)
		return mt_fail(err, MT_CONFIG, "spool_segment: too small");
	if (options->segment > options->max / 2)
		return mt_fail(err, MT_CONFIG,
		    "spool_segment: more than half of spool_max");
	spool = mt_alloc(sizeof(*spool));
	if (init_lock(&spool->lock, err) != MT_OK) {
		mt_free(spool);
		return err->rc;
	}
	(void)pthread_mutex_init(&spool->lost_lock, NULL);
	spool->dir = mt_str_dup(options->dir);
	spool->max = options->max;
	spool->segment = options->segment;
	spool->sync = options->sync;
	spool->fd = -1;
	/* Take the block that "lost" needs while the disk has room. */
	count_lost(spool, 0, 0, 0);
	*ret_spool = spool;
	return MT_OK;
}

void
mt_spool_close(struct mt_spool *spool)
{
	const struct timespec ms = { .tv_nsec = 1000000 };
	int i;

	if (spool == NULL)
		return;
	for (i = 0; i < CLOSE_TRIES && atomic_load(&spool->lost_any); i++) {
		count_lost(spool, 0, 0, 0);
		if (atomic_load(&spool->lost_any))
			(void)nanosleep(&ms, NULL);
	}
	if (spool->fd >= 0)
		(void)close(spool->fd);
	(void)pthread_rwlock_destroy(&spool->lock);
	(void)pthread_mutex_destroy(&spool->lost_lock);
	mt_free(spool->dir);
	mt_free(spool);
}

/*
 * Is the file still the one of that name? It may have been deleted between
 * opening and locking it, and not be gone: a backup may hold a link to it.
 */
static bool
is_named(int dir_fd, const char *name, const struct stat *st)
{
	struct stat named;

	return fstatat(dir_fd, name, &named, AT_SYMLINK_NOFOLLOW) == 0 &&
	    named.st_dev == st->st_dev && named.st_ino == st->st_ino;
}

/* MT_ABSENT: it is full, being deleted or damaged. */
static enum mt_rc
join_open(const struct mt_spool *spool, int dir_fd, const char *name, int fd,
    struct mt_seal *ret_seal, struct mt_err *err)
{
	unsigned char nonce[MT_NONCE];
	char head[MT_SEGMENT_HEAD];
	struct stat st;
	ssize_t n;

	/* Never wait: whoever holds the lock could be stopped. */
	if (flock(fd, LOCK_SH | LOCK_NB) != 0) {
		if (errno == EWOULDBLOCK)
			return mt_fail(err, MT_ABSENT, "spool: being deleted");
		return mt_fail_sys(err, "spool: flock");
	}
	if (fstat(fd, &st) != 0 || (n = pread(fd, head, sizeof(head), 0)) < 0)
		return mt_fail_sys(err, "spool: segment");
	if (!is_named(dir_fd, name, &st) ||
	    (uint64_t)st.st_size >= spool->segment ||
	    mt_segment_head_read(mt_str_n(head, (size_t)n), nonce, err) !=
		MT_OK)
		return mt_fail(err, MT_ABSENT, "spool: not to be used");
	*ret_seal = mt_seal_of(nonce);
	return MT_OK;
}

/* Take part in an existing segment. */
static enum mt_rc
join(struct mt_spool *spool, int dir_fd, uint64_t id, struct mt_err *err)
{
	char name[MT_SEGMENT_NAME];
	enum mt_rc rc;
	int fd;

	mt_segment_name(id, name);
	fd = openat(dir_fd, name, O_RDWR | O_APPEND | O_CLOEXEC);
	if (fd < 0 && errno == ENOENT)
		return mt_fail(err, MT_ABSENT, "spool: %s: not there", name);
	if (fd < 0)
		return mt_fail_sys(err, "spool: %s", name);
	rc = join_open(spool, dir_fd, name, fd, &spool->seal, err);
	if (rc != MT_OK) {
		(void)close(fd);
		return rc;
	}
	spool->fd = fd;
	spool->id = id;
	return MT_OK;
}

static enum mt_rc
join_or_make(struct mt_spool *spool, int dir_fd, struct mt_err *err)
{
	struct mt_segment_list list;
	uint64_t newest, bytes, id;
	enum mt_rc rc;

	if (mt_dir_list(dir_fd, &list, err) != MT_OK)
		return err->rc;
	newest = list.n > 0 ? list.ids[list.n - 1] : 0;
	bytes = mt_dir_bytes(dir_fd, &list);
	mt_segment_list_done(&list);
	if (newest > spool->avoid && join(spool, dir_fd, newest, err) == MT_OK)
		return MT_OK;
	if (bytes + spool->segment > spool->max)
		return mt_fail(err, MT_LIMIT,
		    "spool: full: %" PRIu64 " of %" PRIu64 " bytes", bytes,
		    spool->max);
	rc = mt_segment_make(
	    dir_fd, newest, spool->sync == MT_sync_always, &id, err);
	if (rc != MT_OK)
		return rc;
	/* By its name, which is what the shipper's inotify goes by. */
	rc = join(spool, dir_fd, id, err);
	if (rc == MT_ABSENT)
		return mt_fail(err, MT_AGAIN, "spool: others were faster");
	return rc;
}

/* Called with the lock held exclusively. */
static enum mt_rc
change_segment(struct mt_spool *spool, struct mt_err *err)
{
	enum mt_rc rc = MT_AGAIN;
	int i, dir_fd;

	if (spool->fd >= 0)
		(void)close(spool->fd);
	spool->fd = -1;
	if (atomic_exchange(&spool->spent, false))
		spool->avoid = spool->id;
	if (mt_dir_open(spool->dir, &dir_fd, err) != MT_OK)
		return err->rc;
	for (i = 0; i < JOIN_TRIES && rc == MT_AGAIN; i++)
		rc = join_or_make(spool, dir_fd, err);
	(void)close(dir_fd);
	return rc;
}

/* On MT_OK the lock is held shared and there is a segment to append to. */
static enum mt_rc
lock_segment(struct mt_spool *spool, struct mt_err *err)
{
	enum mt_rc rc = MT_OK;

	(void)pthread_rwlock_rdlock(&spool->lock);
	while (spool->fd < 0 || atomic_load(&spool->full)) {
		(void)pthread_rwlock_unlock(&spool->lock);
		(void)pthread_rwlock_wrlock(&spool->lock);
		if (spool->fd >= 0 && !atomic_load(&spool->full)) {
			rc = MT_OK; /* another thread was faster */
		} else if (mt_clock_mono_ms() < spool->retry_at_ms) {
			*err = spool->why;
			rc = spool->why.rc;
		} else if ((rc = change_segment(spool, err)) == MT_OK) {
			atomic_store(&spool->full, false);
		} else {
			spool->why = *err;
			spool->retry_at_ms = mt_clock_mono_ms() + RETRY_MS;
		}
		(void)pthread_rwlock_unlock(&spool->lock);
		if (rc != MT_OK)
			return rc;
		(void)pthread_rwlock_rdlock(&spool->lock);
	}
	return MT_OK;
}

enum mt_rc
mt_spool_check(struct mt_spool *spool, struct mt_err *err)
{
	if (lock_segment(spool, err) != MT_OK)
		return err->rc;
	(void)pthread_rwlock_unlock(&spool->lock);
	return MT_OK;
}

/* What of a batch is still to be written. */
struct rest {
	char *p;
	size_t n;
	size_t records;
};

static void
seal_all(const struct mt_seal *seal, const struct rest *rest)
{
	char *p = rest->p, *end = rest->p + rest->n;
	size_t n;

	while (p < end) {
		n = mt_record_length(p);
		mt_record_seal(seal, p, n);
		p += MT_RECORD_HEAD + n;
	}
}

/* Leave out the records that are whole within the first n bytes. */
static void
advance(struct rest *rest, size_t n)
{
	size_t length;

	while (rest->n > 0) {
		length = MT_RECORD_HEAD + mt_record_length(rest->p);
		if (length > n)
			break;
		rest->p += length;
		rest->n -= length;
		rest->records--;
		n -= length;
	}
}

/*
 * One write(2), unless it falls short: then the torn record is written again
 * from its beginning, since others may have appended behind the torn one.
 */
static enum mt_rc
write_rest(int fd, struct rest *rest, struct mt_err *err)
{
	ssize_t n;
	int i;

	for (i = 0; i < WRITE_TRIES && rest->n > 0;) {
		n = write(fd, rest->p, rest->n);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return mt_fail_sys(err, "spool: append");
		advance(rest, (size_t)n);
		i++;
	}
	if (rest->n > 0) {
		errno = ENOSPC;
		return mt_fail_sys(err, "spool: append");
	}
	return MT_OK;
}

/* Get another segment, and never this one again. */
static void
leave(struct mt_spool *spool)
{
	atomic_store(&spool->spent, true);
	atomic_store(&spool->full, true);
}

/* Called with the lock held shared. MT_AGAIN: the file was deleted. */
static enum mt_rc
append(struct mt_spool *spool, struct rest *rest, struct mt_err *err)
{
	struct rest whole = *rest;
	struct stat st;

	seal_all(&spool->seal, rest);
	if (write_rest(spool->fd, rest, err) != MT_OK) {
		if (err->sys != ENOSPC && err->sys != EDQUOT)
			leave(spool);
		return err->rc;
	}
	if (fstat(spool->fd, &st) != 0)
		return mt_fail_sys(err, "spool: append");
	if (st.st_nlink == 0) {
		atomic_store(&spool->full, true);
		*rest = whole;
		return mt_fail(err, MT_AGAIN, "spool: segment was deleted");
	}
	if ((uint64_t)st.st_size >= spool->segment)
		atomic_store(&spool->full, true);
	if (spool->sync == MT_sync_always && fdatasync(spool->fd) != 0) {
		*rest = whole;
		mt_err_put_sys(err, "spool: fdatasync");
		leave(spool);
		return MT_SYSTEM;
	}
	return MT_OK;
}

static enum mt_rc
append_batch(struct mt_spool *spool, struct rest *rest, struct mt_err *err)
{
	enum mt_rc rc = MT_AGAIN;
	int i;

	for (i = 0; i < JOIN_TRIES && rc == MT_AGAIN; i++) {
		if (lock_segment(spool, err) != MT_OK)
			return err->rc;
		rc = append(spool, rest, err);
		(void)pthread_rwlock_unlock(&spool->lock);
	}
	return rc;
}

enum mt_rc
mt_spool_commit(
    struct mt_spool *spool, struct mt_spool_batch *batch, struct mt_err *err)
{
	struct rest rest = { batch->bytes.p, batch->bytes.n, batch->n };
	size_t refused = batch->refused;
	enum mt_rc rc = MT_OK;

	if (rest.n > 0)
		rc = append_batch(spool, &rest, err);
	if (rc != MT_OK || refused > 0)
		count_lost(spool, refused + (rc == MT_OK ? 0 : rest.records),
		    rc == MT_OK ? 0 : rest.n, rc == MT_OK ? 0 : err->sys);
	else if (atomic_load(&spool->lost_any))
		count_lost(spool, 0, 0, 0);
	mt_buf_reset(&batch->bytes);
	batch->n = 0;
	batch->refused = 0;
	return rc;
}

enum mt_rc
mt_spool_try(
    struct mt_spool *spool, struct mt_spool_batch *batch, struct mt_err *err)
{
	struct rest rest = { batch->bytes.p, batch->bytes.n, batch->n };

	if (rest.n > 0 && append_batch(spool, &rest, err) != MT_OK)
		return err->rc;
	if (batch->refused > 0 || atomic_load(&spool->lost_any))
		count_lost(spool, batch->refused, 0, 0);
	mt_buf_reset(&batch->bytes);
	batch->n = 0;
	batch->refused = 0;
	return MT_OK;
}
