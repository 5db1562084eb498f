/* SPDX-License-Identifier: BSD-2-Clause */
#include <inttypes.h>

#include "base/clock.h"
#include "base/log.h"
#include "shipper.h"

void
shard_forget_reader(struct shard *shard)
{
	mt_reader_close(shard->reader);
	shard->reader = NULL;
}

/* The oldest segment with something to read, and the reader on it. */
static struct segment *
next_segment(struct shard *shard)
{
	struct shipper *s = shard->shipper;
	struct segment *segment;
	struct mt_err err;
	size_t i;

	for (i = 0; i < s->n_segments; i++) {
		segment = &s->segments[i];
		if (!segment->progress[shard->index].more || segment->unusable)
			continue;
		if (shard->reader != NULL && shard->reading == segment->id)
			return segment;
		shard_forget_reader(shard);
		if (mt_reader_open(s->place.dir_fd, segment->id,
			segment->progress[shard->index].read, &shard->reader,
			&err) == MT_OK) {
			shard->reading = segment->id;
			return segment;
		}
		shard->reader = NULL;
		segment->progress[shard->index].more = false;
		segment->failed_ms = mt_clock_mono_ms();
		if (err.rc != MT_ABSENT)
			mt_log_every(
			    60, MT_LOG_ERR, "%s; trying again", err.msg);
	}
	return NULL;
}

static void
tell_damage(struct shard *shard, const struct segment *segment,
    const struct mt_record *record)
{
	if (record->skipped == 0 || shard->index != 0)
		return;
	segments_damaged(shard->shipper, record->skipped);
	mt_log_every(10, MT_LOG_WARNING,
	    "spool: damage in a segment; skipping segment=%016" PRIx64
	    " offset=%" PRIu64 " bytes=%" PRIu64,
	    segment->id, record->at - record->skipped, record->skipped);
}

static void
bury(struct shard *shard, const struct segment *segment,
    const struct mt_record *record, const char *why)
{
	mt_log_every(60, MT_LOG_WARNING,
	    "spool: not an event: %s; keeping it as a dead letter", why);
	mt_feed_bury(shard->feed, record->payload, why);
	track_fly(shard, segment->id, record->next);
}

static void
send_record(struct shard *shard, const struct segment *segment,
    const struct mt_record *record)
{
	struct mt_pair pairs[MT_EVENT_PAIRS];
	struct mt_err err;
	size_t n;

	if (mt_event_split(record->payload, pairs, MT_EVENT_PAIRS, &n, &err) !=
	    MT_OK) {
		if (shard->index == 0)
			bury(shard, segment, record, err.msg);
		return;
	}
	if (mt_endpoint_choose(pairs, n, shard->shipper->n_shards) !=
	    shard->index)
		return;
	if (segment->id == shard->poison_segment &&
	    record->next == shard->poison_end) {
		bury(shard, segment, record, shard->poison_why.msg);
		return;
	}
	mt_feed_add(shard->feed, pairs, n);
	track_fly(shard, segment->id, record->next);
}

static void
read_one(struct shard *shard, struct segment *segment)
{
	struct progress *p = &segment->progress[shard->index];
	struct mt_record record;
	struct mt_err err;

	switch (mt_reader_next(shard->reader, &record, &err)) {
	case MT_OK:
		tell_damage(shard, segment, &record);
		send_record(shard, segment, &record);
		p->read = record.next;
		break;
	case MT_ABSENT:
		p->more = false;
		break;
	case MT_AGAIN:
	case MT_FORMAT:
	case MT_LIMIT:
	case MT_CONFIG:
	case MT_SYSTEM:
	default:
		p->more = false;
		segment->failed_ms = mt_clock_mono_ms();
		mt_log_every(60, MT_LOG_ERR, "%s; trying again", err.msg);
	}
}

void
shard_read(struct shard *shard)
{
	const struct shipper_options *o = shard->shipper->options;
	struct segment *segment;

	while (shard->flights.n < o->window &&
	    mt_feed_unsent(shard->feed) < o->batch) {
		segment = next_segment(shard);
		if (segment == NULL)
			return;
		read_one(shard, segment);
	}
}
