/* SPDX-License-Identifier: BSD-2-Clause */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "base/mem.h"
#include "history.h"

#define SYMBOLS_MAX 999999 /* what the note below has room for */
#define NOTE "{\"\":{\"options_cut\":true,\"symbols_cut\":999999}}"
#define PRECISION 14 /* 0.1 stays 0.1 */
/* Sorted: the same whoever wrote the row. */
#define DUMP (JSON_COMPACT | JSON_SORT_KEYS | JSON_REAL_PRECISION(PRECISION))

struct weighed {
	const char *name;
	size_t n;
	const json_t *symbol;
	double weight;
};

static int
add_part(const char *p, size_t n, void *out)
{
	mt_buf_add(out, p, n);
	return 0;
}

/* A number as rspamd-lua/ writes it: whole ones have no point. */
static json_t *
number(const json_t *from)
{
	double n = json_is_number(from) ? json_number_value(from) : 0;

	if (!isfinite(n) || fabs(n) >= 1e12)
		n = 0;
	return n == trunc(n) ? json_integer((json_int_t)n) : json_real(n);
}

static json_t *
texts_of(const json_t *list)
{
	json_t *texts = json_array();
	json_t *text;
	size_t i;

	for (i = 0; i < json_array_size(list); i++) {
		text = json_array_get(list, i);
		if (json_is_string(text))
			(void)json_array_append(texts, text);
	}
	return texts;
}

static json_t *
symbol_of(const json_t *from, bool with_options)
{
	json_t *symbol = json_object();
	json_t *options;

	(void)json_object_set_new(
	    symbol, "score", number(json_object_get(from, "score")));
	if (!with_options)
		return symbol;
	options = texts_of(json_object_get(from, "options"));
	if (json_array_size(options) > 0)
		(void)json_object_set(symbol, "options", options);
	json_decref(options);
	return symbol;
}

static int
compare_weight(const void *a, const void *b)
{
	const struct weighed *x = a, *y = b;

	if (x->weight != y->weight)
		return x->weight > y->weight ? -1 : 1;
	return mt_str_cmp(mt_str_n(x->name, x->n), mt_str_n(y->name, y->n));
}

/* Those that weigh most, without options, as many as fit beside the note. */
static void
cut_symbols(const struct json_t *symbols, struct mt_buf *out)
{
	struct weighed *list =
	    mt_alloc_array(json_object_size(symbols) + 1, sizeof(*list));
	json_t *all = mt_unconst(symbols), *kept = json_object();
	json_t *piece, *value;
	const char *name;
	size_t i, n = 0, need, left = out->max - out->n - strlen(NOTE);

	json_object_foreach(all, name, value)
	{
		piece = number(json_object_get(value, "score"));
		list[n] = (struct weighed){ .name = name,
			.n = strlen(name),
			.symbol = value,
			.weight = fabs(json_number_value(piece)) };
		n++;
		json_decref(piece);
	}
	qsort(list, n, sizeof(*list), compare_weight);
	for (i = 0; i < n; i++) {
		piece = json_object();
		(void)json_object_set_new(
		    piece, list[i].name, symbol_of(list[i].symbol, false));
		/* A comma more, two braces less. */
		need = json_dumpb(piece, NULL, 0, DUMP) - 1;
		if (need <= left) {
			(void)json_object_update(kept, piece);
			left -= need;
		}
		json_decref(piece);
	}
	n -= json_object_size(kept);
	(void)json_object_set_new(kept, "",
	    json_pack("{s:b,s:I}", "options_cut", 1, "symbols_cut",
		(json_int_t)(n < SYMBOLS_MAX ? n : SYMBOLS_MAX)));
	(void)json_dump_callback(kept, add_part, out, DUMP);
	json_decref(kept);
	mt_free(list);
}

void
history_symbols(const struct json_t *symbols, struct mt_buf *out)
{
	json_t *all = mt_unconst(symbols), *made = json_object();
	size_t before = out->n;
	const char *name;
	json_t *value;

	json_object_foreach(all, name, value)(void)
	    json_object_set_new(made, name, symbol_of(value, true));
	(void)json_dump_callback(made, add_part, out, DUMP);
	json_decref(made);
	if (!mt_buf_over(out))
		return;
	out->n = before;
	out->over = false;
	cut_symbols(symbols, out);
}

void
history_thresholds(const struct json_t *thresholds, struct mt_buf *out)
{
	json_t *all = mt_unconst(thresholds), *made = json_object();
	size_t before = out->n;
	const char *name;
	json_t *value;

	json_object_foreach(all, name, value) if (json_is_number(value))(void)
	    json_object_set_new(made, name, number(value));
	(void)json_dump_callback(made, add_part, out, DUMP);
	json_decref(made);
	if (mt_buf_over(out)) {
		out->n = before;
		out->over = false;
	}
}
