/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>

#include "base/utf8.h"
#include "maillog_text.h"

static bool
is_key_of_source(const char *name)
{
	return strcmp(name, "at") == 0 || strcmp(name, "host") == 0 ||
	    strcmp(name, "line") == 0;
}

void
maillog_text(
    struct mt_buf *out, enum mt_event id, const void *ev, bool without_keys)
{
	const struct mt_event_desc *d = &mt_events[id];
	struct mt_buf value;
	size_t i;

	mt_buf_init(&value, MT_MAX_EVENT);
	mt_buf_z(out, d->name);
	for (i = 0; i < d->n; i++) {
		if (without_keys && is_key_of_source(d->fields[i].name))
			continue;
		if (mt_field_absent(&d->fields[i], ev))
			continue;
		mt_buf_reset(&value);
		mt_field_write(&d->fields[i], ev, &value);
		mt_buf_printf(out, " %s=<", d->fields[i].name);
		mt_utf8_escape(out, mt_buf_view(&value));
		mt_buf_c(out, '>');
	}
	mt_buf_done(&value);
}
