/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The spool, producers' side: append events to files on this host's disk. An
 * append that returned MT_OK is accepted: from there mailtrail-ship carries it
 * on, whatever is killed. Any number of processes and threads append at once;
 * a record, or a batch, is one write(2) to a file opened with O_APPEND, and no
 * lock is held that another program could keep.
 *
 * Mail first: opening succeeds without a directory or room on the disk, and a
 * failed append is an error for the caller to count or log, nothing more. It
 * is also counted in the file "lost" of the spool (spool/lost.h). The spool
 * recovers by itself as soon as the disk lets it; after a failure that looks
 * lasting it tries again every 100 ms at most, and says the same until then.
 *
 * Rights: the directory has mode 2770 and a group that every producer's and
 * the shipper's user is in; files are made with mode 0660 whatever the umask
 * says. Local file systems only: NFS has no atomic append. The file format is
 * in spool/format.h.
 */
#ifndef MT_SPOOL_SPOOL_H
#define MT_SPOOL_SPOOL_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/words.h"
#include "event/event.h"

/* What the shared options of conf/shared/spool.def say. */
struct mt_spool_options {
	struct mt_str dir; /* copied */
	uint64_t max; /* most bytes of all segments */
	uint64_t segment; /* a segment of this size is followed by a new one */
	enum mt_sync sync;
};

/* Most bytes of one batch: a message with many thousand recipients. */
#define MT_SPOOL_BATCH_MAX (8u << 20)

struct mt_spool;

/*
 * MT_CONFIG when the options make no sense ("spool_segment: …"); never fails
 * because of the disk. Safe to use from many threads, closed by one.
 */
MT_MUST_CHECK enum mt_rc mt_spool_open(const struct mt_spool_options *options,
    struct mt_spool **ret_spool, struct mt_err *err);
void mt_spool_close(struct mt_spool *spool); /* NULL is fine */
/* Could an event be appended now? For a warning at start, and for doctor. */
MT_MUST_CHECK enum mt_rc mt_spool_check(
    struct mt_spool *spool, struct mt_err *err);

/*
 * Append one event. MT_LIMIT: the spool is full, or the event too long.
 * MT_SYSTEM: the disk said no.
 */
MT_MUST_CHECK enum mt_rc mt_spool_put(struct mt_spool *spool, enum mt_event id,
    const void *ev, struct mt_err *err);

/*
 * Several events in one write: an offer, its recipients and its mark. A batch
 * belongs to one thread and may be used again after a commit, which empties
 * it, also when it fails. An event that could not be added is counted as lost
 * by the commit.
 */
struct mt_spool_batch {
	struct mt_buf bytes;
	size_t n; /* events */
	size_t refused;
};

void mt_spool_batch_init(struct mt_spool_batch *batch);
void mt_spool_batch_done(struct mt_spool_batch *batch);
MT_MUST_CHECK enum mt_rc mt_spool_batch_add(struct mt_spool_batch *batch,
    enum mt_event id, const void *ev, struct mt_err *err);
MT_MUST_CHECK enum mt_rc mt_spool_commit(
    struct mt_spool *spool, struct mt_spool_batch *batch, struct mt_err *err);
/*
 * The same for who can wait and loses nothing: when it fails, nothing is
 * counted as lost and the batch is as it was, to be tried again. Some of it may
 * then be in the spool twice.
 */
MT_MUST_CHECK enum mt_rc mt_spool_try(
    struct mt_spool *spool, struct mt_spool_batch *batch, struct mt_err *err);

#endif
