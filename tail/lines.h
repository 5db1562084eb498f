/* SPDX-License-Identifier: BSD-2-Clause */
/* Cut bytes into lines; what is longer than TAIL_LINE is cut off there. */
#ifndef TAIL_LINES_H
#define TAIL_LINES_H

#include <stdbool.h>

#include "base/str.h"

/*
 * How many bytes the next line takes, with its end; 0: it is not whole yet.
 * *ret_line is absent when the bytes belong to the rest of one that was cut.
 * *skipping is the caller's memory of that, at first false.
 */
size_t lines_next(struct mt_str bytes, bool *skipping, struct mt_str *ret_line);

#endif
