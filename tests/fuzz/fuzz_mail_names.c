/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Any bytes as a header block, as addresses and as queue ids. Fields come in
 * order and cover bytes of the block only; a key is a key of itself; what is
 * read from a value is no longer than it.
 */
#include <stdint.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/limits.h"
#include "mail/address.h"
#include "mail/header.h"
#include "mail/queue_id.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
must(bool holds)
{
	if (!holds)
		abort();
}

static void
check_address(struct mt_str s)
{
	struct mt_buf key, again;

	mt_buf_init(&key, 4096);
	mt_buf_init(&again, 4096);
	if (mt_address_key(s, &key)) {
		must(key.n <= s.n && key.n <= MT_MAX_ADDRESS);
		/* What was stripped or lower-cased is so, but for a dot more.
		 */
		if (mt_address_key(mt_buf_view(&key), &again))
			must(again.n <= key.n);
	}
	mt_buf_reset(&key);
	if (mt_address_from(s, &key))
		must(key.n <= MT_MAX_ADDRESS);
	mt_buf_reset(&key);
	if (mt_address_from_domain(s, &key))
		must(key.n > 0 && key.n <= MT_MAX_ADDRESS);
	mt_buf_done(&key);
	mt_buf_done(&again);
}

static void
check_value(struct mt_str value)
{
	struct mt_buf text;

	mt_buf_init(&text, 256);
	if (mt_header_word(value, &text))
		must(text.n > 0 && text.n <= value.n);
	mt_buf_reset(&text);
	if (mt_header_param(value, "boundary", &text) == MT_PARAM_OK)
		must(text.n <= value.n);
	mt_buf_done(&text);
	mt_buf_init(&text, value.n);
	mt_header_unfold(value, &text);
	must(!mt_buf_over(&text));
	mt_buf_done(&text);
}

static void
check_queue_id(struct mt_str id)
{
	int64_t at;

	if (mt_queue_id_time(id, &at))
		must(at >= 0 && mt_queue_id_valid(id));
	(void)mt_message_born(id, 1);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct mt_header_iter it = { .block = { (const char *)data, size } };
	struct mt_header h;
	size_t end = 0;

	while (mt_header_next(&it, &h)) {
		must(h.at >= end && h.end > h.at && h.end <= size);
		must(h.name.n > 0 && h.name.p == it.block.p + h.at);
		must(h.value.p + h.value.n <= it.block.p + h.end);
		end = h.end;
		check_value(h.value);
		check_address(h.value);
	}
	must(it.at <= size && mt_header_end(it.block) <= size);
	if (it.ended)
		must(it.at == mt_header_end(it.block));
	check_value(it.block);
	check_address(it.block);
	check_queue_id(it.block);
	return 0;
}
