/* SPDX-License-Identifier: BSD-2-Clause */
/* Each recipient's time line. */
#include <inttypes.h>
#include <string.h>

#include "base/clock.h"
#include "base/utf8.h"
#include "base/words.h"
#include "json.h"
#include "trail.h"
#include "trail_show.h"

#define REPLY_WIDTH 72
#define REPLY_LINES 4

enum ctl_color
ctl_status_color(const char *status)
{
	static const unsigned char colors[MT_status_end] = {
		[MT_status_delivered] = CTL_GREEN,
		[MT_status_queued] = CTL_YELLOW,
		[MT_status_deferred] = CTL_YELLOW,
		[MT_status_held] = CTL_YELLOW,
		[MT_status_requeued] = CTL_YELLOW,
		[MT_status_unknown] = CTL_YELLOW,
		[MT_status_bounced] = CTL_RED,
		[MT_status_expired] = CTL_RED,
		[MT_status_rejected] = CTL_RED,
		[MT_status_filtered] = CTL_RED,
		[MT_status_discarded] = CTL_DIM,
		[MT_status_aborted] = CTL_DIM,
	};

	if (status == NULL)
		return CTL_PLAIN;
	return (enum ctl_color)
	    colors[mt_word_find(mt_words_status, mt_str(status))];
}

static enum ctl_color
outcome_color(const char *outcome)
{
	static const unsigned char colors[MT_outcome_end] = {
		[MT_outcome_sent] = CTL_GREEN,
		[MT_outcome_deferred] = CTL_YELLOW,
		[MT_outcome_softbounce] = CTL_YELLOW,
		[MT_outcome_bounced] = CTL_RED,
		[MT_outcome_undeliverable] = CTL_RED,
	};

	return (enum ctl_color)
	    colors[mt_word_find(mt_words_outcome, mt_str(outcome))];
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

void
ctl_event(struct ctl_table *t, const char *at, const char *what,
    enum ctl_color paint, const char *detail)
{
	ctl_table_cellz(t, CTL_DIM, at != NULL ? at : "-");
	ctl_table_cellz(t, CTL_PLAIN, what);
	ctl_table_cellz(t, paint, detail);
}

void
ctl_show_seen(const json_t *seen, struct ctl_table *t)
{
	struct mt_buf b;
	size_t i;

	mt_buf_init(&b, CTL_CELL_MAX);
	for (i = 0; i < json_array_size(seen) && i < CTL_SHOWN; i++) {
		const json_t *o = json_array_get(seen, i);

		mt_buf_reset(&b);
		ctl_add(&b, "", ctl_json_text(o, "class"), "");
		ctl_add(&b, " (", ctl_json_text(o, "certainty"), ")");
		ctl_add(&b, " agent=", ctl_json_text(o, "agent"), "");
		ctl_add(&b, " country=", ctl_json_text(o, "country"), "");
		if (ctl_json_count(o, "asn") > 0)
			mt_buf_printf(
			    &b, " asn=%" PRIu64, ctl_json_count(o, "asn"));
		ctl_add(&b, " reasons=", ctl_json_text(o, "reasons"), "");
		ctl_event(t, ctl_json_text(o, "at"), "opened",
		    class_color(ctl_json_text(o, "class")), b.p);
	}
	mt_buf_done(&b);
	if (json_array_size(seen) > CTL_SHOWN)
		ctl_event(t, "", "", CTL_DIM, "... and more; see --json");
}

/* The length of the next line of a text, and in *ret_gap the blank after it. */
static size_t
line_length(struct mt_str s, size_t *ret_gap)
{
	struct mt_str head = mt_utf8_cut(s, REPLY_WIDTH);
	size_t n = head.n;

	*ret_gap = 0;
	if (n == s.n)
		return n;
	while (n > 0 && s.p[n] != ' ')
		n--;
	if (n == 0)
		return head.n;
	*ret_gap = 1;
	return n;
}

/* What the other side said, in a few lines of the last column. */
static void
add_reply(struct ctl_table *t, const char *reply)
{
	struct mt_buf clean;
	struct mt_str s, line;
	size_t gap, lines = 0;

	if (reply == NULL || reply[0] == '\0')
		return;
	mt_buf_init(&clean, CTL_CELL_MAX);
	ctl_clean(mt_utf8_cut(mt_str(reply), CTL_CELL_MAX / 4), &clean);
	for (s = mt_buf_view(&clean); s.n > 0 && lines < REPLY_LINES; lines++) {
		line = mt_str_n(s.p, line_length(s, &gap));
		s = mt_str_n(s.p + line.n + gap, s.n - line.n - gap);
		ctl_table_cellz(t, CTL_PLAIN, "");
		ctl_table_cellz(t, CTL_PLAIN, "");
		ctl_table_cell(t, CTL_PLAIN, line);
	}
	if (s.n > 0)
		ctl_event(t, "", "", CTL_DIM, "... cut; see --json");
	mt_buf_done(&clean);
}

/* "0.31 s" while it is short, "3 min" when it is not. */
static void
add_delay(struct mt_buf *b, const json_t *o)
{
	uint64_t ms = ctl_json_count(o, "delay");

	if (!json_is_integer(json_object_get(o, "delay")))
		return;
	mt_buf_z(b, b->n > 0 ? "  after " : "after ");
	if (ms < 60000)
		mt_buf_printf(b, "%" PRIu64 ".%02" PRIu64 " s", ms / 1000,
		    ms % 1000 / 10);
	else
		ctl_span((int64_t)ms * 1000, b);
}

static void
show_attempt(void *arg, const json_t *r, const json_t *a)
{
	struct ctl_table *t = arg;
	const char *rcpt = ctl_json_text(a, "rcpt");
	const char *relay = ctl_json_text(a, "relay");
	const char *outcome = ctl_json_text(a, "outcome");
	struct mt_buf b;

	mt_buf_init(&b, CTL_CELL_MAX);
	ctl_add(&b, "", ctl_json_text(a, "dsn"), "");
	if (!ctl_trail_same(rcpt, ctl_json_text(r, "rcpt")))
		ctl_add(&b, b.n > 0 ? "  to " : "to ", rcpt, "");
	if (relay != NULL && strcmp(relay, "none") != 0)
		ctl_add(&b, b.n > 0 ? "  by " : "by ", relay, "");
	add_delay(&b, a);
	ctl_table_cellz(t, CTL_DIM, ctl_json_text(a, "at"));
	ctl_table_cellz(t, outcome_color(outcome), outcome);
	ctl_table_cell(t, CTL_PLAIN, mt_buf_view(&b));
	add_reply(t, ctl_json_text(a, "reply"));
	mt_buf_done(&b);
}

static void
show_member(void *arg, const json_t *member)
{
	struct ctl_table *t = arg;
	const char *first = ctl_json_text(member, "first_at");
	struct mt_buf b;

	mt_buf_init(&b, CTL_CELL_MAX);
	ctl_add(&b, "as ", ctl_json_text(member, "queue_id"), "");
	ctl_add(&b, " on ", ctl_json_text(member, "host"), "");
	ctl_event(t, first != NULL ? first : ctl_json_text(member, "born"),
	    "goes on", CTL_CYAN, b.p);
	mt_buf_done(&b);
}

/* Refusals of this one recipient, while others were accepted. */
static void
show_refusals(const json_t *m, const json_t *r, struct ctl_table *t)
{
	const json_t *j, *list = json_object_get(m, "refusals");
	const char *stage;
	struct mt_buf b;
	size_t i;

	mt_buf_init(&b, CTL_CELL_MAX);
	json_array_foreach(list, i, j)
	{
		stage = ctl_json_text(j, "stage");
		if (stage == NULL || strcmp(stage, "rcpt") != 0 ||
		    !ctl_trail_same(
			ctl_json_text(j, "rcpt"), ctl_json_text(r, "rcpt")))
			continue;
		mt_buf_reset(&b);
		ctl_add(&b, "", ctl_json_text(j, "dsn"), "");
		ctl_add(&b, b.n > 0 ? "  by " : "by ",
		    ctl_json_text(j, "judge"), "");
		ctl_table_cellz(t, CTL_DIM, ctl_json_text(j, "at"));
		ctl_table_cellz(t, CTL_RED, ctl_json_text(j, "action"));
		ctl_table_cell(t, CTL_PLAIN, mt_buf_view(&b));
		add_reply(t, ctl_json_text(j, "reply"));
	}
	mt_buf_done(&b);
}

/* Is a report about this recipient? One that names nobody is, of one. */
static bool
is_about(const json_t *m, const json_t *r, const json_t *notice)
{
	const char *rcpt = ctl_json_text(notice, "rcpt");
	const char *orig_to = ctl_json_text(notice, "orig_to");
	const char *own = ctl_json_text(r, "rcpt");

	if (rcpt == NULL && orig_to == NULL)
		return json_array_size(json_object_get(m, "to")) == 1;
	return ctl_trail_same(rcpt, own) || ctl_trail_same(orig_to, own);
}

static void
add_notice(struct ctl_table *t, const json_t *n)
{
	struct mt_buf b;

	mt_buf_init(&b, CTL_CELL_MAX);
	ctl_add(&b, "", ctl_json_text(n, "kind"), "");
	ctl_add(&b, "  ", ctl_json_text(n, "dsn"), "");
	ctl_add(&b, "  by ", ctl_json_text(n, "reporter"), "");
	ctl_event(t, ctl_json_text(n, "at"), "report", CTL_YELLOW, b.p);
	add_reply(t, ctl_json_text(n, "text"));
	mt_buf_done(&b);
}

/* Reports that came later and are about this recipient. */
static void
show_notices(const json_t *m, const json_t *r, struct ctl_table *t)
{
	const json_t *n, *list = json_object_get(m, "notices");
	size_t i;

	json_array_foreach(list, i, n)
	{
		if (is_about(m, r, n))
			add_notice(t, n);
	}
}

/* Those that are about none of the recipients in particular. */
static void
print_notices(const json_t *m, bool color, FILE *out)
{
	const json_t *n, *list = json_object_get(m, "notices");
	const json_t *r, *to = json_object_get(m, "to");
	struct ctl_table *t = ctl_table_new(3);
	size_t i, k;
	bool shown;

	json_array_foreach(list, i, n)
	{
		shown = false;
		json_array_foreach(to, k, r)
		{
			shown = shown || is_about(m, r, n);
		}
		if (!shown)
			add_notice(t, n);
	}
	if (ctl_table_rows(t) > 0)
		(void)fputs("\n  reported\n", out);
	ctl_table_print(t, out, color, 4);
	ctl_table_free(t);
}

/* May an open be tied to the one recipient there is? */
static bool
tied(const json_t *m)
{
	const char *mode = ctl_json_text(m, "mode");

	return mode != NULL && strcmp(mode, "identified") == 0 &&
	    json_array_size(json_object_get(m, "to")) == 1 &&
	    ctl_json_count(m, "recipients") == 1;
}

/* "  to bob@example.com  bounced", and what it was here when that differs. */
static void
print_title(const json_t *r, bool color, FILE *out)
{
	const char *final = ctl_json_text(r, "final");
	const char *status = ctl_json_text(r, "status");
	const char *notice = ctl_json_text(r, "notice");
	struct mt_buf b;

	mt_buf_init(&b, CTL_CELL_MAX);
	(void)fputs("\n  to ", out);
	ctl_clean(mt_str(ctl_json_text(r, "rcpt")), &b);
	ctl_paint(out, color, CTL_BOLD, b.p);
	mt_buf_done(&b);
	if (final != NULL) {
		(void)fputs("  ", out);
		ctl_paint(out, color, ctl_status_color(final), final);
	}
	if (final != NULL && status != NULL && strcmp(final, status) != 0)
		(void)fprintf(out, " (%s here)", status);
	if (notice != NULL)
		(void)fprintf(out, "; a report says %s", notice);
	(void)fputc('\n', out);
}

static void
print_recipient(const json_t *m, const json_t *r, bool color, FILE *out)
{
	const char *mode = ctl_json_text(r, "rcpt_mode");
	const char *rule = ctl_json_text(r, "rcpt_rule");
	struct ctl_table *t = ctl_table_new(3);
	const struct ctl_trail_walk walk = { .trail = m,
		.attempt = show_attempt,
		.enter = show_member,
		.arg = t };
	struct mt_buf b;

	print_title(r, color, out);
	mt_buf_init(&b, CTL_CELL_MAX);
	if (mode != NULL)
		mt_buf_printf(&b, "allows at most %s", mode);
	if (mode != NULL && rule != NULL)
		mt_buf_printf(&b, " (rule of %s)", rule);
	if (ctl_json_text(r, "offered_at") != NULL)
		ctl_event(t, ctl_json_text(r, "offered_at"), "offered",
		    CTL_PLAIN, b.p);
	show_refusals(m, r, t);
	(void)ctl_trail_follow(&walk, m, r, 0);
	show_notices(m, r, t);
	if (tied(m))
		ctl_show_seen(json_object_get(m, "seen"), t);
	ctl_table_print(t, out, color, 4);
	ctl_table_free(t);
	mt_buf_done(&b);
}

void
ctl_show_recipients(const json_t *m, bool color, FILE *out)
{
	const json_t *to = json_object_get(m, "to");
	const json_t *seen = json_object_get(m, "seen");
	struct ctl_table *t;
	size_t i;

	for (i = 0; i < json_array_size(to) && i < CTL_SHOWN; i++)
		print_recipient(m, json_array_get(to, i), color, out);
	if (json_array_size(to) > CTL_SHOWN)
		(void)fprintf(out, "\n  ... and more recipients; see --json\n");
	print_notices(m, color, out);
	if (tied(m) || json_array_size(seen) == 0)
		return;
	(void)fprintf(out, "\n  opened by %s\n",
	    json_array_size(to) == 1
		? "whoever has this copy (the mode ties no open to a person)"
		: "some of the recipients (one mark for all)");
	t = ctl_table_new(3);
	ctl_show_seen(seen, t);
	ctl_table_print(t, out, color, 4);
	ctl_table_free(t);
}
