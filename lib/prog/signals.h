/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The signals of a program as descriptors (see program.h). Call mt_signals_init
 * before any thread starts: they inherit the blocked set.
 */
#ifndef MT_PROG_SIGNALS_H
#define MT_PROG_SIGNALS_H

#include "base/err.h"

MT_MUST_CHECK enum mt_rc mt_signals_init(struct mt_err *err);

#endif
