/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Folding is a pure function of the set of events: any order, cut into any
 * batches, gives the same rows. The tables stand in for MariaDB: batches are
 * merged into them by the same rules (mt_table_merge) as the upserts are.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/mem.h"
#include "fold.h"

#define EVENTS 600
#define ROUNDS 40

struct one {
	enum mt_event id;
	union mt_event_any event;
};

/* A small generator of our own: the same run on every machine. */
static uint32_t
roll(uint32_t *state, uint32_t n)
{
	*state = *state * 1664525u + 1013904223u;
	return (*state >> 8) % n;
}

static const char *const hosts[] = { "mx1", "mx2" };
static const char *const ids[] = { "4jWPKd0CdRz92W", "4jWPKd0CdRz92X", "ABCDE",
	"ABCDF", "00000" };
static const char *const senders[] = { "", "Alice@Example.ORG", "<>", "root",
	"bob@example.com", "\"a b\"@example.com.", "x@@y", "@" };
static const char *const tokens[] = { "00", "01", "02" };

static void
make(uint32_t *state, uint32_t i, struct one *e)
{
	union mt_event_any *any = &e->event;
	struct mt_str host = mt_str(hosts[roll(state, 2)]);
	struct mt_str id = mt_str(ids[roll(state, 5)]);
	/* No two events of one key and different content. */
	int64_t at = INT64_C(1795200000000000) + (int64_t)i * 3700000000;

	memset(e, 0, sizeof(*e));
	e->id = (enum mt_event)roll(state, MT_EV_open + 1);
	switch (e->id) {
	case MT_EV_offer:
		any->offer = (struct mt_ev_offer){ .at = at,
			.host = host,
			.queue_id = id,
			.sender = mt_str(senders[roll(state, 8)]),
			.nrcpt = roll(state, 3),
			.size = roll(state, 1000),
			.mode = 1 + roll(state, 4),
			.level = 1,
			.reason = 1 + roll(state, 5) };
		break;
	case MT_EV_rcpt:
		any->rcpt = (struct mt_ev_rcpt){ .at = at,
			.host = host,
			.queue_id = id,
			.rcpt = mt_str(senders[roll(state, 8)]),
			.mode = roll(state, 5) };
		break;
	case MT_EV_mark:
		any->mark = (struct mt_ev_mark){ .at = at,
			.host = host,
			.queue_id = id,
			.token = mt_str(tokens[roll(state, 3)]),
			.mode = 1 + roll(state, 4) };
		break;
	case MT_EV_open:
	case MT_EV_queue:
	case MT_EV_deliver:
	case MT_EV_reject:
	case MT_EV_line:
	case MT_EV_scan:
	case MT_EV_auth:
	case MT_EV_ban:
	case MT_EV_notice:
	case MT_EV_N:
		e->id = MT_EV_open;
		any->open = (struct mt_ev_open){ .at = at,
			.token = mt_str(tokens[roll(state, 3)]),
			.host = host,
			.class = 1 + roll(state, MT_class_end - 1),
			.certainty = 1 };
		break;
	}
}

static void
shuffle(uint32_t *state, struct one *events, size_t n)
{
	struct one swap;
	size_t i, j;

	for (i = n - 1; i > 0; i--) {
		j = roll(state, (uint32_t)i + 1);
		swap = events[i];
		events[i] = events[j];
		events[j] = swap;
	}
}

/* What MariaDB would hold after batches: texts are copied into arena. */
struct held {
	struct arena arena;
	struct fold_rows tables[MT_TABLE_N];
};

static void
copy_texts(struct held *h, const struct mt_table *t, void *row)
{
	struct mt_str s;
	size_t i;

	for (i = 0; i < t->n; i++) {
		if (t->columns[i].type != MT_STR)
			continue;
		s = *(const struct mt_str *)mt_field_at(&t->columns[i], row);
		if (s.p == NULL)
			continue;
		s = arena_copy(&h->arena, s);
		memcpy((char *)row + t->columns[i].off, &s, sizeof(s));
	}
}

static void
upsert(struct held *h, enum mt_table_id id, const void *row)
{
	const struct mt_table *t = &mt_tables[id];
	struct fold_rows *rows = &h->tables[id];
	void *kept;
	size_t i;

	for (i = 0; i < rows->n; i++) {
		if (mt_table_compare(t, rows->rows[i], row) != 0)
			continue;
		mt_table_merge(t, rows->rows[i], row);
		copy_texts(h, t, rows->rows[i]);
		return;
	}
	kept = arena_alloc(&h->arena, t->size);
	memcpy(kept, row, t->size);
	copy_texts(h, t, kept);
	rows->rows =
	    mt_realloc_array(rows->rows, rows->n + 1, sizeof(*rows->rows));
	rows->rows[rows->n++] = kept;
}

static void
store(struct held *h, struct fold *f, const struct one *events, size_t n)
{
	size_t i, id;

	fold_reset(f);
	for (i = 0; i < n; i++)
		fold_event(f, events[i].id, &events[i].event);
	fold_finish(f);
	for (id = 0; id < MT_TABLE_N; id++)
		for (i = 0; i < f->tables[id].n; i++)
			upsert(h, (enum mt_table_id)id, f->tables[id].rows[i]);
}

/* All rows as text, sorted by key. */
static void
print(struct held *h, struct mt_buf *out)
{
	const struct mt_table *t;
	size_t id, i, c;

	for (id = 0; id < MT_TABLE_N; id++) {
		t = &mt_tables[id];
		h->tables[id].n =
		    mt_table_fold(t, h->tables[id].rows, h->tables[id].n);
		mt_buf_printf(out, "%s\n", t->name);
		for (i = 0; i < h->tables[id].n; i++) {
			for (c = 0; c < t->n; c++) {
				mt_buf_c(out, '|');
				mt_field_write(
				    &t->columns[c], h->tables[id].rows[i], out);
			}
			mt_buf_c(out, '\n');
		}
	}
	assert_false(mt_buf_over(out));
}

static void
run(const struct one *events, uint32_t most, uint32_t *state,
    struct mt_buf *out)
{
	struct held h;
	struct fold f;
	size_t from, n, id;

	memset(&h, 0, sizeof(h));
	arena_init(&h.arena);
	fold_init(&f);
	for (from = 0; from < EVENTS; from += n) {
		n = 1 + roll(state, most);
		if (n > EVENTS - from)
			n = EVENTS - from;
		store(&h, &f, events + from, n);
	}
	print(&h, out);
	for (id = 0; id < MT_TABLE_N; id++)
		mt_free(h.tables[id].rows);
	fold_done(&f);
	arena_done(&h.arena);
}

static void
any_order_in_any_batches_gives_the_same_rows(void **state)
{
	static struct one events[EVENTS];
	struct mt_buf first, other;
	uint32_t seed = 1, i;

	(void)state;
	for (i = 0; i < EVENTS; i++)
		make(&seed, i, &events[i]);
	mt_buf_init(&first, 1u << 22);
	mt_buf_init(&other, 1u << 22);
	run(events, EVENTS, &seed, &first);
	assert_true(first.n > 10000);
	for (i = 0; i < ROUNDS; i++) {
		shuffle(&seed, events, EVENTS);
		mt_buf_reset(&other);
		run(events, i % 2 == 0 ? 5 : EVENTS, &seed, &other);
		assert_string_equal(first.p, other.p);
	}
	mt_buf_done(&first);
	mt_buf_done(&other);
}

static void
a_sender_is_looked_up_by_key_and_domain(void **state)
{
	static const struct {
		const char *sender, *key, *domain;
	} cases[] = {
		{ "", "", "" },
		{ "<>", "", "" },
		{ "Root", "root", "" },
		{ "bob@example.com", "bob@example.com", "example.com" },
		{ "<Bob@Example.COM.>", "bob@example.com", "example.com" },
		{ "\"a@b\"@X.example", "\"a@b\"@x.example", "x.example" },
		{ "@example.com", "@example.com", "" },
	};
	struct mt_ev_offer e = { .host = mt_str("mx"),
		.queue_id = mt_str("ABCDE"),
		.mode = MT_mode_off,
		.level = MT_level_none,
		.reason = MT_reason_off };
	const struct mt_row_message *m;
	struct fold f;
	size_t i;

	(void)state;
	fold_init(&f);
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		fold_reset(&f);
		e.sender = mt_str(cases[i].sender);
		fold_event(&f, MT_EV_offer, &e);
		m = f.tables[MT_TABLE_message].rows[0];
		assert_true(mt_str_eqz(m->sender_key, cases[i].key));
		assert_true(mt_str_eqz(m->sender_domain, cases[i].domain));
		assert_non_null(m->sender_key.p);
		assert_non_null(m->sender_domain.p);
	}
	fold_done(&f);
}

static void
a_domain_longer_than_its_column_is_none(void **state)
{
	char sender[MT_MAX_ADDRESS];
	struct mt_ev_offer e = { .host = mt_str("mx"),
		.queue_id = mt_str("ABCDE"),
		.sender = { sender, sizeof(sender) },
		.mode = MT_mode_off,
		.level = MT_level_none,
		.reason = MT_reason_off };
	const struct mt_row_message *m;
	struct fold f;

	(void)state;
	memset(sender, 'a', sizeof(sender));
	sender[1] = '@';
	fold_init(&f);
	fold_event(&f, MT_EV_offer, &e);
	m = f.tables[MT_TABLE_message].rows[0];
	assert_int_equal(m->sender_domain.n, 0);
	assert_int_equal(m->sender_key.n, sizeof(sender));
	fold_done(&f);
}

/* A new class needs a column in open_day and message_open. */
static void
every_class_has_a_column_of_its_own(void **state)
{
	struct mt_row_open_day row;
	unsigned word, other;

	(void)state;
	for (word = 1; word < MT_class_end; word++)
		for (other = 1; other < word; other++)
			assert_ptr_not_equal(
			    fold_class(&row, word), fold_class(&row, other));
}

static void
counters_stand_under_the_hour_the_message_was_born(void **state)
{
	struct mt_row_counter c = { .n = 0 };

	(void)state;
	fold_hour(5 * MT_DAY + 23 * 3600 * MT_SECOND + 1, &c);
	assert_int_equal(c.day, 5 * MT_DAY);
	assert_int_equal(c.hour, 23);
	fold_hour(5 * MT_DAY, &c);
	assert_int_equal(c.day, 5 * MT_DAY);
	assert_int_equal(c.hour, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(any_order_in_any_batches_gives_the_same_rows),
		cmocka_unit_test(a_sender_is_looked_up_by_key_and_domain),
		cmocka_unit_test(a_domain_longer_than_its_column_is_none),
		cmocka_unit_test(every_class_has_a_column_of_its_own),
		cmocka_unit_test(
		    counters_stand_under_the_hour_the_message_was_born),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
