/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Dead letters: entries that could not be decoded or stored, kept in the
 * stream <stream>:dead with why and whence, until a person replays or drops
 * them. An entry there has the fields
 *
 *     dead_at      when it was put there (RFC 3339)
 *     dead_reason  why, in words
 *     dead_id      its id in the event stream; "-" when it never was there
 *
 * and then the original fields as they were. A payload of the spool that
 * cannot even be split into fields is one field, dead_raw.
 *
 * Calls go over a stream's connection and follow its rules.
 */
#ifndef MT_REDIS_DEAD_H
#define MT_REDIS_DEAD_H

#include "redis/stream.h"

struct mt_dead {
	struct mt_id id; /* in the dead-letter stream */
	int64_t at;
	struct mt_str reason;
	struct mt_str from; /* dead_id */
	const struct mt_pair *pairs; /* the original fields */
	size_t n;
};

struct mt_deads {
	const struct mt_dead *deads; /* borrowed like mt_entries */
	size_t n;
};

/*
 * Add n dead letters in one go. The caller acknowledges the originals only
 * after MT_OK. reasons[i] is entries[i]'s.
 */
MT_MUST_CHECK enum mt_rc mt_dead_add(struct mt_stream *s,
    const struct mt_entry *entries, const struct mt_str *reasons, size_t n,
    struct mt_err *err);
MT_MUST_CHECK enum mt_rc mt_dead_count(
    struct mt_stream *s, uint64_t *ret_n, struct mt_err *err);
/* At most count, oldest first, after an id. MT_ABSENT: no more. */
MT_MUST_CHECK enum mt_rc mt_dead_list(struct mt_stream *s, struct mt_id after,
    size_t count, struct mt_deads *ret_deads, struct mt_err *err);
/* One. MT_ABSENT: there is none of that id. */
MT_MUST_CHECK enum mt_rc mt_dead_get(struct mt_stream *s, struct mt_id id,
    struct mt_deads *ret_dead, struct mt_err *err);
/*
 * Put the original back into the event stream, and delete the dead letter; at
 * worst both are there, which storing does not mind.
 */
MT_MUST_CHECK enum mt_rc mt_dead_replay(
    struct mt_stream *s, struct mt_id id, struct mt_err *err);
MT_MUST_CHECK enum mt_rc mt_dead_drop(
    struct mt_stream *s, struct mt_id id, struct mt_err *err);

#endif
