/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Dates of mail headers (RFC 5322 3.3 and 4.3): "Fri, 21 Nov 1997 09:55:06
 * -0600 (CST)". The day of the week and comments are passed over, two-digit
 * years and North American zone names are read, other zone names are UTC.
 */
#ifndef MT_MAIL_DATE_H
#define MT_MAIL_DATE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

/* False when it is none, or names no moment since 1970. */
bool mt_mail_date_read(struct mt_str s, int64_t *ret_at);

#endif
