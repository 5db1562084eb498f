/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Now and then: the partitions of the days to come, at start and daily, and
 * one line about what was done, once a minute. Without the partitions nothing
 * is lost (p_max takes the rows), so trouble is logged and tried again later.
 */
#ifndef COLLECTOR_UPKEEP_H
#define COLLECTOR_UPKEEP_H

#include <stdint.h>

#include "writer.h"

struct upkeep {
	unsigned days_ahead;
	int64_t day; /* partitions are made for, days since 1970 */
	int64_t retry_at; /* after trouble, ms */
	int64_t said_at; /* the line, ms */
};

/* To be called every few seconds or more often, in the first writer's thread.
 */
void upkeep_step(
    struct upkeep *u, struct writer *const *writers, size_t n, int64_t now_ms);

#endif
