/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "shipper.h"

static int
compare_checkpoints(const void *a, const void *b)
{
	const struct checkpoint *x = a, *y = b;

	return mt_id_cmp(x->id, y->id);
}

void
memory_rewind(struct shard *shard)
{
	struct shipper *s = shard->shipper;
	struct progress *p;
	size_t i;

	shard_forget_reader(shard);
	shard->flights.n = 0;
	shard->checkpoints.n = 0;
	shard->newest = shard->marked;
	for (i = 0; i < s->n_segments; i++) {
		p = &s->segments[i].progress[shard->index];
		if (p->marked < p->acked)
			p->marked = p->acked;
		p->read = p->confirmed = p->marked;
		p->last = p->last_marked;
		p->flying = p->waiting = 0;
		p->more = true;
		if (p->marked > p->acked && p->last.ms != 0)
			track_wait(shard,
			    (struct checkpoint){
				p->last, s->segments[i].id, p->marked, 1 });
		else
			p->acked = p->marked;
	}
	if (shard->checkpoints.n > 1)
		qsort(shard->checkpoints.at, shard->checkpoints.n,
		    sizeof(*shard->checkpoints.at), compare_checkpoints);
}

static void
load_segments(struct shard *shard, const struct mt_state_endpoint *e)
{
	const struct mt_state_segment *saved;
	struct segment *segment;
	struct progress *p;
	size_t i;

	for (i = 0; i < e->n; i++) {
		saved = &e->segments[i];
		segment = segments_find(shard->shipper, saved->id);
		if (segment == NULL ||
		    memcmp(segment->nonce, saved->nonce, MT_NONCE) != 0 ||
		    saved->sent > segment->size || saved->acked > saved->sent)
			continue;
		p = &segment->progress[shard->index];
		if (saved->sent > p->marked)
			p->marked = saved->sent;
		if (saved->acked > p->acked)
			p->acked = saved->acked;
		p->last_marked =
		    (struct mt_id){ saved->last.ms, saved->last.seq };
	}
}

static void
load_endpoint(struct shard *shard, const struct mt_state_endpoint *e)
{
	memcpy(shard->run_id, e->run_id, sizeof(shard->run_id));
	shard->entries_added = e->entries_added;
	shard->marked = (struct mt_id){ e->marker.ms, e->marker.seq };
	shard->known =
	    e->run_id[0] != '\0' || e->entries_added > 0 || e->marker.ms > 0;
	load_segments(shard, e);
	memory_rewind(shard);
}

static bool
same_boot(const struct mt_state *state)
{
	char boot[MT_BOOT_ID + 1];

	mt_state_boot(boot);
	return strcmp(boot, state->boot) == 0;
}

/* With other endpoints, events belong to other shards than before. */
static bool
same_endpoints(const struct shipper *s, const struct mt_state *state)
{
	size_t i;

	if (state->n != s->n_shards)
		return false;
	for (i = 0; i < s->n_shards; i++)
		if (strcmp(state->endpoints[i].name,
			mt_feed_name(s->shards[i].feed)) != 0)
			return false;
	return true;
}

void
memory_load(struct shipper *s)
{
	struct mt_state state;
	struct mt_err err;
	enum mt_rc rc;
	size_t i;

	rc = mt_state_read(s->place.dir_fd, &state, &err);
	if (rc == MT_ABSENT) {
		/* Who looks from now on sees that we are at work. */
		memory_save(s);
		return;
	}
	if (rc != MT_OK) {
		mt_log(MT_LOG_WARNING, "%s; sending everything on disk again",
		    err.msg);
		return;
	}
	if (!same_boot(&state))
		mt_log(MT_LOG_INFO,
		    "the machine was started anew; sending everything on disk "
		    "again");
	else if (same_endpoints(s, &state))
		for (i = 0; i < s->n_shards; i++)
			load_endpoint(&s->shards[i], &state.endpoints[i]);
	else
		mt_log(MT_LOG_WARNING,
		    "the Redis endpoints are others than before; sending "
		    "everything on disk again");
	mt_state_done(&state);
}

static void
save_segment(struct shard *shard, const struct segment *segment,
    struct mt_state_endpoint *e)
{
	struct progress *p = &segment->progress[shard->index];
	struct mt_state_segment *out;

	if (segment->unusable)
		return;
	shard_settle(shard, p);
	out = mt_state_add_segment(e);
	out->id = segment->id;
	memcpy(out->nonce, segment->nonce, MT_NONCE);
	out->sent = p->marked > p->acked ? p->marked : p->acked;
	out->acked = p->acked;
	out->last.ms = p->last_marked.ms;
	out->last.seq = p->last_marked.seq;
}

void
memory_save(struct shipper *s)
{
	struct mt_state state = { .n = 0 };
	struct mt_state_endpoint *e;
	struct mt_err err;
	struct shard *shard;
	size_t i, j;

	for (i = 0; i < s->n_shards; i++) {
		shard = &s->shards[i];
		e = mt_state_add_endpoint(&state);
		(void)snprintf(
		    e->name, sizeof(e->name), "%s", mt_feed_name(shard->feed));
		if (shard->known) {
			memcpy(e->run_id, shard->run_id, sizeof(e->run_id));
			e->entries_added = shard->entries_added;
			e->marker.ms = shard->marked.ms;
			e->marker.seq = shard->marked.seq;
		}
		for (j = 0; j < s->n_segments; j++)
			save_segment(shard, &s->segments[j], e);
	}
	if (mt_state_write(s->place.dir_fd, &state, &err) == MT_OK)
		s->unsaved = false;
	else
		mt_log_every(60, MT_LOG_WARNING,
		    "%s; going on, a restart will send more twice", err.msg);
	mt_state_done(&state);
}
