/* SPDX-License-Identifier: BSD-2-Clause */
#include <inttypes.h>
#include <string.h>

#include "base/clock.h"
#include "base/limits.h"
#include "base/words.h"
#include "json.h"
#include "trail.h"
#include "trail_show.h"

/* "name  value", left out when there is none. */
static void
line(struct ctl_table *t, const char *name, enum ctl_color paint,
    const char *value)
{
	if (value == NULL)
		return;
	ctl_table_cellz(t, CTL_DIM, name);
	ctl_table_cellz(t, paint, value);
}

/* "the signature …": a word's doc as it goes on after a comma. */
static const char *
doc_of(const char *const *words, const char *const *docs, const char *word)
{
	unsigned i = mt_word_find(words, mt_str(word));

	return i > 0 ? docs[i] : "";
}

static void
add_tracking(const json_t *m, struct mt_buf *out)
{
	const char *level = ctl_json_text(m, "level"),
		   *rule = ctl_json_text(m, "rule");

	mt_buf_z(out, ctl_json_text(m, "mode"));
	if (level == NULL)
		return;
	if (rule != NULL && strcmp(rule, "*") == 0)
		mt_buf_printf(out, ", decided by the %s rule", level);
	else if (rule != NULL)
		mt_buf_printf(
		    out, ", decided by the %s rule of %s", level, rule);
	else
		mt_buf_printf(out, " (%s: %s)", level,
		    doc_of(mt_words_level, mt_words_level_docs, level));
	ctl_add(
	    out, "; X-Mailtrail-Open asked: ", ctl_json_text(m, "request"), "");
}

static void
add_markup(const json_t *m, struct mt_buf *out)
{
	const char *reason = ctl_json_text(m, "reason");

	if (strcmp(reason, "done") != 0) {
		mt_buf_printf(out, "none (%s: %s)", reason,
		    doc_of(mt_words_reason, mt_words_reason_docs, reason));
		return;
	}
	mt_buf_z(out, "done");
	ctl_add(out, ", part ", ctl_json_text(m, "part"), "");
	ctl_add(out, ", ", ctl_json_text(m, "encoding"), "");
	ctl_add(out, ", ", ctl_json_text(m, "charset"), "");
	if (json_is_integer(json_object_get(m, "mark_at")))
		mt_buf_printf(out, ", at byte %" PRIu64 " of the body",
		    ctl_json_count(m, "mark_at"));
	if (ctl_json_count(m, "quoted") > 0)
		mt_buf_printf(out,
		    "; %" PRIu64 " quoted pixel%s made to show nothing",
		    ctl_json_count(m, "quoted"),
		    ctl_json_count(m, "quoted") == 1 ? "" : "s");
}

/* A number, true or false. */
static void
add_plain_value(struct mt_buf *b, const json_t *value)
{
	char text[64];
	size_t n;

	n = json_dumpb(value, text, sizeof(text),
	    JSON_ENCODE_ANY | JSON_REAL_PRECISION(15));
	if (n <= sizeof(text))
		mt_buf_add(b, text, n);
}

/* How the hook ended, and a line for each field it added. */
static void
add_hook(const json_t *m, struct ctl_table *t)
{
	const char *hook = ctl_json_text(m, "hook"), *name;
	json_t *extra = json_object_get(m, "extra"), *value;
	struct mt_buf b;

	if (hook == NULL)
		return;
	mt_buf_init(&b, CTL_CELL_MAX);
	mt_buf_z(&b, hook);
	if (strcmp(hook, "done") != 0)
		mt_buf_printf(&b, " (%s)",
		    doc_of(mt_words_hook, mt_words_hook_docs, hook));
	line(
	    t, "hook", strcmp(hook, "done") == 0 ? CTL_PLAIN : CTL_YELLOW, b.p);
	line(t, "extra", CTL_PLAIN, json_string_value(extra));
	json_object_foreach(extra, name, value)
	{
		mt_buf_reset(&b);
		mt_buf_printf(&b, "%s=", name);
		if (json_is_string(value))
			ctl_add(&b, "", json_string_value(value), "");
		else
			add_plain_value(&b, value);
		line(t, "extra", CTL_PLAIN, b.p);
	}
	mt_buf_done(&b);
}

/* "human_likely 2, prefetch 1" */
static void
add_opens(const json_t *m, struct mt_buf *out)
{
	const char *gap = "";
	char name[64];
	unsigned i;

	if (ctl_json_count(m, "opens") == 0) {
		mt_buf_z(out,
		    ctl_json_count(m, "marks") > 0 ? "none so far"
						   : "not marked");
		return;
	}
	for (i = 1; mt_words_class[i] != NULL; i++) {
		(void)snprintf(
		    name, sizeof(name), "opens_%s", mt_words_class[i]);
		if (ctl_json_count(m, name) == 0)
			continue;
		mt_buf_printf(out, "%s%s %" PRIu64, gap, mt_words_class[i],
		    ctl_json_count(m, name));
		gap = ", ";
	}
}

/* The first step of one of these kinds; NULL when there is none. */
static const json_t *
find_step(const json_t *m, enum mt_step step)
{
	const json_t *s, *list = json_object_get(m, "steps");
	size_t i;

	json_array_foreach(list, i, s)
	{
		if (mt_str_eqz(
			mt_str(ctl_json_text(s, "step")), mt_words_step[step]))
			return s;
	}
	return NULL;
}

/* As the milter saw it, else as the log says. */
static void
add_client(const json_t *m, struct mt_buf *out)
{
	const json_t *client = find_step(m, MT_step_client);
	const json_t *pickup = find_step(m, MT_step_pickup);
	const char *name = ctl_json_text(m, "client_name");

	if (name == NULL)
		name = ctl_json_text(client, "client_name");
	if (ctl_json_text(m, "offered_at") == NULL && client == NULL &&
	    ctl_json_text(m, "client") == NULL) {
		if (pickup != NULL)
			mt_buf_z(out, "submitted on this host");
		ctl_add(out, ", uid ", ctl_json_text(pickup, "uid"), "");
		return;
	}
	mt_buf_z(out, name != NULL ? name : "unknown");
	ctl_add(out, "[", ctl_json_text(m, "client"), "]");
	ctl_add(out, ", helo ", ctl_json_text(m, "helo"), "");
	ctl_add(out, ", login ", ctl_json_text(m, "user"), "");
	ctl_add(out, ", by ", ctl_json_text(m, "daemon"), "");
}

static enum ctl_color
mode_color(const char *mode)
{
	return mode == NULL || strcmp(mode, "off") == 0 ? CTL_DIM : CTL_GREEN;
}

static enum ctl_color
reason_color(const char *reason)
{
	if (reason != NULL && strcmp(reason, "done") == 0)
		return CTL_GREEN;
	return reason != NULL && strcmp(reason, "off") == 0 ? CTL_DIM
							    : CTL_YELLOW;
}

/* A line of what was written to b, if anything was; b is then empty. */
static void
line_of(struct ctl_table *t, const char *name, enum ctl_color paint,
    struct mt_buf *b)
{
	if (b->n > 0)
		line(t, name, paint, b->p);
	mt_buf_reset(b);
}

static void
add_status(const json_t *m, struct ctl_table *t, struct mt_buf *b)
{
	const char *status = ctl_json_text(m, "final");
	const char *here = ctl_json_text(m, "status");

	if (status != NULL)
		mt_buf_printf(b, "%s (%s)", status,
		    doc_of(mt_words_status, mt_words_status_docs, status));
	if (status != NULL && here != NULL && strcmp(status, here) != 0)
		mt_buf_printf(b, "; %s here", here);
	line_of(t, "status", ctl_status_color(status), b);
	if (ctl_json_count(m, "ambiguous") != 0)
		line(t, "ambiguous", CTL_YELLOW,
		    "This queue id was used for more than one message within "
		    "one moment of the log: what is told here may in part be "
		    "the other's.");
}

/* Who sent what to how many. */
static void
add_envelope(const json_t *m, struct ctl_table *t, struct mt_buf *b)
{
	const char *sender = ctl_json_text(m, "sender");
	const char *header_from = ctl_json_text(m, "header_from");

	line(t, "from", CTL_PLAIN,
	    sender != NULL && sender[0] == '\0' ? "<> (the null sender)"
						: sender);
	if (header_from != NULL && sender != NULL &&
	    strcmp(header_from, sender) != 0)
		line(t, "From:", CTL_PLAIN, header_from);
	line(t, "subject", CTL_PLAIN, ctl_json_text(m, "subject"));
	line(t, "message-id", CTL_PLAIN, ctl_json_text(m, "message_id"));
	add_client(m, b);
	line_of(t, "client", CTL_PLAIN, b);
	if (json_is_integer(json_object_get(m, "size")))
		mt_buf_printf(b, "%" PRIu64 " bytes, %" PRIu64 " recipient%s",
		    ctl_json_count(m, "size"), ctl_json_count(m, "nrcpt"),
		    ctl_json_count(m, "nrcpt") == 1 ? "" : "s");
	line_of(t, "size", CTL_PLAIN, b);
}

/* What the milter decided, and what came of it. */
static void
add_tracked(const json_t *m, struct ctl_table *t, struct mt_buf *b)
{
	if (ctl_json_text(m, "mode") == NULL ||
	    ctl_json_text(m, "reason") == NULL)
		return;
	add_tracking(m, b);
	line_of(t, "tracking", mode_color(ctl_json_text(m, "mode")), b);
	add_markup(m, b);
	line_of(t, "markup", reason_color(ctl_json_text(m, "reason")), b);
	add_hook(m, t);
	add_opens(m, b);
	line_of(t, "opens",
	    ctl_json_count(m, "opens_human_likely") > 0 ? CTL_GREEN : CTL_PLAIN,
	    b);
}

/* What is known of the message as a whole. */
static void
print_head(const json_t *m, bool color, FILE *out)
{
	struct ctl_table *t = ctl_table_new(2);
	struct mt_buf b;

	mt_buf_init(&b, CTL_CELL_MAX);
	add_status(m, t, &b);
	add_envelope(m, t, &b);
	ctl_add_verdict(m, &b);
	line_of(t, "verdict", ctl_verdict_color(m), &b);
	add_tracked(m, t, &b);
	ctl_table_print(t, out, color, 2);
	mt_buf_done(&b);
	ctl_table_free(t);
}

/* When the milter saw it, else the log, else nobody yet. */
static const char *
time_of(const json_t *m)
{
	const char *offered = ctl_json_text(m, "offered_at");
	const char *first = ctl_json_text(m, "first_at");

	return offered != NULL ? offered
	    : first != NULL    ? first
			       : "(its own record has not arrived yet)";
}

void
ctl_trail_print(const json_t *trail, bool color, FILE *out)
{
	struct mt_buf b;

	mt_buf_init(&b, CTL_CELL_MAX);
	ctl_clean(mt_str(ctl_json_text(trail, "queue_id")), &b);
	ctl_paint(out, color, CTL_BOLD, b.p);
	mt_buf_reset(&b);
	ctl_clean(mt_str(ctl_json_text(trail, "host")), &b);
	(void)fprintf(out, "  on %s  ", b.p);
	ctl_paint(out, color, CTL_DIM, time_of(trail));
	(void)fputc('\n', out);
	mt_buf_done(&b);
	print_head(trail, color, out);
	ctl_show_recipients(trail, color, out);
	ctl_show_queue(trail, color, out);
	ctl_show_chain(trail, color, out);
	ctl_show_lines(trail, color, out);
}

static const char *
or_dash(const char *text)
{
	return text != NULL ? text : "-";
}

static void
list_line(struct ctl_table *t, const json_t *m)
{
	const json_t *to = json_object_get(m, "to");
	const char *rcpt = ctl_json_text(json_array_get(to, 0), "rcpt");
	const char *reason = ctl_json_text(m, "reason");
	const char *mode = ctl_json_text(m, "mode");
	const char *status = ctl_json_text(m, "status");
	const char *at = ctl_json_text(m, "offered_at");
	struct mt_buf b;

	mt_buf_init(&b, CTL_CELL_MAX);
	mt_buf_z(&b, or_dash(rcpt));
	if (json_array_size(to) > 1)
		mt_buf_printf(&b, " +%zu", json_array_size(to) - 1);
	ctl_table_cellz(t, CTL_DIM, at != NULL ? at : ctl_json_text(m, "born"));
	ctl_table_cellz(t, CTL_BOLD, ctl_json_text(m, "queue_id"));
	ctl_table_cellz(t, CTL_PLAIN, ctl_json_text(m, "host"));
	ctl_table_cellz(t, CTL_PLAIN, ctl_json_text(m, "sender"));
	ctl_table_cell(t, CTL_PLAIN, mt_buf_view(&b));
	ctl_table_cellz(t, ctl_status_color(status), or_dash(status));
	ctl_table_cellz(t, mode_color(mode), or_dash(mode));
	ctl_table_cellz(t, reason_color(reason), or_dash(reason));
	mt_buf_reset(&b);
	if (ctl_json_count(m, "opens") > 0)
		add_opens(m, &b);
	ctl_table_cell(t, CTL_PLAIN, mt_buf_view(&b));
	mt_buf_done(&b);
}

void
ctl_trail_list(const json_t *trails, bool color, FILE *out)
{
	static const char *const titles[] = { "at", "queue id", "host", "from",
		"to", "status", "tracking", "markup", "opens" };
	struct ctl_table *t = ctl_table_new(9);
	size_t i;

	ctl_table_head(t, titles);
	for (i = 0; i < json_array_size(trails); i++)
		list_line(t, json_array_get(trails, i));
	ctl_table_print(t, out, color, 0);
	ctl_table_free(t);
}

void
ctl_trail_list_refused(const json_t *trails, bool color, FILE *out)
{
	static const char *const titles[] = { "at", "host", "client", "from",
		"to", "status", "by", "reply" };
	struct ctl_table *t = ctl_table_new(8);
	const json_t *m, *j;
	const char *status;
	struct mt_buf b;
	size_t i;

	mt_buf_init(&b, CTL_CELL_MAX);
	(void)fputs("refused before there was a queue id\n", out);
	ctl_table_head(t, titles);
	json_array_foreach(trails, i, m)
	{
		j = json_array_get(json_object_get(m, "refusals"), 0);
		status = ctl_json_text(m, "status");
		ctl_table_cellz(t, CTL_DIM, ctl_json_text(j, "at"));
		ctl_table_cellz(t, CTL_PLAIN, ctl_json_text(m, "host"));
		ctl_table_cellz(t, CTL_PLAIN, ctl_json_text(j, "client"));
		ctl_table_cellz(
		    t, CTL_PLAIN, or_dash(ctl_json_text(j, "sender")));
		ctl_table_cellz(
		    t, CTL_PLAIN, or_dash(ctl_json_text(j, "rcpt")));
		ctl_table_cellz(t, ctl_status_color(status), or_dash(status));
		ctl_table_cellz(t, CTL_PLAIN, ctl_json_text(j, "judge"));
		mt_buf_reset(&b);
		ctl_add(&b, "", ctl_json_text(j, "dsn"), " ");
		ctl_add(&b, "", ctl_json_text(j, "reply"), "");
		ctl_table_cell(t, CTL_PLAIN, mt_buf_view(&b));
	}
	ctl_table_print(t, out, color, 0);
	ctl_table_free(t);
	mt_buf_done(&b);
}
