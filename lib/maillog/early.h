/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a rule did to a message that had no queue id yet. smtpd asks for one at
 * the first recipient it takes, so what that recipient's rules do is logged as
 * NOQUEUE; the same process's next line then gives the id:
 *
 *     smtpd[7]: NOQUEUE: hold: RCPT from ...
 *     smtpd[7]: NOQUEUE: redirect: RCPT from ...
 *     smtpd[7]: 4dG2kQ2mzCzGd4: client=...
 *
 * Nothing else in the log says that this message is on hold, or gone. So who
 * begins to read between the two misses it; mt_early_settled tells where it
 * would not be missed.
 */
#ifndef MT_MAILLOG_EARLY_H
#define MT_MAILLOG_EARLY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/str.h"
#include "event/event.h"

#define MT_EARLY 1024 /* processes that may be in between */
#define MT_EARLY_SAID 8 /* of one message; more is not told again */

/*
 * What tells the key of an event that is said again from the first one's, so
 * that readers find the one by the other (view v_reject) and show it once.
 * Ordinals, which are added to a key, do not reach so high.
 */
#define MT_EARLY_AGAIN (UINT64_C(1) << 63)
/* Of log time: who gives no id for so long is gone, whoever may say so. */
#define MT_EARLY_WAIT (300 * MT_SECOND)

struct mt_early_said {
	char *text; /* owned; the NOQUEUE line's */
	size_t n;
	uint64_t key; /* of its event */
};

/* What one process said of the message it is at. */
struct mt_early_process {
	uint64_t who; /* hash of tag and process id; 0: nobody */
	uint64_t pid; /* hash of the latter */
	uint64_t number; /* counted from 1; 0: not waited for any more */
	struct mt_early_said said[MT_EARLY_SAID];
	size_t n_said;
};

struct mt_early {
	struct mt_early_process *processes; /* owned; NULL: none so far */
	size_t n; /* of them that are somebody */
	uint64_t number; /* of the last one */
	size_t waiting; /* that have a number */
	/* A place in the log, and how many from before it still wait. */
	bool marked;
	uint64_t mark; /* the last number before it */
	int64_t marked_at;
	size_t unsettled;
	/* What the last line took, for mt_early_take_back; NULL: nothing. */
	struct mt_early_process *taken;
	uint64_t taken_who;
};

void mt_early_init(struct mt_early *e);
void mt_early_done(struct mt_early *e);
/*
 * A line, and the event it made (MT_EV_N: none) with its key. When it gives an
 * id to a message that was held, discarded or redirected before: the lines that
 * said so, *ret_n of them in their order, good until the next call; else NULL.
 * A line that is given again, with its key, counts once.
 */
const struct mt_early_said *mt_early_line(struct mt_early *e, struct mt_str tag,
    struct mt_str pid, struct mt_str text, enum mt_event id,
    const union mt_event_any *ev, uint64_t key, size_t *ret_n);
/*
 * A line of master(8), which may say that a process is gone; its message is:
 *
 *     master[1]: warning: process /usr/lib/postfix/sbin/smtpd pid 7 killed by
 *     signal 9
 */
void mt_early_master(struct mt_early *e, struct mt_str text);
/* As if that line had not been read. */
void mt_early_take_back(struct mt_early *e);
/*
 * Mark the place before the next line, which is of the time `at` (µs); false:
 * an earlier one is not settled yet.
 */
bool mt_early_mark(struct mt_early *e, int64_t at);
void mt_early_unmark(struct mt_early *e);
/*
 * True once for each mark: whatever waited for its id there has got it, or will
 * not. From there on the log says all that was not said before.
 */
bool mt_early_settled(struct mt_early *e, int64_t at);

#endif
