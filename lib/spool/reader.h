/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Read one segment, from any record's offset on, while producers append to it.
 * Whatever the bytes are, every record returned was written with the
 * segment's own nonce, and everything before the first damage is returned.
 * Damage (a torn or flipped record, zeros after a power loss) is passed over
 * to the next valid record, which says how many bytes were skipped.
 *
 * Damage at the very end may also be a record that is just being written: it
 * counts as "nothing yet", and as `tail` bytes. Producers append to older
 * segments for a while too, so a segment has ended only when nobody holds its
 * lock (mt_segment_end in spool/dir.h).
 */
#ifndef MT_SPOOL_READER_H
#define MT_SPOOL_READER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/str.h"
#include "spool/format.h"

struct mt_reader;

struct mt_record {
	struct mt_str payload; /* borrowed until the next call */
	uint64_t at; /* offset of the record */
	uint64_t next; /* offset behind it */
	uint64_t skipped; /* bytes of damage before it */
};

/*
 * offset 0: from the first record. MT_ABSENT: no such segment. MT_FORMAT: its
 * head is damaged. MT_LIMIT: a newer version.
 */
MT_MUST_CHECK enum mt_rc mt_reader_open(int dir_fd, uint64_t id,
    uint64_t offset, struct mt_reader **ret_reader, struct mt_err *err);
/* The same on an open file, which the reader then owns. */
MT_MUST_CHECK enum mt_rc mt_reader_take(
    int fd, uint64_t offset, struct mt_reader **ret_reader, struct mt_err *err);
void mt_reader_close(struct mt_reader *reader); /* NULL is fine */
/* MT_ABSENT: nothing yet. MT_SYSTEM: the disk said no. */
MT_MUST_CHECK enum mt_rc mt_reader_next(
    struct mt_reader *reader, struct mt_record *ret_record, struct mt_err *err);
/* Where the next record is looked for. */
uint64_t mt_reader_at(const struct mt_reader *reader);
void mt_reader_seek(struct mt_reader *reader, uint64_t offset);
const unsigned char *mt_reader_nonce(const struct mt_reader *reader);

#endif
