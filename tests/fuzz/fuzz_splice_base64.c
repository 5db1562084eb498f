/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Base64: any leaf that decodes, any place in it, what
 * tests/lib/splice_property.h says must hold.
 */
#include "../lib/splice_property.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	splice_property(MT_encoding_base64, data, size);
	return 0;
}
