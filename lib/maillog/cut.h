/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Cut bytes into lines. What is longer than MT_MAILLOG_LINE is cut off there:
 * keys are made of the text (maillog.h), so all who read a log must cut alike.
 */
#ifndef MT_MAILLOG_CUT_H
#define MT_MAILLOG_CUT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/str.h"

#define MT_MAILLOG_LINE 65536

/*
 * How many bytes the next line takes, with its end; 0: it is not whole yet.
 * *ret_line is absent when the bytes belong to the rest of one that was cut.
 * *skipping is the caller's memory of that, at first false.
 */
size_t mt_maillog_cut(
    struct mt_str bytes, bool *skipping, struct mt_str *ret_line);

#endif
