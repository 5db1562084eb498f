/* SPDX-License-Identifier: BSD-2-Clause */
#include <libdeflate.h>

#include "base/sum.h"

uint32_t
mt_sum(uint32_t sum, const void *p, size_t n)
{
	return libdeflate_crc32(sum, p, n);
}
