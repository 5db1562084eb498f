/* SPDX-License-Identifier: BSD-2-Clause */
#include <poll.h>
#include <stdatomic.h>
#include <string.h>

#include "arena.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/trouble.h"
#include "batch.h"
#include "prog/program.h"
#include "redis/dead.h"

/* A piece is not made smaller than this for trouble that is not its fault. */
#define LEAST 64
/* While MariaDB is away: first and longest wait until the next try. */
#define FIRST_WAIT_MS 50
#define LONGEST_WAIT_MS 5000
/* A deadlock is over sooner: who is called away tries again first. */
#define LAST_CHANCE_MS 400

struct batch {
	struct store *store;
	/* Since the last batch_counts, which another thread may ask for. */
	_Atomic uint64_t stored, added, buried, transactions;
	size_t most; /* events in one transaction */
	size_t piece; /* as many as went well lately */
	int wait_ms;
	struct mt_trouble *trouble; /* of the database; borrowed */
	int call_fd;
	bool left; /* it was called away */
	/* Of one batch: */
	struct store_event *events;
	size_t *entry; /* which entry an event came from */
	size_t n;
	size_t cap;
	struct mt_entry *dead;
	struct mt_str *reasons;
	size_t n_dead;
	struct arena texts; /* of reasons */
};

struct batch *
batch_new(
    struct store *store, size_t most, struct mt_trouble *trouble, int call_fd)
{
	struct batch *b = mt_alloc(sizeof(*b));

	b->store = store;
	b->most = b->piece = most;
	arena_init(&b->texts);
	b->trouble = trouble;
	b->call_fd = call_fd;
	return b;
}

void
batch_free(struct batch *b)
{
	if (b == NULL)
		return;
	mt_free(b->events);
	mt_free(b->entry);
	mt_free(b->dead);
	mt_free(b->reasons);
	arena_done(&b->texts);
	mt_free(b);
}

struct batch_counts
batch_counts(struct batch *b)
{
	return (struct batch_counts){
		.events = atomic_exchange(&b->stored, 0),
		.added = atomic_exchange(&b->added, 0),
		.dead = atomic_exchange(&b->buried, 0),
		.batches = atomic_exchange(&b->transactions, 0),
	};
}

static void
make_room(struct batch *b, size_t n)
{
	if (n <= b->cap)
		return;
	b->events = mt_realloc_array(b->events, n, sizeof(*b->events));
	b->entry = mt_realloc_array(b->entry, n, sizeof(*b->entry));
	b->dead = mt_realloc_array(b->dead, n, sizeof(*b->dead));
	b->reasons = mt_realloc_array(b->reasons, n, sizeof(*b->reasons));
	b->cap = n;
}

static void
bury(struct batch *b, const struct mt_entry *entry, const char *reason)
{
	char id[MT_ID_LEN + 1];

	mt_id_write(entry->id, id);
	mt_log_every(10, MT_LOG_WARNING,
	    "%s; putting the entry among the dead letters entry=%s", reason,
	    id);
	b->dead[b->n_dead] = *entry;
	b->reasons[b->n_dead++] = arena_copy(&b->texts, mt_str(reason));
}

static void
decode(struct batch *b, const struct mt_entries *entries)
{
	const struct mt_entry *entry;
	struct store_event *event;
	struct mt_err err;
	size_t i;

	arena_reset(&b->texts);
	make_room(b, entries->n);
	b->n = b->n_dead = 0;
	for (i = 0; i < entries->n; i++) {
		entry = &entries->entries[i];
		if (entry->n == 0)
			continue; /* deleted: there is nothing to keep */
		event = &b->events[b->n];
		if (mt_event_decode(entry->pairs, entry->n, &event->id,
			&event->event, &err) == MT_OK)
			b->entry[b->n++] = i;
		else
			bury(b, entry, err.msg);
	}
}

bool
batch_left(const struct batch *b)
{
	return b->left;
}

/* False when called away. */
static bool
wait_a_while(struct batch *b)
{
	struct pollfd fds[2] = { { .fd = mt_stop_fd(), .events = POLLIN },
		{ .fd = -1, .events = POLLIN } };

	b->wait_ms = b->wait_ms == 0 ? FIRST_WAIT_MS : b->wait_ms * 2;
	if (b->wait_ms > LONGEST_WAIT_MS)
		b->wait_ms = LONGEST_WAIT_MS;
	if (b->wait_ms > LAST_CHANCE_MS)
		fds[1].fd = b->call_fd;
	b->left = poll(fds, 2, b->wait_ms) > 0;
	return !b->left;
}

/* The events are not to blame: their time comes when it is over. */
static bool
is_trouble(enum mt_rc rc)
{
	return rc != MT_OK && rc != MT_FORMAT && rc != MT_LIMIT;
}

static void
say_trouble(struct batch *b, const struct mt_err *err)
{
	if (mt_trouble_on(b->trouble, (int)err->rc))
		mt_log(err->rc == MT_CONFIG ? MT_LOG_ERR : MT_LOG_WARNING,
		    "%s; keeping the events in Redis until the database takes "
		    "them",
		    err->msg);
}

static void
say_over(struct batch *b)
{
	struct mt_trouble_was was;

	mt_trouble_good(b->trouble);
	if (mt_trouble_over(b->trouble, &was))
		mt_log(MT_LOG_INFO,
		    "the database takes events again after s=%u attempts=%u",
		    was.seconds, was.count);
}

enum mt_rc
batch_connect(struct batch *b, struct mt_err *err)
{
	b->left = false;
	while (store_connect(b->store, err) != MT_OK) {
		say_trouble(b, err);
		if (!wait_a_while(b))
			return err->rc;
	}
	b->wait_ms = 0;
	say_over(b);
	return MT_OK;
}

/* One piece, until it is stored; MT_AGAIN when called away. */
static enum mt_rc
store_piece(struct batch *b, size_t from, size_t *n, struct mt_err *err)
{
	size_t added = 0;
	enum mt_rc rc;

	while (is_trouble(
	    rc = store_events(b->store, b->events + from, *n, &added, err))) {
		say_trouble(b, err);
		if (b->piece > LEAST)
			b->piece /= 2;
		if (*n > b->piece)
			*n = b->piece;
		if (!wait_a_while(b))
			return MT_AGAIN;
	}
	if (rc == MT_OK) {
		b->wait_ms = 0;
		b->transactions++;
		b->stored += *n;
		b->added += added;
		say_over(b);
	}
	return rc;
}

/* What cannot be stored as a whole is halved until the culprit stands alone. */
static enum mt_rc
store_range(struct batch *b, const struct mt_entries *entries, size_t from,
    size_t to, struct mt_err *err)
{
	size_t n, limit = to - from;
	enum mt_rc rc = MT_OK;

	while (from < to) {
		n = to - from < limit ? to - from : limit;
		if (n > b->piece)
			n = b->piece;
		rc = store_piece(b, from, &n, err);
		if (rc == MT_OK) {
			from += n;
			limit = limit * 2;
			if (b->piece < b->most)
				b->piece *= 2;
			continue;
		}
		if (rc != MT_FORMAT && rc != MT_LIMIT)
			return rc;
		if (n == 1) {
			bury(b, &entries->entries[b->entry[from]], err->msg);
			from++;
			continue;
		}
		limit = n / 2;
	}
	return MT_OK;
}

/*
 * A Redis that is full takes no dead letter, and could not be emptied while
 * one waits: let go of what is stored.
 */
static enum mt_rc
make_way(const struct batch *b, struct mt_stream *stream,
    const struct mt_entries *entries, struct mt_err *err)
{
	struct mt_id *ids = mt_alloc_array(entries->n, sizeof(*ids));
	size_t i, j, n = 0;
	enum mt_rc rc;

	for (i = 0; i < entries->n; i++) {
		for (j = 0; j < b->n_dead; j++)
			if (mt_id_cmp(b->dead[j].id, entries->entries[i].id) ==
			    0)
				break;
		if (j == b->n_dead)
			ids[n++] = entries->entries[i].id;
	}
	rc = mt_stream_ack(stream, ids, n, err);
	if (rc == MT_OK)
		rc = mt_stream_delete(stream, ids, n, err);
	mt_free(ids);
	return rc;
}

static enum mt_rc
add_dead(struct batch *b, struct mt_stream *stream,
    const struct mt_entries *entries, struct mt_err *err)
{
	struct mt_err ignored;
	enum mt_rc rc;

	rc = mt_dead_add(stream, b->dead, b->reasons, b->n_dead, err);
	/* The lane comes again with those that are left: the dead. */
	if (rc == MT_AGAIN && strstr(err->msg, ": OOM ") != NULL)
		(void)make_way(b, stream, entries, &ignored);
	return rc;
}

enum mt_rc
batch_store(void *context, struct mt_stream *stream,
    const struct mt_entries *entries, struct mt_err *err)
{
	struct batch *b = context;

	b->left = false;
	decode(b, entries);
	if (store_range(b, entries, 0, b->n, err) != MT_OK)
		return err->rc;
	if (b->n_dead > 0 && add_dead(b, stream, entries, err) != MT_OK)
		return err->rc;
	b->buried += b->n_dead;
	return MT_OK;
}
