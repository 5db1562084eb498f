/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Any bytes as a row of rspamd's history, and as what zstd has packed.
 *
 * What holds: where a row is read, its event can be encoded and decoded and
 * encoded to the same bytes again; symbols and thresholds are JSON objects
 * within their bounds; the same row, packed, or read by jansson and written
 * anew (as mailcow's API and tail/api.c do), gives the same event, after
 * whatever other row.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>
#include <zstd.h>

#include "base/utf8.h"
#include "history.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define PACKED_MAX 1048576

static void
must(bool holds)
{
	if (!holds)
		abort();
}

static bool
ignores(void *arg, struct mt_str address)
{
	(void)arg;
	return mt_str_starts(address, "i");
}

static void
check_object(struct mt_str text, size_t max)
{
	json_error_t why;
	json_t *object;

	if (text.p == NULL)
		return;
	must(text.n <= max);
	object = json_loadb(
	    text.p, text.n, JSON_ALLOW_NUL | JSON_REJECT_DUPLICATES, &why);
	must(json_is_object(object));
	json_decref(object);
}

static void
check_codec(const struct mt_buf *bytes)
{
	struct mt_pair pairs[MT_EVENT_PAIRS];
	union mt_event_any ev;
	enum mt_event id;
	struct mt_buf again;
	struct mt_err err;
	size_t n;

	must(mt_event_split(
		 mt_buf_view(bytes), pairs, MT_EVENT_PAIRS, &n, &err) == MT_OK);
	must(mt_event_decode(pairs, n, &id, &ev, &err) == MT_OK);
	must(id == MT_EV_scan);
	mt_buf_init(&again, MT_MAX_EVENT);
	must(mt_event_encode(id, &ev, &again, &err) == MT_OK);
	must(mt_str_eq(mt_buf_view(bytes), mt_buf_view(&again)));
	mt_buf_done(&again);
}

/* The row's event, encoded; nothing when it is none. */
static enum mt_rc
read_row(struct history *h, struct mt_str row, struct mt_buf *out)
{
	const struct history_who who = { .ignores = ignores };
	struct mt_ev_scan ev;
	struct mt_err err;

	mt_buf_reset(out);
	if (history_read(h, row, MT_LIT("mx"), &who, &ev, &err) != MT_OK) {
		must(err.rc != MT_OK && err.msg[0] != '\0');
		return err.rc;
	}
	check_object(ev.symbols, MT_MAX_SYMBOLS);
	check_object(ev.thresholds, MT_MAX_TEXT);
	must(mt_event_encode(MT_EV_scan, &ev, out, &err) == MT_OK);
	check_codec(out);
	return MT_OK;
}

static void
check_packed(struct history *h, struct mt_str row, enum mt_rc rc,
    const struct mt_buf *event)
{
	struct mt_buf packed, other;
	size_t n, room = ZSTD_compressBound(row.n);

	mt_buf_init(&packed, PACKED_MAX);
	mt_buf_init(&other, MT_MAX_EVENT);
	must(mt_buf_reserve(&packed, room));
	n = ZSTD_compress(packed.p, room, row.p, row.n, 1);
	must(!ZSTD_isError(n));
	packed.n = n;
	must(read_row(h, mt_buf_view(&packed), &other) == rc);
	must(mt_str_eq(mt_buf_view(event), mt_buf_view(&other)));
	mt_buf_done(&packed);
	mt_buf_done(&other);
}

static void
check_written_anew(struct history *h, struct mt_str row, enum mt_rc rc,
    const struct mt_buf *event)
{
	json_error_t why;
	json_t *object;
	struct mt_buf other;
	char *text;

	/* What has to be mended never comes that way. */
	if (!mt_utf8_clean(row))
		return;
	object = json_loadb(row.p, row.n, JSON_ALLOW_NUL, &why);
	if (json_is_object(object)) {
		mt_buf_init(&other, MT_MAX_EVENT);
		text = json_dumps(object, JSON_COMPACT | JSON_SORT_KEYS);
		must(read_row(h, mt_str(text), &other) == rc);
		must(mt_str_eq(mt_buf_view(event), mt_buf_view(&other)));
		free(text);
		mt_buf_done(&other);
	}
	json_decref(object);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct mt_str row = mt_str_n((const char *)data, size);
	struct history h;
	struct mt_buf event;
	enum mt_rc rc;

	history_init(&h);
	mt_buf_init(&event, MT_MAX_EVENT);
	rc = read_row(&h, row, &event);
	if (!unpack_is_packed(row))
		check_packed(&h, row, rc, &event);
	check_written_anew(&h, row, rc, &event);
	mt_buf_done(&event);
	history_done(&h);
	return 0;
}
