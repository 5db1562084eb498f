/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * `mailtrail trail`: find messages, load each with everything the views say
 * about it, follow it to the messages it is tied to, print. A trail is the
 * JSON object that --json prints, so that both outputs say the same: the
 * columns of v_message, and as lists
 *
 *     to          v_recipient, each with "final": its status across the chain
 *     seen        v_open
 *     verdict     v_scan, symbols and thresholds as objects
 *     deliveries  v_delivery      steps     v_step
 *     attempts    v_attempt       refusals  v_reject
 *     notices     v_notice        ties      v_tie, of this message or naming it
 *     lines       v_line, when asked for
 *     chain       the messages it belongs together with (ctl_trail_chain)
 *
 * What was refused before it had a queue id has the same shape, with queue_id
 * null, one recipient and one refusal.
 */
#ifndef CTL_TRAIL_H
#define CTL_TRAIL_H

#include <jansson.h>

#include "base/clock.h"
#include "base/words.h"
#include "ctl.h"
#include "db/db.h"

#define CTL_TRAIL_CHAIN 50 /* messages in a chain, besides the first */

/* How what was asked for was understood. */
enum ctl_trail_kind {
	CTL_TRAIL_QUEUE_ID,
	CTL_TRAIL_MESSAGE_ID,
	CTL_TRAIL_DOMAIN,
	CTL_TRAIL_ADDRESS,
	CTL_TRAIL_KINDS
};

struct ctl_trail_ask {
	struct mt_str what; /* absent: any message */
	struct mt_str status; /* absent: any; of the message or a recipient */
	int64_t since; /* of refusals, µs */
	uint64_t limit;
};

/*
 * Keys (born, host, queue_id) of messages, newest first, at most limit + 1;
 * empty when there are none. *ret_kind: how they were found.
 */
MT_MUST_CHECK enum mt_rc ctl_trail_find(struct mt_db *db,
    const struct ctl_trail_ask *ask, json_t **ret_keys,
    enum ctl_trail_kind *ret_kind, struct mt_err *err);
/*
 * What was refused before it had a queue id, to or from an address or domain:
 * trails, newest first, at most limit + 1.
 */
MT_MUST_CHECK enum mt_rc ctl_trail_refused(struct mt_db *db,
    const struct ctl_trail_ask *ask, json_t **ret_trails, struct mt_err *err);
/* Could it be one of this kind? Appends it as the views hold it. */
bool ctl_trail_key(
    enum ctl_trail_kind kind, struct mt_str what, struct mt_buf *out);

/* The message of one of those keys and its recipients, as for a list. */
MT_MUST_CHECK enum mt_rc ctl_trail_load(struct mt_db *db, const json_t *key,
    json_t **ret_trail, struct mt_err *err);
/* All the rest of it, but for the chain. */
MT_MUST_CHECK enum mt_rc ctl_trail_fill(
    struct mt_db *db, json_t *trail, bool lines, struct mt_err *err);
/* Where the copies of a message went: "to", "deliveries" and "attempts". */
MT_MUST_CHECK enum mt_rc ctl_trail_copies(
    struct mt_db *db, json_t *message, struct mt_err *err);
/* DATETIME(6) as MariaDB reads it, from a member in RFC 3339; "" when null. */
struct mt_str ctl_trail_time(
    const json_t *o, const char *name, char out[MT_TIME_LEN + 1]);

/*
 * Set "ties" and "chain": the messages that this one came from or went on as,
 * by way of ties that can be confirmed, at most CTL_TRAIL_CHAIN, oldest first.
 * A member has born, host, queue_id, tie, direction (forward, backward), of
 * (the key of the message it is tied to), status and its copies. One that
 * fits but cannot be confirmed has "perhaps", the reason, and is not followed.
 * "chain_more": there would be more.
 */
MT_MUST_CHECK enum mt_rc ctl_trail_chain(
    struct mt_db *db, json_t *trail, struct mt_err *err);

/*
 * Follow the copy of one recipient r (a row of "to") of message m, which is
 * the trail or a member of its chain, to its end; what it meets on the way it
 * shows to `attempt` and, where it goes on as another message, `enter`. Both
 * may be NULL. Returns the status at the end, 0 when none is known.
 */
struct ctl_trail_walk {
	const json_t *trail;
	void (*attempt)(void *arg, const json_t *r, const json_t *attempt);
	void (*enter)(void *arg, const json_t *member);
	void *arg;
};
enum mt_status ctl_trail_follow(const struct ctl_trail_walk *w, const json_t *m,
    const json_t *r, unsigned depth);
/* Do both name one mailbox, as addresses are looked up? */
bool ctl_trail_same(const char *a, const char *b);
/* Set "final" of each recipient, and the gravest of them of the trail. */
void ctl_trail_finals(json_t *trail);

void ctl_trail_print(const json_t *trail, bool color, FILE *out);
/* A line each. */
void ctl_trail_list(const json_t *trails, bool color, FILE *out);
void ctl_trail_list_refused(const json_t *trails, bool color, FILE *out);

#endif
