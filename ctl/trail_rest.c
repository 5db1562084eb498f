/* SPDX-License-Identifier: BSD-2-Clause */
/* What a trail has besides its head and its recipients. */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/words.h"
#include "json.h"
#include "trail.h"
#include "trail_show.h"

#define SYMBOLS_SHOWN 6
#define LIGHT 0.005 /* what weighs less made no score */

struct symbol {
	const char *name;
	double score;
};

void
ctl_add(
    struct mt_buf *out, const char *before, const char *text, const char *after)
{
	if (text != NULL && text[0] != '\0')
		mt_buf_printf(out, "%s%s%s", before, text, after);
}

/* The heaviest first. */
static int
compare_symbols(const void *a, const void *b)
{
	const struct symbol *x = a, *y = b;
	double p = fabs(x->score), q = fabs(y->score);

	if (p > q || p < q)
		return p > q ? -1 : 1;
	return strcmp(x->name, y->name);
}

/* "BAYES_SPAM 5.1": a symbol that has no weight goes without. */
static void
add_symbol(const struct symbol *symbol, const char *before, struct mt_buf *out)
{
	mt_buf_printf(out, "%s%s", before, symbol->name);
	if (fabs(symbol->score) >= LIGHT)
		mt_buf_printf(out, " %.3g", symbol->score);
}

/*
 * " (BAYES_SPAM 5.1, R_SPF_ALLOW -0.2)": those that made the score; if none
 * did, some of them.
 */
static void
add_symbols(json_t *symbols, struct mt_buf *out)
{
	struct symbol *list;
	const char *name;
	json_t *value;
	size_t i, n = 0;

	if (json_object_size(symbols) == 0)
		return;
	list = mt_alloc_array(json_object_size(symbols), sizeof(*list));
	json_object_foreach(symbols, name, value)
	{
		if (name[0] != '\0') /* what was cut */
			list[n++] = (struct symbol){ name,
				json_number_value(
				    json_object_get(value, "score")) };
	}
	qsort(list, n, sizeof(*list), compare_symbols);
	while (n > 0 && fabs(list[0].score) >= LIGHT &&
	    fabs(list[n - 1].score) < LIGHT)
		n--;
	for (i = 0; i < n && i < SYMBOLS_SHOWN; i++)
		add_symbol(&list[i], i == 0 ? " (" : ", ", out);
	if (n > 0)
		mt_buf_z(out, n > SYMBOLS_SHOWN ? ", ...)" : ")");
	mt_free(list);
}

static json_t *
last_verdict(const json_t *trail)
{
	const json_t *list = json_object_get(trail, "verdict");

	if (json_array_size(list) == 0)
		return NULL;
	return json_array_get(list, json_array_size(list) - 1);
}

void
ctl_add_verdict(const json_t *trail, struct mt_buf *out)
{
	json_t *v = last_verdict(trail);
	size_t n = json_array_size(json_object_get(trail, "verdict"));

	if (v == NULL)
		return;
	ctl_add(out, "", ctl_json_text(v, "action"), "");
	mt_buf_printf(out, ", %.10g of %.10g",
	    json_number_value(json_object_get(v, "score")),
	    json_number_value(json_object_get(v, "required")));
	add_symbols(json_object_get(v, "symbols"), out);
	if (n > 1)
		mt_buf_printf(out, "; the last of %zu", n);
}

enum ctl_color
ctl_verdict_color(const json_t *trail)
{
	const char *action = ctl_json_text(last_verdict(trail), "action");

	if (action == NULL || strcmp(action, "no action") == 0)
		return CTL_GREEN;
	return strcmp(action, "reject") == 0 || strcmp(action, "discard") == 0
	    ? CTL_RED
	    : CTL_YELLOW;
}

/* "client 192.0.2.1, sender <>, ...": what a step says. */
static void
add_step(const json_t *s, struct mt_buf *b)
{
	ctl_add(b, "", ctl_json_text(s, "client_name"), "");
	ctl_add(b, "[", ctl_json_text(s, "client"), "]");
	ctl_add(b, "  login ", ctl_json_text(s, "user"), "");
	ctl_add(b, "  uid ", ctl_json_text(s, "uid"), "");
	ctl_add(b, b->n > 0 ? "  " : "", ctl_json_text(s, "other"), "");
	ctl_add(b, " on ", ctl_json_text(s, "other_host"), "");
	ctl_add(b, b->n > 0 ? "  " : "", ctl_json_text(s, "text"), "");
}

/* A refusal or another rule's deed that is not about a recipient alone. */
static void
add_refusal(const json_t *j, struct mt_buf *b)
{
	ctl_add(b, "by ", ctl_json_text(j, "judge"), "");
	ctl_add(b, ", ", ctl_json_text(j, "stage"), "");
	ctl_add(b, ", to ", ctl_json_text(j, "rcpt"), "");
	ctl_add(b, ": ", ctl_json_text(j, "dsn"), "");
	ctl_add(b, " ", ctl_json_text(j, "reply"), "");
}

static enum ctl_color
step_color(const char *step)
{
	static const enum mt_step calm[] = { MT_step_client, MT_step_pickup,
		MT_step_active, MT_step_removed, MT_step_released,
		MT_step_proxied, MT_step_notified_success };
	unsigned word = mt_word_find(mt_words_step, mt_str(step));
	size_t i;

	for (i = 0; i < sizeof(calm) / sizeof(calm[0]); i++)
		if (word == calm[i])
			return CTL_PLAIN;
	return CTL_YELLOW;
}

/* Is the i-th of the steps one more than there is to see? */
static bool
is_repeated(const json_t *steps, size_t i)
{
	const char *word = ctl_json_text(json_array_get(steps, i), "step");
	size_t k;

	if (strcmp(word, mt_words_step[MT_step_message_id]) == 0)
		return true;
	if (strcmp(word, mt_words_step[MT_step_active]) != 0)
		return false;
	for (k = 0; k < i; k++)
		if (json_equal(
			json_object_get(json_array_get(steps, k), "step"),
			json_object_get(json_array_get(steps, i), "step")))
			return true;
	return false;
}

static void
add_row(struct ctl_table *t, const json_t *o, const char *what,
    enum ctl_color paint, struct mt_buf *b)
{
	ctl_table_cellz(t, CTL_DIM, ctl_json_text(o, "at"));
	ctl_table_cellz(t, paint, what);
	ctl_table_cell(t, CTL_PLAIN, mt_buf_view(b));
	mt_buf_reset(b);
}

/* Steps and refusals, by time. */
void
ctl_show_queue(const json_t *trail, bool color, FILE *out)
{
	const json_t *steps = json_object_get(trail, "steps");
	const json_t *refusals = json_object_get(trail, "refusals");
	struct ctl_table *t = ctl_table_new(3);
	const json_t *s, *j;
	const char *word;
	struct mt_buf b;
	size_t i = 0, k = 0;

	mt_buf_init(&b, CTL_CELL_MAX);
	while (i < json_array_size(steps) || k < json_array_size(refusals)) {
		s = json_array_get(steps, i);
		j = json_array_get(refusals, k);
		if (j == NULL ||
		    (s != NULL &&
			strcmp(ctl_json_text(s, "at"),
			    ctl_json_text(j, "at")) <= 0)) {
			word = ctl_json_text(s, "step");
			add_step(s, &b);
			if (!is_repeated(steps, i++))
				add_row(t, s, word, step_color(word), &b);
			mt_buf_reset(&b);
			continue;
		}
		k++;
		word = ctl_json_text(j, "action");
		add_refusal(j, &b);
		add_row(t, j, word, CTL_YELLOW, &b);
	}
	mt_buf_done(&b);
	if (ctl_table_rows(t) > 0)
		(void)fputs("\n  in the queue\n", out);
	ctl_table_print(t, out, color, 4);
	ctl_table_free(t);
}

/* How a member belongs to the message it is tied to. */
static const char *
relation(const json_t *member)
{
	static const struct {
		enum mt_tie tie;
		const char *later, *earlier;
	} words[] = {
		{ MT_tie_queued_as, "next hop of", "went on as" },
		{ MT_tie_forwarded, "forwarded from", "forwarded as" },
		{ MT_tie_notification, "notification about", "reported by" },
		{ MT_tie_requeued, "queued anew, was", "queued anew as" },
		{ MT_tie_reinjected, "given back by a filter, was",
		    "given back by a filter as" },
	};
	const char *tie = ctl_json_text(member, "tie");
	bool later = strcmp(ctl_json_text(member, "direction"), "forward") == 0;
	size_t i;

	for (i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strcmp(tie, mt_words_tie[words[i].tie]) == 0)
			return later ? words[i].later : words[i].earlier;
	return tie;
}

void
ctl_show_chain(const json_t *trail, bool color, FILE *out)
{
	const json_t *m, *list = json_object_get(trail, "chain");
	const char *status;
	struct ctl_table *t = ctl_table_new(5);
	struct mt_buf b;
	size_t i;

	mt_buf_init(&b, CTL_CELL_MAX);
	json_array_foreach(list, i, m)
	{
		status = ctl_json_text(m, "status");
		mt_buf_reset(&b);
		if (ctl_json_text(m, "perhaps") != NULL)
			mt_buf_z(&b, "perhaps ");
		ctl_add(&b, "", relation(m), " ");
		ctl_add(&b, "",
		    ctl_json_text(json_object_get(m, "of"), "queue_id"), "");
		ctl_add(&b, "; not certain: ", ctl_json_text(m, "perhaps"), "");
		ctl_table_cellz(t, CTL_DIM, ctl_json_text(m, "born"));
		ctl_table_cellz(t, CTL_BOLD, ctl_json_text(m, "queue_id"));
		ctl_table_cellz(t, CTL_PLAIN, ctl_json_text(m, "host"));
		ctl_table_cellz(
		    t, ctl_status_color(status), status != NULL ? status : "-");
		ctl_table_cell(t, CTL_PLAIN, mt_buf_view(&b));
	}
	mt_buf_done(&b);
	if (ctl_table_rows(t) > 0)
		(void)fputs("\n  belongs together with\n", out);
	ctl_table_print(t, out, color, 4);
	ctl_table_free(t);
	if (json_is_true(json_object_get(trail, "chain_more")))
		(void)fputs("    ... and more\n", out);
}

void
ctl_show_lines(const json_t *trail, bool color, FILE *out)
{
	const json_t *l, *list = json_object_get(trail, "lines");
	struct ctl_table *t;
	size_t i;

	if (list == NULL)
		return;
	(void)fputs("\n  lines of the log\n", out);
	t = ctl_table_new(3);
	json_array_foreach(list, i, l)
	{
		ctl_table_cellz(t, CTL_DIM, ctl_json_text(l, "at"));
		ctl_table_cellz(t, CTL_PLAIN, ctl_json_text(l, "tag"));
		ctl_table_cellz(t, CTL_PLAIN, ctl_json_text(l, "text"));
	}
	if (ctl_table_rows(t) == 0)
		(void)fputs("    none is kept\n", out);
	ctl_table_print(t, out, color, 4);
	ctl_table_free(t);
}
