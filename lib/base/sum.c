/* SPDX-License-Identifier: BSD-2-Clause */
#include <zlib.h>

#include "base/sum.h"

uint32_t
mt_sum(uint32_t sum, const void *p, size_t n)
{
	return (uint32_t)crc32_z(sum, p, n);
}
