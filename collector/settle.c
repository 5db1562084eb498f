/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "db/bulk.h"
#include "fold.h"
#include "mail/queue_id.h"
#include "settle.h"

/* Tokens and messages asked for in one statement. */
#define TOKENS 500
#define MESSAGES 100
/* An open this much before its message is one of a clock that is wrong. */
#define EARLY MT_DAY
/* Most opens come this soon: their tokens are sought in few partitions. */
#define SOON (3 * MT_DAY)
#define MAX_SQL 65536
#define MAX_ARGS (TOKENS + 3 * MESSAGES + 2)

/* A message that opens may have been waiting for. */
struct suspect {
	int64_t born;
	struct mt_str host;
	struct mt_str queue_id;
};

struct settle {
	struct mt_db *db;
	struct mt_bulk *opens; /* message_open */
	struct mt_bulk *counters;
	struct fold fold; /* rows: messages touched; counters: differences */
	struct mt_buf sql;
	struct mt_buf text; /* of args that are not texts */
	struct mt_str args[MAX_ARGS];
	size_t n; /* args */
	struct suspect *suspects;
	size_t n_suspects;
	size_t cap_suspects;
	int64_t last_day; /* no open is of a later one */
};

struct settle *
settle_new(struct mt_db *db)
{
	struct settle *s = mt_alloc(sizeof(*s));

	s->db = db;
	s->opens = mt_bulk_new(db, &mt_tables[MT_TABLE_message_open]);
	s->counters = mt_bulk_new(db, &mt_tables[MT_TABLE_counter]);
	fold_init(&s->fold);
	mt_buf_init(&s->sql, MAX_SQL);
	mt_buf_init(&s->text, MAX_SQL);
	return s;
}

void
settle_free(struct settle *s)
{
	if (s == NULL)
		return;
	mt_bulk_free(s->opens);
	mt_bulk_free(s->counters);
	fold_done(&s->fold);
	mt_buf_done(&s->sql);
	mt_buf_done(&s->text);
	mt_free(s->suspects);
	mt_free(s);
}

void
settle_begin(struct settle *s)
{
	s->n_suspects = 0;
}

void
settle_suspect(
    struct settle *s, int64_t born, struct mt_str host, struct mt_str queue_id)
{
	if (s->n_suspects == s->cap_suspects) {
		s->cap_suspects =
		    s->cap_suspects == 0 ? MESSAGES : s->cap_suspects * 2;
		s->suspects = mt_realloc_array(
		    s->suspects, s->cap_suspects, sizeof(*s->suspects));
	}
	s->suspects[s->n_suspects++] = (struct suspect){
		.born = born, .host = host, .queue_id = queue_id
	};
}

static void
begin(struct settle *s)
{
	mt_buf_reset(&s->sql);
	mt_buf_reset(&s->text);
	/* Args borrow from it: it must not move. */
	(void)mt_buf_reserve(&s->text, MAX_ARGS * (MT_TIME_LEN + 1));
	s->n = 0;
}

static void
add_text(struct settle *s, struct mt_str arg)
{
	s->args[s->n++] = arg;
}

static void
add_time(struct settle *s, int64_t at)
{
	char text[MT_TIME_LEN + 1];
	size_t from = s->text.n;

	mt_time_write(at < 0 ? 0 : at, ' ', false, text);
	mt_buf_z(&s->text, text);
	s->args[s->n++] = mt_str_n(s->text.p + from, s->text.n - from);
}

static enum mt_rc
ask(struct settle *s, struct mt_rows **ret_rows, struct mt_err *err)
{
	if (mt_buf_over(&s->sql) || mt_buf_over(&s->text))
		return mt_fail(err, MT_CONFIG, "settle: statement too long");
	return mt_rows_open(s->db, s->sql.p, s->args, s->n, ret_rows, err);
}

/* Note a message as touched; its texts are copied. */
static void
touch(
    struct settle *s, int64_t born, struct mt_str host, struct mt_str queue_id)
{
	struct fold_rows *rows = &s->fold.tables[MT_TABLE_message_open];
	struct mt_row_message_open *m = arena_alloc(&s->fold.arena, sizeof(*m));

	m->born = born;
	m->host = arena_copy(&s->fold.arena, host);
	m->queue_id = arena_copy(&s->fold.arena, queue_id);
	if (rows->n == rows->cap) {
		rows->cap = rows->cap == 0 ? MESSAGES : rows->cap * 2;
		rows->rows = mt_realloc_array(
		    rows->rows, rows->cap, sizeof(*rows->rows));
	}
	rows->rows[rows->n++] = m;
}

/* Touch the messages whose keys a query's first three columns are. */
static enum mt_rc
touch_found(struct settle *s, size_t *ret_found, struct mt_err *err)
{
	struct mt_rows *rows;
	enum mt_rc rc;

	if (ask(s, &rows, err) != MT_OK)
		return err->rc;
	while ((rc = mt_rows_next(rows, err)) == MT_OK) {
		touch(s, mt_rows_time(rows, 0), mt_rows_text(rows, 1),
		    mt_rows_text(rows, 2));
		(*ret_found)++;
	}
	mt_rows_close(rows);
	return rc == MT_ABSENT ? MT_OK : rc;
}

/* A token, and the earliest time we know it at. */
struct token {
	struct mt_str text;
	int64_t at;
};

static int
compare_tokens(const void *a, const void *b)
{
	return mt_str_cmp(
	    ((const struct token *)a)->text, ((const struct token *)b)->text);
}

/* The tokens of the events of a kind, each once; they live in the fold. */
static struct token *
list_tokens(struct settle *s, enum mt_event id,
    const struct store_event *events, size_t n, size_t *ret_n)
{
	struct token *list;
	size_t i, left = 0, count = 0;

	for (i = 0; i < n; i++)
		count += events[i].id == id;
	list = arena_alloc(&s->fold.arena, (count + 1) * sizeof(*list));
	for (i = 0, count = 0; i < n; i++) {
		const union mt_event_any *e = &events[i].event;

		if (events[i].id != id)
			continue;
		list[count].text =
		    id == MT_EV_open ? e->open.token : e->mark.token;
		list[count++].at = id == MT_EV_open
		    ? e->open.at
		    : mt_message_born(e->mark.queue_id, e->mark.at);
	}
	qsort(list, count, sizeof(*list), compare_tokens);
	for (i = 1; i < count; i++) {
		if (mt_str_cmp(list[i].text, list[left].text) != 0)
			list[++left] = list[i];
		else if (list[i].at < list[left].at)
			list[left].at = list[i].at;
	}
	*ret_n = count == 0 ? 0 : left + 1;
	return list;
}

/* " IN (?, …)" for at most TOKENS of them, and the span of their times. */
static void
add_tokens(struct settle *s, const struct token *list, size_t n,
    int64_t *ret_least, int64_t *ret_most)
{
	size_t i;

	*ret_least = *ret_most = list[0].at;
	mt_buf_z(&s->sql, " IN (");
	for (i = 0; i < n; i++) {
		mt_buf_z(&s->sql, i == 0 ? "?" : ", ?");
		add_text(s, list[i].text);
		if (list[i].at < *ret_least)
			*ret_least = list[i].at;
		if (list[i].at > *ret_most)
			*ret_most = list[i].at;
	}
	mt_buf_c(&s->sql, ')');
}

/*
 * " AND o.day >= ? AND o.day <= ?": the days on which messages born from
 * `born` on can have been opened, so that few partitions are looked at.
 */
static void
add_days(struct settle *s, int64_t born)
{
	mt_buf_z(&s->sql, " AND o.day >= ? AND o.day <= ?");
	add_time(s, born - born % MT_DAY - EARLY);
	add_time(s, s->last_day);
}

/*
 * The last day that any open is of: tomorrow, unless a pixel host's clock is
 * far ahead. (An open that is committed after this look finds its mark by
 * itself.)
 */
static enum mt_rc
find_last_day(struct settle *s, struct mt_err *err)
{
	int64_t now = mt_clock_now();
	char *later = NULL;
	enum mt_rc rc;

	begin(s);
	s->last_day = now - now % MT_DAY + MT_DAY;
	add_time(s, s->last_day);
	rc = mt_db_text(s->db, "SELECT 1 FROM open_day WHERE day > ? LIMIT 1",
	    s->args, s->n, &later, err);
	if (later != NULL)
		s->last_day = MT_TIME_MAX;
	mt_free(later);
	return rc;
}

/*
 * The messages of opened tokens: among the latest partitions first; if any
 * token is not found there, among all.
 */
static enum mt_rc
touch_opens(struct settle *s, const struct store_event *events, size_t n,
    struct mt_err *err)
{
	size_t from, some, found;
	struct token *list = list_tokens(s, MT_EV_open, events, n, &n);
	int64_t least, most;

	for (from = 0; from < n; from += some) {
		some = n - from < TOKENS ? n - from : TOKENS;
		begin(s);
		mt_buf_z(&s->sql,
		    "SELECT DISTINCT born, host, queue_id, token FROM token "
		    "WHERE token");
		add_tokens(s, list + from, some, &least, &most);
		mt_buf_z(&s->sql, " AND born BETWEEN ? AND ?");
		add_time(s, least - SOON);
		add_time(s, most + EARLY / 24);
		found = 0;
		if (touch_found(s, &found, err) != MT_OK)
			return err->rc;
		if (found >= some)
			continue;
		s->args[s->n - 2] = MT_LIT("1970-01-01 00:00:00");
		s->args[s->n - 1] = MT_LIT("9999-12-31 23:59:59.999999");
		if (touch_found(s, &found, err) != MT_OK)
			return err->rc;
	}
	return MT_OK;
}

/* The messages of marks whose token was opened before its mark arrived. */
static enum mt_rc
touch_marks(struct settle *s, const struct store_event *events, size_t n,
    struct mt_err *err)
{
	size_t from, some, found = 0;
	struct token *list = list_tokens(s, MT_EV_mark, events, n, &n);
	int64_t least, most;

	for (from = 0; from < n; from += some) {
		some = n - from < TOKENS ? n - from : TOKENS;
		begin(s);
		mt_buf_z(&s->sql,
		    "SELECT DISTINCT t.born, t.host, t.queue_id FROM open_day "
		    "o STRAIGHT_JOIN token t ON t.token = o.token WHERE "
		    "o.token");
		add_tokens(s, list + from, some, &least, &most);
		add_days(s, least);
		mt_buf_z(&s->sql, " AND t.born BETWEEN ? AND ?");
		add_time(s, least);
		add_time(s, most);
		if (touch_found(s, &found, err) != MT_OK)
			return err->rc;
	}
	return MT_OK;
}

/* " (a.born, a.host, a.queue_id) IN ((?, ?, ?), …", without the last ')'. */
static void
add_message(struct settle *s, const char *a, bool first, int64_t born,
    struct mt_str host, struct mt_str queue_id)
{
	if (first)
		mt_buf_printf(
		    &s->sql, " (%s.born, %s.host, %s.queue_id) IN (", a, a, a);
	mt_buf_z(&s->sql, first ? "(?, ?, ?)" : ", (?, ?, ?)");
	add_time(s, born);
	add_text(s, host);
	add_text(s, queue_id);
}

/* The suspects that do have opens. */
static enum mt_rc
touch_suspects(struct settle *s, struct mt_err *err)
{
	const struct suspect *one;
	size_t i = 0, found = 0;
	int64_t least;

	while (i < s->n_suspects) {
		begin(s);
		least = INT64_MAX;
		mt_buf_z(&s->sql,
		    "SELECT DISTINCT t.born, t.host, t.queue_id FROM token t "
		    "STRAIGHT_JOIN open_day o ON o.token = t.token WHERE");
		for (; i < s->n_suspects && s->n < (size_t)3 * MESSAGES; i++) {
			one = &s->suspects[i];
			if (one->born < least)
				least = one->born;
			add_message(s, "t", s->n == 0, one->born, one->host,
			    one->queue_id);
		}
		mt_buf_c(&s->sql, ')');
		add_days(s, least);
		if (touch_found(s, &found, err) != MT_OK)
			return err->rc;
	}
	return MT_OK;
}

/* A query about the touched messages from..to, by alias a. */
static void
add_touched(struct settle *s, const char *a, size_t from, size_t to)
{
	struct fold_rows *rows = &s->fold.tables[MT_TABLE_message_open];
	const struct mt_row_message_open *m;
	size_t i;

	for (i = from; i < to; i++) {
		m = rows->rows[i];
		add_message(s, a, i == from, m->born, m->host, m->queue_id);
	}
	mt_buf_c(&s->sql, ')');
}

/* A row as it was (message_open) or is (the sum of its tokens' opens). */
struct sums {
	bool there;
	struct mt_str domain;
	struct mt_row_message_open was;
	struct mt_row_message_open is;
};

static struct sums *
find(struct settle *s, struct sums *sums, size_t from, size_t to,
    const struct mt_rows *rows)
{
	struct fold_rows *touched = &s->fold.tables[MT_TABLE_message_open];
	struct mt_row_message_open key = { .born = mt_rows_time(rows, 0),
		.host = mt_rows_text(rows, 1),
		.queue_id = mt_rows_text(rows, 2) };
	size_t i;

	for (i = from; i < to; i++)
		if (mt_table_compare(&mt_tables[MT_TABLE_message_open],
			touched->rows[i], &key) == 0)
			return &sums[i - from];
	return NULL;
}

/* The columns after the key, as every query of sums lists them. */
static void
read_sums(const struct mt_rows *rows, struct mt_row_message_open *m)
{
	m->n_human_likely = mt_rows_num(rows, 3);
	m->n_proxied_possible = mt_rows_num(rows, 4);
	m->n_prefetch = mt_rows_num(rows, 5);
	m->n_scanner = mt_rows_num(rows, 6);
	m->n_bot = mt_rows_num(rows, 7);
	m->n_self = mt_rows_num(rows, 8);
	m->n_unknown = mt_rows_num(rows, 9);
	m->open_first = mt_rows_time(rows, 10);
	m->open_last = mt_rows_time(rows, 11);
	m->display_first = mt_rows_time(rows, 12);
	m->display_last = mt_rows_time(rows, 13);
}

/* Lock the message rows, in the order of their key. */
static enum mt_rc
lock_messages(struct settle *s, struct sums *sums, size_t from, size_t to,
    struct mt_err *err)
{
	struct mt_rows *rows;
	struct sums *one;
	enum mt_rc rc;

	begin(s);
	mt_buf_z(&s->sql,
	    "SELECT m.born, m.host, m.queue_id, m.sender_domain FROM message m "
	    "FORCE INDEX (PRIMARY) WHERE m.sender_domain IS NOT NULL AND");
	add_touched(s, "m", from, to);
	mt_buf_z(&s->sql, " ORDER BY m.born, m.host, m.queue_id FOR UPDATE");
	if (ask(s, &rows, err) != MT_OK)
		return err->rc;
	while ((rc = mt_rows_next(rows, err)) == MT_OK) {
		if ((one = find(s, sums, from, to, rows)) == NULL)
			continue;
		one->there = true;
		one->domain = arena_copy(&s->fold.arena, mt_rows_text(rows, 3));
	}
	mt_rows_close(rows);
	return rc == MT_ABSENT ? MT_OK : rc;
}

static enum mt_rc
read_rows(struct settle *s, struct sums *sums, size_t from, size_t to, bool was,
    struct mt_err *err)
{
	struct mt_rows *rows;
	struct sums *one;
	enum mt_rc rc;

	if (ask(s, &rows, err) != MT_OK)
		return err->rc;
	while ((rc = mt_rows_next(rows, err)) == MT_OK)
		if ((one = find(s, sums, from, to, rows)) != NULL)
			read_sums(rows, was ? &one->was : &one->is);
	mt_rows_close(rows);
	return rc == MT_ABSENT ? MT_OK : rc;
}

static enum mt_rc
read_was(struct settle *s, struct sums *sums, size_t from, size_t to,
    struct mt_err *err)
{
	begin(s);
	mt_buf_z(&s->sql,
	    "SELECT p.born, p.host, p.queue_id, p.n_human_likely, "
	    "p.n_proxied_possible, p.n_prefetch, p.n_scanner, p.n_bot, "
	    "p.n_self, p.n_unknown, p.open_first, p.open_last, "
	    "p.display_first, p.display_last FROM message_open p WHERE");
	add_touched(s, "p", from, to);
	return read_rows(s, sums, from, to, true, err);
}

static enum mt_rc
read_is(struct settle *s, struct sums *sums, size_t from, size_t to,
    struct mt_err *err)
{
	const struct mt_row_message_open *first =
	    s->fold.tables[MT_TABLE_message_open].rows[from];

	begin(s);
	mt_buf_z(&s->sql,
	    "SELECT t.born, t.host, t.queue_id, SUM(o.n_human_likely), "
	    "SUM(o.n_proxied_possible), SUM(o.n_prefetch), SUM(o.n_scanner), "
	    "SUM(o.n_bot), SUM(o.n_self), SUM(o.n_unknown), "
	    "MIN(o.open_first), MAX(o.open_last), MIN(o.display_first), "
	    "MAX(o.display_last) FROM token t STRAIGHT_JOIN open_day o ON "
	    "o.token = t.token AND o.day >= DATE(t.born) - INTERVAL 1 DAY "
	    "WHERE");
	add_touched(s, "t", from, to);
	add_days(s, first->born); /* sorted: the earliest */
	mt_buf_z(&s->sql, " GROUP BY t.born, t.host, t.queue_id");
	return read_rows(s, sums, from, to, false, err);
}

static uint64_t
total(const struct mt_row_message_open *m)
{
	return m->n_human_likely + m->n_proxied_possible + m->n_prefetch +
	    m->n_scanner + m->n_bot + m->n_self + m->n_unknown;
}

/* More of something than before; less there never is, opens only come. */
static void
count(struct settle *s, struct mt_row_counter *c, enum mt_counted what,
    const char *word, uint64_t was, uint64_t is)
{
	if (is <= was)
		return;
	c->what = what;
	c->word = mt_str(word);
	c->n = is - was;
	fold_count(&s->fold, c);
}

static void
count_difference(struct settle *s, const struct mt_row_message_open *key,
    const struct sums *sums)
{
	const struct mt_row_message_open *w = &sums->was, *i = &sums->is;
	struct mt_row_counter c = { .host = key->host, .domain = sums->domain };
	const char *const *words = mt_words_class;

	fold_hour(key->born, &c);
#define CLASS(name) \
	count(s, &c, MT_counted_open, words[MT_class_##name], w->n_##name, \
	    i->n_##name)
	CLASS(human_likely);
	CLASS(proxied_possible);
	CLASS(prefetch);
	CLASS(scanner);
	CLASS(bot);
	CLASS(self);
	CLASS(unknown);
#undef CLASS
	count(s, &c, MT_counted_opened, "", total(w) > 0, total(i) > 0);
	count(s, &c, MT_counted_displayed, "", w->display_first != 0,
	    i->display_first != 0);
}

static enum mt_rc
write_rows(struct settle *s, const struct sums *sums, size_t from, size_t to,
    struct mt_err *err)
{
	struct fold_rows *touched = &s->fold.tables[MT_TABLE_message_open];
	struct fold_rows *counters = &s->fold.tables[MT_TABLE_counter];
	struct mt_row_message_open row;
	const struct mt_row_message_open *key;
	size_t i;

	mt_bulk_clear(s->opens);
	mt_bulk_clear(s->counters);
	counters->n = 0;
	memset(s->fold.recent, 0, sizeof(s->fold.recent));
	for (i = from; i < to; i++) {
		const struct sums *one = &sums[i - from];

		if (!one->there ||
		    memcmp(&one->was, &one->is, sizeof(one->is)) == 0)
			continue;
		key = touched->rows[i];
		row = one->is;
		row.born = key->born;
		row.host = key->host;
		row.queue_id = key->queue_id;
		mt_bulk_add(s->opens, &row);
		count_difference(s, key, one);
	}
	counters->n = mt_table_fold(
	    &mt_tables[MT_TABLE_counter], counters->rows, counters->n);
	for (i = 0; i < counters->n; i++)
		mt_bulk_add(s->counters, counters->rows[i]);
	if (mt_bulk_upsert(s->opens, NULL, err) != MT_OK ||
	    mt_bulk_upsert(s->counters, NULL, err) != MT_OK)
		return err->rc;
	return MT_OK;
}

static enum mt_rc
settle_some(struct settle *s, size_t from, size_t to, struct mt_err *err)
{
	struct sums sums[MESSAGES];

	memset(sums, 0, sizeof(sums));
	if (mt_db_exec(s->db, "START TRANSACTION", err) != MT_OK ||
	    lock_messages(s, sums, from, to, err) != MT_OK ||
	    read_was(s, sums, from, to, err) != MT_OK ||
	    read_is(s, sums, from, to, err) != MT_OK ||
	    write_rows(s, sums, from, to, err) != MT_OK)
		return err->rc;
	return mt_db_exec(s->db, "COMMIT", err);
}

enum mt_rc
settle_events(struct settle *s, const struct store_event *events, size_t n,
    struct mt_err *err)
{
	struct fold_rows *rows = &s->fold.tables[MT_TABLE_message_open];
	size_t from, to;
	enum mt_rc rc;

	fold_reset(&s->fold);
	rc = find_last_day(s, err);
	if (rc == MT_OK)
		rc = touch_opens(s, events, n, err);
	if (rc == MT_OK)
		rc = touch_marks(s, events, n, err);
	if (rc == MT_OK)
		rc = touch_suspects(s, err);
	rows->n = mt_table_fold(
	    &mt_tables[MT_TABLE_message_open], rows->rows, rows->n);
	for (from = 0; rc == MT_OK && from < rows->n; from = to) {
		to = rows->n - from < MESSAGES ? rows->n : from + MESSAGES;
		rc = settle_some(s, from, to, err);
	}
	if (rc == MT_FORMAT || rc == MT_LIMIT)
		err->rc = rc = MT_CONFIG; /* no single event's fault */
	if (rc != MT_OK)
		mt_err_in(err, "opens");
	return rc;
}
