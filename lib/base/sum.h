/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * CRC-32 (ISO 3309, as gzip uses it; libdeflate does the work): says that bytes
 * were torn or flipped, not that someone meant harm. Start with 0.
 */
#ifndef MT_BASE_SUM_H
#define MT_BASE_SUM_H

#include <stddef.h>
#include <stdint.h>

uint32_t mt_sum(uint32_t sum, const void *p, size_t n);

#endif
