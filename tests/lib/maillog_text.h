/* SPDX-License-Identifier: BSD-2-Clause */
/* Events as one line of text each: "deliver rcpt=<a@b> outcome=<sent>". */
#ifndef MT_TESTS_LIB_MAILLOG_TEXT_H
#define MT_TESTS_LIB_MAILLOG_TEXT_H

#include "base/buf.h"
#include "event/event.h"

/* Append the event without a line end; without_keys: no at, host and line. */
void maillog_text(
    struct mt_buf *out, enum mt_event id, const void *ev, bool without_keys);

#endif
