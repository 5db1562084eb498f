/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What became of several copies, said in one word: the gravest of theirs. Who
 * sees a message's status wants to know of the copy that did not arrive.
 */
#ifndef MT_MAIL_GRAVITY_H
#define MT_MAIL_GRAVITY_H

#include <stdbool.h>

#include "base/words.h"

/* Is a graver than b? What is not known (0) is graver than nothing. */
bool mt_status_graver(enum mt_status a, enum mt_status b);

#endif
