/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * `mailtrail trail` in three parts: find messages, load each with everything
 * the views say about it, print. A trail is the JSON object that --json
 * prints: the columns of v_message, with "to" (of v_recipient) and "seen" (of
 * v_open) as lists, so that both outputs say the same.
 */
#ifndef CTL_TRAIL_H
#define CTL_TRAIL_H

#include <jansson.h>

#include "ctl.h"
#include "db/db.h"

#define CTL_TRAIL_LIST 1000 /* recipients and opens of one message */

/* How what was asked for was understood. */
enum ctl_trail_kind {
	CTL_TRAIL_QUEUE_ID,
	CTL_TRAIL_MESSAGE_ID,
	CTL_TRAIL_DOMAIN,
	CTL_TRAIL_ADDRESS,
	CTL_TRAIL_KINDS
};

/*
 * Keys (born, host, queue_id) of messages, newest first, at most limit + 1;
 * empty when there are none. *ret_kind: how they were found.
 */
MT_MUST_CHECK enum mt_rc ctl_trail_find(struct mt_db *db, struct mt_str what,
    uint64_t limit, json_t **ret_keys, enum ctl_trail_kind *ret_kind,
    struct mt_err *err);
/* The trail of one of those keys. */
MT_MUST_CHECK enum mt_rc ctl_trail_load(struct mt_db *db, const json_t *key,
    json_t **ret_trail, struct mt_err *err);
/* Could it be one of this kind? Appends it as the views hold it. */
bool ctl_trail_key(
    enum ctl_trail_kind kind, struct mt_str what, struct mt_buf *out);

void ctl_trail_print(const json_t *trail, bool color, FILE *out);
/* A line each. */
void ctl_trail_list(const json_t *trails, bool color, FILE *out);

#endif
