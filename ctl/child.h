/* SPDX-License-Identifier: BSD-2-Clause */
/* Run another program to its end and read what it says; no shell. */
#ifndef CTL_CHILD_H
#define CTL_CHILD_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/err.h"

/*
 * argv[0] is looked up in PATH unless it has a slash. Both outputs go to out,
 * up to its ceiling. *ret_code: its exit code, or 128 + signal. MT_ABSENT:
 * there is no such program. MT_AGAIN: it did not end in time and was killed.
 */
MT_MUST_CHECK enum mt_rc ctl_spawn(const char *const *argv, bool both,
    unsigned timeout_ms, struct mt_buf *out, int *ret_code, struct mt_err *err);

#endif
