/* SPDX-License-Identifier: BSD-2-Clause */
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/num.h"
#include "base/sum.h"
#include "spool/keep.h"

#define NAME_SIZE 64

bool
mt_keep_hex(struct mt_str s, uint64_t *ret_n)
{
	uint64_t n = 0;
	size_t i;
	int digit;

	if (s.n == 0 || s.n > 16)
		return false;
	for (i = 0; i < s.n; i++) {
		if ((digit = mt_hex_digit(s.p[i])) < 0)
			return false;
		n = n << 4 | (unsigned)digit;
	}
	*ret_n = n;
	return true;
}

size_t
mt_keep_words(struct mt_str line, struct mt_str *words, size_t max)
{
	size_t n = 0;

	while (line.n > 0 && n < max) {
		(void)mt_str_cut(line, ' ', &words[n], &line);
		n++;
	}
	return line.n > 0 ? max + 1 : n;
}

/* Leave what stands before the line "end", when its sum is right. */
static bool
cut_end(struct mt_buf *text)
{
	struct mt_str last, lines;
	uint64_t sum;

	if (text->n == 0 || text->p[text->n - 1] != '\n' ||
	    !mt_str_cut_last(
		mt_str_n(text->p, text->n - 1), '\n', &lines, &last))
		return false;
	lines.n++; /* with its line end */
	if (!mt_str_starts(last, "end ") ||
	    !mt_keep_hex(mt_str_n(last.p + 4, last.n - 4), &sum) ||
	    sum != mt_sum(0, lines.p, lines.n))
		return false;
	text->n = lines.n;
	text->p[text->n] = '\0';
	return true;
}

static enum mt_rc
read_all(int fd, const char *name, struct mt_buf *out, struct mt_err *err)
{
	char bytes[16384];
	ssize_t n;

	while ((n = read(fd, bytes, sizeof(bytes))) > 0)
		mt_buf_add(out, bytes, (size_t)n);
	if (n < 0)
		return mt_fail_sys(err, "%s", name);
	if (mt_buf_over(out))
		return mt_fail(err, MT_FORMAT, "%s: too long", name);
	return MT_OK;
}

enum mt_rc
mt_keep_read(int dir_fd, const char *name, struct mt_buf *text, int64_t *ret_at,
    struct mt_err *err)
{
	struct stat st;
	enum mt_rc rc;
	int fd;

	fd = openat(dir_fd, name, O_RDONLY | O_CLOEXEC);
	if (fd < 0 && errno == ENOENT)
		return mt_fail(err, MT_ABSENT, "%s: not there", name);
	if (fd < 0)
		return mt_fail_sys(err, "%s", name);
	rc = read_all(fd, name, text, err);
	if (rc == MT_OK && fstat(fd, &st) == 0)
		*ret_at = (int64_t)st.st_mtime * MT_SECOND;
	(void)close(fd);
	if (rc == MT_OK && !cut_end(text))
		rc = mt_fail(err, MT_FORMAT, "%s: damaged", name);
	return rc;
}

static enum mt_rc
write_new(int dir_fd, const char *name, struct mt_str text, bool sync,
    struct mt_err *err)
{
	ssize_t n;
	int fd;

	fd = openat(
	    dir_fd, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0660);
	if (fd < 0)
		return mt_fail_sys(err, "%s", name);
	(void)fchmod(fd, 0660);
	n = write(fd, text.p, text.n);
	if (n >= 0 && (size_t)n < text.n)
		errno = ENOSPC;
	if (n < 0 || (size_t)n < text.n || (sync && fsync(fd) != 0)) {
		mt_err_put_sys(err, "%s", name);
		(void)close(fd);
		return MT_SYSTEM;
	}
	(void)close(fd);
	return MT_OK;
}

enum mt_rc
mt_keep_write(int dir_fd, const char *name, struct mt_buf *text, bool sync,
    struct mt_err *err)
{
	char fresh[NAME_SIZE];

	mt_buf_printf(text, "end %08x\n", mt_sum(0, text->p, text->n));
	if (mt_buf_over(text))
		return mt_fail(err, MT_LIMIT, "%s: too long", name);
	(void)snprintf(fresh, sizeof(fresh), "%s.new", name);
	if (write_new(dir_fd, fresh, mt_buf_view(text), sync, err) != MT_OK)
		return err->rc;
	if (renameat(dir_fd, fresh, dir_fd, name) != 0 ||
	    (sync && fsync(dir_fd) != 0))
		return mt_fail_sys(err, "%s", name);
	return MT_OK;
}
