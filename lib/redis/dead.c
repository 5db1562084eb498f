/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>

#include "base/clock.h"
#include "redis/bury.h"
#include "redis/dead.h"
#include "redis/entries.h"
#include "redis/peer.h"

#define ADDS_AT_ONCE 100
#define HEAD_PAIRS 3

void
mt_bury(struct mt_link *link, struct mt_str key, const char *from,
    struct mt_str reason, const struct mt_pair *pairs, size_t n)
{
	char at[MT_TIME_LEN + 1];
	struct mt_buf name;

	mt_time_write(mt_clock_now(), 'T', true, at);
	mt_buf_init(&name, key.n + 8);
	mt_buf_str(&name, key);
	mt_buf_z(&name, ":dead");
	mt_link_begin(link, 3 + 2 * (HEAD_PAIRS + n));
	mt_link_wordz(link, "XADD");
	mt_link_word(link, mt_buf_view(&name));
	mt_link_wordz(link, "*");
	mt_link_wordz(link, "dead_at");
	mt_link_wordz(link, at);
	mt_link_wordz(link, "dead_reason");
	mt_link_word(link, reason);
	mt_link_wordz(link, "dead_id");
	mt_link_wordz(link, from);
	mt_link_pairs(link, pairs, n);
	mt_buf_done(&name);
}

enum mt_rc
mt_dead_add(struct mt_stream *s, const struct mt_entry *entries,
    const struct mt_str *reasons, size_t n, struct mt_err *err)
{
	char from[MT_ID_LEN + 1];
	struct mt_node *node;
	size_t i, sent, got = 0;

	if (mt_stream_ready(s, err) != MT_OK)
		return err->rc;
	for (i = 0; i < n; i = sent) {
		for (sent = i; sent < n && sent < i + ADDS_AT_ONCE; sent++) {
			mt_id_write(entries[sent].id, from);
			mt_bury(mt_stream_link(s), mt_stream_key(s), from,
			    reasons[sent], entries[sent].pairs,
			    entries[sent].n);
		}
		for (; got < sent; got++) {
			if (mt_stream_answer(s, &node, err) == MT_OK)
				continue;
			/* Drop what is still outstanding. */
			mt_link_stop(mt_stream_link(s));
			return err->rc;
		}
	}
	return MT_OK;
}

static void
send_key(struct mt_stream *s, const char *command, size_t more)
{
	struct mt_link *link = mt_stream_link(s);
	struct mt_buf name;

	mt_buf_init(&name, mt_stream_key(s).n + 8);
	mt_buf_str(&name, mt_stream_key(s));
	mt_buf_z(&name, ":dead");
	mt_link_begin(link, 2 + more);
	mt_link_wordz(link, command);
	mt_link_word(link, mt_buf_view(&name));
	mt_buf_done(&name);
}

enum mt_rc
mt_dead_count(struct mt_stream *s, uint64_t *ret_n, struct mt_err *err)
{
	struct mt_node *node;

	if (mt_stream_ready(s, err) != MT_OK)
		return err->rc;
	send_key(s, "XLEN", 0);
	if (mt_stream_answer(s, &node, err) != MT_OK)
		return err->rc;
	if (node->type != MT_NODE_NUMBER || node->number < 0)
		return mt_link_strange(mt_stream_link(s), err);
	*ret_n = (uint64_t)node->number;
	return MT_OK;
}

/* A letter that some other hand put there is shown with all its fields. */
static void
open_letter(const struct mt_entry *entry, struct mt_dead *dead)
{
	const struct mt_pair *p = entry->pairs;

	*dead = (struct mt_dead){ .id = entry->id, .pairs = p, .n = entry->n };
	if (entry->n < HEAD_PAIRS || !mt_str_eqz(p[0].name, "dead_at") ||
	    !mt_str_eqz(p[1].name, "dead_reason") ||
	    !mt_str_eqz(p[2].name, "dead_id"))
		return;
	(void)mt_time_read(p[0].value, &dead->at);
	dead->reason = p[1].value;
	dead->from = p[2].value;
	dead->pairs += HEAD_PAIRS;
	dead->n -= HEAD_PAIRS;
}

static enum mt_rc
read_range(struct mt_stream *s, struct mt_id from, const struct mt_id *to,
    size_t count, struct mt_deads *ret_deads, struct mt_err *err)
{
	struct mt_link *link = mt_stream_link(s);
	struct mt_entries entries;
	struct mt_dead *deads;
	struct mt_node *node;
	enum mt_rc rc;
	size_t i;

	if ((rc = mt_stream_ready(s, err)) != MT_OK)
		return rc;
	send_key(s, "XRANGE", 4);
	mt_link_id(link, from);
	if (to == NULL)
		mt_link_wordz(link, "+");
	else
		mt_link_id(link, *to);
	mt_link_wordz(link, "COUNT");
	mt_link_number(link, count);
	rc = mt_stream_answer(s, &node, err);
	if (rc == MT_OK)
		rc = mt_entries_read(link, node, &entries, err);
	if (rc != MT_OK)
		return rc;
	if (entries.n == 0)
		return mt_fail(err, MT_ABSENT, "no such dead letter");
	deads = mt_arena_get(mt_link_arena(link), entries.n * sizeof(*deads));
	for (i = 0; i < entries.n; i++)
		open_letter(&entries.entries[i], &deads[i]);
	*ret_deads = (struct mt_deads){ deads, entries.n };
	return MT_OK;
}

enum mt_rc
mt_dead_list(struct mt_stream *s, struct mt_id after, size_t count,
    struct mt_deads *ret_deads, struct mt_err *err)
{
	if (!mt_stream_asked(s))
		mt_link_release(mt_stream_link(s));
	return read_range(s, mt_id_after(after), NULL, count, ret_deads, err);
}

enum mt_rc
mt_dead_get(struct mt_stream *s, struct mt_id id, struct mt_deads *ret_dead,
    struct mt_err *err)
{
	if (!mt_stream_asked(s))
		mt_link_release(mt_stream_link(s));
	return read_range(s, id, &id, 1, ret_dead, err);
}

enum mt_rc
mt_dead_replay(struct mt_stream *s, struct mt_id id, struct mt_err *err)
{
	struct mt_deads dead;
	struct mt_id added;
	enum mt_rc rc;

	if ((rc = mt_dead_get(s, id, &dead, err)) != MT_OK)
		return rc;
	if (dead.deads[0].n == 0 ||
	    mt_str_eqz(dead.deads[0].pairs[0].name, "dead_raw"))
		return mt_fail(
		    err, MT_FORMAT, "it is no event and cannot be replayed");
	if (mt_stream_add(
		s, dead.deads[0].pairs, dead.deads[0].n, &added, err) != MT_OK)
		return err->rc;
	return mt_dead_drop(s, id, err);
}

enum mt_rc
mt_dead_drop(struct mt_stream *s, struct mt_id id, struct mt_err *err)
{
	struct mt_node *node;

	if (mt_stream_ready(s, err) != MT_OK)
		return err->rc;
	send_key(s, "XDEL", 1);
	mt_link_id(mt_stream_link(s), id);
	if (mt_stream_answer(s, &node, err) != MT_OK)
		return err->rc;
	if (node->type != MT_NODE_NUMBER || node->number != 1)
		return mt_fail(err, MT_ABSENT, "no such dead letter");
	return MT_OK;
}
