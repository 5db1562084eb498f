/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the database has about some queue ids: the lives that were told apart so
 * far, the events of their messages, and their recipients.
 */
#ifndef COLLECTOR_GATHER_H
#define COLLECTOR_GATHER_H

#include "adopt.h"
#include "arena.h"
#include "fate.h"
#include "query.h"

/* A queue id of a host, and the time in which its events are looked for. */
struct target {
	struct mt_str host, queue_id;
	int64_t least, most; /* times that were touched */
	bool is_long;
	int64_t born; /* of a long one */
	int64_t from, to; /* events are read from..to, `to` not included */
	bool context; /* the first life is read for what follows it only */
	/* Before they are sorted: what touched it, if it was stored now. */
	const struct store_event *event;
	bool unseen; /* all that touched it was stored now */
	size_t first_event, n_events; /* of an unseen one: trail's events */
};

/* A message as its row has it; of long ids only when there are strays. */
struct known {
	size_t target;
	int64_t born, first_at, offered_at; /* 0: absent */
	struct mt_str message_id; /* that an offer told */
};

/* When it began, as far as is known. */
int64_t known_start(const struct known *k);

struct found {
	size_t target;
	const struct store_event *event;
};

/* A recipient, and the message's born. */
struct named {
	size_t target;
	int64_t born;
	bool offered; /* else only the log names it */
	struct fate_rcpt rcpt;
};

/* Everything is sorted by target; texts belong to the arena. */
struct gathered {
	struct arena arena;
	const struct target *targets;
	size_t n;
	struct known *known; /* of a target by time */
	size_t n_known, cap_known;
	struct found *found;
	size_t n_found, cap_found;
	struct named *named; /* of a target by born */
	size_t n_named, cap_named;
	struct strays strays; /* of any target */
};

void gathered_init(struct gathered *g);
void gathered_done(struct gathered *g);

/* By host and queue id. */
int target_compare(const void *a, const void *b);
/*
 * Read all about targets, which are sorted, each once, and all long or all
 * short. Of short ones, from, to and context are decided here.
 */
MT_MUST_CHECK enum mt_rc gather(struct gathered *g, struct query *q,
    struct target *targets, size_t n, struct mt_err *err);

#endif
