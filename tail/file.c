/* SPDX-License-Identifier: BSD-2-Clause */
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/sum.h"
#include "file.h"
#include "maillog/cut.h"

/* How often it is looked at though inotify says nothing; and without it. */
#define SLOW_MS 10000
#define FAST_MS 500
#define SAFE_MS 5000 /* a disk has what was written before that */

static enum mt_rc
file_open(
    struct source *s, const struct mt_tailed_source *saved, struct mt_err *err)
{
	struct file *f = mt_alloc(sizeof(*f));
	const char *slash = strrchr(s->name, '/');

	(void)err;
	s->own = f;
	f->path = s->name;
	f->base = slash + 1;
	f->dir = slash == s->name
	    ? mt_dupz("/")
	    : mt_str_dup(mt_str_n(s->name, (size_t)(slash - s->name)));
	f->fd = -1;
	f->bytes = mt_alloc(ROTATED_CHECK + FILE_READ);
	f->look = true;
	if (saved != NULL && saved->placed) {
		f->moment = s->tail->rebooted ? saved->safe : saved->place;
		f->recorded = f->older = f->safe = f->moment;
		f->placed = true;
		s->counts.last = saved->counts.last;
	}
	return MT_OK;
}

static void
file_close(struct source *s)
{
	struct file *f = s->own;

	if (f == NULL)
		return;
	if (f->fd >= 0)
		(void)close(f->fd);
	rotated_done(&f->known);
	mt_free(f->bytes);
	mt_free(f->dir);
	mt_free(f);
}

static struct mt_place
place_at(const struct file *f, uint64_t offset)
{
	return (
	    struct mt_place){ .dev = f->dev, .ino = f->ino, .offset = offset };
}

static void
seal(const struct file *f, struct mt_place *place)
{
	if (place->ino != f->ino || place->dev != f->dev)
		return;
	place->until = f->at;
	place->checked = f->n_before;
	place->sum = mt_sum(0, f->before, f->n_before);
}

/* The open file was read up to `at`. */
static void
seal_places(struct file *f)
{
	seal(f, &f->moment);
	seal(f, &f->next);
}

/* Begin again there, whatever was before. */
static void
put_place(struct file *f, uint64_t offset)
{
	f->moment = f->next = place_at(f, offset);
}

/* Read fd, which is f's from now on, from an offset. */
static bool
adopt(struct source *s, int fd, uint64_t offset)
{
	struct file *f = s->own;
	struct stat st;
	size_t n = offset < ROTATED_CHECK ? offset : ROTATED_CHECK;

	if (fstat(fd, &st) != 0 ||
	    pread(fd, f->before, n, (off_t)(offset - n)) != (ssize_t)n) {
		(void)close(fd);
		return false;
	}
	if (f->fd >= 0)
		(void)close(f->fd);
	f->fd = fd;
	f->dev = st.st_dev;
	f->ino = st.st_ino;
	f->at = offset;
	f->size = (uint64_t)st.st_size;
	f->n_before = n;
	f->skipping = f->leaving = f->unsure = false;
	f->look = true;
	return true;
}

/* Behind the last line end before size. */
static uint64_t
last_line(struct file *f, int fd, uint64_t size)
{
	uint64_t from = size > FILE_READ ? size - FILE_READ : 0;
	ssize_t n = pread(fd, f->bytes, FILE_READ, (off_t)from);
	const char *end = n > 0 ? memrchr(f->bytes, '\n', (size_t)n) : NULL;

	return end == NULL ? size : from + (uint64_t)(end - f->bytes) + 1;
}

/* A file that was never read. */
static bool
begin_new(struct source *s, int fd)
{
	struct file *f = s->own;
	uint64_t offset = 0;
	struct stat st;

	if (s->tail->options->from == MT_from_last && !f->new_log &&
	    fstat(fd, &st) == 0)
		offset = last_line(f, fd, (uint64_t)st.st_size);
	if (!adopt(s, fd, offset))
		return false;
	put_place(f, offset);
	/* To be remembered at once, though nothing is read. */
	s->moved = true;
	s->tail->saved_ms = 0;
	mt_log(MT_LOG_INFO, "%s: reading from=%" PRIu64 " size=%" PRIu64,
	    s->name, offset, f->size);
	return true;
}

/* Go on where reading stood, as remembered. */
static enum mt_rc
begin_again(struct source *s, struct mt_err *err)
{
	struct file *f = s->own;
	uint64_t offset = f->moment.offset;
	int64_t since = s->tail->before.at;
	enum mt_rc rc;
	int fd;

	/* Nothing was read of it: a copy of it would not be known again. */
	if (f->moment.until == 0)
		rc = find_since(s, since - 2 * MT_SECOND, false, &fd, err);
	else
		rc = find_place(f, &f->moment, &fd, err);
	if (rc == MT_ABSENT && f->moment.until > 0) {
		offset = 0;
		rc = find_since(s, since, true, &fd, err);
	}
	if (rc != MT_OK)
		return rc;
	if (!adopt(s, fd, offset))
		return mt_fail(err, MT_AGAIN, "%s: cut short", s->name);
	put_place(f, offset);
	f->placed = true;
	mt_log(MT_LOG_INFO, "%s: going on from=%" PRIu64 " size=%" PRIu64,
	    s->name, offset, f->size);
	return MT_OK;
}

static bool
begin(struct source *s)
{
	struct file *f = s->own;
	struct mt_err err;
	enum mt_rc rc;
	int fd;

	if (f->placed)
		rc = begin_again(s, &err);
	else if ((rc = find_path(f, &fd, &err)) == MT_OK && !begin_new(s, fd))
		rc = mt_fail(&err, MT_AGAIN, "%s: cut short", s->name);
	if (rc == MT_OK) {
		source_works(s);
		return true;
	}
	/* What is not there yet will be new when it comes. */
	if (rc == MT_ABSENT)
		f->new_log = true;
	source_fails(s, &err);
	return false;
}

/* Remember the bytes before `at`, which are the last of n. */
static void
keep_before(struct file *f, const char *p, size_t n)
{
	f->n_before = n < ROTATED_CHECK ? n : ROTATED_CHECK;
	memcpy(f->before, p + n - f->n_before, f->n_before);
}

static void
take_line(struct source *s, struct mt_str line)
{
	struct file *f = s->own;

	unsigned again = source_line(s, line, f->mtime);

	if ((again & MT_MAILLOG_NEXT) != 0)
		f->next = place_at(f, f->at);
	if ((again & MT_MAILLOG_GOOD) != 0)
		f->moment = f->next;
}

/* How many of the bytes were lines. */
static size_t
take_lines(struct source *s, struct mt_str bytes)
{
	struct file *f = s->own;
	struct mt_str line;
	size_t n, all = 0;

	while ((n = mt_maillog_cut(mt_str_n(bytes.p + all, bytes.n - all),
		    &f->skipping, &line)) > 0) {
		if (line.p != NULL)
			take_line(s, line);
		s->counts.cut += f->skipping && line.p != NULL;
		f->at += n;
		all += n;
	}
	return all;
}

/* The open file is not what it was: cut short, or written over. */
static bool
begin_over(struct source *s)
{
	struct file *f = s->own;
	uint64_t size = f->size;
	char name[256];
	int fd = find_copy(f);

	if (fd >= 0) {
		mt_log(MT_LOG_INFO,
		    "%s: was truncated; reading the rest of its copy first",
		    s->name);
		return adopt(s, fd, f->at);
	}
	if (size > f->at)
		source_gap(s,
		    "was truncated, and no copy is there: bytes=%" PRIu64
		    " or more that were not read are missing",
		    size - f->at);
	else if (find_compressed(f, f->mtime, name, sizeof(name)))
		source_gap(s,
		    "was truncated, and its copy is compressed: lines at the "
		    "end of %s may be missing",
		    name);
	else
		mt_log(MT_LOG_INFO, "%s: was truncated; reading from its start",
		    s->name);
	f->at = f->n_before = 0;
	f->size = 0;
	f->skipping = f->leaving = false;
	put_place(f, 0);
	f->recorded = f->moment;
	s->moved = true;
	return true;
}

/* Another file has taken its place, and it was read to its end. */
static bool
leave(struct source *s, struct mt_str rest)
{
	struct file *f = s->own;
	struct mt_err err;
	int fd;

	if (find_next(s, &fd, &err) != MT_OK) {
		source_fails(s, &err);
		return false;
	}
	/* Nobody will end this line any more. */
	if (rest.n > 0 && !f->skipping)
		take_line(s, rest);
	seal_places(f);
	if (!adopt(s, fd, 0))
		return false;
	f->unsure = true;
	source_works(s);
	mt_log(MT_LOG_DEBUG, "%s: going on in the next file", s->name);
	return true;
}

/* Has a file that comes after the open one got something? */
static bool
has_next(const struct file *f)
{
	struct stat st;

	if (stat(f->path, &st) != 0)
		return find_later(f);
	if (st.st_ino == f->ino && st.st_dev == f->dev)
		return false;
	return st.st_size > 0 || find_later(f);
}

/* Everything that is there was read, but for a line that is not whole. */
static bool
at_end(struct source *s, struct mt_str rest)
{
	struct file *f = s->own;

	if (!has_next(f)) {
		f->leaving = false;
		return false;
	}
	if (!f->leaving) {
		/* Whoever writes may have written here until just now. */
		f->leaving = f->look = true;
		return true;
	}
	return leave(s, rest);
}

static bool
read_some(struct source *s)
{
	struct file *f = s->own;
	size_t want = f->n_before + FILE_READ, used;
	struct mt_err err;
	struct mt_str rest;
	struct stat st;
	ssize_t n;
	int fd;

	n = pread(f->fd, f->bytes, want, (off_t)(f->at - f->n_before));
	if (n < 0 || fstat(f->fd, &st) != 0) {
		mt_err_put_sys(&err, "%s", s->name);
		source_fails(s, &err);
		return false;
	}
	if ((size_t)n < f->n_before ||
	    memcmp(f->bytes, f->before, f->n_before) != 0)
		return begin_over(s);
	if (n > 0 && f->unsure && find_unknown(s, &fd))
		return adopt(s, fd, 0);
	f->unsure = f->unsure && n == 0;
	f->size = (uint64_t)st.st_size;
	f->mtime =
	    (int64_t)st.st_mtim.tv_sec * MT_SECOND + st.st_mtim.tv_nsec / 1000;
	rest = mt_str_n(f->bytes + f->n_before, (size_t)n - f->n_before);
	used = take_lines(s, rest);
	rest = mt_str_n(rest.p + used, rest.n - used);
	keep_before(f, f->bytes, f->n_before + used);
	s->counts.behind = f->size > f->at ? f->size - f->at : 0;
	source_works(s);
	if ((size_t)n == want) {
		f->look = true;
		return true;
	}
	return at_end(s, rest);
}

static bool
file_work(struct source *s)
{
	struct file *f = s->own;
	int64_t now = mt_clock_mono_ms();
	bool more;

	if (!f->look && now < f->look_ms)
		return false;
	f->look = false;
	f->watched = watch_add(&s->tail->watch, f->dir);
	more = f->fd >= 0 || begin(s) ? read_some(s) : false;
	f->look_ms = now + (f->watched && f->fd >= 0 ? SLOW_MS : FAST_MS);
	/* Trouble is tried again soon, and so is a file to come. */
	if (atomic_load(&s->trouble.on))
		f->look_ms = now + FAST_MS;
	f->look |= more;
	return more;
}

static void
file_recorded(struct source *s)
{
	struct file *f = s->own;

	seal_places(f);
	f->recorded = f->moment;
	f->placed = true;
}

static void
file_save(struct source *s, struct mt_tailed_source *out)
{
	struct file *f = s->own;
	int64_t now = mt_clock_mono_ms();

	if (!f->placed)
		return;
	if (f->safe.ino == 0)
		f->safe = f->older = f->recorded;
	if (now >= f->older_ms + SAFE_MS) {
		f->safe = f->older;
		f->older = f->recorded;
		f->older_ms = now;
	}
	out->placed = true;
	out->place = f->recorded;
	out->safe = f->safe;
}

static int64_t
file_deadline_ms(const struct source *s)
{
	const struct file *f = s->own;

	return f->look ? 1 : f->look_ms;
}

void
file_said(void *arg, const char *dir, const char *name)
{
	struct tail *t = arg;
	struct file *f;
	size_t i;

	for (i = 0; i < t->n_sources; i++) {
		if (t->sources[i]->kind != &file_kind)
			continue;
		f = t->sources[i]->own;
		if (dir == NULL ||
		    (strcmp(dir, f->dir) == 0 &&
			(name == NULL ||
			    strncmp(name, f->base, strlen(f->base)) == 0)))
			f->look = true;
	}
}

const struct source_kind file_kind = {
	.prefix = "/",
	.remembers = true,
	.open = file_open,
	.close = file_close,
	.work = file_work,
	.recorded = file_recorded,
	.save = file_save,
	.deadline_ms = file_deadline_ms,
};
