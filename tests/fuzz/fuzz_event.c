/* SPDX-License-Identifier: BSD-2-Clause */
/* What decode accepts survives encode and decode. */
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "event/event.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static enum mt_rc
decode(struct mt_str payload, enum mt_event *id, union mt_event_any *ev)
{
	struct mt_pair pairs[MT_EVENT_PAIRS];
	struct mt_err err;
	enum mt_rc rc;
	size_t n;

	rc = mt_event_split(payload, pairs, MT_EVENT_PAIRS, &n, &err);
	if (rc != MT_OK)
		return rc;
	return mt_event_decode(pairs, n, id, ev, &err);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct mt_str in = { (const char *)data, size };
	union mt_event_any ev, again;
	struct mt_buf first, second;
	enum mt_event id, id2;
	struct mt_err err;
	enum mt_rc rc;

	if (decode(in, &id, &ev) != MT_OK)
		return 0;
	mt_buf_init(&first, MT_MAX_EVENT);
	mt_buf_init(&second, MT_MAX_EVENT);
	rc = mt_event_encode(id, &ev, &first, &err);
	assert(rc == MT_OK);
	rc = decode(mt_buf_view(&first), &id2, &again);
	assert(rc == MT_OK && id2 == id);
	rc = mt_event_encode(id2, &again, &second, &err);
	assert(rc == MT_OK);
	assert(mt_str_eq(mt_buf_view(&first), mt_buf_view(&second)));
	mt_buf_done(&first);
	mt_buf_done(&second);
	return 0;
}
