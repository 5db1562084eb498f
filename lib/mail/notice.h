/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The notice in text/plain: after the last line of the part, as lines of its
 * own, in the part's transfer encoding and character set.
 */
#ifndef MT_MAIL_NOTICE_H
#define MT_MAIL_NOTICE_H

#include <stdbool.h>

#include "base/str.h"
#include "mail/markup.h"
#include "mail/mime.h"

/*
 * The edit of body that adds the notice (UTF-8). eol is the message's. False,
 * and no edit, when the part cannot hold it: a character its set lacks, bytes
 * above 127 in 7bit, damage, armour.
 */
bool mt_notice_plain(const struct mt_leaf *leaf, struct mt_str body,
    struct mt_str notice, struct mt_str eol, struct mt_edit *ret_edit);

#endif
