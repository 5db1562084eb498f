/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Stream entries out of Redis's answers. For this room only. Everything
 * stands in the link's arena.
 */
#ifndef MT_REDIS_ENTRIES_H
#define MT_REDIS_ENTRIES_H

#include "redis/link.h"
#include "redis/stream.h"

/* A list of [id, [name, value, …]]; a deleted entry's list is nil. */
MT_MUST_CHECK enum mt_rc mt_entries_read(struct mt_link *link,
    const struct mt_node *list, struct mt_entries *ret_entries,
    struct mt_err *err);

#endif
