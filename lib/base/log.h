/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Logging, for programs only (the library returns; it does not log). One event
 * is one line on standard error: the message first, then key=value; with the
 * "<N>" level prefix that journald understands unless standard error is a
 * terminal. Foreign text goes through mt_quote, addresses through
 * mt_quote_address (r***@b.example unless log_personal is on). All functions
 * may be called from any thread.
 *
 *   MT_LOG_ERR      a person must act
 *   MT_LOG_WARNING  we went on, and the line says how ("keeping", "ignoring")
 *   MT_LOG_INFO     state changes, and one summary a minute
 *   MT_LOG_DEBUG    with -v
 */
#ifndef MT_BASE_LOG_H
#define MT_BASE_LOG_H

#include <stdbool.h>

#include "base/err.h"
#include "base/str.h"

enum mt_log_level {
	MT_LOG_ERR = 3,
	MT_LOG_WARNING = 4,
	MT_LOG_INFO = 6,
	MT_LOG_DEBUG = 7
};

/* Text in single quotes, control bytes and quotes as \xHH, cut when long. */
struct mt_quoted {
	char s[400];
};

void mt_log_setup(bool verbose, bool personal);
void mt_log(enum mt_log_level level, const char *fmt, ...) MT_PRINTF(2, 3);
/*
 * At most one line in `seconds` for this format; the next line then says how
 * many were held back ("held=12").
 */
void mt_log_every(unsigned seconds, enum mt_log_level level, const char *fmt,
    ...) MT_PRINTF(3, 4);
struct mt_quoted mt_quote(struct mt_str s);
struct mt_quoted mt_quotez(const char *text);
struct mt_quoted mt_quote_address(struct mt_str s);

#endif
