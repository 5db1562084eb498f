/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What stands unread at a FastCGI connection, as it comes byte by byte. Once a
 * request is whole, more bytes do not change that; until it is, no byte beyond
 * its end is looked at; and a record that was cut short never ends one.
 */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "whole.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* In memory of its own, so that a byte too far is seen. */
static bool
whole(const uint8_t *data, size_t n)
{
	char *copy = malloc(n > 0 ? n : 1);
	bool is;

	assert(copy != NULL);
	memcpy(copy, data, n);
	is = pixel_whole(mt_str_n(copy, n));
	free(copy);
	return is;
}

/* Where the n bytes' last whole record ends. */
static size_t
last_end(const uint8_t *data, size_t n)
{
	size_t at = 0, size;

	for (;;) {
		if (n - at < 8)
			return at;
		size = 8 + ((size_t)data[at + 4] << 8 | data[at + 5]) +
		    data[at + 6];
		if (n - at < size)
			return at;
		at += size;
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	bool was = false, is;
	size_t n;

	for (n = 0; n <= size; n++) {
		is = whole(data, n);
		assert(is || !was);
		if (is && !was && data[0] == 1)
			assert(last_end(data, n) == n);
		was = is;
	}
	return 0;
}
