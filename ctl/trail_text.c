/* SPDX-License-Identifier: BSD-2-Clause */
#include <inttypes.h>
#include <string.h>

#include "base/clock.h"
#include "base/limits.h"
#include "base/words.h"
#include "text.h"
#include "trail.h"

#define RCPTS_SHOWN 100
#define OPENS_SHOWN 100
#define CELL_MAX 8192

static const char *
text_of(const json_t *o, const char *name)
{
	return json_string_value(json_object_get(o, name));
}

static uint64_t
num_of(const json_t *o, const char *name)
{
	return (uint64_t)json_integer_value(json_object_get(o, name));
}

static void
add(struct mt_buf *out, const char *before, const char *text, const char *after)
{
	if (text != NULL && text[0] != '\0')
		mt_buf_printf(out, "%s%s%s", before, text, after);
}

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
	const char *level = text_of(m, "level"), *rule = text_of(m, "rule");

	mt_buf_z(out, text_of(m, "mode"));
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
	add(out, "; X-Mailtrail-Open asked: ", text_of(m, "request"), "");
}

static void
add_markup(const json_t *m, struct mt_buf *out)
{
	const char *reason = text_of(m, "reason");

	if (strcmp(reason, "done") != 0) {
		mt_buf_printf(out, "none (%s: %s)", reason,
		    doc_of(mt_words_reason, mt_words_reason_docs, reason));
		return;
	}
	mt_buf_z(out, "done");
	add(out, ", part ", text_of(m, "part"), "");
	add(out, ", ", text_of(m, "encoding"), "");
	add(out, ", ", text_of(m, "charset"), "");
	if (json_is_integer(json_object_get(m, "mark_at")))
		mt_buf_printf(out, ", at byte %" PRIu64 " of the body",
		    num_of(m, "mark_at"));
	if (num_of(m, "quoted") > 0)
		mt_buf_printf(out,
		    "; %" PRIu64 " quoted pixel%s made to show nothing",
		    num_of(m, "quoted"), num_of(m, "quoted") == 1 ? "" : "s");
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
	const char *hook = text_of(m, "hook"), *name;
	json_t *extra = json_object_get(m, "extra"), *value;
	struct mt_buf b;

	if (hook == NULL)
		return;
	mt_buf_init(&b, CELL_MAX);
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
			add(&b, "", json_string_value(value), "");
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

	if (num_of(m, "opens") == 0) {
		mt_buf_z(
		    out, num_of(m, "marks") > 0 ? "none so far" : "not marked");
		return;
	}
	for (i = 1; mt_words_class[i] != NULL; i++) {
		(void)snprintf(
		    name, sizeof(name), "opens_%s", mt_words_class[i]);
		if (num_of(m, name) == 0)
			continue;
		mt_buf_printf(out, "%s%s %" PRIu64, gap, mt_words_class[i],
		    num_of(m, name));
		gap = ", ";
	}
}

static void
add_client(const json_t *m, struct mt_buf *out)
{
	const char *name = text_of(m, "client_name");

	mt_buf_z(out, name != NULL ? name : "unknown");
	add(out, "[", text_of(m, "client"), "]");
	add(out, ", helo ", text_of(m, "helo"), "");
	add(out, ", login ", text_of(m, "user"), "");
	add(out, ", by ", text_of(m, "daemon"), "");
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

static enum ctl_color
class_color(const char *class)
{
	unsigned i =
	    class == NULL ? 0 : mt_word_find(mt_words_class, mt_str(class));

	return i == MT_class_human_likely    ? CTL_GREEN
	    : i == MT_class_proxied_possible ? CTL_CYAN
					     : CTL_YELLOW;
}

/* What is known of the message as a whole. */
static void
print_head(const json_t *m, bool color, FILE *out)
{
	struct ctl_table *t = ctl_table_new(2);
	const char *sender = text_of(m, "sender");
	struct mt_buf b;

	mt_buf_init(&b, CELL_MAX);
	line(t, "from", CTL_PLAIN,
	    sender != NULL && sender[0] == '\0' ? "<> (the null sender)"
						: sender);
	if (text_of(m, "header_from") != NULL && sender != NULL &&
	    strcmp(text_of(m, "header_from"), sender) != 0)
		line(t, "From:", CTL_PLAIN, text_of(m, "header_from"));
	line(t, "subject", CTL_PLAIN, text_of(m, "subject"));
	line(t, "message-id", CTL_PLAIN, text_of(m, "message_id"));
	add_client(m, &b);
	line(t, "client", CTL_PLAIN, b.p);
	mt_buf_reset(&b);
	mt_buf_printf(&b, "%" PRIu64 " bytes, %" PRIu64 " recipient%s",
	    num_of(m, "size"), num_of(m, "nrcpt"),
	    num_of(m, "nrcpt") == 1 ? "" : "s");
	line(t, "size", CTL_PLAIN, b.p);
	mt_buf_reset(&b);
	add_tracking(m, &b);
	line(t, "tracking", mode_color(text_of(m, "mode")), b.p);
	mt_buf_reset(&b);
	add_markup(m, &b);
	line(t, "markup", reason_color(text_of(m, "reason")), b.p);
	add_hook(m, t);
	mt_buf_reset(&b);
	add_opens(m, &b);
	line(t, "opens",
	    num_of(m, "opens_human_likely") > 0 ? CTL_GREEN : CTL_PLAIN, b.p);
	ctl_table_print(t, out, color, 2);
	mt_buf_done(&b);
	ctl_table_free(t);
}

static void
event(struct ctl_table *t, const char *at, const char *what,
    enum ctl_color paint, const char *detail)
{
	ctl_table_cellz(t, CTL_DIM, at != NULL ? at : "-");
	ctl_table_cellz(t, CTL_PLAIN, what);
	ctl_table_cellz(t, paint, detail);
}

static void
add_seen(const json_t *seen, struct ctl_table *t)
{
	struct mt_buf b;
	size_t i;

	mt_buf_init(&b, CELL_MAX);
	for (i = 0; i < json_array_size(seen) && i < OPENS_SHOWN; i++) {
		const json_t *o = json_array_get(seen, i);

		mt_buf_reset(&b);
		add(&b, "", text_of(o, "class"), "");
		add(&b, " (", text_of(o, "certainty"), ")");
		add(&b, " agent=", text_of(o, "agent"), "");
		add(&b, " country=", text_of(o, "country"), "");
		if (num_of(o, "asn") > 0)
			mt_buf_printf(&b, " asn=%" PRIu64, num_of(o, "asn"));
		add(&b, " reasons=", text_of(o, "reasons"), "");
		event(t, text_of(o, "at"), "opened",
		    class_color(text_of(o, "class")), b.p);
	}
	mt_buf_done(&b);
	if (json_array_size(seen) > OPENS_SHOWN)
		event(t, "", "", CTL_DIM, "... and more; see --json");
}

/* May an open be tied to the one recipient there is? */
static bool
tied(const json_t *m)
{
	const char *mode = text_of(m, "mode");

	return mode != NULL && strcmp(mode, "identified") == 0 &&
	    json_array_size(json_object_get(m, "to")) == 1 &&
	    num_of(m, "recipients") == 1;
}

static void
print_recipient(const json_t *m, const json_t *r, bool color, FILE *out)
{
	const char *mode = text_of(r, "rcpt_mode"), *rule;
	struct ctl_table *t = ctl_table_new(3);
	struct mt_buf b;

	mt_buf_init(&b, CELL_MAX);
	(void)fputs("\n  to ", out);
	ctl_clean(mt_str(text_of(r, "rcpt")), &b);
	ctl_paint(out, color, CTL_BOLD, b.p);
	(void)fputc('\n', out);
	mt_buf_reset(&b);
	rule = text_of(r, "rcpt_rule");
	if (mode != NULL)
		mt_buf_printf(&b, "allows at most %s", mode);
	if (mode != NULL && rule != NULL)
		mt_buf_printf(&b, " (rule of %s)", rule);
	event(t, text_of(r, "offered_at"), "offered", CTL_PLAIN, b.p);
	if (tied(m))
		add_seen(json_object_get(m, "seen"), t);
	ctl_table_print(t, out, color, 4);
	ctl_table_free(t);
	mt_buf_done(&b);
}

static void
print_lists(const json_t *m, bool color, FILE *out)
{
	const json_t *to = json_object_get(m, "to");
	const json_t *seen = json_object_get(m, "seen");
	struct ctl_table *t;
	size_t i;

	for (i = 0; i < json_array_size(to) && i < RCPTS_SHOWN; i++)
		print_recipient(m, json_array_get(to, i), color, out);
	if (json_array_size(to) > RCPTS_SHOWN)
		(void)fprintf(out, "\n  ... and more recipients; see --json\n");
	if (tied(m) || json_array_size(seen) == 0)
		return;
	(void)fprintf(out, "\n  opened by %s\n",
	    json_array_size(to) == 1
		? "whoever has this copy (the mode ties no open to a person)"
		: "some of the recipients (one mark for all)");
	t = ctl_table_new(3);
	add_seen(seen, t);
	ctl_table_print(t, out, color, 4);
	ctl_table_free(t);
}

void
ctl_trail_print(const json_t *trail, bool color, FILE *out)
{
	const char *host = text_of(trail, "host");
	const char *at = text_of(trail, "offered_at");
	struct mt_buf b;

	mt_buf_init(&b, CELL_MAX);
	ctl_clean(mt_str(text_of(trail, "queue_id")), &b);
	ctl_paint(out, color, CTL_BOLD, b.p);
	mt_buf_reset(&b);
	ctl_clean(mt_str(host), &b);
	(void)fprintf(out, "  on %s  ", b.p);
	ctl_paint(out, color, CTL_DIM,
	    at != NULL ? at : "(its own record has not arrived yet)");
	(void)fputc('\n', out);
	mt_buf_done(&b);
	if (text_of(trail, "mode") != NULL && text_of(trail, "reason") != NULL)
		print_head(trail, color, out);
	print_lists(trail, color, out);
}

static void
list_line(struct ctl_table *t, const json_t *m)
{
	const json_t *to = json_object_get(m, "to");
	const char *rcpt = text_of(json_array_get(to, 0), "rcpt");
	const char *reason = text_of(m, "reason"), *mode = text_of(m, "mode");
	struct mt_buf b;

	mt_buf_init(&b, CELL_MAX);
	mt_buf_z(&b, rcpt != NULL ? rcpt : "-");
	if (json_array_size(to) > 1)
		mt_buf_printf(&b, " +%zu", json_array_size(to) - 1);
	ctl_table_cellz(t, CTL_DIM,
	    text_of(
		m, text_of(m, "offered_at") != NULL ? "offered_at" : "born"));
	ctl_table_cellz(t, CTL_BOLD, text_of(m, "queue_id"));
	ctl_table_cellz(t, CTL_PLAIN, text_of(m, "host"));
	ctl_table_cellz(t, CTL_PLAIN, text_of(m, "sender"));
	ctl_table_cell(t, CTL_PLAIN, mt_buf_view(&b));
	ctl_table_cellz(t, mode_color(mode), mode != NULL ? mode : "-");
	ctl_table_cellz(t, reason_color(reason), reason != NULL ? reason : "-");
	mt_buf_reset(&b);
	if (num_of(m, "opens") > 0)
		add_opens(m, &b);
	ctl_table_cell(t, CTL_PLAIN, mt_buf_view(&b));
	mt_buf_done(&b);
}

void
ctl_trail_list(const json_t *trails, bool color, FILE *out)
{
	static const char *const titles[] = { "at", "queue id", "host", "from",
		"to", "tracking", "markup", "opens" };
	struct ctl_table *t = ctl_table_new(8);
	size_t i;

	ctl_table_head(t, titles);
	for (i = 0; i < json_array_size(trails); i++)
		list_line(t, json_array_get(trails, i));
	ctl_table_print(t, out, color, 0);
	ctl_table_free(t);
}
