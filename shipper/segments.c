/* SPDX-License-Identifier: BSD-2-Clause */
#include <sys/stat.h>

#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "shipper.h"
#include "spool/dir.h"
#include "spool/lost.h"

struct segment *
segments_find(struct shipper *s, uint64_t id)
{
	size_t low = 0, high = s->n_segments, middle;

	while (low < high) {
		middle = low + (high - low) / 2;
		if (s->segments[middle].id < id)
			low = middle + 1;
		else
			high = middle;
	}
	if (low < s->n_segments && s->segments[low].id == id)
		return &s->segments[low];
	return NULL;
}

void
segments_free(struct shipper *s)
{
	size_t i;

	for (i = 0; i < s->n_segments; i++)
		mt_free(s->segments[i].progress);
	mt_free(s->segments);
	s->segments = NULL;
	s->n_segments = 0;
}

void
segments_damaged(struct shipper *s, uint64_t bytes)
{
	const struct mt_lost more = {
		.records = 1, .bytes = bytes, .at = mt_clock_now()
	};
	struct mt_err err;

	s->totals.skipped += bytes;
	if (mt_lost_add(s->place.dir_fd, MT_DAMAGE_FILE, &more, &err) != MT_OK)
		mt_log_every(60, MT_LOG_WARNING,
		    "%s; going on, the damage is only in this log", err.msg);
}

/*
 * A segment that lost its head can never be read. With nothing behind the
 * head it goes; else it is put aside, and a person told.
 */
static void
give_up(struct shipper *s, uint64_t id, const char *why)
{
	struct mt_err err;
	uint64_t size;
	int fd;

	if (mt_segment_end(s->place.dir_fd, id, &fd, &size, &err) != MT_OK)
		return;
	if (size <= MT_SEGMENT_HEAD) {
		if (mt_segment_delete(s->place.dir_fd, id, &err) == MT_OK)
			mt_log(MT_LOG_WARNING, "%s; deleting it, it is empty",
			    why);
	} else if (mt_segment_put_aside(s->place.dir_fd, id, &err) == MT_OK) {
		mt_log(MT_LOG_ERR, "%s; keeping it as .bad bytes=%" PRIu64, why,
		    size);
		segments_damaged(s, size);
	}
	(void)close(fd);
}

/* The head of a segment that is new to us. */
static void
look(struct shipper *s, struct segment *segment, bool newest)
{
	struct mt_reader *reader;
	struct mt_err err;
	enum mt_rc rc;

	rc = mt_reader_open(s->place.dir_fd, segment->id, 0, &reader, &err);
	if (rc == MT_OK) {
		memcpy(segment->nonce, mt_reader_nonce(reader), MT_NONCE);
		mt_reader_close(reader);
		segment->unusable = false;
		return;
	}
	segment->unusable = true;
	if (rc == MT_FORMAT && !newest)
		give_up(s, segment->id, err.msg);
	else if (rc != MT_ABSENT)
		mt_log_every(60, MT_LOG_ERR, "%s; leaving it alone", err.msg);
}

static void
begin(struct shipper *s, struct segment *segment, uint64_t id, bool newest)
{
	size_t i;

	*segment = (struct segment){ .id = id, .try_end = true };
	segment->progress =
	    mt_alloc_array(s->n_shards, sizeof(*segment->progress));
	for (i = 0; i < s->n_shards; i++)
		segment->progress[i] = (struct progress){
			.read = MT_SEGMENT_HEAD,
			.confirmed = MT_SEGMENT_HEAD,
			.marked = MT_SEGMENT_HEAD,
			.acked = MT_SEGMENT_HEAD,
			.marking = MT_SEGMENT_HEAD,
		};
	look(s, segment, newest);
	s->dir_unsynced = true;
}

/* A segment that is gone may still have flights and checkpoints. */
static void
vanished(struct shipper *s, struct segment *segment)
{
	size_t i;

	for (i = 0; i < s->n_shards; i++)
		if (s->shards[i].reader != NULL &&
		    s->shards[i].reading == segment->id)
			shard_forget_reader(&s->shards[i]);
	mt_free(segment->progress);
	s->unsaved = true;
}

enum mt_rc
segments_list(struct shipper *s, struct mt_err *err)
{
	struct mt_segment_list list;
	struct segment *old = s->segments, *now;
	size_t i, j = 0, n_old = s->n_segments;

	if (mt_dir_list(s->place.dir_fd, &list, err) != MT_OK)
		return err->rc;
	now = mt_alloc_array(list.n + 1, sizeof(*now));
	for (i = 0; i < list.n; i++) {
		for (; j < n_old && old[j].id < list.ids[i]; j++)
			vanished(s, &old[j]);
		if (j < n_old && old[j].id == list.ids[i])
			now[i] = old[j++];
		else
			begin(s, &now[i], list.ids[i], i + 1 == list.n);
		if (now[i].unusable && i + 1 < list.n)
			look(s, &now[i], false);
		now[i].try_end = true;
	}
	for (; j < n_old; j++)
		vanished(s, &old[j]);
	mt_free(old);
	s->segments = now;
	s->n_segments = list.n;
	mt_segment_list_done(&list);
	s->list_again = false;
	segments_grown_all(s);
	return MT_OK;
}

static void
grown(struct shipper *s, struct segment *segment)
{
	char name[MT_SEGMENT_NAME];
	struct stat st;
	size_t i;

	segment->try_end = true;
	s->ended = true;
	mt_segment_name(segment->id, name);
	if (segment->unusable || fstatat(s->place.dir_fd, name, &st, 0) != 0)
		return;
	segment->size = (uint64_t)st.st_size;
	for (i = 0; i < s->n_shards; i++)
		if (segment->progress[i].read < segment->size)
			segment->progress[i].more = true;
}

void
segments_grown(struct shipper *s, uint64_t id)
{
	struct segment *segment = segments_find(s, id);

	if (segment == NULL)
		s->list_again = true;
	else
		grown(s, segment);
	/* The newest is never deleted: no need to look. */
	if (s->n_segments > 0 && id == s->segments[s->n_segments - 1].id)
		s->ended = false;
}

void
segments_grown_all(struct shipper *s)
{
	size_t i;

	for (i = 0; i < s->n_segments; i++)
		grown(s, &s->segments[i]);
}

bool
segments_unsynced(const struct shipper *s)
{
	size_t i;

	if (s->options->spool_sync != MT_sync_interval)
		return false;
	if (s->dir_unsynced)
		return true;
	/* Usually only the newest grows. */
	for (i = s->n_segments; i > 0; i--)
		if (s->segments[i - 1].size > s->segments[i - 1].synced &&
		    !s->segments[i - 1].unusable)
			return true;
	return false;
}

static void
sync_one(struct shipper *s, struct segment *segment)
{
	char name[MT_SEGMENT_NAME];
	struct stat st;
	int fd;

	mt_segment_name(segment->id, name);
	fd = openat(s->place.dir_fd, name, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return;
	if (fstat(fd, &st) == 0 && fdatasync(fd) == 0)
		segment->synced = (uint64_t)st.st_size;
	else
		mt_log_every(
		    60, MT_LOG_ERR, "spool: %s: cannot be synced", name);
	(void)close(fd);
}

bool
segments_sync(struct shipper *s)
{
	size_t i;

	if (!segments_unsynced(s))
		return false;
	for (i = 0; i < s->n_segments; i++)
		if (s->segments[i].size > s->segments[i].synced &&
		    !s->segments[i].unusable)
			sync_one(s, &s->segments[i]);
	if (s->dir_unsynced && fsync(s->place.dir_fd) == 0)
		s->dir_unsynced = false;
	return true;
}

/* Every shard has read, confirmed and got acknowledged the same bytes. */
static bool
is_finished(struct shipper *s, struct segment *segment)
{
	struct progress *p;
	size_t i;

	for (i = 0; i < s->n_shards; i++) {
		p = &segment->progress[i];
		shard_settle(&s->shards[i], p);
		if (p->more || p->acked != p->read ||
		    p->read != segment->progress[0].read)
			return false;
	}
	return true;
}

/* Under its lock: is there really nothing more, not even behind damage? */
static bool
is_read_out(struct shipper *s, struct segment *segment)
{
	struct mt_reader *reader;
	struct mt_record record;
	struct mt_err err;
	enum mt_rc rc;

	if (mt_reader_open(s->place.dir_fd, segment->id,
		segment->progress[0].read, &reader, &err) != MT_OK)
		return false;
	rc = mt_reader_next(reader, &record, &err);
	mt_reader_close(reader);
	return rc == MT_ABSENT;
}

static bool
delete_one(struct shipper *s, struct segment *segment)
{
	struct mt_err err;
	uint64_t size, tail;
	bool gone = false;
	int fd;

	/* Until something happens to it there is no use in asking again. */
	segment->try_end = false;
	if (mt_segment_end(s->place.dir_fd, segment->id, &fd, &size, &err) !=
	    MT_OK)
		return false;
	if (!is_read_out(s, segment)) {
		grown(s, segment);
	} else if (mt_segment_delete(s->place.dir_fd, segment->id, &err) !=
	    MT_OK) {
		mt_log_every(60, MT_LOG_ERR, "%s; keeping it", err.msg);
		segment->try_end = true;
	} else {
		gone = true;
		s->totals.deleted++;
		tail = size > segment->progress[0].read
		    ? size - segment->progress[0].read
		    : 0;
		if (tail > 0) {
			segments_damaged(s, tail);
			mt_log(MT_LOG_WARNING,
			    "spool: damage at the end of a segment; skipping "
			    "segment=%016" PRIx64 " bytes=%" PRIu64,
			    segment->id, tail);
		}
	}
	(void)close(fd);
	return gone;
}

void
segments_delete(struct shipper *s)
{
	size_t i, kept = 0;

	s->ended = false;
	for (i = 0; i < s->n_segments; i++) {
		if (i + 1 < s->n_segments && !s->segments[i].unusable &&
		    s->segments[i].try_end && is_finished(s, &s->segments[i]) &&
		    delete_one(s, &s->segments[i]))
			vanished(s, &s->segments[i]);
		else
			s->segments[kept++] = s->segments[i];
	}
	s->n_segments = kept;
}
