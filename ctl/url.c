/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdio.h>

#include "url.h"

void
ctl_pixel_url(struct mt_str base, const char *token, char *out, size_t size)
{
	while (base.n > 0 && base.p[base.n - 1] == '/')
		base.n--;
	(void)snprintf(out, size, "%.*s/i/%s.gif", MT_STR_ARG(base), token);
}

struct mt_str
ctl_url_token(struct mt_str url)
{
	struct mt_str head, tail;

	if (!mt_str_cut_last(url, '/', &head, &tail))
		tail = url;
	if (tail.n > 4 && mt_str_eqz(mt_str_n(tail.p + tail.n - 4, 4), ".gif"))
		tail.n -= 4;
	return tail;
}
