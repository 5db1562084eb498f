/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/mem.h"
#include "redis/entries.h"
#include "redis/facts.h"
#include "redis/peer.h"
#include "redis/stream.h"

#define ACKS_A_COMMAND 1000

struct mt_stream {
	struct mt_redis_options options; /* its texts are borrowed */
	struct mt_link *link; /* owned */
	char *consumer; /* owned */
	bool asked; /* XREADGROUP was sent and not taken */
	bool gone; /* what was read last: there is no stream or group */
	unsigned block_ms; /* what it may wait in Redis */
	struct mt_node *kept; /* its answer, read on another call's behalf */
};

enum mt_rc
mt_stream_open(const struct mt_redis_options *options,
    const struct mt_endpoint *endpoint, const char *consumer,
    struct mt_stream **ret_stream, struct mt_err *err)
{
	struct mt_stream *s;

	if (options->stream.n == 0 || options->group.n == 0 ||
	    consumer[0] == '\0')
		return mt_fail(err, MT_CONFIG,
		    "redis %s: stream, group and consumer need a name",
		    endpoint->text);
	s = mt_alloc(sizeof(*s));
	s->options = *options;
	s->link = mt_link_new(&s->options, endpoint);
	s->consumer = mt_dupz(consumer);
	*ret_stream = s;
	return MT_OK;
}

void
mt_stream_close(struct mt_stream *s)
{
	if (s == NULL)
		return;
	mt_link_free(s->link);
	mt_free(s->consumer);
	mt_free(s);
}

const char *
mt_stream_name(const struct mt_stream *s)
{
	return mt_link_endpoint(s->link)->text;
}

void
mt_stream_set_password(struct mt_stream *s, struct mt_str password)
{
	s->options.password = password;
}

int
mt_stream_fd(const struct mt_stream *s)
{
	return mt_link_fd(s->link);
}

bool
mt_stream_asked(const struct mt_stream *s)
{
	return s->asked;
}

bool
mt_stream_gone(const struct mt_stream *s)
{
	return s->gone;
}

struct mt_link *
mt_stream_link(struct mt_stream *s)
{
	return s->link;
}

struct mt_str
mt_stream_key(const struct mt_stream *s)
{
	return s->options.stream;
}

struct mt_str
mt_stream_group(const struct mt_stream *s)
{
	return s->options.group;
}

/* After a failure nothing is outstanding any more. */
static enum mt_rc
lost(struct mt_stream *s, enum mt_rc rc)
{
	if (!mt_link_up(s->link)) {
		s->asked = false;
		s->kept = NULL;
	}
	return rc;
}

enum mt_rc
mt_stream_ready(struct mt_stream *s, struct mt_err *err)
{
	if (!mt_link_up(s->link)) {
		s->asked = false;
		s->kept = NULL;
		return mt_link_start(s->link, err);
	}
	if (!s->asked || s->kept != NULL)
		return MT_OK;
	return lost(s,
	    mt_link_wait(s->link, s->options.timeout_ms + s->block_ms, -1,
		false, &s->kept, err));
}

enum mt_rc
mt_stream_answer(
    struct mt_stream *s, struct mt_node **ret_node, struct mt_err *err)
{
	struct mt_node *node;
	enum mt_rc rc;

	rc =
	    mt_link_wait(s->link, s->options.timeout_ms, -1, false, &node, err);
	if (rc != MT_OK)
		return lost(s, rc);
	if (node->type == MT_NODE_ERROR)
		rc = mt_link_refused(s->link, node, err);
	if (rc == MT_OK)
		*ret_node = node;
	return rc;
}

/* Answers that are only to be no refusals; the first one is reported. */
static enum mt_rc
expect(struct mt_stream *s, size_t n, struct mt_err *err)
{
	enum mt_rc rc = MT_OK, one;
	struct mt_node *node;
	struct mt_err why;

	for (; n > 0; n--) {
		one = mt_stream_answer(s, &node, &why);
		if (one == MT_OK)
			continue;
		if (rc == MT_OK)
			*err = why;
		rc = rc == MT_OK ? one : rc;
		if (!mt_link_up(s->link))
			break;
	}
	return rc;
}

enum mt_rc
mt_stream_create(struct mt_stream *s, struct mt_err *err)
{
	struct mt_node *node;
	enum mt_rc rc;

	if (mt_stream_ready(s, err) != MT_OK)
		return err->rc;
	mt_link_begin(s->link, 6);
	mt_link_wordz(s->link, "XGROUP");
	mt_link_wordz(s->link, "CREATE");
	mt_link_word(s->link, s->options.stream);
	mt_link_word(s->link, s->options.group);
	mt_link_wordz(s->link, "0");
	mt_link_wordz(s->link, "MKSTREAM");
	rc =
	    mt_link_wait(s->link, s->options.timeout_ms, -1, false, &node, err);
	if (rc != MT_OK)
		return lost(s, rc);
	if (node->type == MT_NODE_ERROR &&
	    !mt_str_starts(node->text, "BUSYGROUP "))
		return mt_link_refused(s->link, node, err);
	return MT_OK;
}

/* XREADGROUP GROUP group consumer COUNT count [BLOCK ms] STREAMS key id */
static void
send_read(struct mt_stream *s, size_t count, unsigned block_ms, const char *id)
{
	mt_link_begin(s->link, block_ms > 0 ? 11 : 9);
	mt_link_wordz(s->link, "XREADGROUP");
	mt_link_wordz(s->link, "GROUP");
	mt_link_word(s->link, s->options.group);
	mt_link_wordz(s->link, s->consumer);
	mt_link_wordz(s->link, "COUNT");
	mt_link_number(s->link, count);
	if (block_ms > 0) {
		mt_link_wordz(s->link, "BLOCK");
		mt_link_number(s->link, block_ms);
	}
	mt_link_wordz(s->link, "STREAMS");
	mt_link_word(s->link, s->options.stream);
	mt_link_wordz(s->link, id);
	mt_link_grace(s->link, block_ms);
}

enum mt_rc
mt_stream_ask(
    struct mt_stream *s, size_t count, unsigned block_ms, struct mt_err *err)
{
	if (s->asked && mt_link_up(s->link))
		return MT_OK;
	if (mt_stream_ready(s, err) != MT_OK)
		return err->rc;
	send_read(s, count, block_ms, ">");
	s->asked = true;
	s->block_ms = block_ms;
	return lost(s, mt_link_flush(s->link, err));
}

/* [[key, entries]]; nil when BLOCK went by. */
static enum mt_rc
read_answer(struct mt_stream *s, const struct mt_node *node,
    struct mt_entries *ret_entries, struct mt_err *err)
{
	enum mt_rc rc;

	if (node->type == MT_NODE_ERROR) {
		rc = mt_link_refused(s->link, node, err);
		s->gone = rc == MT_ABSENT;
		return rc;
	}
	if (node->type == MT_NODE_NIL)
		return mt_fail(
		    err, MT_ABSENT, "redis %s: nothing new", mt_stream_name(s));
	if (node->type != MT_NODE_ARRAY || node->n != 1 ||
	    node->items[0]->type != MT_NODE_ARRAY || node->items[0]->n != 2)
		return mt_link_strange(s->link, err);
	return mt_entries_read(
	    s->link, node->items[0]->items[1], ret_entries, err);
}

enum mt_rc
mt_stream_take(struct mt_stream *s, unsigned wait_ms, int wake_fd,
    struct mt_entries *ret_entries, struct mt_err *err)
{
	struct mt_node *node = s->kept;
	enum mt_rc rc;

	s->gone = false;
	if (!s->asked)
		return mt_fail(err, MT_ABSENT, "redis %s: nothing was asked",
		    mt_stream_name(s));
	if (node == NULL) {
		mt_link_release(s->link);
		rc = mt_link_wait(s->link, wait_ms, wake_fd, true, &node, err);
		if (rc != MT_OK)
			return lost(s, rc);
	}
	s->asked = false;
	s->kept = NULL;
	return read_answer(s, node, ret_entries, err);
}

/* Before reading: what was read before is not needed any more. */
static enum mt_rc
begin_reading(struct mt_stream *s, struct mt_err *err)
{
	if (s->kept == NULL)
		mt_link_release(s->link);
	return mt_stream_ready(s, err);
}

enum mt_rc
mt_stream_own(struct mt_stream *s, struct mt_id after, size_t count,
    struct mt_entries *ret_entries, struct mt_err *err)
{
	char id[MT_ID_LEN + 1];
	struct mt_node *node;
	enum mt_rc rc;

	s->gone = false;
	if (begin_reading(s, err) != MT_OK)
		return err->rc;
	mt_id_write(after, id);
	send_read(s, count, 0, id);
	rc =
	    mt_link_wait(s->link, s->options.timeout_ms, -1, false, &node, err);
	if (rc != MT_OK)
		return lost(s, rc);
	if ((rc = read_answer(s, node, ret_entries, err)) != MT_OK)
		return rc;
	if (ret_entries->n == 0)
		return mt_fail(err, MT_ABSENT, "redis %s: no more of our own",
		    mt_stream_name(s));
	return MT_OK;
}

enum mt_rc
mt_stream_claim(struct mt_stream *s, uint64_t min_idle_ms, size_t count,
    struct mt_id *cursor, struct mt_entries *ret_entries, struct mt_err *err)
{
	struct mt_node *node;
	enum mt_rc rc;
	struct mt_id next;

	if (begin_reading(s, err) != MT_OK)
		return err->rc;
	mt_link_begin(s->link, 8);
	mt_link_wordz(s->link, "XAUTOCLAIM");
	mt_link_word(s->link, s->options.stream);
	mt_link_word(s->link, s->options.group);
	mt_link_wordz(s->link, s->consumer);
	mt_link_number(s->link, min_idle_ms);
	mt_link_id(s->link, *cursor);
	mt_link_wordz(s->link, "COUNT");
	mt_link_number(s->link, count);
	if ((rc = mt_stream_answer(s, &node, err)) != MT_OK)
		return rc;
	if (node->type != MT_NODE_ARRAY || node->n < 2 ||
	    node->items[0]->type != MT_NODE_TEXT ||
	    !mt_id_read(node->items[0]->text, &next))
		return mt_link_strange(s->link, err);
	if (mt_entries_read(s->link, node->items[1], ret_entries, err) != MT_OK)
		return err->rc;
	*cursor = next;
	return MT_OK;
}

static void
send_delete(struct mt_stream *s, const struct mt_id *ids, size_t n)
{
	size_t i;

	mt_link_begin(s->link, 2 + n);
	mt_link_wordz(s->link, "XDEL");
	mt_link_word(s->link, s->options.stream);
	for (i = 0; i < n; i++)
		mt_link_id(s->link, ids[i]);
}

static void
send_ack(struct mt_stream *s, const struct mt_id *ids, size_t n)
{
	size_t i;

	mt_link_begin(s->link, 3 + n);
	mt_link_wordz(s->link, "XACK");
	mt_link_word(s->link, s->options.stream);
	mt_link_word(s->link, s->options.group);
	for (i = 0; i < n; i++)
		mt_link_id(s->link, ids[i]);
}

static enum mt_rc
send_ids(struct mt_stream *s,
    void (*send)(struct mt_stream *, const struct mt_id *, size_t),
    const struct mt_id *ids, size_t n, struct mt_err *err)
{
	size_t step, commands = 0;

	if (n == 0)
		return MT_OK;
	if (mt_stream_ready(s, err) != MT_OK)
		return err->rc;
	for (; n > 0; ids += step, n -= step) {
		step = n < ACKS_A_COMMAND ? n : ACKS_A_COMMAND;
		send(s, ids, step);
		commands++;
	}
	return expect(s, commands, err);
}

enum mt_rc
mt_stream_ack(
    struct mt_stream *s, const struct mt_id *ids, size_t n, struct mt_err *err)
{
	return send_ids(s, send_ack, ids, n, err);
}

enum mt_rc
mt_stream_delete(
    struct mt_stream *s, const struct mt_id *ids, size_t n, struct mt_err *err)
{
	return send_ids(s, send_delete, ids, n, err);
}

enum mt_rc
mt_stream_facts(
    struct mt_stream *s, struct mt_stream_facts *ret_facts, struct mt_err *err)
{
	const struct mt_str none = { NULL, 0 };
	struct mt_stream_facts facts;
	enum mt_rc rc = MT_OK, one;
	struct mt_node *node;
	struct mt_err why;
	unsigned step;

	if (mt_stream_ready(s, err) != MT_OK)
		return err->rc;
	mt_facts_ask(s->link, &s->options);
	for (step = 0; step < MT_FACTS_STEPS; step++) {
		one = mt_link_wait(
		    s->link, s->options.timeout_ms, -1, false, &node, &why);
		if (one == MT_OK)
			one = mt_facts_read(s->link, step, &s->options, none,
			    node, &facts, &why);
		if (one != MT_OK && rc == MT_OK) {
			*err = why;
			rc = one;
		}
		if (!mt_link_up(s->link))
			return lost(s, rc);
	}
	if (rc == MT_OK)
		*ret_facts = facts;
	return rc;
}

enum mt_rc
mt_stream_trim(struct mt_stream *s, struct mt_id upto, uint64_t *ret_removed,
    struct mt_err *err)
{
	struct mt_node *node;
	enum mt_rc rc;

	if (mt_stream_ready(s, err) != MT_OK)
		return err->rc;
	mt_link_begin(s->link, 4);
	mt_link_wordz(s->link, "XTRIM");
	mt_link_word(s->link, s->options.stream);
	mt_link_wordz(s->link, "MINID");
	mt_link_id(s->link, mt_id_after(upto));
	if ((rc = mt_stream_answer(s, &node, err)) != MT_OK)
		return rc;
	if (node->type != MT_NODE_NUMBER || node->number < 0)
		return mt_link_strange(s->link, err);
	*ret_removed = (uint64_t)node->number;
	return MT_OK;
}

enum mt_rc
mt_stream_add(struct mt_stream *s, const struct mt_pair *pairs, size_t n,
    struct mt_id *ret_id, struct mt_err *err)
{
	struct mt_node *node;
	enum mt_rc rc;

	if (mt_stream_ready(s, err) != MT_OK)
		return err->rc;
	mt_link_begin(s->link, 3 + 2 * n);
	mt_link_wordz(s->link, "XADD");
	mt_link_word(s->link, s->options.stream);
	mt_link_wordz(s->link, "*");
	mt_link_pairs(s->link, pairs, n);
	if ((rc = mt_stream_answer(s, &node, err)) != MT_OK)
		return rc;
	if (node->type != MT_NODE_TEXT || !mt_id_read(node->text, ret_id))
		return mt_link_strange(s->link, err);
	return MT_OK;
}
