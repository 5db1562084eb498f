/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How often a network may be recorded: a budget of one minute that fills up
 * evenly. The memory is what it was at birth: when there are more networks
 * than places, the one that has been quiet longest is forgotten. Networks are
 * held as numbers made with a random secret, not as addresses. Thread-safe.
 */
#ifndef PIXEL_LIMITER_H
#define PIXEL_LIMITER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/ip.h"

struct pixel_limiter;

/* a_minute 0: no limit. sources is rounded up to a power of two. */
MT_MUST_CHECK enum mt_rc pixel_limiter_new(uint64_t a_minute, uint64_t sources,
    struct pixel_limiter **ret_limiter, struct mt_err *err);
void pixel_limiter_free(struct pixel_limiter *limiter); /* NULL is fine */
/* now_us: of a clock that never steps back. */
bool pixel_limiter_take(
    struct pixel_limiter *limiter, const struct mt_ip *ip, int64_t now_us);

#endif
