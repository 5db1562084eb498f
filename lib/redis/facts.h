/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Asking Redis for struct mt_stream_facts: MT_FACTS_STEPS commands, each
 * answered in turn. For this room only.
 */
#ifndef MT_REDIS_FACTS_H
#define MT_REDIS_FACTS_H

#include "redis/link.h"

#define MT_FACTS_STEPS 4

struct mt_consumer_facts;

/* marker: name of the shipper's group; absent: none is looked for. */
void mt_facts_ask(struct mt_link *link, const struct mt_redis_options *o);
/* Read the answer to step 0 … MT_FACTS_STEPS - 1 into facts. */
MT_MUST_CHECK enum mt_rc mt_facts_read(struct mt_link *link, unsigned step,
    const struct mt_redis_options *o, struct mt_str marker,
    const struct mt_node *node, struct mt_stream_facts *facts,
    struct mt_err *err);
/* The answer to XINFO CONSUMERS; false: Redis would not answer so. */
bool mt_consumers_read(
    const struct mt_node *node, struct mt_consumer_facts *facts);

#endif
