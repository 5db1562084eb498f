/* SPDX-License-Identifier: BSD-2-Clause */
#include "limiter.h"

#include <pthread.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "token/random.h"

#define WAYS 4 /* places a network may stand in */
#define LOCKS 64
#define WINDOW (60 * MT_SECOND)

struct place {
	uint64_t source; /* 0: empty */
	int64_t full_at; /* when its budget will be full again */
};

struct pixel_limiter {
	int64_t cost; /* µs of the window that one hit takes; 0: no limit */
	uint64_t secret[2];
	uint64_t sets; /* a power of two */
	struct place *places; /* sets * WAYS */
	pthread_mutex_t locks[LOCKS];
};

enum mt_rc
pixel_limiter_new(uint64_t a_minute, uint64_t sources,
    struct pixel_limiter **ret_limiter, struct mt_err *err)
{
	struct pixel_limiter *limiter = mt_alloc(sizeof(*limiter));
	size_t i;

	if (mt_random(limiter->secret, sizeof(limiter->secret), err) != MT_OK) {
		mt_free(limiter);
		return err->rc;
	}
	for (i = 0; i < LOCKS; i++)
		(void)pthread_mutex_init(&limiter->locks[i], NULL);
	limiter->sets = 1;
	while (limiter->sets * WAYS < sources)
		limiter->sets *= 2;
	if (a_minute > 0) {
		limiter->cost = WINDOW / (int64_t)a_minute;
		limiter->places = mt_alloc_array(
		    limiter->sets * WAYS, sizeof(*limiter->places));
	}
	*ret_limiter = limiter;
	return MT_OK;
}

void
pixel_limiter_free(struct pixel_limiter *limiter)
{
	size_t i;

	if (limiter == NULL)
		return;
	for (i = 0; i < LOCKS; i++)
		(void)pthread_mutex_destroy(&limiter->locks[i]);
	mt_free(limiter->places);
	mt_free(limiter);
}

/*
 * A number for the network: a keyed mixing that loses nothing (64-bit finalizer
 * of MurmurHash3), so different networks never share a budget and strangers
 * cannot choose who stands beside them.
 */
static uint64_t
number_of(const struct pixel_limiter *limiter, const struct mt_ip *ip)
{
	struct mt_ip net = mt_ip_prefix(ip, ip->family == 6 ? 48 : 24);
	uint64_t x = 0;

	memcpy(&x, net.b, 6);
	x = (x << 8 | net.family) ^ limiter->secret[0];
	x ^= x >> 33;
	x *= UINT64_C(0xff51afd7ed558ccd);
	x ^= x >> 33;
	x ^= limiter->secret[1];
	x *= UINT64_C(0xc4ceb9fe1a85ec53);
	x ^= x >> 33;
	return x != 0 ? x : 1;
}

/* The network's place, else the one that has been quiet longest. */
static struct place *
find(struct place *set, uint64_t source)
{
	struct place *oldest = set;
	size_t i;

	for (i = 0; i < WAYS; i++) {
		if (set[i].source == source)
			return &set[i];
		if (set[i].full_at < oldest->full_at)
			oldest = &set[i];
	}
	*oldest = (struct place){ .source = source };
	return oldest;
}

bool
pixel_limiter_take(
    struct pixel_limiter *limiter, const struct mt_ip *ip, int64_t now_us)
{
	struct place *place;
	int64_t full_at;
	uint64_t source, set;
	bool may;

	if (limiter->cost == 0)
		return true;
	source = number_of(limiter, ip);
	set = source & (limiter->sets - 1);
	(void)pthread_mutex_lock(&limiter->locks[set % LOCKS]);
	place = find(limiter->places + set * WAYS, source);
	full_at = place->full_at > now_us ? place->full_at : now_us;
	may = full_at + limiter->cost <= now_us + WINDOW;
	if (may)
		place->full_at = full_at + limiter->cost;
	(void)pthread_mutex_unlock(&limiter->locks[set % LOCKS]);
	return may;
}
