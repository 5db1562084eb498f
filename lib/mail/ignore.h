/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Addresses that leave no trace: the option `ignore_addresses`. Words, one
 * space apart: an address (a monitor's), @domain for all of a domain, or the
 * /path of a file of such words, one a line, '#' comments. Compared as policy
 * compares (mail/address.h): ASCII letters in either case.
 */
#ifndef MT_MAIL_IGNORE_H
#define MT_MAIL_IGNORE_H

#include <stdbool.h>

#include "base/err.h"
#include "base/str.h"

struct mt_ignore;

/*
 * MT_CONFIG: "'x': not an address, @domain or /path", or a file that cannot be
 * read or has a line that is none. *ret_ignore is NULL when option is empty.
 */
MT_MUST_CHECK enum mt_rc mt_ignore_load(
    struct mt_str option, struct mt_ignore **ret_ignore, struct mt_err *err);
void mt_ignore_free(struct mt_ignore *ignore); /* NULL is fine */
/* May be in <>; false for NULL, and for the null sender. Any thread. */
bool mt_ignore_has(const struct mt_ignore *ignore, struct mt_str address);

#endif
