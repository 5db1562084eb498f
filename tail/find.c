/* SPDX-License-Identifier: BSD-2-Clause */
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/sum.h"
#include "file.h"

#define US 1000 /* ns */
#define COPY_TRIES 20 /* while files are being renamed */

static enum mt_rc
open_file(const char *path, int *ret_fd, struct mt_err *err)
{
	struct stat st;
	int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);

	if (fd < 0) {
		mt_err_put_sys(err, "%s", path);
		if (err->sys == ENOENT)
			err->rc = MT_ABSENT;
		return err->rc;
	}
	if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)) {
		(void)close(fd);
		return mt_fail(err, MT_FORMAT, "%s: not a regular file", path);
	}
	*ret_fd = fd;
	return MT_OK;
}

static enum mt_rc
open_rotated(const struct file *f, const struct rotated *r, int *ret_fd,
    struct mt_err *err)
{
	char path[PATH_MAX];
	struct stat st;

	(void)snprintf(path, sizeof(path), "%s/%s", f->dir, r->name);
	if (open_file(path, ret_fd, err) != MT_OK)
		/* It has another name by now: look again later. */
		return err->rc = err->rc == MT_ABSENT ? MT_AGAIN : err->rc;
	/* Or another has that name. */
	if (fstat(*ret_fd, &st) == 0 && st.st_ino == r->ino &&
	    st.st_dev == r->dev)
		return MT_OK;
	(void)close(*ret_fd);
	return mt_fail(err, MT_AGAIN, "%s: just being rotated", path);
}

enum mt_rc
find_path(const struct file *f, int *ret_fd, struct mt_err *err)
{
	return open_file(f->path, ret_fd, err);
}

/* same: those of the place's own inode, or else the others. */
static enum mt_rc
find_rotated(const struct file *f, const struct mt_place *place, bool same,
    int *ret_fd, struct mt_err *err)
{
	enum mt_rc rc = MT_ABSENT;
	struct rotated_list list;
	const struct rotated *r;
	size_t i;

	rotated_list(f->dir, f->base, &list);
	for (i = list.n; rc == MT_ABSENT && i-- > 0;) {
		r = &list.files[i];
		if (r->compressed || r->size < place->until ||
		    (r->ino == place->ino && r->dev == place->dev) != same)
			continue;
		rc = open_rotated(f, r, ret_fd, err);
		if (rc == MT_OK && !rotated_is(*ret_fd, place)) {
			(void)close(*ret_fd);
			rc = MT_ABSENT;
		}
	}
	rotated_done(&list);
	if (rc == MT_ABSENT)
		return mt_fail(err, MT_ABSENT, "%s: not found", f->path);
	return rc;
}

enum mt_rc
find_place(const struct file *f, const struct mt_place *place, int *ret_fd,
    struct mt_err *err)
{
	struct stat st;
	int named = -1;
	enum mt_rc rc;

	rc = open_file(f->path, &named, err);
	if (rc != MT_OK && rc != MT_ABSENT)
		return rc;
	if (rc == MT_OK && fstat(named, &st) == 0 && st.st_ino == place->ino &&
	    st.st_dev == place->dev && rotated_is(named, place)) {
		*ret_fd = named;
		return MT_OK;
	}
	/* A rotated one, the file on another disk, a copy. */
	rc = find_rotated(f, place, true, ret_fd, err);
	if (rc == MT_ABSENT && named >= 0 && rotated_is(named, place)) {
		*ret_fd = named;
		return MT_OK;
	}
	if (rc == MT_ABSENT)
		rc = find_rotated(f, place, false, ret_fd, err);
	if (named >= 0)
		(void)close(named);
	return rc;
}

int
find_copy(const struct file *f)
{
	const struct mt_place place = {
		.until = f->at,
		.checked = f->n_before,
		.sum = mt_sum(0, f->before, f->n_before),
	};
	enum mt_rc rc = MT_AGAIN;
	struct mt_err err;
	int i, fd = -1;

	for (i = 0; f->n_before > 0 && i < COPY_TRIES && rc == MT_AGAIN; i++)
		rc = find_rotated(f, &place, false, &fd, &err);
	return rc == MT_OK ? fd : -1;
}

bool
find_compressed(const struct file *f, int64_t since, char *out, size_t size)
{
	struct rotated_list list;
	bool found = false;
	size_t i;

	rotated_list(f->dir, f->base, &list);
	for (i = 0; i < list.n && !found; i++) {
		found =
		    list.files[i].compressed && list.files[i].ns / US >= since;
		if (found)
			(void)snprintf(out, size, "%s", list.files[i].name);
	}
	rotated_done(&list);
	return found;
}

static bool
is_at_path(const struct file *f, const struct rotated *r)
{
	struct stat st;

	return stat(f->path, &st) == 0 && st.st_ino == r->ino &&
	    st.st_dev == r->dev;
}

/* Index of the first that is later than the open file. */
static size_t
first_later(const struct file *f, const struct rotated_list *list)
{
	struct stat st;
	size_t i;
	int64_t ns;

	for (i = 0; i < list->n; i++)
		if (list->files[i].ino == f->ino &&
		    list->files[i].dev == f->dev)
			return i + 1;
	if (fstat(f->fd, &st) != 0)
		return list->n;
	ns = (int64_t)st.st_mtim.tv_sec * 1000000000 + st.st_mtim.tv_nsec;
	for (i = 0; i < list->n && list->files[i].ns <= ns; i++)
		continue;
	return i;
}

enum mt_rc
find_next(struct source *s, int *ret_fd, struct mt_err *err)
{
	struct file *f = s->own;
	struct rotated_list list;
	enum mt_rc rc = MT_ABSENT;
	size_t i;

	rotated_list(f->dir, f->base, &list);
	for (i = first_later(f, &list); i < list.n && rc == MT_ABSENT; i++) {
		if (list.files[i].compressed)
			source_gap(s,
			    "%s was compressed before it was read: its lines "
			    "are missing",
			    list.files[i].name);
		else if (!is_at_path(f, &list.files[i]))
			rc = open_rotated(f, &list.files[i], ret_fd, err);
	}
	rotated_done(&f->known);
	f->known = list;
	if (rc == MT_ABSENT)
		rc = find_path(f, ret_fd, err);
	return rc;
}

bool
find_later(const struct file *f)
{
	struct rotated_list list;
	bool found = false;
	size_t i;

	rotated_list(f->dir, f->base, &list);
	for (i = first_later(f, &list); i < list.n && !found; i++)
		found =
		    list.files[i].size > 0 && !is_at_path(f, &list.files[i]);
	rotated_done(&list);
	return found;
}

static bool
is_known(const struct file *f, const struct rotated *r)
{
	size_t i;

	for (i = 0; i < f->known.n; i++)
		if (f->known.files[i].ino == r->ino &&
		    f->known.files[i].dev == r->dev)
			return true;
	return r->ino == f->ino && r->dev == f->dev;
}

bool
find_unknown(struct source *s, int *ret_fd)
{
	struct file *f = s->own;
	struct rotated_list list;
	struct mt_err err;
	struct stat st;
	bool found = false;
	size_t i;

	/* Renamed meanwhile, it is the next all the same. */
	if (stat(f->path, &st) != 0 || st.st_ino != f->ino ||
	    st.st_dev != f->dev)
		return false;
	rotated_list(f->dir, f->base, &list);
	for (i = 0; i < list.n && !found; i++)
		found = !list.files[i].compressed && list.files[i].size > 0 &&
		    !is_known(f, &list.files[i]) &&
		    open_rotated(f, &list.files[i], ret_fd, &err) == MT_OK;
	rotated_done(&list);
	return found;
}

static void
say_missing(struct source *s, const struct rotated_list *list, int64_t since,
    int64_t last)
{
	char at[MT_TIME_LEN + 1] = "an unknown time";
	const char *name = NULL;
	size_t i;

	if (last > 0)
		mt_time_write(last, 'T', true, at);
	for (i = 0; i < list->n && name == NULL; i++)
		if (list->files[i].compressed &&
		    list->files[i].ns / US >= since - MT_SECOND)
			name = list->files[i].name;
	if (name != NULL)
		source_gap(s,
		    "what was being read is gone: rotated, and compressed as "
		    "%s; its lines after %s are missing",
		    name, at);
	else
		source_gap(s,
		    "what was being read is gone: rotated and removed, or "
		    "overwritten; its lines after %s are missing",
		    at);
}

enum mt_rc
find_since(struct source *s, int64_t since, bool missing, int *ret_fd,
    struct mt_err *err)
{
	const struct file *f = s->own;
	struct rotated_list list;
	enum mt_rc rc = MT_ABSENT;
	size_t i;

	rotated_list(f->dir, f->base, &list);
	for (i = 0; i < list.n && rc == MT_ABSENT; i++)
		if (!list.files[i].compressed && list.files[i].ns / US >= since)
			rc = open_rotated(f, &list.files[i], ret_fd, err);
	if (rc == MT_ABSENT)
		rc = find_path(f, ret_fd, err);
	if (rc == MT_OK && missing)
		say_missing(s, &list, since, (int64_t)s->counts.last);
	rotated_done(&list);
	return rc;
}
