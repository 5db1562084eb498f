/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Any bytes as lines of a log, each also as the text of one program after the
 * other.
 *
 * What holds: every event can be encoded and decoded; every text in it stands
 * in the line (unless JSON was decoded); a delivery put together again from its
 * fields stands in it; the same lines give the same events. Where jansson takes
 * a line for an object, our reader does and finds the same texts in it.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "base/clock.h"
#include "maillog/flat.h"
#include "maillog/maillog.h"
#include "maillog/shape.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define NOW INT64_C(1796083200000000)
#define MOST_LINES 64
#define MOST_EVENTS 16777216

struct watch {
	struct mt_str line;
	struct mt_buf *events; /* encoded, end to end */
};

static void
must(bool holds)
{
	if (!holds)
		abort();
}

static bool
holds(struct mt_str line, struct mt_str text)
{
	return text.n == 0 || memmem(line.p, line.n, text.p, text.n) != NULL;
}

/* Fields that are made, not taken from the line. */
static bool
is_made(const char *name)
{
	return strcmp(name, "host") == 0 || strcmp(name, "tag") == 0;
}

static void
check_texts(enum mt_event id, const void *ev, struct mt_str line)
{
	const struct mt_event_desc *d = &mt_events[id];
	size_t i;

	for (i = 0; i < d->n; i++)
		if (d->fields[i].type == MT_STR && !is_made(d->fields[i].name))
			must(holds(line,
			    *(const struct mt_str *)mt_field_at(
				&d->fields[i], ev)));
}

static void
check_delivery(const struct mt_ev_deliver *ev, struct mt_str line)
{
	struct mt_buf text;

	mt_buf_init(&text, MOST_EVENTS);
	mt_buf_str(&text, ev->queue_id);
	mt_buf_z(&text, ":");
	must(holds(line, mt_buf_view(&text)));
	mt_buf_reset(&text);
	mt_buf_z(&text, "to=<");
	mt_buf_str(&text, ev->rcpt);
	mt_buf_z(&text, ">, ");
	if (ev->orig_to.p != NULL) {
		mt_buf_z(&text, "orig_to=<");
		mt_buf_str(&text, ev->orig_to);
		mt_buf_z(&text, ">, ");
	}
	must(holds(line, mt_buf_view(&text)));
	mt_buf_reset(&text);
	mt_buf_z(&text, " (");
	mt_buf_str(&text, ev->text);
	must(ev->text.p == NULL || holds(line, mt_buf_view(&text)));
	mt_buf_done(&text);
	must(ev->outcome != MT_outcome_absent);
}

static enum mt_rc
look(void *arg, enum mt_event id, const void *ev, struct mt_err *err)
{
	struct mt_pair pairs[MT_EVENT_PAIRS];
	struct watch *w = arg;
	union mt_event_any again;
	enum mt_event id_again;
	struct mt_buf bytes;
	size_t n;

	mt_buf_init(&bytes, MT_MAX_EVENT);
	must(mt_event_encode(id, ev, &bytes, err) == MT_OK);
	must(mt_event_split(
		 mt_buf_view(&bytes), pairs, MT_EVENT_PAIRS, &n, err) == MT_OK);
	must(mt_event_decode(pairs, n, &id_again, &again, err) == MT_OK);
	must(id_again == id);
	mt_buf_str(w->events, mt_buf_view(&bytes));
	mt_buf_done(&bytes);
	if (w->line.n > 0 && w->line.p[0] != '{') {
		check_texts(id, ev, w->line);
		if (id == MT_EV_deliver)
			check_delivery(ev, w->line);
	}
	return MT_OK;
}

/* All lines by a new reader. */
static void
read_lines(struct mt_str log, struct mt_buf *events)
{
	struct mt_maillog_options options = {
		.host = MT_LIT("mx"), .keep_lines = true, .host_of_line = true
	};
	struct watch w = { .events = events };
	struct mt_maillog *reader;
	enum mt_maillog_kind kind;
	struct mt_str rest = log;
	struct mt_err err;
	unsigned n = 0;

	must(mt_maillog_new(&options, &reader, &err) == MT_OK);
	while (rest.n > 0 && n++ < MOST_LINES) {
		(void)mt_str_cut(rest, '\n', &w.line, &rest);
		/* A repeated line's text is the other line's. */
		if (memmem(w.line.p, w.line.n, "repeated ", 9) != NULL)
			w.line.n = 0;
		must(mt_maillog_line(reader, w.line.n == 0 ? log : w.line, NOW,
			 look, &w, &kind, &err) == MT_OK);
	}
	mt_maillog_free(reader);
}

/* The whole input as a text of each program. */
static void
read_texts(struct mt_str text)
{
	struct mt_shape_index *index = mt_shape_index_new();
	struct mt_shape_line line;
	struct mt_shaped shaped;
	const struct mt_shape *shape;
	unsigned i;

	for (i = 0; i < MT_PROCESS_N; i++) {
		mt_shape_line_init(
		    &line, (enum mt_process)i, MT_LIT("postfix/x"), text);
		shape = mt_shape_read(index, &line, &shaped);
		must(shape != NULL || shaped.id == MT_EV_N);
		must(shape == NULL || (shape->processes >> i & 1) == 1);
		if (shaped.id != MT_EV_N)
			check_texts(shaped.id, &shaped.ev, text);
	}
	mt_shape_index_free(index);
}

/* One member, read by both. */
static void
check_member(const json_t *object, struct mt_str name, struct mt_str value)
{
	struct mt_str text;
	struct mt_buf buf;
	const json_t *theirs;

	if (memchr(name.p, '\\', name.n) != NULL ||
	    memchr(name.p, '\0', name.n) != NULL)
		return;
	theirs = json_object_getn(object, name.p, name.n);
	must(theirs != NULL);
	if (!json_is_string(theirs) || value.p[0] != '"')
		return;
	mt_buf_init(&buf, MOST_EVENTS);
	must(mt_flat_text(value, &buf, &text));
	must(mt_str_eq(text,
	    mt_str_n(json_string_value(theirs), json_string_length(theirs))));
	mt_buf_done(&buf);
}

static void
read_object(struct mt_str s)
{
	struct mt_flat flat = { .rest = s };
	struct mt_str name, value;
	json_t *object =
	    json_loadb(s.p, s.n, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, NULL);
	bool is_object = json_is_object(object);

	while (mt_flat_next(&flat, &name, &value)) {
		must(name.p >= s.p && value.p + value.n <= s.p + s.n);
		must(value.n > 0);
		if (is_object)
			check_member(object, name, value);
	}
	must(!is_object || flat.whole);
	json_decref(object);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct mt_str log = { (const char *)data, size };
	struct mt_buf events, again;

	mt_buf_init(&events, MOST_EVENTS);
	mt_buf_init(&again, MOST_EVENTS);
	read_lines(log, &events);
	read_lines(log, &again);
	must(mt_str_eq(mt_buf_view(&events), mt_buf_view(&again)));
	mt_buf_done(&events);
	mt_buf_done(&again);
	read_texts(log);
	if (size > 0 && data[0] == '{')
		read_object(log);
	return 0;
}
