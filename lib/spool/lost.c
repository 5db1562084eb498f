/* SPDX-License-Identifier: BSD-2-Clause */
#include <sys/file.h>
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/sum.h"
#include "spool/lost.h"

#define LOST_SIZE 48
#define LOST_SUM (LOST_SIZE - 8)

static const char magic[8] = { 'M', 'T', 'L', 'O', 'S', 'T', '1', '\n' };

static void
put_u64(char *p, uint64_t n)
{
	int i;

	for (i = 0; i < 8; i++)
		p[i] = (char)(n >> (8 * i) & 0xff);
}

static uint64_t
get_u64(const char *p)
{
	uint64_t n = 0;
	int i;

	for (i = 7; i >= 0; i--)
		n = n << 8 | (unsigned char)p[i];
	return n;
}

static void
write_counts(const struct mt_lost *lost, char out[LOST_SIZE])
{
	memcpy(out, magic, sizeof(magic));
	put_u64(out + 8, lost->records);
	put_u64(out + 16, lost->bytes);
	put_u64(out + 24, (uint64_t)lost->at);
	put_u64(out + 32, lost->sys);
	put_u64(out + LOST_SUM, mt_sum(0, out, LOST_SUM));
}

/* A damaged file counts as empty: it must not stop the counting. */
static struct mt_lost
read_counts(const char *p, ssize_t n)
{
	struct mt_lost lost = { 0, 0, 0, 0 };

	if (n != LOST_SIZE || memcmp(p, magic, sizeof(magic)) != 0 ||
	    get_u64(p + LOST_SUM) != mt_sum(0, p, LOST_SUM))
		return lost;
	lost.records = get_u64(p + 8);
	lost.bytes = get_u64(p + 16);
	lost.at = (int64_t)get_u64(p + 24);
	lost.sys = get_u64(p + 32);
	return lost;
}

enum mt_rc
mt_lost_read(
    int dir_fd, const char *file, struct mt_lost *ret_lost, struct mt_err *err)
{
	char bytes[LOST_SIZE];
	ssize_t n;
	int fd;

	fd = openat(dir_fd, file, O_RDONLY | O_CLOEXEC);
	if (fd < 0 && errno == ENOENT) {
		*ret_lost = (struct mt_lost){ 0, 0, 0, 0 };
		return MT_OK;
	}
	if (fd < 0)
		return mt_fail_sys(err, "spool: %s", file);
	n = pread(fd, bytes, sizeof(bytes), 0);
	(void)close(fd);
	if (n < 0)
		return mt_fail_sys(err, "spool: %s", file);
	*ret_lost = read_counts(bytes, n);
	return MT_OK;
}

static enum mt_rc
add_locked(
    int fd, const char *file, const struct mt_lost *more, struct mt_err *err)
{
	char bytes[LOST_SIZE];
	struct mt_lost lost;
	ssize_t n;

	n = pread(fd, bytes, sizeof(bytes), 0);
	lost = read_counts(bytes, n);
	lost.records += more->records;
	lost.bytes += more->bytes;
	if (more->at >= lost.at) {
		lost.at = more->at;
		lost.sys = more->sys;
	}
	write_counts(&lost, bytes);
	if (pwrite(fd, bytes, sizeof(bytes), 0) != (ssize_t)sizeof(bytes))
		return mt_fail_sys(err, "spool: %s", file);
	return MT_OK;
}

enum mt_rc
mt_lost_add(int dir_fd, const char *file, const struct mt_lost *more,
    struct mt_err *err)
{
	enum mt_rc rc;
	struct stat st;
	int fd;

	fd = openat(dir_fd, file, O_RDWR | O_CREAT | O_CLOEXEC, 0660);
	if (fd < 0)
		return mt_fail_sys(err, "spool: %s", file);
	if (fstat(fd, &st) == 0 && st.st_size == 0)
		(void)fchmod(fd, 0660); /* whatever the umask says */
	if (flock(fd, LOCK_EX | LOCK_NB) != 0)
		rc = mt_fail(err, MT_AGAIN, "spool: %s: locked", file);
	else
		rc = add_locked(fd, file, more, err);
	(void)close(fd);
	return rc;
}
