/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Events: what the producers record, as C structs made from events.def.
 *
 * An encoded event is a sequence of pairs; each pair is a name and a value,
 * each text a 16-bit little-endian length and its bytes. The first pairs are
 * "v" (version, decimal) and "t" (the event's name); then every field that is
 * not absent. The same bytes are a spool record's payload; the same pairs are
 * the fields of a Redis stream entry.
 *
 * Structs borrow their texts and own nothing. Encode never refuses what a
 * stranger sent: bytes that are not clean UTF-8 become \xHH, a text above its
 * bound is cut (a key text keeps a hash of the whole at its end). Decode
 * refuses with MT_FORMAT what encode cannot have made: the dead letters.
 */
#ifndef MT_EVENT_EVENT_H
#define MT_EVENT_EVENT_H

#include "base/buf.h"
#include "base/err.h"
#include "base/field.h"
#include "base/limits.h"

/* clang-format off */
enum mt_event {
#define EVENT(name, version, doc) MT_EV_##name,
#define FIELD(event, name, type, bound, flags, doc)
#define END(name)
#include "event/events.def"
#undef EVENT
#undef FIELD
#undef END
	MT_EV_N
};

#define EVENT(name, version, doc) struct mt_ev_##name {
#define FIELD(event, name, type, bound, flags, doc) MT_CTYPE_##type name;
#define END(name) };
#include "event/events.def"
#undef EVENT
#undef FIELD
#undef END

union mt_event_any {
#define EVENT(name, version, doc) struct mt_ev_##name name;
#define FIELD(event, name, type, bound, flags, doc)
#define END(name)
#include "event/events.def"
#undef EVENT
#undef FIELD
#undef END
};
/* clang-format on */

struct mt_event_desc {
	const char *name;
	unsigned version;
	const char *version_text;
	const char *doc;
	const struct mt_field *fields;
	size_t n; /* fields */
	size_t size; /* of the struct */
};
extern const struct mt_event_desc mt_events[MT_EV_N];

struct mt_pair {
	struct mt_str name;
	struct mt_str value;
};

/* Pairs of the longest event, with room for fields of newer writers. */
#define MT_EVENT_PAIRS (MT_MAX_FIELDS + 2)

/* Append the encoded event to out; MT_LIMIT when out's ceiling is reached. */
MT_MUST_CHECK enum mt_rc mt_event_encode(
    enum mt_event id, const void *ev, struct mt_buf *out, struct mt_err *err);
/* Split an encoded event; pairs borrow from payload. */
MT_MUST_CHECK enum mt_rc mt_event_split(struct mt_str payload,
    struct mt_pair *pairs, size_t max, size_t *ret_n, struct mt_err *err);
/* Read pairs into the event's struct, whose texts borrow from them. */
MT_MUST_CHECK enum mt_rc mt_event_decode(const struct mt_pair *pairs, size_t n,
    enum mt_event *ret_id, union mt_event_any *ret_ev, struct mt_err *err);
/* The event of a name, MT_EV_N when there is none. */
enum mt_event mt_event_find(struct mt_str name);

#endif
