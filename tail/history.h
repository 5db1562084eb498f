/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Rows of rspamd's history, as its plugin history_redis writes them into a list
 * of its Redis (packed with zstd or not) and mailcow's API gives them on, made
 * `scan` events. Pure: the same row always gives the same event, whichever way
 * it came.
 *
 * A row names no queue id (but those of messages that rspamd broke off, in its
 * newest releases, do), and its time has whole seconds. `twin`, the rest of the
 * event's key, is a hash of what else the row says of the message and of the
 * action: what is read again, or another way, is stored once.
 *
 * What rspamd writes where it knows nothing ("unknown", "undef") is absent.
 * direction: outbound with a login or from an address that rspamd calls local
 * when it is not told otherwise; else inbound.
 */
#ifndef TAIL_HISTORY_H
#define TAIL_HISTORY_H

#include "event/event.h"
#include "maillog/maillog.h"
#include "unpack.h"

#define HISTORY_ROW_MAX (4u << 20) /* bytes, unpacked; 5000 are usual */

struct json_t;

struct history {
	struct unpack unpack;
	struct mt_buf packed; /* the row, unpacked */
	struct mt_buf mended; /* the row, with clean texts */
	struct json_t *row; /* owned; the event's texts are its */
	struct mt_buf thresholds, symbols;
};

/* Who leaves no trace: never a message of, or only to, such addresses. */
struct history_who {
	mt_maillog_ignores *ignores; /* may be NULL */
	void *arg;
};

void history_init(struct history *h);
void history_done(struct history *h);
/*
 * ret_ev's texts live until the next row; host is its alone. MT_ABSENT: it is
 * about addresses that leave no trace. MT_FORMAT, MT_LIMIT: it is no row, and
 * what of it.
 */
MT_MUST_CHECK enum mt_rc history_read(struct history *h, struct mt_str row,
    struct mt_str host, const struct history_who *who,
    struct mt_ev_scan *ret_ev, struct mt_err *err);

/*
 * symbols.c: append a JSON object. Of symbols, {"NAME":{"score":1.5,"options":
 * ["first"]}} as the plugin of rspamd-lua/ has it: what is longer than out's
 * ceiling loses all options first, then the symbols that weigh least, and the
 * name "" says so. Of thresholds, {"reject":15}; nothing when it is too long.
 */
void history_symbols(const struct json_t *symbols, struct mt_buf *out);
void history_thresholds(const struct json_t *thresholds, struct mt_buf *out);

#endif
