/* SPDX-License-Identifier: BSD-2-Clause */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "import.h"
#include "json.h"
#include "text.h"

#define SHOW_MS 500
#define LINE_MAX_BYTES 1024
#define TOLD_MAX 8 /* unknown lines: so many programs */

/* Packed bytes read so far, of how many; 0: nobody knows. */
static uint64_t
total(const struct import *in, uint64_t *ret_taken)
{
	uint64_t all = 0;
	size_t i;

	*ret_taken = 0;
	for (i = 0; i < in->n_files; i++) {
		if (!in->files[i].regular)
			return 0;
		all += in->files[i].size;
		/* What was peeked at is taken again. */
		if (i <= in->at)
			*ret_taken += in->files[i].taken;
	}
	return all;
}

static void
add_share(const struct import *in, int64_t spent_ms, struct mt_buf *out)
{
	uint64_t taken, all = total(in, &taken);

	if (all == 0 || taken == 0)
		return;
	if (taken > all)
		taken = all; /* it grows while we read */
	mt_buf_printf(
	    out, ", %u %%", (unsigned)((double)taken * 100 / (double)all));
	if (in->waiting || spent_ms < SHOW_MS)
		return;
	mt_buf_z(out, ", ");
	ctl_span((int64_t)((double)spent_ms * 1000 * (double)(all - taken) /
		     (double)taken),
	    out);
	mt_buf_z(out, " left");
}

void
import_say_progress(struct import *in)
{
	const int64_t now = mt_clock_mono_ms(), spent = now - in->began_ms;
	struct mt_buf out;

	if (!in->shows || now - in->shown_ms < SHOW_MS)
		return;
	in->shown_ms = now;
	mt_buf_init(&out, LINE_MAX_BYTES);
	mt_buf_z(&out, "\r\033[K");
	if (in->at < in->n_files)
		ctl_clean(mt_str(in->files[in->at].name), &out);
	mt_buf_printf(&out, ": %" PRIu64 " lines", in->lines);
	if (spent > 0)
		mt_buf_printf(&out, ", %" PRIu64 "/s",
		    in->lines * 1000 / (uint64_t)spent);
	add_share(in, spent, &out);
	if (in->waiting)
		mt_buf_z(&out, ", waiting for room in the spool");
	(void)fwrite(out.p, 1, out.n, stderr);
	(void)fflush(stderr);
	mt_buf_done(&out);
}

void
import_say_nothing(struct import *in)
{
	if (in->shows && in->shown_ms != 0)
		(void)fprintf(stderr, "\r\033[K");
	in->shown_ms = 0;
}

static uint64_t
count_events(const struct import *in)
{
	uint64_t n = 0;
	size_t i;

	for (i = 0; i < MT_EV_N; i++)
		n += in->events[i];
	return n;
}

static void
row(struct ctl_table *t, const char *name, struct mt_buf *value)
{
	ctl_table_cellz(t, CTL_BOLD, name);
	ctl_table_cell(t, CTL_PLAIN, mt_buf_view(value));
	mt_buf_reset(value);
}

static void
row_num(struct ctl_table *t, const char *name, uint64_t n, const char *what)
{
	struct mt_buf value;

	if (n == 0)
		return;
	mt_buf_init(&value, LINE_MAX_BYTES);
	mt_buf_printf(&value, "%" PRIu64 " %s", n, what);
	row(t, name, &value);
	mt_buf_done(&value);
}

struct unknowns {
	struct ctl_table *table;
	json_t *json; /* instead of the table */
	size_t n;
};

static void
add_unknown(
    void *arg, struct mt_str program, uint64_t lines, struct mt_str sample)
{
	struct unknowns *u = arg;
	struct mt_buf value;
	json_t *o;

	if (u->json != NULL) {
		o = json_object();
		ctl_json_set(o, "program", ctl_json_str(program));
		ctl_json_set(o, "lines", ctl_json_num(lines));
		ctl_json_set(o, "sample", ctl_json_str(sample));
		(void)json_array_append_new(u->json, o);
		return;
	}
	if (u->n++ >= TOLD_MAX)
		return;
	mt_buf_init(&value, LINE_MAX_BYTES);
	mt_buf_printf(&value, "%" PRIu64 " of %.*s, such as: ", lines,
	    MT_STR_ARG(program));
	mt_buf_str(&value, sample);
	row(u->table, "", &value);
	mt_buf_done(&value);
}

static void
add_times(const struct import *in, struct ctl_table *t, struct mt_buf *value)
{
	char from[MT_TIME_LEN + 1], to[MT_TIME_LEN + 1];

	if (in->first_at == 0)
		return;
	mt_time_write(in->first_at, 'T', true, from);
	mt_time_write(in->last_at, 'T', true, to);
	mt_buf_printf(value, "%s to %s", from, to);
	row(t, "from", value);
}

static void
print_text(const struct import *in)
{
	struct ctl_table *t = ctl_table_new(2);
	struct unknowns u = { .table = t };
	struct mt_buf value;
	const char *between = ": ";
	size_t i;

	mt_buf_init(&value, LINE_MAX_BYTES);
	mt_buf_printf(&value, "%" PRIu64, in->lines);
	row(t, "lines", &value);
	add_times(in, t, &value);
	mt_buf_printf(&value, "%" PRIu64, count_events(in));
	for (i = 0; i < MT_EV_N; i++) {
		if (in->events[i] == 0)
			continue;
		mt_buf_printf(&value, "%s%" PRIu64 " %s", between,
		    in->events[i], mt_events[i].name);
		between = ", ";
	}
	row(t, "events", &value);
	row_num(t, "left out", in->left_out, "events, too long");
	row_num(t, "silent", in->kinds[MT_MAILLOG_SILENT],
	    "lines that say nothing we keep");
	row_num(t, "ignored", in->kinds[MT_MAILLOG_IGNORED],
	    "lines about addresses of ignore_addresses");
	row_num(t, "foreign", in->kinds[MT_MAILLOG_FOREIGN],
	    "lines of other programs");
	row_num(t, "damaged", in->kinds[MT_MAILLOG_DAMAGED],
	    "lines that are no log lines");
	row_num(t, "unknown", in->kinds[MT_MAILLOG_UNKNOWN],
	    "lines that were not understood");
	mt_maillog_unknown(in->log, add_unknown, &u);
	ctl_table_print(t, stdout, in->c->color, 0);
	ctl_table_free(t);
	mt_buf_done(&value);
}

static json_t *
json_of_file(const struct import_file *f)
{
	json_t *o = json_object();

	ctl_json_set(o, "name", ctl_json_str(mt_str(f->name)));
	ctl_json_set(o, "lines", ctl_json_num(f->lines));
	ctl_json_set(o, "damaged", ctl_json_num(f->damaged));
	ctl_json_set(o, "written_at", ctl_json_time(f->written));
	ctl_json_set(o, "first_at", ctl_json_time(f->first_at));
	ctl_json_set(o, "error",
	    f->why[0] != '\0' ? ctl_json_str(mt_str(f->why)) : json_null());
	return o;
}

static void
print_json(const struct import *in)
{
	json_t *o = json_object(), *files = json_array();
	json_t *events = json_object();
	struct unknowns u = { .json = json_array() };
	size_t i;

	for (i = 0; i < in->n_files; i++)
		(void)json_array_append_new(files, json_of_file(&in->files[i]));
	for (i = 0; i < MT_EV_N; i++)
		if (in->events[i] > 0)
			ctl_json_set(events, mt_events[i].name,
			    ctl_json_num(in->events[i]));
	mt_maillog_unknown(in->log, add_unknown, &u);
	ctl_json_set(o, "files", files);
	ctl_json_set(o, "lines", ctl_json_num(in->lines));
	ctl_json_set(o, "first_at", ctl_json_time(in->first_at));
	ctl_json_set(o, "last_at", ctl_json_time(in->last_at));
	ctl_json_set(o, "events", events);
	ctl_json_set(o, "left_out", ctl_json_num(in->left_out));
	ctl_json_set(o, "silent", ctl_json_num(in->kinds[MT_MAILLOG_SILENT]));
	ctl_json_set(o, "ignored", ctl_json_num(in->kinds[MT_MAILLOG_IGNORED]));
	ctl_json_set(o, "foreign", ctl_json_num(in->kinds[MT_MAILLOG_FOREIGN]));
	ctl_json_set(o, "damaged", ctl_json_num(in->kinds[MT_MAILLOG_DAMAGED]));
	ctl_json_set(o, "unknown", ctl_json_num(in->kinds[MT_MAILLOG_UNKNOWN]));
	ctl_json_set(o, "unknown_of", u.json);
	ctl_json_set(o, "recorded", json_boolean(!in->dry));
	ctl_json_set(o, "whole", json_boolean(!in->stopped));
	ctl_json_print(o, stdout);
}

void
import_say_result(struct import *in, bool json)
{
	import_say_nothing(in);
	if (json)
		print_json(in);
	else
		print_text(in);
}
