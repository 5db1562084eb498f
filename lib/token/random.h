/* SPDX-License-Identifier: BSD-2-Clause */
/* Random bytes fit for keys. */
#ifndef MT_TOKEN_RANDOM_H
#define MT_TOKEN_RANDOM_H

#include <stddef.h>

#include "base/err.h"

MT_MUST_CHECK enum mt_rc mt_random(void *p, size_t n, struct mt_err *err);

#endif
