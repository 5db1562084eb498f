/* SPDX-License-Identifier: BSD-2-Clause */
#include <endian.h>
#include <string.h>

#include "base/mem.h"
#include "maillog/twins.h"

#define FIRST_SLOTS 256
#define MOST_USED 1000000

void
mt_twins_init(struct mt_twins *t)
{
	*t = (struct mt_twins){ .n_slots = FIRST_SLOTS, .moment = 1 };
	t->slots = mt_alloc_array(t->n_slots, sizeof(*t->slots));
}

void
mt_twins_done(struct mt_twins *t)
{
	mt_free(t->slots);
	t->slots = NULL;
}

static uint64_t
mix(uint64_t h, uint64_t word)
{
	h = (h ^ word) * UINT64_C(0x9e3779b97f4a7c15);
	return h ^ h >> 32;
}

/* Eight bytes a step, the same on every machine; the length comes last. */
static uint64_t
hash_on(uint64_t h, struct mt_str s)
{
	uint64_t word;
	size_t i;

	for (i = 0; s.n - i >= sizeof(word); i += sizeof(word)) {
		memcpy(&word, s.p + i, sizeof(word));
		h = mix(h, le64toh(word));
	}
	if (i < s.n) {
		word = 0;
		memcpy(&word, s.p + i, s.n - i);
		h = mix(h, le64toh(word));
	}
	return mix(h, s.n);
}

static struct mt_twin *
find(const struct mt_twins *t, uint64_t hash)
{
	size_t i = (size_t)(hash ^ hash >> 32) & (t->n_slots - 1);

	while (t->slots[i].moment == t->moment && t->slots[i].hash != hash)
		i = (i + 1) & (t->n_slots - 1);
	return &t->slots[i];
}

static void
grow(struct mt_twins *t)
{
	struct mt_twin *old = t->slots;
	size_t n = t->n_slots, i;

	t->n_slots *= 2;
	t->slots = mt_alloc_array(t->n_slots, sizeof(*t->slots));
	for (i = 0; i < n; i++)
		if (old[i].moment == t->moment)
			*find(t, old[i].hash) = old[i];
	mt_free(old);
}

static void
begin_moment(struct mt_twins *t, int64_t at)
{
	size_t i;

	t->at = at;
	t->used = 0;
	if (++t->moment != 0)
		return;
	/* The counter went round: old slots would look new. */
	for (i = 0; i < t->n_slots; i++)
		t->slots[i].moment = 0;
	t->moment = 1;
}

uint64_t
mt_twins_key(struct mt_twins *t, int64_t at, struct mt_str tag,
    struct mt_str pid, struct mt_str text)
{
	uint64_t hash = hash_on(hash_on(hash_on(0, tag), pid), text);
	struct mt_twin *twin;

	if (at != t->at)
		begin_moment(t, at);
	t->last = hash;
	twin = find(t, hash);
	if (twin->moment == t->moment)
		return hash + twin->lines++;
	if (t->used >= MOST_USED)
		return hash;
	*twin =
	    (struct mt_twin){ .hash = hash, .moment = t->moment, .lines = 1 };
	if (++t->used * 2 > t->n_slots)
		grow(t);
	return hash;
}

void
mt_twins_take_back(struct mt_twins *t)
{
	struct mt_twin *twin = find(t, t->last);

	if (twin->moment == t->moment && twin->lines > 0)
		twin->lines--;
}
