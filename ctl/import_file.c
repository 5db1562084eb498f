/* SPDX-License-Identifier: BSD-2-Clause */
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <archive.h>
#include <archive_entry.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "import.h"
#include "maillog/cut.h"
#include "prog/program.h"

#define PACKED (256u << 10) /* bytes of one read(2) */
#define UNPACKED (512u << 10) /* more than a line, and what is peeked at */

void
import_file_init(struct import_file *f, const char *name)
{
	*f = (struct import_file){ .name = name, .fd = -1 };
}

/* Wait for a pipe's next bytes; false: the program shall stop. */
static bool
wait_readable(int fd)
{
	struct pollfd fds[2] = {
		{ .fd = fd, .events = POLLIN },
		{ .fd = mt_stop_fd(), .events = POLLIN },
	};

	while (poll(fds, 2, -1) < 0)
		if (errno != EINTR)
			return true; /* read(2) will tell */
	return (fds[1].revents & POLLIN) == 0;
}

static la_ssize_t
read_packed(struct archive *a, void *arg, const void **ret)
{
	struct import_file *f = arg;
	ssize_t n;

	if (!f->regular && !wait_readable(f->fd)) {
		archive_set_error(a, EINTR, "stopped");
		return ARCHIVE_FATAL;
	}
	do {
		n = read(f->fd, f->packed, PACKED);
	} while (n < 0 && errno == EINTR);
	if (n < 0) {
		archive_set_error(a, errno, "%s", strerrordesc_np(errno));
		return ARCHIVE_FATAL;
	}
	f->taken += (uint64_t)n;
	*ret = f->packed;
	return n;
}

static void
note_why(struct import_file *f)
{
	const char *said = archive_error_string(f->archive);

	(void)snprintf(f->why, sizeof(f->why), "%s",
	    said != NULL ? said : "cannot be unpacked");
	f->ended = true;
}

/* By content, whatever its name. */
static void
unpack(struct import_file *f)
{
	struct archive_entry *entry = NULL;
	int64_t written;
	int r;

	f->archive = archive_read_new();
	if (f->archive == NULL) {
		(void)snprintf(f->why, sizeof(f->why), "no memory");
		f->ended = true;
		return;
	}
	(void)archive_read_support_filter_gzip(f->archive);
	(void)archive_read_support_filter_bzip2(f->archive);
	(void)archive_read_support_filter_xz(f->archive);
	(void)archive_read_support_filter_zstd(f->archive);
	(void)archive_read_support_format_raw(f->archive);
	(void)archive_read_support_format_empty(f->archive);
	r = archive_read_open(f->archive, f, NULL, read_packed, NULL);
	if (r == ARCHIVE_OK)
		r = archive_read_next_header(f->archive, &entry);
	if (r == ARCHIVE_EOF) {
		f->ended = true;
		return;
	}
	if (r != ARCHIVE_OK && r != ARCHIVE_WARN) {
		note_why(f);
		return;
	}
	/* gzip says when what it packed was written; a copy is younger. */
	if (!archive_entry_mtime_is_set(entry))
		return;
	written = (int64_t)archive_entry_mtime(entry) * MT_SECOND;
	if (written > 0 && written < f->written)
		f->written = written;
}

static enum mt_rc
look_at(struct import_file *f, struct mt_err *err)
{
	struct stat st;

	if (fstat(f->fd, &st) != 0)
		return mt_fail_sys(err, "%s", f->name);
	if (S_ISDIR(st.st_mode))
		return mt_fail(
		    err, MT_ABSENT, "%s: a directory", mt_quotez(f->name).s);
	f->dev = st.st_dev;
	f->ino = st.st_ino;
	f->regular = S_ISREG(st.st_mode) && strcmp(f->name, "-") != 0;
	f->size = f->regular ? (uint64_t)st.st_size : 0;
	f->written = mt_clock_now();
	if (S_ISREG(st.st_mode))
		f->written = (int64_t)st.st_mtim.tv_sec * MT_SECOND +
		    st.st_mtim.tv_nsec / 1000;
	return MT_OK;
}

enum mt_rc
import_file_open(struct import_file *f, struct mt_err *err)
{
	if (f->fd >= 0)
		return MT_OK;
	f->fd = strcmp(f->name, "-") == 0 ? dup(STDIN_FILENO)
					  : open(f->name, O_RDONLY | O_CLOEXEC);
	if (f->fd < 0) {
		mt_err_put_sys(err, "%s", mt_quotez(f->name).s);
		err->rc = MT_ABSENT;
		return MT_ABSENT;
	}
	if (look_at(f, err) != MT_OK) {
		import_file_close(f);
		return err->rc;
	}
	f->packed = mt_alloc(PACKED);
	f->bytes = mt_alloc(UNPACKED);
	f->at = f->n = 0;
	f->taken = 0;
	f->ended = f->skipping = false;
	f->why[0] = '\0';
	unpack(f);
	return MT_OK;
}

void
import_file_close(struct import_file *f)
{
	if (f->fd < 0)
		return;
	if (f->archive != NULL)
		(void)archive_read_free(f->archive);
	f->archive = NULL;
	mt_free(f->packed);
	mt_free(f->bytes);
	f->packed = f->bytes = NULL;
	(void)close(f->fd);
	f->fd = -1;
}

/* More bytes behind those that are there; false: there are no more. */
static bool
fill(struct import_file *f)
{
	la_ssize_t n;

	if (f->ended || f->bytes == NULL)
		return false;
	memmove(f->bytes, f->bytes + f->at, f->n - f->at);
	f->n -= f->at;
	f->at = 0;
	n = archive_read_data(f->archive, f->bytes + f->n, UNPACKED - f->n);
	if (n < 0)
		note_why(f);
	else if (n == 0)
		f->ended = true;
	else
		f->n += (size_t)n;
	return n > 0;
}

bool
import_file_line(struct import_file *f, struct mt_str *ret_line)
{
	size_t n;

	for (;;) {
		n = mt_maillog_cut(mt_str_n(f->bytes + f->at, f->n - f->at),
		    &f->skipping, ret_line);
		f->at += n;
		if (n > 0 && ret_line->p != NULL)
			return true;
		if (n == 0 && !fill(f))
			break;
	}
	/* What is left without a line end is a line. */
	*ret_line = mt_str_n(f->bytes + f->at, f->n - f->at);
	f->at = f->n;
	return ret_line->n > 0;
}

static enum mt_rc
ignore_event(void *arg, enum mt_event id, const void *ev, struct mt_err *err)
{
	(void)arg;
	(void)id;
	(void)ev;
	(void)err;
	return MT_OK;
}

enum mt_rc
import_file_peek(struct import_file *f,
    const struct mt_maillog_options *options, int64_t as_of, struct mt_err *err)
{
	enum mt_maillog_kind kind;
	struct mt_maillog *log;
	struct mt_str line;
	bool skipping = false;
	size_t at, n;

	if (import_file_open(f, err) != MT_OK ||
	    mt_maillog_new(options, &log, err) != MT_OK)
		return err->rc;
	(void)fill(f);
	for (at = 0; mt_maillog_at(log) == 0; at += n) {
		n = mt_maillog_cut(
		    mt_str_n(f->bytes + at, f->n - at), &skipping, &line);
		if (n == 0)
			break;
		if (line.p != NULL &&
		    mt_maillog_line(log, line, as_of != 0 ? as_of : f->written,
			ignore_event, NULL, &kind, err) != MT_OK)
			break; /* cannot be: it fails with the sink only */
	}
	f->first_at = mt_maillog_at(log);
	mt_maillog_free(log);
	if (f->regular)
		import_file_close(f);
	return MT_OK;
}
