/* SPDX-License-Identifier: BSD-2-Clause */
/* Queue the XADD of one dead letter (redis/dead.h). For this room only. */
#ifndef MT_REDIS_BURY_H
#define MT_REDIS_BURY_H

#include "redis/link.h"

/* key: of the event stream. from: the entry's id there, or "-". */
void mt_bury(struct mt_link *link, struct mt_str key, const char *from,
    struct mt_str reason, const struct mt_pair *pairs, size_t n);

#endif
