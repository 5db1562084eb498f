/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdio.h>

#include "base/mem.h"
#include "redis/bury.h"
#include "redis/facts.h"
#include "redis/feed.h"
#include "redis/link.h"

#define FIRST_WISHES 64

/* What an answer will be the answer to. */
enum wish_kind { FACTS, CREATE_GROUP, CREATE_MARKER, ADD, BURY, MARK };

struct wish {
	enum wish_kind kind;
	unsigned step; /* of FACTS */
	struct mt_id id; /* of MARK */
};

struct mt_feed {
	struct mt_redis_options options; /* its texts are borrowed */
	struct mt_link *link; /* owned */
	char *marker; /* owned */
	/* A ring, as long as the link's expected answers (without log-in). */
	struct wish *wishes; /* owned */
	size_t room; /* a power of two */
	size_t first;
	size_t n;
	struct mt_stream_facts facts;
	struct mt_err facts_why; /* the first failure among its steps */
	bool facts_failed;
};

struct mt_feed *
mt_feed_new(const struct mt_redis_options *options,
    const struct mt_endpoint *endpoint, const char *marker)
{
	struct mt_feed *feed = mt_alloc(sizeof(*feed));

	feed->options = *options;
	feed->link = mt_link_new(&feed->options, endpoint);
	feed->marker = mt_dupz(marker);
	feed->room = FIRST_WISHES;
	feed->wishes = mt_alloc_array(feed->room, sizeof(*feed->wishes));
	return feed;
}

void
mt_feed_free(struct mt_feed *feed)
{
	if (feed == NULL)
		return;
	mt_link_free(feed->link);
	mt_free(feed->marker);
	mt_free(feed->wishes);
	mt_free(feed);
}

const char *
mt_feed_name(const struct mt_feed *feed)
{
	return mt_link_endpoint(feed->link)->text;
}

void
mt_feed_set_password(struct mt_feed *feed, struct mt_str password)
{
	feed->options.password = password;
}

static void
grow(struct mt_feed *feed)
{
	struct wish *wishes;
	size_t i;

	wishes = mt_alloc_array(feed->room * 2, sizeof(*wishes));
	for (i = 0; i < feed->n; i++)
		wishes[i] = feed->wishes[(feed->first + i) & (feed->room - 1)];
	mt_free(feed->wishes);
	feed->wishes = wishes;
	feed->room *= 2;
	feed->first = 0;
}

static void
wish(struct mt_feed *feed, enum wish_kind kind, unsigned step, struct mt_id id)
{
	if (feed->n == feed->room)
		grow(feed);
	feed->wishes[(feed->first + feed->n++) & (feed->room - 1)] =
	    (struct wish){ kind, step, id };
}

static const struct mt_id no_id = { 0, 0 };

enum mt_rc
mt_feed_start(struct mt_feed *feed, struct mt_err *err)
{
	feed->n = 0;
	if (mt_link_start(feed->link, err) != MT_OK)
		return err->rc;
	mt_feed_ask_facts(feed);
	return MT_OK;
}

void
mt_feed_stop(struct mt_feed *feed)
{
	mt_link_stop(feed->link);
	feed->n = 0;
}

bool
mt_feed_up(const struct mt_feed *feed)
{
	return mt_link_up(feed->link);
}

int
mt_feed_fd(const struct mt_feed *feed)
{
	return mt_link_fd(feed->link);
}

short
mt_feed_events(const struct mt_feed *feed)
{
	return mt_link_events(feed->link);
}

int64_t
mt_feed_deadline_ms(const struct mt_feed *feed)
{
	return mt_link_deadline_ms(feed->link);
}

enum mt_rc
mt_feed_work(struct mt_feed *feed, struct mt_err *err)
{
	return mt_link_work(feed->link, err);
}

size_t
mt_feed_unsent(const struct mt_feed *feed)
{
	return mt_link_unsent(feed->link);
}

void
mt_feed_ask_facts(struct mt_feed *feed)
{
	unsigned step;

	mt_facts_ask(feed->link, &feed->options);
	for (step = 0; step < MT_FACTS_STEPS; step++)
		wish(feed, FACTS, step, no_id);
}

static void
create_group(struct mt_feed *feed, struct mt_str group, enum wish_kind kind)
{
	mt_link_begin(feed->link, 6);
	mt_link_wordz(feed->link, "XGROUP");
	mt_link_wordz(feed->link, "CREATE");
	mt_link_word(feed->link, feed->options.stream);
	mt_link_word(feed->link, group);
	mt_link_wordz(feed->link, "0");
	mt_link_wordz(feed->link, "MKSTREAM");
	wish(feed, kind, 0, no_id);
}

void
mt_feed_create(struct mt_feed *feed)
{
	create_group(feed, feed->options.group, CREATE_GROUP);
	create_group(feed, mt_str(feed->marker), CREATE_MARKER);
}

void
mt_feed_add(struct mt_feed *feed, const struct mt_pair *pairs, size_t n)
{
	mt_link_begin(feed->link, 4 + 2 * n);
	mt_link_word(feed->link, MT_LIT("XADD"));
	mt_link_word(feed->link, feed->options.stream);
	mt_link_word(feed->link, MT_LIT("NOMKSTREAM"));
	mt_link_word(feed->link, MT_LIT("*"));
	mt_link_pairs(feed->link, pairs, n);
	wish(feed, ADD, 0, no_id);
}

void
mt_feed_bury(struct mt_feed *feed, struct mt_str payload, const char *reason)
{
	const struct mt_pair raw = { MT_LIT("dead_raw"), payload };

	mt_bury(feed->link, feed->options.stream, "-", mt_str(reason), &raw, 1);
	wish(feed, BURY, 0, no_id);
}

void
mt_feed_mark(struct mt_feed *feed, struct mt_id id)
{
	mt_link_begin(feed->link, 5);
	mt_link_wordz(feed->link, "XGROUP");
	mt_link_wordz(feed->link, "SETID");
	mt_link_word(feed->link, feed->options.stream);
	mt_link_wordz(feed->link, feed->marker);
	mt_link_id(feed->link, id);
	wish(feed, MARK, 0, id);
}

static enum mt_rc
refuse(struct mt_feed *feed, const struct mt_node *node,
    struct mt_feed_answer *answer)
{
	answer->kind = MT_FEED_REFUSED;
	if (mt_link_refused(feed->link, node, &answer->why) == MT_ABSENT)
		answer->kind = MT_FEED_GONE;
	return MT_OK;
}

/* MT_ABSENT: more steps are to come before the facts are known. */
static enum mt_rc
take_facts(struct mt_feed *feed, const struct wish *w,
    const struct mt_node *node, struct mt_feed_answer *answer)
{
	struct mt_err why;

	if (w->step == 0)
		feed->facts_failed = false;
	if (mt_facts_read(feed->link, w->step, &feed->options,
		mt_str(feed->marker), node, &feed->facts, &why) != MT_OK &&
	    !feed->facts_failed) {
		feed->facts_failed = true;
		feed->facts_why = why;
	}
	if (w->step + 1 < MT_FACTS_STEPS)
		return MT_ABSENT;
	answer->kind = feed->facts_failed ? MT_FEED_REFUSED : MT_FEED_FACTS;
	answer->facts = &feed->facts;
	answer->why = feed->facts_why;
	return MT_OK;
}

static enum mt_rc
judge(struct mt_feed *feed, const struct wish *w, const struct mt_node *node,
    struct mt_feed_answer *answer, struct mt_err *err)
{
	answer->adding = w->kind == ADD;
	if (w->kind == FACTS)
		return take_facts(feed, w, node, answer);
	if ((w->kind == CREATE_GROUP || w->kind == CREATE_MARKER) &&
	    (node->type != MT_NODE_ERROR ||
		mt_str_starts(node->text, "BUSYGROUP "))) {
		answer->kind = MT_FEED_CREATED;
		return w->kind == CREATE_GROUP ? MT_ABSENT : MT_OK;
	}
	if (node->type == MT_NODE_ERROR)
		return refuse(feed, node, answer);
	if (w->kind == MARK) {
		answer->kind = MT_FEED_MARKED;
		answer->id = w->id;
		return MT_OK;
	}
	if (node->type == MT_NODE_NIL) {
		answer->kind = MT_FEED_GONE;
		return MT_OK;
	}
	if (node->type != MT_NODE_TEXT || !mt_id_read(node->text, &answer->id))
		return mt_link_strange(feed->link, err);
	answer->kind = w->kind == BURY ? MT_FEED_BURIED : MT_FEED_ADDED;
	return MT_OK;
}

enum mt_rc
mt_feed_take(
    struct mt_feed *feed, struct mt_feed_answer *ret_answer, struct mt_err *err)
{
	struct mt_node *node;
	struct wish w;
	enum mt_rc rc;

	do {
		mt_link_release(feed->link);
		rc = mt_link_take(feed->link, &node, err);
		if (rc != MT_OK)
			return rc;
		if (feed->n == 0)
			return mt_link_strange(feed->link, err);
		w = feed->wishes[feed->first];
		feed->first = (feed->first + 1) & (feed->room - 1);
		feed->n--;
		rc = judge(feed, &w, node, ret_answer, err);
	} while (rc == MT_ABSENT);
	if (rc != MT_OK)
		mt_feed_stop(feed);
	return rc;
}
