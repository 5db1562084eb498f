/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "fold.h"
#include "mail/address.h"
#include "mail/queue_id.h"

#define FIRST_ROWS 1024

void
fold_init(struct fold *f)
{
	memset(f, 0, sizeof(*f));
	arena_init(&f->arena);
	mt_buf_init(&f->key, MT_MAX_ADDRESS);
}

void
fold_done(struct fold *f)
{
	size_t i;

	for (i = 0; i < MT_TABLE_N; i++)
		mt_free(f->tables[i].rows);
	mt_buf_done(&f->key);
	arena_done(&f->arena);
}

void
fold_reset(struct fold *f)
{
	size_t i;

	for (i = 0; i < MT_TABLE_N; i++)
		f->tables[i].n = 0;
	memset(f->recent, 0, sizeof(f->recent));
	arena_reset(&f->arena);
}

void *
fold_row(struct fold *f, enum mt_table_id id, const void *row)
{
	const struct mt_table *t = &mt_tables[id];
	struct fold_rows *rows = &f->tables[id];
	void *last = rows->n > 0 ? rows->rows[rows->n - 1] : NULL;

	if (last != NULL && mt_table_compare(t, last, row) == 0) {
		mt_table_merge(t, last, row);
		return last;
	}
	if (rows->n == rows->cap) {
		rows->cap = rows->cap == 0 ? FIRST_ROWS : rows->cap * 2;
		rows->rows = mt_realloc_array(
		    rows->rows, rows->cap, sizeof(*rows->rows));
	}
	last = arena_alloc(&f->arena, t->size);
	memcpy(last, row, t->size);
	rows->rows[rows->n++] = last;
	return last;
}

/* FNV-1a, a word at the end: good enough to find a row met a moment ago. */
static uint32_t
hash(struct mt_str s, uint32_t h)
{
	size_t i;

	for (i = 0; i < s.n; i++)
		h = (h ^ (unsigned char)s.p[i]) * 16777619u;
	return h;
}

void
fold_count(struct fold *f, const struct mt_row_counter *count)
{
	const struct mt_table *t = &mt_tables[MT_TABLE_counter];
	uint32_t h = hash(count->domain, hash(count->word, 2166136261u));
	struct mt_row_counter **recent =
	    &f->recent[(h ^ (h >> 16) ^ count->what * 31u) % FOLD_RECENT];

	if (*recent != NULL && mt_table_compare(t, *recent, count) == 0)
		(*recent)->n += count->n;
	else
		*recent = fold_row(f, MT_TABLE_counter, count);
}

void
fold_hour(int64_t born, struct mt_row_counter *count)
{
	count->day = born - born % MT_DAY;
	count->hour = (uint64_t)(born % MT_DAY / (3600 * MT_SECOND));
}

/* What was built in the scratch buffer, owned by the fold. */
static struct mt_str
take_key(struct fold *f, struct mt_str raw)
{
	struct mt_str key = mt_buf_view(&f->key);

	/* Most addresses are written as they are looked up. */
	key = mt_str_eq(key, raw) ? raw : arena_copy(&f->arena, key);
	mt_buf_reset(&f->key);
	return key;
}

void
fold_address(struct fold *f, struct mt_str raw, struct mt_str *ret_key,
    struct mt_str *ret_domain)
{
	struct mt_address address;
	struct mt_str stripped = mt_address_strip(raw);
	size_t i;

	mt_buf_reset(&f->key);
	*ret_domain = mt_str("");
	if (mt_address_split(raw, &address) && mt_address_key(raw, &f->key)) {
		*ret_key = take_key(f, raw);
		mt_domain_key(address.domain, &f->key);
		*ret_domain = take_key(f, address.domain);
	} else {
		for (i = 0; i < stripped.n; i++)
			mt_buf_c(&f->key, mt_lower(stripped.p[i]));
		*ret_key = take_key(f, raw);
	}
	if (ret_domain->p == NULL || ret_domain->n > MT_MAX_HOST)
		*ret_domain = mt_str("");
	if (ret_key->p == NULL)
		*ret_key = mt_str("");
}

static void
count_offer(
    struct fold *f, const struct mt_ev_offer *e, const struct mt_row_message *m)
{
	struct mt_row_counter c = {
		.host = e->host, .domain = m->sender_domain, .word = mt_str("")
	};
	size_t i;
	const struct {
		enum mt_counted what;
		const char *word;
		uint64_t n;
	} counts[] = {
		{ MT_counted_offer, "", 1 },
		{ MT_counted_recipient, "", e->nrcpt },
		{ MT_counted_byte, "", e->size },
		{ MT_counted_mode, mt_words_mode[e->mode], 1 },
		{ MT_counted_reason, mt_words_reason[e->reason], 1 },
	};

	fold_hour(m->born, &c);
	for (i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
		c.what = counts[i].what;
		c.word = mt_str(counts[i].word);
		c.n = counts[i].n;
		fold_count(f, &c);
	}
}

static void
fold_offer(struct fold *f, const struct mt_ev_offer *e)
{
	struct mt_row_message m = {
		.born = mt_message_born(e->queue_id, e->at),
		.host = e->host,
		.queue_id = e->queue_id,
		.sender = e->sender,
		.nrcpt = e->nrcpt,
		.size = e->size,
		.user = e->user,
		.client = e->client,
		.message_id = e->message_id,
		.header_from = e->header_from,
		.subject = e->subject,
		.mode = e->mode,
		.reason = e->reason,
		.offers = 1,
		.offered_at = e->at,
	};

	fold_address(f, e->sender, &m.sender_key, &m.sender_domain);
	fold_row(f, MT_TABLE_message, &m);
	count_offer(f, e, &m);
}

static void
fold_rcpt(struct fold *f, const struct mt_ev_rcpt *e)
{
	struct mt_row_message m = {
		.born = mt_message_born(e->queue_id, e->at),
		.host = e->host,
		.queue_id = e->queue_id,
		.recipients = 1,
	};
	struct mt_row_recipient r = {
		.born = m.born,
		.host = e->host,
		.queue_id = e->queue_id,
		.rcpt = e->rcpt,
		.mode = e->mode,
		.rule = e->rule,
		.offered_at = e->at,
	};

	fold_address(f, e->rcpt, &r.rcpt_key, &r.rcpt_domain);
	fold_row(f, MT_TABLE_message, &m);
	fold_row(f, MT_TABLE_recipient, &r);
}

static void
fold_mark(struct fold *f, const struct mt_ev_mark *e)
{
	struct mt_row_message m = {
		.born = mt_message_born(e->queue_id, e->at),
		.host = e->host,
		.queue_id = e->queue_id,
		.marks = 1,
	};
	struct mt_row_token t = {
		.born = m.born,
		.host = e->host,
		.queue_id = e->queue_id,
		.token = e->token,
		.mode = e->mode,
		.marked_at = e->at,
	};

	fold_row(f, MT_TABLE_message, &m);
	fold_row(f, MT_TABLE_token, &t);
}

uint64_t *
fold_class(struct mt_row_open_day *row, enum mt_class word)
{
	switch (word) {
	case MT_class_human_likely:
		return &row->n_human_likely;
	case MT_class_proxied_possible:
		return &row->n_proxied_possible;
	case MT_class_prefetch:
		return &row->n_prefetch;
	case MT_class_scanner:
		return &row->n_scanner;
	case MT_class_bot:
		return &row->n_bot;
	case MT_class_self:
		return &row->n_self;
	case MT_class_absent:
	case MT_class_unknown:
	case MT_class_end:
		break;
	}
	return &row->n_unknown;
}

static void
fold_open(struct fold *f, const struct mt_ev_open *e)
{
	struct mt_row_open_day o = {
		.token = e->token,
		.day = e->at - e->at % MT_DAY,
		.open_first = e->at,
		.open_last = e->at,
	};

	*fold_class(&o, e->class) = 1;
	if (e->class == MT_class_human_likely ||
	    e->class == MT_class_proxied_possible)
		o.display_first = o.display_last = e->at;
	fold_row(f, MT_TABLE_open_day, &o);
}

void
fold_event(struct fold *f, enum mt_event id, const void *event)
{
	switch (id) {
	case MT_EV_offer:
		fold_offer(f, event);
		break;
	case MT_EV_rcpt:
		fold_rcpt(f, event);
		break;
	case MT_EV_mark:
		fold_mark(f, event);
		break;
	case MT_EV_open:
		fold_open(f, event);
		break;
	case MT_EV_queue:
	case MT_EV_deliver:
	case MT_EV_reject:
	case MT_EV_line:
	case MT_EV_scan:
	case MT_EV_auth:
	case MT_EV_ban:
	case MT_EV_notice:
	case MT_EV_N:
		break;
	}
}

void
fold_finish(struct fold *f)
{
	size_t i;

	for (i = 0; i < MT_TABLE_N; i++)
		f->tables[i].n = mt_table_fold(
		    &mt_tables[i], f->tables[i].rows, f->tables[i].n);
}
