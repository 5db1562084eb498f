/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>

#include "lines.h"
#include "tail.h"

static struct mt_str
without_cr(const char *p, size_t n)
{
	return mt_str_n(p, n > 0 && p[n - 1] == '\r' ? n - 1 : n);
}

size_t
lines_next(struct mt_str bytes, bool *skipping, struct mt_str *ret_line)
{
	size_t n = bytes.n > TAIL_LINE ? TAIL_LINE + 1 : bytes.n;
	const char *end;

	if (bytes.n == 0)
		return 0;
	if (*skipping) {
		*ret_line = mt_str(NULL);
		end = memchr(bytes.p, '\n', bytes.n);
		*skipping = end == NULL;
		return end == NULL ? bytes.n : (size_t)(end - bytes.p) + 1;
	}
	if ((end = memchr(bytes.p, '\n', n)) != NULL) {
		n = (size_t)(end - bytes.p);
		*ret_line = without_cr(bytes.p, n);
		return n + 1;
	}
	if (bytes.n <= TAIL_LINE)
		return 0;
	*skipping = true;
	*ret_line = mt_str_n(bytes.p, TAIL_LINE);
	return TAIL_LINE;
}
