/* SPDX-License-Identifier: BSD-2-Clause */
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/limits.h"
#include "base/mem.h"
#include "spool/dir.h"
#include "spool/reader.h"

/* Several of the longest records. */
#define WINDOW (4 * 65536)

struct mt_reader {
	int fd; /* owned */
	unsigned char nonce[MT_NONCE];
	struct mt_seal seal;
	uint64_t at; /* the next record, or the damage before it */
	uint64_t scanned; /* from `at` up to here no record begins */
	/* The file's bytes from window_at on, as read last. */
	char *window;
	uint64_t window_at;
	size_t have;
};

enum mt_rc
mt_reader_open(int dir_fd, uint64_t id, uint64_t offset,
    struct mt_reader **ret_reader, struct mt_err *err)
{
	char name[MT_SEGMENT_NAME];
	int fd;

	mt_segment_name(id, name);
	fd = openat(dir_fd, name, O_RDONLY | O_CLOEXEC);
	if (fd < 0 && errno == ENOENT)
		return mt_fail(err, MT_ABSENT, "spool: %s: not there", name);
	if (fd < 0)
		return mt_fail_sys(err, "spool: %s", name);
	if (mt_reader_take(fd, offset, ret_reader, err) != MT_OK) {
		mt_err_in(err, "spool: %s", name);
		return err->rc;
	}
	return MT_OK;
}

enum mt_rc
mt_reader_take(
    int fd, uint64_t offset, struct mt_reader **ret_reader, struct mt_err *err)
{
	struct mt_reader *reader;
	unsigned char nonce[MT_NONCE];
	char head[MT_SEGMENT_HEAD];
	enum mt_rc rc;
	ssize_t n;

	n = pread(fd, head, sizeof(head), 0);
	if (n < 0)
		rc = mt_fail_sys(err, "read");
	else
		rc =
		    mt_segment_head_read(mt_str_n(head, (size_t)n), nonce, err);
	if (rc != MT_OK) {
		(void)close(fd);
		return rc;
	}
	reader = mt_alloc(sizeof(*reader));
	reader->fd = fd;
	memcpy(reader->nonce, nonce, sizeof(nonce));
	reader->seal = mt_seal_of(nonce);
	reader->window = mt_alloc(WINDOW);
	mt_reader_seek(reader, offset);
	*ret_reader = reader;
	return MT_OK;
}

void
mt_reader_close(struct mt_reader *reader)
{
	if (reader == NULL)
		return;
	(void)close(reader->fd);
	mt_free(reader->window);
	mt_free(reader);
}

uint64_t
mt_reader_at(const struct mt_reader *reader)
{
	return reader->at;
}

void
mt_reader_seek(struct mt_reader *reader, uint64_t offset)
{
	reader->at = offset < MT_SEGMENT_HEAD ? MT_SEGMENT_HEAD : offset;
	reader->scanned = reader->at;
	reader->have = 0;
}

const unsigned char *
mt_reader_nonce(const struct mt_reader *reader)
{
	return reader->nonce;
}

/* Let the window begin at `from` and fill it; fewer bytes at the end. */
static enum mt_rc
fill(struct mt_reader *reader, uint64_t from, struct mt_err *err)
{
	uint64_t end = reader->window_at + reader->have;
	ssize_t n;

	if (from >= reader->window_at && from <= end) {
		reader->have = (size_t)(end - from);
		memmove(reader->window,
		    reader->window + (from - reader->window_at), reader->have);
	} else {
		reader->have = 0;
	}
	reader->window_at = from;
	while (reader->have < WINDOW) {
		n = pread(reader->fd, reader->window + reader->have,
		    WINDOW - reader->have, (off_t)(from + reader->have));
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return mt_fail_sys(err, "spool: read");
		if (n == 0)
			break;
		reader->have += (size_t)n;
	}
	return MT_OK;
}

/* What the window has from an offset on. */
static struct mt_str
view(const struct mt_reader *reader, uint64_t from)
{
	uint64_t end = reader->window_at + reader->have;

	if (from < reader->window_at || from >= end)
		return mt_str_n(reader->window, 0);
	return mt_str_n(
	    reader->window + (from - reader->window_at), (size_t)(end - from));
}

static enum mt_rc
look(struct mt_reader *reader, uint64_t from, enum mt_record_state *ret_state,
    struct mt_str *ret_payload, struct mt_err *err)
{
	struct mt_str bytes = view(reader, from);
	enum mt_rc rc;

	*ret_state = mt_record_look(&reader->seal, bytes, ret_payload);
	if (*ret_state != MT_RECORD_SHORT)
		return MT_OK;
	if ((rc = fill(reader, from, err)) != MT_OK)
		return rc;
	*ret_state =
	    mt_record_look(&reader->seal, view(reader, from), ret_payload);
	return MT_OK;
}

/*
 * Look for the next valid record from reader->scanned on; scanned is left at
 * the first place where one might still be made whole by more bytes.
 */
static enum mt_rc
scan(struct mt_reader *reader, uint64_t *ret_at, struct mt_str *ret_payload,
    struct mt_err *err)
{
	uint64_t pos = reader->scanned, first_short = 0;
	enum mt_record_state state;
	struct mt_str bytes;
	const char *mark;
	enum mt_rc rc;

	for (;;) {
		bytes = view(reader, pos);
		if (bytes.n == 0) {
			if ((rc = fill(reader, pos, err)) != MT_OK)
				return rc;
			bytes = view(reader, pos);
		}
		if (bytes.n == 0)
			break;
		mark = memchr(bytes.p, reader->seal.mark[0], bytes.n);
		if (mark == NULL) {
			pos += bytes.n;
			continue;
		}
		pos += (uint64_t)(mark - bytes.p);
		rc = look(reader, pos, &state, ret_payload, err);
		if (rc != MT_OK)
			return rc;
		if (state == MT_RECORD_WHOLE) {
			*ret_at = pos;
			return MT_OK;
		}
		if (state == MT_RECORD_SHORT && first_short == 0)
			first_short = pos;
		pos++;
	}
	reader->scanned = first_short != 0 ? first_short : pos;
	return mt_fail(err, MT_ABSENT, "spool: nothing yet");
}

static void
found(struct mt_reader *reader, uint64_t at, struct mt_str payload,
    struct mt_record *ret_record)
{
	*ret_record = (struct mt_record){
		.payload = payload,
		.at = at,
		.next = at + MT_RECORD_HEAD + payload.n,
		.skipped = at - reader->at,
	};
	reader->at = ret_record->next;
	reader->scanned = reader->at;
}

enum mt_rc
mt_reader_next(
    struct mt_reader *reader, struct mt_record *ret_record, struct mt_err *err)
{
	enum mt_record_state state;
	struct mt_str payload;
	uint64_t at = reader->at;
	enum mt_rc rc;

	rc = look(reader, at, &state, &payload, err);
	if (rc == MT_OK && state != MT_RECORD_WHOLE) {
		rc = scan(reader, &at, &payload, err);
		/* What was read may have been read while it was written: */
		reader->have = 0;
		/* look once more before passing over it, */
		if (rc == MT_OK)
			rc = look(reader, reader->at, &state, &payload, err);
		if (rc == MT_OK && state == MT_RECORD_WHOLE)
			at = reader->at;
		/* and at what was found behind it. */
		else if (rc == MT_OK)
			rc = look(reader, at, &state, &payload, err);
	}
	if (rc != MT_OK)
		return rc;
	if (state != MT_RECORD_WHOLE)
		return mt_fail(err, MT_ABSENT, "spool: segment was cut");
	found(reader, at, payload, ret_record);
	return MT_OK;
}
