/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>

#include "base/mem.h"
#include "shipper.h"

#define FIRST_FLIGHTS 64
#define FIRST_CHECKPOINTS 64
/* A checkpoint for each record would be exact, and large. */
#define RECORDS_A_CHECKPOINT 256
#define CHECKPOINTS_MAX 65536

static void
grow(struct flights *f)
{
	size_t i, room = f->room == 0 ? FIRST_FLIGHTS : f->room * 2;
	struct flight *at = mt_alloc_array(room, sizeof(*at));

	for (i = 0; i < f->n; i++)
		at[i] = f->at[(f->first + i) & (f->room - 1)];
	mt_free(f->at);
	f->at = at;
	f->room = room;
	f->first = 0;
}

void
track_fly(struct shard *shard, uint64_t segment, uint64_t end)
{
	struct progress *p = shard_progress(shard, segment);
	struct flights *f = &shard->flights;

	if (f->n == f->room)
		grow(f);
	f->at[(f->first + f->n++) & (f->room - 1)] =
	    (struct flight){ segment, end };
	if (p != NULL)
		p->flying++;
}

bool
track_land(struct shard *shard, struct flight *ret_flight)
{
	struct flights *f = &shard->flights;
	struct progress *p;

	if (f->n == 0)
		return false;
	*ret_flight = f->at[f->first];
	f->first = (f->first + 1) & (f->room - 1);
	f->n--;
	p = shard_progress(shard, ret_flight->segment);
	if (p == NULL)
		return false; /* the segment was deleted by hand */
	p->flying--;
	p->confirmed = ret_flight->end;
	return true;
}

/* Fold pairs of neighbours: later acknowledgement, half the memory. */
static void
thin_out(struct shard *shard)
{
	struct checkpoints *c = &shard->checkpoints;
	struct checkpoint *last = NULL;
	struct progress *p;
	size_t i, kept = 0;

	for (i = 0; c->at != NULL && i < c->n; i++) {
		if (last == NULL || last->segment != c->at[i].segment) {
			c->at[kept] = c->at[i];
			last = &c->at[kept++];
			continue;
		}
		c->at[i].records += last->records;
		*last = c->at[i];
		last = NULL;
		p = shard_progress(shard, c->at[i].segment);
		if (p != NULL)
			p->waiting--;
	}
	c->n = kept;
}

void
track_wait(struct shard *shard, struct checkpoint checkpoint)
{
	struct progress *p = shard_progress(shard, checkpoint.segment);
	struct checkpoints *c = &shard->checkpoints;
	struct checkpoint *last = c->n > 0 ? &c->at[c->n - 1] : NULL;

	if (last != NULL && last->segment == checkpoint.segment &&
	    last->records < RECORDS_A_CHECKPOINT) {
		checkpoint.records += last->records;
		*last = checkpoint;
		return;
	}
	if (c->n == CHECKPOINTS_MAX)
		thin_out(shard);
	if (c->at == NULL || c->n == c->room) {
		c->room = c->room == 0 ? FIRST_CHECKPOINTS : c->room * 2;
		c->at = mt_realloc_array(c->at, c->room, sizeof(*c->at));
	}
	c->at[c->n++] = checkpoint;
	if (p != NULL)
		p->waiting++;
}

bool
track_acked(struct shard *shard, struct mt_id id)
{
	struct checkpoints *c = &shard->checkpoints;
	struct progress *p;
	size_t n = 0;

	for (; n < c->n && mt_id_cmp(c->at[n].id, id) <= 0; n++) {
		p = shard_progress(shard, c->at[n].segment);
		if (p == NULL)
			continue;
		p->waiting--;
		if (p->acked < c->at[n].end)
			p->acked = c->at[n].end;
	}
	if (n == 0)
		return false;
	c->n -= n;
	memmove(c->at, c->at + n, c->n * sizeof(*c->at));
	return true;
}

void
track_done(struct shard *shard)
{
	mt_free(shard->flights.at);
	mt_free(shard->checkpoints.at);
	shard->flights = (struct flights){ .n = 0 };
	shard->checkpoints = (struct checkpoints){ .n = 0 };
}
