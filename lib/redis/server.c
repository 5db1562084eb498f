/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>

#include "base/num.h"
#include "redis/facts.h"
#include "redis/peer.h"
#include "redis/server.h"

/* The value of "name:value" in INFO's lines, absent when there is none. */
static struct mt_str
find(struct mt_str info, const char *name)
{
	struct mt_str line, rest = info, key, value;

	while (rest.n > 0) {
		(void)mt_str_cut(rest, '\n', &line, &rest);
		if (mt_str_cut(mt_str_trim(line), ':', &key, &value) &&
		    mt_str_eqz(key, name))
			return value;
	}
	return mt_str(NULL);
}

static uint64_t
find_num(struct mt_str info, const char *name)
{
	uint64_t n;

	return mt_num_read(find(info, name), INT64_MAX, &n) ? n : 0;
}

static void
copy(struct mt_str text, char *out, size_t size)
{
	size_t n = text.n < size ? text.n : size - 1;

	if (n > 0)
		memcpy(out, text.p, n);
	out[n] = '\0';
}

static void
read_info(struct mt_str info, struct mt_server_facts *f)
{
	struct mt_str version = find(info, "redis_version"), major, rest;
	uint64_t n = 0;

	memset(f, 0, sizeof(*f));
	copy(version, f->version, sizeof(f->version));
	(void)mt_str_cut(version, '.', &major, &rest);
	if (mt_num_read(major, 1000, &n))
		f->major = (unsigned)n;
	f->aof = find_num(info, "aof_enabled") != 0;
	f->aof_good = mt_str_eqz(find(info, "aof_last_write_status"), "ok") &&
	    mt_str_eqz(find(info, "aof_last_bgrewrite_status"), "ok");
	copy(find(info, "maxmemory_policy"), f->eviction, sizeof(f->eviction));
	f->max_memory = find_num(info, "maxmemory");
	f->used_memory = find_num(info, "used_memory");
	copy(find(info, "role"), f->role, sizeof(f->role));
	f->now = (int64_t)find_num(info, "server_time_usec");
}

enum mt_rc
mt_server_facts(
    struct mt_stream *s, struct mt_server_facts *ret_facts, struct mt_err *err)
{
	struct mt_link *link = mt_stream_link(s);
	struct mt_node *node;

	if (mt_stream_ready(s, err) != MT_OK)
		return err->rc;
	mt_link_begin(link, 2);
	mt_link_wordz(link, "INFO");
	mt_link_wordz(link, "default");
	if (mt_stream_answer(s, &node, err) != MT_OK)
		return err->rc;
	if (node->type != MT_NODE_TEXT)
		return mt_link_strange(link, err);
	read_info(node->text, ret_facts);
	return MT_OK;
}

enum mt_rc
mt_server_takes(struct mt_stream *s, struct mt_err *err)
{
	struct mt_link *link = mt_stream_link(s);
	struct mt_str stream = mt_stream_key(s);
	struct mt_node *node;
	struct mt_buf key;
	enum mt_rc rc;

	if (mt_stream_ready(s, err) != MT_OK)
		return err->rc;
	mt_buf_init(&key, stream.n + sizeof(":doctor"));
	mt_buf_printf(&key, "%.*s:doctor", MT_STR_ARG(stream));
	mt_link_begin(link, 6);
	mt_link_wordz(link, "XADD");
	mt_link_word(link, mt_buf_view(&key));
	mt_link_wordz(link, "NOMKSTREAM");
	mt_link_wordz(link, "*");
	mt_link_wordz(link, "v");
	mt_link_wordz(link, "0");
	rc = mt_stream_answer(s, &node, err);
	mt_buf_done(&key);
	return rc;
}

enum mt_rc
mt_server_consumers(struct mt_stream *s, struct mt_consumer_facts *ret_facts,
    struct mt_err *err)
{
	struct mt_link *link = mt_stream_link(s);
	struct mt_node *node;

	if (mt_stream_ready(s, err) != MT_OK)
		return err->rc;
	mt_link_begin(link, 4);
	mt_link_wordz(link, "XINFO");
	mt_link_wordz(link, "CONSUMERS");
	mt_link_word(link, mt_stream_key(s));
	mt_link_word(link, mt_stream_group(s));
	if (mt_stream_answer(s, &node, err) != MT_OK)
		return err->rc;
	if (!mt_consumers_read(node, ret_facts))
		return mt_link_strange(link, err);
	return MT_OK;
}
