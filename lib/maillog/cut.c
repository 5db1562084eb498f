/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>

#include "maillog/cut.h"

static struct mt_str
without_cr(const char *p, size_t n)
{
	return mt_str_n(p, n > 0 && p[n - 1] == '\r' ? n - 1 : n);
}

size_t
mt_maillog_cut(struct mt_str bytes, bool *skipping, struct mt_str *ret_line)
{
	size_t n = bytes.n > MT_MAILLOG_LINE ? MT_MAILLOG_LINE + 1 : bytes.n;
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
	if (bytes.n <= MT_MAILLOG_LINE)
		return 0;
	*skipping = true;
	*ret_line = mt_str_n(bytes.p, MT_MAILLOG_LINE);
	return MT_MAILLOG_LINE;
}
