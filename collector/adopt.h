/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which strays (stray.h) are a message's own: those of its Message-ID that fit
 * it. Like all of what becomes of a message, it depends on the set of events
 * only.
 */
#ifndef COLLECTOR_ADOPT_H
#define COLLECTOR_ADOPT_H

#include "arena.h"
#include "life.h"
#include "query.h"

struct stray {
	struct mt_str message_id;
	const struct store_event *event;
};

/* Sorted by Message-ID. */
struct strays {
	struct stray *list;
	size_t n, cap;
};

/* Add the strays of n Message-IDs, since `from`; they live in the arena. */
MT_MUST_CHECK enum mt_rc adopt_load(struct strays *s, struct query *q,
    const struct mt_str *ids, size_t n, int64_t from, struct arena *arena,
    struct mt_err *err);
/*
 * Give a life the strays that are its own. Its Message-IDs are those of its
 * events, and `named`, its offer's, unless that is empty.
 */
void adopt(const struct strays *s, struct mt_str host, struct mt_str named,
    struct life *life, struct arena *arena);

#endif
