/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/trouble.h"
#include "conf/secret.h"
#include "lane.h"
#include "prog/program.h"

/* How long Redis holds the answer when there is nothing new. */
#define BLOCK_MS 3000
/* After Redis was away: first and longest wait until the next try. */
#define FIRST_WAIT_MS 100
#define LONGEST_WAIT_MS 5000
/* Acknowledged entries are trimmed away this often. */
#define TRIM_MS 1000
/* This often at the most we ask for nothing, to be seen. */
#define SHOW_MS 1000

/*
 * An answer shall not take more memory than this, of which a pair's nodes and
 * ends are so much: three answers are there at once (two writers).
 * What entries are like is not known at first.
 */
#define ANSWER_SIZE (size_t)6000000
#define PAIR_SIZE 112
#define LEAST 64
#define AT_FIRST 256

struct lane {
	struct lane *elder; /* itself, if it is that */
	const struct lane_options *options;
	struct mt_stream *stream;
	struct mt_buf password;
	struct mt_trouble trouble; /* the elder's is for both */
	bool own_read; /* what an earlier life left is done */
	bool full; /* the last answer was as long as we had asked for */
	bool done; /* of an elder that catches up: has caught up */
	bool enough; /* of an elder: nothing more is to be asked for */
	int64_t retry_at; /* 0: no trouble */
	int64_t wait_ms;
	int64_t claim_at;
	int64_t trim_at;
	int64_t show_at;
	bool trim; /* something was acknowledged since */
	size_t entry_size; /* of an elder: bytes an entry took, on average */
	size_t asked; /* for so many */
	struct mt_id *ids; /* of a batch, to acknowledge */
	size_t cap;
};

/* Before the stream connects. */
static enum mt_rc
take_password(struct lane *lane, struct mt_err *err)
{
	struct mt_str password;
	enum mt_rc rc;

	rc = mt_secret_option(
	    lane->options->password_file, &lane->password, &password, err);
	mt_stream_set_password(lane->stream, password);
	return rc;
}

enum mt_rc
lane_open(const struct lane_options *options,
    const struct mt_endpoint *endpoint, struct lane *elder,
    struct lane **ret_lane, struct mt_err *err)
{
	struct lane *lane = mt_alloc(sizeof(*lane));

	lane->options = options;
	lane->elder = elder != NULL ? elder : lane;
	lane->entry_size = ANSWER_SIZE / AT_FIRST;
	/* An earlier life may have been killed before it trimmed. */
	lane->trim = true;
	mt_buf_init(&lane->password, 0);
	mt_trouble_init(&lane->trouble);
	if (mt_stream_open(options->redis, endpoint, options->consumer,
		&lane->stream, err) != MT_OK ||
	    take_password(lane, err) != MT_OK) {
		lane_close(lane);
		return err->rc;
	}
	*ret_lane = lane;
	return MT_OK;
}

void
lane_close(struct lane *lane)
{
	if (lane == NULL)
		return;
	mt_stream_close(lane->stream);
	mt_secret_done(&lane->password);
	mt_trouble_done(&lane->trouble);
	mt_free(lane->ids);
	mt_free(lane);
}

static bool
asks_no_more(const struct lane *lane)
{
	return lane->elder->done || lane->elder->enough;
}

int
lane_fd(const struct lane *lane)
{
	return mt_stream_asked(lane->stream) ? mt_stream_fd(lane->stream) : -1;
}

int64_t
lane_due(const struct lane *lane)
{
	if (lane->retry_at != 0)
		return lane->retry_at;
	if (asks_no_more(lane) && !mt_stream_asked(lane->stream))
		return INT64_MAX;
	/* Redis answers by itself after BLOCK_MS; be patient a bit longer. */
	return mt_stream_asked(lane->stream) ? mt_clock_mono_ms() + 2 * BLOCK_MS
					     : 0;
}

bool
lane_full(const struct lane *lane)
{
	return lane->elder->full;
}

bool
lane_done(const struct lane *lane)
{
	return asks_no_more(lane) && lane->retry_at == 0 &&
	    !mt_stream_asked(lane->stream);
}

void
lane_enough(struct lane *lane)
{
	lane->elder->enough = true;
}

bool
lane_stuck(const struct lane *lane)
{
	return lane->retry_at != 0;
}

/* Say what is wrong, and when to try again. */
static enum mt_rc
put_off(struct lane *lane, int64_t now_ms, struct mt_err *err)
{
	if (err->rc == MT_LIMIT)
		return err->rc;
	lane->wait_ms = lane->wait_ms == 0 ? FIRST_WAIT_MS : lane->wait_ms * 2;
	if (lane->wait_ms > LONGEST_WAIT_MS)
		lane->wait_ms = LONGEST_WAIT_MS;
	lane->retry_at = now_ms + lane->wait_ms;
	if (mt_trouble_on(&lane->elder->trouble, (int)err->rc))
		mt_log(err->rc == MT_CONFIG ? MT_LOG_ERR : MT_LOG_WARNING,
		    "%s; events wait there and in the spools until it is well",
		    err->msg);
	return MT_OK;
}

static void
note_ids(struct lane *lane, const struct mt_entries *entries)
{
	size_t i;

	if (entries->n > lane->cap) {
		lane->ids =
		    mt_realloc_array(lane->ids, entries->n, sizeof(*lane->ids));
		lane->cap = entries->n;
	}
	for (i = 0; i < entries->n; i++)
		lane->ids[i] = entries->entries[i].id;
}

/* How many to ask for: as many as the last answer says would fit. */
static size_t
how_many(const struct lane *lane)
{
	size_t fit = ANSWER_SIZE / lane->elder->entry_size;

	if (fit < LEAST)
		fit = LEAST;
	return fit < lane->options->batch ? fit : lane->options->batch;
}

static void
note_size(struct lane *lane, const struct mt_entries *entries)
{
	const struct mt_entry *entry;
	size_t i, j, size = 0;

	for (i = 0; i < entries->n; i++) {
		entry = &entries->entries[i];
		for (j = 0; j < entry->n; j++)
			size += PAIR_SIZE + entry->pairs[j].name.n +
			    entry->pairs[j].value.n;
	}
	lane->elder->entry_size = size / entries->n + 1;
}

/*
 * Store and acknowledge. When the acknowledgement fails the entries come
 * again, and are found to be there.
 */
static enum mt_rc
finish(struct lane *lane, const struct mt_entries *entries, struct mt_err *err)
{
	size_t n = entries->n;

	if (n == 0)
		return MT_OK;
	note_ids(lane, entries);
	note_size(lane, entries);
	if (lane->options->store(
		lane->options->context, lane->stream, entries, err) != MT_OK)
		return err->rc;
	if (mt_stream_ack(lane->stream, lane->ids, n, err) != MT_OK)
		return err->rc;
	lane->elder->trim = true;
	return MT_OK;
}

/* What this consumer was given in an earlier life. */
static enum mt_rc
read_own(struct lane *lane, struct mt_err *err)
{
	struct mt_id after = { 0, 0 };
	struct mt_entries entries;
	enum mt_rc rc;

	while (!mt_stopping()) {
		rc = mt_stream_own(
		    lane->stream, after, how_many(lane), &entries, err);
		if (rc == MT_ABSENT && !mt_stream_gone(lane->stream)) {
			lane->own_read = true;
			return MT_OK;
		}
		if (rc != MT_OK)
			return rc;
		if (entries.n > 0)
			after = entries.entries[entries.n - 1].id;
		if (finish(lane, &entries, err) != MT_OK)
			return err->rc;
	}
	return MT_OK;
}

static enum mt_rc
claim(struct lane *lane, int64_t now_ms, struct mt_err *err)
{
	struct mt_id cursor = { 0, 0 };
	struct mt_entries entries;
	size_t count = 0;

	do {
		entries.n = 0;
		if (mt_stream_claim(lane->stream, lane->options->claim_ms,
			how_many(lane), &cursor, &entries, err) != MT_OK)
			return err->rc;
		count += entries.n;
		if (finish(lane, &entries, err) != MT_OK)
			return err->rc;
	} while ((cursor.ms != 0 || cursor.seq != 0) && !mt_stopping());
	if (count > 0)
		mt_log(MT_LOG_INFO,
		    "took over what another collector left entries=%zu "
		    "redis=%s",
		    count, mt_stream_name(lane->stream));
	lane->claim_at = now_ms + (int64_t)lane->options->claim_ms / 2;
	return MT_OK;
}

static enum mt_rc
trim(struct lane *lane, int64_t now_ms, struct mt_err *err)
{
	struct mt_stream_facts facts;
	uint64_t removed;

	if (mt_stream_facts(lane->stream, &facts, err) != MT_OK)
		return err->rc;
	if (facts.group && (facts.acked.ms != 0 || facts.acked.seq != 0) &&
	    mt_stream_trim(lane->stream, facts.acked, &removed, err) != MT_OK)
		return err->rc;
	lane->elder->trim = false;
	lane->elder->trim_at = now_ms + TRIM_MS;
	return MT_OK;
}

/*
 * Redis 7.0 takes no note of a consumer that waits for something new. So that
 * `mailtrail doctor` sees us at work, ask for what we keep behind all ids:
 * nothing, at once.
 */
static enum mt_rc
show_up(struct lane *lane, int64_t now_ms, struct mt_err *err)
{
	/* The very last id is how Redis itself writes ">". */
	const struct mt_id end = { UINT64_MAX, UINT64_MAX - 1 };
	struct mt_entries none;
	enum mt_rc rc;

	rc = mt_stream_own(lane->stream, end, 1, &none, err);
	if (rc != MT_OK && (rc != MT_ABSENT || mt_stream_gone(lane->stream)))
		return rc;
	lane->show_at = now_ms + SHOW_MS;
	return MT_OK;
}

/* Nothing is outstanding: what is due, and the next question. */
static enum mt_rc
prepare(struct lane *lane, int64_t now_ms, struct mt_err *err)
{
	const struct lane *elder = lane->elder;
	bool catch_up = lane->options->catch_up;
	bool cares = elder == lane && !catch_up; /* for what others left */

	if (elder == lane && !lane->own_read && read_own(lane, err) != MT_OK)
		return err->rc;
	if (cares && now_ms >= lane->claim_at &&
	    claim(lane, now_ms, err) != MT_OK)
		return err->rc;
	if (cares && now_ms >= lane->show_at &&
	    show_up(lane, now_ms, err) != MT_OK)
		return err->rc;
	/* When there is no more for now, at once; else now and then. */
	if (elder->trim && (!elder->full || now_ms >= elder->trim_at) &&
	    trim(lane, now_ms, err) != MT_OK)
		return err->rc;
	if (asks_no_more(lane))
		return MT_OK;
	lane->asked = how_many(lane);
	return mt_stream_ask(
	    lane->stream, lane->asked, catch_up ? 0 : BLOCK_MS, err);
}

static void
note_answer(struct lane *lane, size_t n)
{
	lane->elder->full = n >= lane->asked;
	lane->elder->done = lane->options->catch_up && !lane->elder->full;
}

/* The answer, if it is there. */
static enum mt_rc
take(struct lane *lane, struct mt_err *err)
{
	struct mt_entries entries = { NULL, 0 };
	enum mt_rc rc;

	rc = mt_stream_take(lane->stream, 0, -1, &entries, err);
	if (rc == MT_ABSENT && !mt_stream_gone(lane->stream)) {
		if (!mt_stream_asked(lane->stream))
			note_answer(lane, 0);
		return MT_OK;
	}
	if (rc != MT_OK)
		return rc;
	note_answer(lane, entries.n);
	return finish(lane, &entries, err);
}

static enum mt_rc
advance(struct lane *lane, int64_t now_ms, struct mt_err *err)
{
	enum mt_rc rc = MT_OK;

	if (mt_stream_fd(lane->stream) < 0 && take_password(lane, err) != MT_OK)
		return err->rc;
	if (mt_stream_asked(lane->stream))
		rc = take(lane, err);
	if (rc == MT_OK && !mt_stream_asked(lane->stream) && !mt_stopping())
		rc = prepare(lane, now_ms, err);
	return rc;
}

/* Only the elder knows: it has read, while a question alone says nothing. */
static void
say_over(struct lane *lane)
{
	struct mt_trouble_was was;

	if (lane->elder != lane || !lane->own_read)
		return;
	mt_trouble_good(&lane->trouble);
	if (mt_trouble_over(&lane->trouble, &was))
		mt_log(MT_LOG_INFO,
		    "redis %s: well again after s=%u attempts=%u",
		    mt_stream_name(lane->stream), was.seconds, was.count);
}

enum mt_rc
lane_step(struct lane *lane, int64_t now_ms, struct mt_err *err)
{
	enum mt_rc rc;

	if (lane->retry_at > now_ms)
		return MT_OK;
	lane->retry_at = 0;
	rc = advance(lane, now_ms, err);
	if (rc == MT_OK || mt_stopping()) {
		lane->wait_ms = 0;
		say_over(lane);
		return MT_OK;
	}
	/* What was given to us and not acknowledged is read again. */
	lane->elder->own_read = lane->elder->done = false;
	if (lane->options->left(lane->options->context))
		return MT_OK;
	if (rc == MT_ABSENT) {
		rc = mt_stream_create(lane->stream, err);
		if (rc == MT_OK)
			return MT_OK;
	}
	return put_off(lane, now_ms, err);
}
