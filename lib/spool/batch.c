/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>

#include "spool/format.h"
#include "spool/spool.h"

/* Most single events fit, and glibc has blocks of up to 1032 bytes at hand. */
#define FIRST_ALLOC 1023

void
mt_spool_batch_init(struct mt_spool_batch *batch)
{
	mt_buf_init(&batch->bytes, MT_SPOOL_BATCH_MAX);
	batch->n = 0;
	batch->refused = 0;
}

void
mt_spool_batch_done(struct mt_spool_batch *batch)
{
	mt_buf_done(&batch->bytes);
}

/* Take back what was added after n. */
static void
cut(struct mt_buf *b, size_t n)
{
	b->n = n;
	b->p[n] = '\0';
	b->over = false;
}

/* The head is sealed by the commit, which knows the segment. */
enum mt_rc
mt_spool_batch_add(struct mt_spool_batch *batch, enum mt_event id,
    const void *ev, struct mt_err *err)
{
	static const char head[MT_RECORD_HEAD];
	struct mt_buf *b = &batch->bytes;
	size_t before = b->n, n;

	if (b->cap == 0)
		(void)mt_buf_reserve(b, FIRST_ALLOC);
	mt_buf_add(b, head, sizeof(head));
	if (mt_event_encode(id, ev, b, err) != MT_OK) {
		cut(b, before);
		batch->refused++;
		return err->rc;
	}
	n = b->n - before - MT_RECORD_HEAD;
	if (n > MT_MAX_EVENT) {
		cut(b, before);
		batch->refused++;
		return mt_fail(err, MT_LIMIT, "%s: longer than %d bytes",
		    mt_events[id].name, MT_MAX_EVENT);
	}
	mt_record_set_length(b->p + before, n);
	batch->n++;
	return MT_OK;
}

enum mt_rc
mt_spool_put(struct mt_spool *spool, enum mt_event id, const void *ev,
    struct mt_err *err)
{
	struct mt_spool_batch batch;
	struct mt_err why;
	enum mt_rc rc;

	mt_spool_batch_init(&batch);
	rc = mt_spool_batch_add(&batch, id, ev, &why);
	/* Also when there is nothing to append: the commit counts the loss. */
	if (mt_spool_commit(spool, &batch, err) != MT_OK)
		rc = rc == MT_OK ? err->rc : rc;
	else if (rc != MT_OK)
		*err = why;
	mt_spool_batch_done(&batch);
	return rc;
}
