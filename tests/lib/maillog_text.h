/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What lib/maillog makes of a log, as text:
 *
 *     12 event deliver
 *       deliver at=<2026-11-05T16:41:37.000000Z> host=<mx> rcpt=<a@b> ...
 *
 * for each line its number, kind and row of shapes.def (- when it has none),
 * then its events.
 */
#ifndef MT_TESTS_LIB_MAILLOG_TEXT_H
#define MT_TESTS_LIB_MAILLOG_TEXT_H

#include "base/buf.h"
#include "event/event.h"
#include "maillog/maillog.h"

/* When tests read their logs: 2026-12-01. */
#define MAILLOG_NOW INT64_C(1796083200000000)
/* For their options. */
#define MAILLOG_HOST MT_LIT("mx.example.org")

/* Append an event without a line end. */
void maillog_text(struct mt_buf *out, enum mt_event id, const void *ev);
/* Append what a log comes to, with that `now`; lines with a # are passed over.
 * Ends the program when something cannot be. */
void maillog_golden(const struct mt_maillog_options *options, struct mt_str log,
    int64_t now, struct mt_buf *out);
/* Append a file's bytes; ends the program when it cannot. */
void maillog_read(const char *path, struct mt_buf *out);

#endif
