/* SPDX-License-Identifier: BSD-2-Clause */
#include <inttypes.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "conf/secret.h"
#include "shipper.h"

#define FIRST_DELAY_MS 100
#define SAY_MS 60000
#define STEADY_MS 10000
#define TURNS 8 /* rounds of reading and writing before others may work */

void
shard_init(struct shard *shard, struct shipper *s, size_t index,
    const struct mt_endpoint *endpoint, const char *marker)
{
	*shard = (struct shard){ .shipper = s, .index = index };
	shard->feed = mt_feed_new(&s->redis, endpoint, marker);
}

void
shard_done(struct shard *shard)
{
	shard_forget_reader(shard);
	mt_feed_free(shard->feed);
	track_done(shard);
}

struct progress *
shard_progress(struct shard *shard, uint64_t segment)
{
	struct segment *found = segments_find(shard->shipper, segment);

	return found == NULL ? NULL : &found->progress[shard->index];
}

void
shard_settle(const struct shard *shard, struct progress *p)
{
	if (p->flying > 0)
		return;
	p->confirmed = p->read;
	if (mt_id_cmp(shard->newest, shard->marked) <= 0) {
		p->marked = p->confirmed;
		p->last_marked = p->last;
	}
	if (p->waiting == 0)
		p->acked = p->confirmed;
}

uint64_t
shard_unsent(const struct shard *shard)
{
	const struct shipper *s = shard->shipper;
	const struct segment *segment;
	uint64_t bytes = 0;
	size_t i;

	for (i = 0; i < s->n_segments; i++) {
		segment = &s->segments[i];
		if (segment->size > segment->progress[shard->index].confirmed)
			bytes += segment->size -
			    segment->progress[shard->index].confirmed;
	}
	return bytes;
}

uint64_t
shard_unacked(const struct shard *shard)
{
	const struct shipper *s = shard->shipper;
	const struct progress *p;
	uint64_t bytes = 0;
	size_t i;

	for (i = 0; i < s->n_segments; i++) {
		p = &s->segments[i].progress[shard->index];
		if (p->waiting > 0)
			bytes += p->confirmed - p->acked;
	}
	return bytes;
}

/* What was on its way is in doubt: read on where it is certain. */
static void
disconnect(struct shard *shard)
{
	struct shipper *s = shard->shipper;
	struct progress *p;
	size_t i;

	mt_feed_stop(shard->feed);
	shard->phase = SHARD_DOWN;
	shard->retry_ms = 0;
	shard->marking = shard->asking = false;
	shard->flights.n = 0;
	shard_forget_reader(shard);
	for (i = 0; i < s->n_segments; i++) {
		p = &s->segments[i].progress[shard->index];
		if (p->flying == 0)
			continue;
		p->flying = 0;
		p->read = p->confirmed;
		p->more = true;
	}
}

/* One line at first, then one a minute, or when it is another's task now. */
static void
say_failure(struct shard *shard, const struct mt_err *err)
{
	int64_t now = mt_clock_mono_ms();

	if (shard->said_ms != 0 && shard->said_rc == err->rc &&
	    now < shard->said_ms + SAY_MS)
		return;
	shard->said_ms = now;
	shard->said_rc = err->rc;
	mt_log(err->rc == MT_CONFIG ? MT_LOG_ERR : MT_LOG_WARNING,
	    "%s; keeping bytes=%" PRIu64 " attempts=%u", err->msg,
	    shard_unsent(shard), shard->failures);
}

static void
fail(struct shard *shard, const struct mt_err *err)
{
	const unsigned most = (unsigned)shard->shipper->options->retry_max_ms;

	shard->failures++;
	disconnect(shard);
	shard->delay_ms =
	    shard->delay_ms == 0 ? FIRST_DELAY_MS : shard->delay_ms * 2;
	if (shard->delay_ms > most)
		shard->delay_ms = most;
	shard->failed_ms = mt_clock_mono_ms();
	shard->retry_ms = shard->failed_ms + shard->delay_ms;
	say_failure(shard, err);
}

/* Everything still on disk is sent again. */
static void
begin_anew(struct shard *shard, const char *why)
{
	struct shipper *s = shard->shipper;
	uint64_t bytes = 0;
	struct progress *p;
	size_t i, segments = 0;

	disconnect(shard);
	for (i = 0; i < s->n_segments; i++) {
		p = &s->segments[i].progress[shard->index];
		segments += p->confirmed > MT_SEGMENT_HEAD;
		bytes += p->confirmed - MT_SEGMENT_HEAD;
		p->read = p->confirmed = p->marked = p->acked = MT_SEGMENT_HEAD;
		p->last = p->last_marked = (struct mt_id){ 0, 0 };
		p->waiting = 0;
		p->more = true;
	}
	shard->checkpoints.n = 0;
	shard->known = false;
	shard->marked = shard->newest = (struct mt_id){ 0, 0 };
	s->totals.again += bytes;
	s->unsaved = true;
	mt_log(MT_LOG_WARNING,
	    "redis %s: not the one it was: %s; sending again segments=%zu "
	    "bytes=%" PRIu64,
	    mt_feed_name(shard->feed), why, segments, bytes);
}

static bool
is_same_run(const struct shard *shard, const struct mt_stream_facts *facts)
{
	return facts->run_id[0] != '\0' &&
	    strcmp(shard->run_id, facts->run_id) == 0;
}

/*
 * Why it is not the Redis we knew; NULL when it is. One that was started anew
 * may have lost what came after the marker: that alone is no reason.
 */
static const char *
what_changed(const struct shard *shard, const struct mt_stream_facts *facts)
{
	if (!shard->known)
		return NULL;
	if (!facts->exists)
		return "its stream is gone";
	if (!facts->marker)
		return "our marker is gone";
	if (mt_id_cmp(facts->marked, shard->marked) < 0)
		return "our marker was set back";
	if (!is_same_run(shard, facts))
		return NULL;
	if (facts->entries_added < shard->entries_added)
		return "its stream counts fewer entries";
	if (mt_id_cmp(facts->last, shard->newest) < 0)
		return "its stream ends before our last entry";
	return NULL;
}

static void
become_ready(struct shard *shard)
{
	shard->phase = SHARD_READY;
	shard->known = true;
}

/* Not at the first success: a Redis short of memory takes one and refuses the
 * next. */
static void
check_recovered(struct shard *shard)
{
	if (shard->failures == 0 ||
	    (shard->flights.n > 0 &&
		mt_clock_mono_ms() < shard->failed_ms + STEADY_MS))
		return;
	mt_log(MT_LOG_INFO, "redis %s: well again after attempts=%u",
	    mt_feed_name(shard->feed), shard->failures);
	shard->failures = 0;
	shard->delay_ms = 0;
	shard->said_ms = 0;
}

/* Without the right to INFO any connection may be to a Redis begun anew. */
static void
check_run(struct shard *shard, const struct mt_stream_facts *facts)
{
	uint64_t before = shard_unsent(shard);

	if (shard->known &&
	    (facts->run_id[0] == '\0' ||
		strcmp(shard->run_id, facts->run_id) != 0)) {
		memory_rewind(shard);
		mt_log(MT_LOG_INFO,
		    "redis %s: was started anew and has our marker; sending "
		    "again bytes=%" PRIu64,
		    mt_feed_name(shard->feed), shard_unsent(shard) - before);
	}
	memcpy(shard->run_id, facts->run_id, sizeof(shard->run_id));
}

static void
take_facts(struct shard *shard, const struct mt_stream_facts *facts)
{
	const char *changed = what_changed(shard, facts);

	if (changed != NULL) {
		begin_anew(shard, changed);
		return;
	}
	if (shard->phase == SHARD_GREETING) {
		check_run(shard, facts);
		shard->marked = facts->marked;
	}
	shard->entries_added = facts->entries_added;
	if (track_acked(shard, facts->acked))
		shard->shipper->unsaved = true;
	shard->asking = false;
	if (!facts->exists || !facts->group || !facts->marker) {
		mt_feed_create(shard->feed);
		shard->phase = SHARD_CREATING;
	} else if (shard->phase == SHARD_GREETING) {
		become_ready(shard);
	}
}

static void
take_added(struct shard *shard, struct mt_id id)
{
	struct flight flight;
	struct progress *p;

	shard->newest = id;
	shard->shipper->totals.sent++;
	if (!track_land(shard, &flight))
		return;
	p = shard_progress(shard, flight.segment);
	if (p != NULL)
		p->last = id;
	track_wait(
	    shard, (struct checkpoint){ id, flight.segment, flight.end, 1 });
}

static void
take_marked(struct shard *shard, struct mt_id id)
{
	struct shipper *s = shard->shipper;
	struct progress *p;
	size_t i;

	shard->marking = false;
	shard->marked = id;
	for (i = 0; i < s->n_segments; i++) {
		p = &s->segments[i].progress[shard->index];
		if (p->marking < p->marked)
			continue;
		p->marked = p->marking;
		p->last_marked = p->last_marking;
	}
	s->unsaved = true;
}

/* A refusal that no waiting cures: the next attempt buries the record. */
static void
take_refusal(struct shard *shard, const struct mt_feed_answer *answer)
{
	struct flight flight;

	if (answer->adding && answer->why.rc == MT_FORMAT &&
	    shard->flights.n > 0) {
		flight = shard->flights.at[shard->flights.first];
		shard->poison_segment = flight.segment;
		shard->poison_end = flight.end;
		shard->poison_why = answer->why;
	}
	fail(shard, &answer->why);
}

static void
take(struct shard *shard, const struct mt_feed_answer *answer)
{
	struct flight flight;

	switch (answer->kind) {
	case MT_FEED_FACTS:
		take_facts(shard, answer->facts);
		break;
	case MT_FEED_CREATED:
		become_ready(shard);
		break;
	case MT_FEED_ADDED:
		take_added(shard, answer->id);
		break;
	case MT_FEED_BURIED:
		shard->shipper->totals.buried++;
		(void)track_land(shard, &flight);
		break;
	case MT_FEED_MARKED:
		take_marked(shard, answer->id);
		break;
	case MT_FEED_GONE:
		begin_anew(shard,
		    answer->adding ? "its stream is gone"
				   : "its stream or our marker is gone");
		break;
	case MT_FEED_REFUSED:
	default:
		take_refusal(shard, answer);
	}
}

static enum mt_rc
connect_shard(struct shard *shard, struct mt_err *err)
{
	struct shipper *s = shard->shipper;

	/* It may have been changed since the last attempt. */
	if (mt_secret_option(s->options->redis_password_file, &s->password,
		&s->redis.password, err) != MT_OK)
		return err->rc;
	mt_feed_set_password(shard->feed, s->redis.password);
	if (mt_feed_start(shard->feed, err) != MT_OK)
		return err->rc;
	shard->phase = SHARD_GREETING;
	return MT_OK;
}

static enum mt_rc
exchange(struct shard *shard, struct mt_err *err)
{
	struct mt_feed_answer answer;
	enum mt_rc rc;

	if (mt_feed_work(shard->feed, err) != MT_OK)
		return err->rc;
	while (shard->phase != SHARD_DOWN) {
		rc = mt_feed_take(shard->feed, &answer, err);
		if (rc == MT_ABSENT)
			return MT_OK;
		if (rc != MT_OK)
			return rc;
		take(shard, &answer);
	}
	return MT_OK;
}

void
shard_work(struct shard *shard)
{
	struct mt_err err;
	size_t before;
	unsigned i;

	if (shard->phase == SHARD_DOWN) {
		if (mt_clock_mono_ms() < shard->retry_ms)
			return;
		if (connect_shard(shard, &err) != MT_OK) {
			fail(shard, &err);
			return;
		}
	}
	for (i = 0; i < TURNS && shard->phase != SHARD_DOWN; i++) {
		if (exchange(shard, &err) != MT_OK) {
			fail(shard, &err);
			return;
		}
		if (shard->phase != SHARD_READY)
			return;
		before = shard->flights.n;
		shard_read(shard);
		check_recovered(shard);
		if (shard->flights.n == before)
			return;
	}
}

void
shard_tick(struct shard *shard)
{
	struct shipper *s = shard->shipper;
	struct progress *p;
	size_t i;

	if (shard->phase != SHARD_READY)
		return;
	if (!shard->marking && mt_id_cmp(shard->newest, shard->marked) > 0) {
		for (i = 0; i < s->n_segments; i++) {
			p = &s->segments[i].progress[shard->index];
			p->marking = p->confirmed;
			p->last_marking = p->last;
		}
		mt_feed_mark(shard->feed, shard->newest);
		shard->marking = true;
	}
	if (!shard->asking && shard->checkpoints.n > 0) {
		mt_feed_ask_facts(shard->feed);
		shard->asking = true;
	}
}

bool
shard_wants_tick(const struct shard *shard)
{
	return shard->phase == SHARD_READY &&
	    (shard->checkpoints.n > 0 ||
		mt_id_cmp(shard->newest, shard->marked) > 0);
}

int64_t
shard_deadline_ms(const struct shard *shard)
{
	if (shard->phase == SHARD_DOWN)
		return shard->retry_ms > 0 ? shard->retry_ms : 1;
	return mt_feed_deadline_ms(shard->feed);
}
