/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>

#include "base/mem.h"
#include "db/bulk.h"
#include "settle.h"

#define KEYS "born, host, queue_id"
#define SUMS \
	"n_human_likely, n_proxied_possible, n_prefetch, n_scanner, n_bot, " \
	"n_self, n_unknown, open_first, open_last, display_first, display_last"

struct settle {
	struct mt_db *db;
	struct mt_bulk *opens; /* message_open */
	struct mt_bulk *counters;
	struct query query;
	struct fold found; /* messages touched */
	struct fold more; /* what is added to counters */
	struct fold less; /* what is taken from them */
	struct touch touch;
};

/* A message's row as it was (message_open), and as it is. */
struct sums {
	bool there; /* the message has its offer */
	struct mt_row_message_open was; /* sender_domain absent: no row */
	struct mt_row_message_open is;
};

struct settle *
settle_new(struct mt_db *db)
{
	struct settle *s = mt_alloc(sizeof(*s));

	s->db = db;
	s->opens = mt_bulk_new(db, &mt_tables[MT_TABLE_message_open]);
	s->counters = mt_bulk_new(db, &mt_tables[MT_TABLE_counter]);
	query_init(&s->query, db);
	fold_init(&s->found);
	fold_init(&s->more);
	fold_init(&s->less);
	touch_init(&s->touch, &s->query, &s->found);
	return s;
}

void
settle_free(struct settle *s)
{
	if (s == NULL)
		return;
	mt_bulk_free(s->opens);
	mt_bulk_free(s->counters);
	query_done(&s->query);
	fold_done(&s->found);
	fold_done(&s->more);
	fold_done(&s->less);
	touch_done(&s->touch);
	mt_free(s);
}

struct touch *
settle_touch(struct settle *s)
{
	return &s->touch;
}

/* The touched messages, whose keys are all that their rows have. */
static const struct mt_row_message_open *
touched(const struct settle *s, size_t i)
{
	return s->found.tables[MT_TABLE_message_open].rows[i];
}

static void
add_touched(struct settle *s, const char *a, size_t from, size_t to)
{
	const struct mt_row_message_open *m;
	size_t i;

	for (i = from; i < to; i++) {
		m = touched(s, i);
		query_message(&s->query, a, m->born, m->host, m->queue_id);
	}
	query_add(&s->query, ")");
}

/* Where the message goes whose key a row's first columns are. */
static struct sums *
find(struct settle *s, struct sums *sums, size_t from, size_t to,
    const struct mt_rows *rows)
{
	struct mt_row_message_open key = { .born = mt_rows_time(rows, 0),
		.host = mt_rows_text(rows, 1),
		.queue_id = mt_rows_text(rows, 2) };
	size_t i;

	for (i = from; i < to; i++)
		if (mt_table_compare(&mt_tables[MT_TABLE_message_open],
			touched(s, i), &key) == 0)
			return &sums[i - from];
	return NULL;
}

/* Lock the message rows, in the order of their key. */
static enum mt_rc
lock_messages(struct settle *s, struct sums *sums, size_t from, size_t to,
    struct mt_err *err)
{
	struct mt_rows *rows;
	struct sums *one;
	enum mt_rc rc;

	query_begin(&s->query,
	    "SELECT " KEYS ", sender_domain FROM message m FORCE INDEX "
	    "(PRIMARY) WHERE offered_at IS NOT NULL AND");
	add_touched(s, "m", from, to);
	query_add(&s->query, " ORDER BY " KEYS " FOR UPDATE");
	if (query_run(&s->query, &rows, err) != MT_OK)
		return err->rc;
	while ((rc = mt_rows_next(rows, err)) == MT_OK) {
		if ((one = find(s, sums, from, to, rows)) == NULL)
			continue;
		one->there = true;
		one->is.sender_domain =
		    arena_copy(&s->found.arena, mt_rows_text(rows, 3));
	}
	mt_rows_close(rows);
	return rc == MT_ABSENT ? MT_OK : rc;
}

/* The columns SUMS from column c on. */
static void
read_sums(const struct mt_rows *rows, size_t c, struct mt_row_message_open *m)
{
	m->n_human_likely = mt_rows_num(rows, c++);
	m->n_proxied_possible = mt_rows_num(rows, c++);
	m->n_prefetch = mt_rows_num(rows, c++);
	m->n_scanner = mt_rows_num(rows, c++);
	m->n_bot = mt_rows_num(rows, c++);
	m->n_self = mt_rows_num(rows, c++);
	m->n_unknown = mt_rows_num(rows, c++);
	m->open_first = mt_rows_time(rows, c++);
	m->open_last = mt_rows_time(rows, c++);
	m->display_first = mt_rows_time(rows, c++);
	m->display_last = mt_rows_time(rows, c);
}

static enum mt_rc
read_was(struct settle *s, struct sums *sums, size_t from, size_t to,
    struct mt_err *err)
{
	struct mt_rows *rows;
	struct sums *one;
	enum mt_rc rc;

	query_begin(&s->query,
	    "SELECT " KEYS ", sender_domain, " SUMS " FROM message_open p "
	    "WHERE");
	add_touched(s, "p", from, to);
	if (query_run(&s->query, &rows, err) != MT_OK)
		return err->rc;
	while ((rc = mt_rows_next(rows, err)) == MT_OK) {
		if ((one = find(s, sums, from, to, rows)) == NULL)
			continue;
		one->was.sender_domain =
		    arena_copy(&s->found.arena, mt_rows_text(rows, 3));
		read_sums(rows, 4, &one->was);
	}
	mt_rows_close(rows);
	return rc == MT_ABSENT ? MT_OK : rc;
}

static enum mt_rc
read_is(struct settle *s, struct sums *sums, size_t from, size_t to,
    struct mt_err *err)
{
	struct mt_rows *rows;
	struct sums *one;
	enum mt_rc rc;

	query_begin(&s->query,
	    "SELECT t.born, t.host, t.queue_id, SUM(o.n_human_likely), "
	    "SUM(o.n_proxied_possible), SUM(o.n_prefetch), SUM(o.n_scanner), "
	    "SUM(o.n_bot), SUM(o.n_self), SUM(o.n_unknown), "
	    "MIN(o.open_first), MAX(o.open_last), MIN(o.display_first), "
	    "MAX(o.display_last) FROM token t STRAIGHT_JOIN open_day o ON "
	    "o.token = t.token AND o.day >= DATE(t.born) - INTERVAL 1 DAY "
	    "WHERE");
	add_touched(s, "t", from, to);
	touch_days(&s->touch, touched(s, from)->born); /* the earliest */
	query_add(&s->query, " GROUP BY t.born, t.host, t.queue_id");
	if (query_run(&s->query, &rows, err) != MT_OK)
		return err->rc;
	while ((rc = mt_rows_next(rows, err)) == MT_OK)
		if ((one = find(s, sums, from, to, rows)) != NULL)
			read_sums(rows, 3, &one->is);
	mt_rows_close(rows);
	return rc == MT_ABSENT ? MT_OK : rc;
}

static uint64_t
total(const struct mt_row_message_open *m)
{
	return m->n_human_likely + m->n_proxied_possible + m->n_prefetch +
	    m->n_scanner + m->n_bot + m->n_self + m->n_unknown;
}

static void
count(struct fold *f, struct mt_row_counter *c, enum mt_counted what,
    const char *word, uint64_t n)
{
	if (n == 0)
		return;
	c->what = what;
	c->word = mt_str(word);
	c->n = n;
	fold_count(f, c);
}

/* What a row of opens counts for, beyond what `but` counts for already. */
static void
count_opens(struct fold *f, const struct mt_row_message_open *key,
    const struct mt_row_message_open *m, const struct mt_row_message_open *but)
{
	struct mt_row_counter c = { .host = key->host,
		.domain = m->sender_domain };
	const struct {
		enum mt_class word;
		uint64_t n, but;
	} classes[] = {
		{ MT_class_human_likely, m->n_human_likely,
		    but->n_human_likely },
		{ MT_class_proxied_possible, m->n_proxied_possible,
		    but->n_proxied_possible },
		{ MT_class_prefetch, m->n_prefetch, but->n_prefetch },
		{ MT_class_scanner, m->n_scanner, but->n_scanner },
		{ MT_class_bot, m->n_bot, but->n_bot },
		{ MT_class_self, m->n_self, but->n_self },
		{ MT_class_unknown, m->n_unknown, but->n_unknown },
	};
	size_t i;

	fold_hour(key->born, &c);
	/* Opens only come; that some went (pruned by hand) is not undone. */
	for (i = 0; i < sizeof(classes) / sizeof(classes[0]); i++)
		if (classes[i].n > classes[i].but)
			count(f, &c, MT_counted_open,
			    mt_words_class[classes[i].word],
			    classes[i].n - classes[i].but);
	count(f, &c, MT_counted_opened, "", total(m) > 0 && total(but) == 0);
	count(f, &c, MT_counted_displayed, "",
	    m->display_first != 0 && but->display_first == 0);
}

static void
note_difference(struct settle *s, const struct mt_row_message_open *key,
    const struct sums *one)
{
	const struct mt_row_message_open none = { .born = 0 };

	if (mt_str_eq(one->was.sender_domain, one->is.sender_domain)) {
		count_opens(&s->more, key, &one->is, &one->was);
		return;
	}
	count_opens(&s->more, key, &one->is, &none);
	if (one->was.sender_domain.p != NULL)
		count_opens(&s->less, key, &one->was, &none);
}

static bool
unchanged(const struct sums *one)
{
	const struct mt_row_message_open *w = &one->was, *i = &one->is;

	return mt_str_eq(w->sender_domain, i->sender_domain) &&
	    w->n_human_likely == i->n_human_likely &&
	    w->n_proxied_possible == i->n_proxied_possible &&
	    w->n_prefetch == i->n_prefetch && w->n_scanner == i->n_scanner &&
	    w->n_bot == i->n_bot && w->n_self == i->n_self &&
	    w->n_unknown == i->n_unknown && w->open_first == i->open_first &&
	    w->open_last == i->open_last &&
	    w->display_first == i->display_first &&
	    w->display_last == i->display_last;
}

/*
 * Rare, so one statement each: an earlier offer changed the sender. Counters
 * that were pruned and begun anew may hold less than what is to be taken.
 */
static enum mt_rc
take_away(struct settle *s, struct mt_err *err)
{
	const struct fold_rows *rows = &s->less.tables[MT_TABLE_counter];
	const struct mt_row_counter *c;
	size_t i;

	for (i = 0; i < rows->n; i++) {
		c = rows->rows[i];
		query_begin(&s->query,
		    "UPDATE counter SET n = n - LEAST(n, CAST(? AS UNSIGNED)) "
		    "WHERE day = ? AND hour = ? AND host = ? AND domain = ? "
		    "AND what = ? AND word = ?");
		query_num(&s->query, c->n);
		query_time(&s->query, c->day);
		query_num(&s->query, c->hour);
		query_text(&s->query, c->host);
		query_text(&s->query, c->domain);
		query_text(&s->query, mt_str(mt_words_counted[c->what]));
		query_text(&s->query, c->word);
		if (query_do(&s->query, err) != MT_OK)
			return err->rc;
	}
	return MT_OK;
}

/* Write the sums that changed, and note what that means for the counters. */
static enum mt_rc
write_opens(struct settle *s, const struct sums *sums, size_t from, size_t to,
    struct mt_err *err)
{
	struct mt_row_message_open row;
	size_t i;

	mt_bulk_clear(s->opens);
	for (i = from; i < to; i++) {
		const struct sums *one = &sums[i - from];

		if (!one->there || total(&one->is) == 0 || unchanged(one))
			continue;
		row = one->is;
		row.born = touched(s, i)->born;
		row.host = touched(s, i)->host;
		row.queue_id = touched(s, i)->queue_id;
		mt_bulk_add(s->opens, &row);
		note_difference(s, touched(s, i), one);
	}
	return mt_bulk_upsert(s->opens, NULL, err);
}

static enum mt_rc
write_counters(struct settle *s, struct mt_err *err)
{
	const struct fold_rows *more = &s->more.tables[MT_TABLE_counter];
	size_t i;

	fold_finish(&s->more);
	fold_finish(&s->less);
	mt_bulk_clear(s->counters);
	for (i = 0; i < more->n; i++)
		mt_bulk_add(s->counters, more->rows[i]);
	if (mt_bulk_upsert(s->counters, NULL, err) != MT_OK)
		return err->rc;
	return take_away(s, err);
}

static enum mt_rc
settle_some(struct settle *s, size_t from, size_t to, struct mt_err *err)
{
	struct sums sums[QUERY_MESSAGES];

	memset(sums, 0, sizeof(sums));
	if (lock_messages(s, sums, from, to, err) != MT_OK ||
	    touch_last_day(&s->touch, err) != MT_OK ||
	    read_was(s, sums, from, to, err) != MT_OK ||
	    read_is(s, sums, from, to, err) != MT_OK)
		return err->rc;
	return write_opens(s, sums, from, to, err);
}

/*
 * All touched messages in one transaction: their rows are locked in the order
 * of their key, and the counters, which everybody wants, last and shortly.
 */
static enum mt_rc
settle_all(struct settle *s, size_t n, struct mt_err *err)
{
	size_t from, to;

	fold_reset(&s->more);
	fold_reset(&s->less);
	if (mt_db_exec(s->db, "START TRANSACTION", err) != MT_OK)
		return err->rc;
	for (from = 0; from < n; from = to) {
		to = n - from < QUERY_MESSAGES ? n : from + QUERY_MESSAGES;
		if (settle_some(s, from, to, err) != MT_OK)
			return err->rc;
	}
	if (write_counters(s, err) != MT_OK)
		return err->rc;
	return mt_db_exec(s->db, "COMMIT", err);
}

enum mt_rc
settle_events(struct settle *s, const struct store_event *events, size_t n,
    struct mt_err *err)
{
	const struct fold_rows *rows = &s->found.tables[MT_TABLE_message_open];
	enum mt_rc rc = touch_find(&s->touch, events, n, err);

	if (rc == MT_OK && rows->n > 0)
		rc = settle_all(s, rows->n, err);
	if (rc == MT_FORMAT || rc == MT_LIMIT)
		err->rc = rc = MT_CONFIG; /* no single event's fault */
	if (rc != MT_OK)
		mt_err_in(err, "opens");
	return rc;
}
