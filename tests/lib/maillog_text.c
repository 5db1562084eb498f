/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdio.h>
#include <stdlib.h>

#include "base/utf8.h"
#include "maillog/prefix.h"
#include "maillog/shape.h"
#include "maillog_text.h"

#define CHUNK 1048576

static const char *const kinds[] = { "event", "silent", "ignored", "unknown",
	"foreign", "damaged" };

void
maillog_text(struct mt_buf *out, enum mt_event id, const void *ev)
{
	const struct mt_event_desc *d = &mt_events[id];
	struct mt_buf value;
	size_t i;

	mt_buf_init(&value, MT_MAX_EVENT);
	mt_buf_z(out, d->name);
	for (i = 0; i < d->n; i++) {
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

static enum mt_rc
add(void *arg, enum mt_event id, const void *ev, struct mt_err *err)
{
	struct mt_buf *events = arg;

	(void)err;
	mt_buf_z(events, "  ");
	maillog_text(events, id, ev);
	mt_buf_c(events, '\n');
	return MT_OK;
}

/* The row that a line has. */
static const char *
shape_name(struct mt_str line, int64_t now)
{
	struct mt_shape_index *index = mt_shape_index_new();
	const struct mt_shape *shape = NULL;
	struct mt_shape_line text;
	struct mt_shaped shaped;
	struct mt_prefix p;
	struct mt_when when;
	struct mt_buf buf;

	mt_when_init(&when, NULL);
	mt_buf_init(&buf, line.n + 1);
	if (mt_prefix_read(&when, &buf, MT_frame_absent, line, now, &p) &&
	    p.tag.p != NULL) {
		mt_shape_line_init(
		    &text, mt_process_of(index, p.tag), p.tag, p.text);
		shape = mt_shape_read(index, &text, &shaped);
	}
	mt_buf_done(&buf);
	mt_when_done(&when);
	mt_shape_index_free(index);
	return shape == NULL ? "-" : shape->name;
}

void
maillog_golden(const struct mt_maillog_options *options, struct mt_str log,
    int64_t now, struct mt_buf *out)
{
	struct mt_maillog *reader;
	struct mt_buf events;
	struct mt_str line, rest;
	struct mt_err err;
	enum mt_maillog_kind kind;
	unsigned number = 0;

	if (mt_maillog_new(options, &reader, &err) != MT_OK)
		abort();
	mt_buf_init(&events, MT_MAX_EVENT * 16);
	for (rest = log; rest.n > 0;) {
		(void)mt_str_cut(rest, '\n', &line, &rest);
		number++;
		if (mt_str_starts(line, "#"))
			continue;
		mt_buf_reset(&events);
		if (mt_maillog_line(
			reader, line, now, add, &events, &kind, &err) != MT_OK)
			abort();
		mt_buf_printf(out, "%u %s %s\n", number, kinds[kind],
		    shape_name(line, now));
		mt_buf_str(out, mt_buf_view(&events));
	}
	mt_buf_done(&events);
	mt_maillog_free(reader);
}

void
maillog_read(const char *path, struct mt_buf *out)
{
	FILE *f = fopen(path, "r");
	size_t n = 1;

	if (f == NULL) {
		perror(path);
		exit(1);
	}
	while (n > 0 && mt_buf_reserve(out, CHUNK)) {
		n = fread(out->p + out->n, 1, CHUNK, f);
		out->n += n;
		out->p[out->n] = '\0';
	}
	(void)fclose(f);
}
