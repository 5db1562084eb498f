/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Postfix queue ids. A long one (enable_long_queue_ids = yes) is the time of
 * the queue file's creation and its inode, so it is never used twice:
 *
 *     4dG2kQ 2mzC z Gd4
 *     |      |    | inode number, base 51 (one or more characters)
 *     |      |    separator
 *     |      microseconds, base 52 (always four characters)
 *     seconds since 1970 UTC, base 52 (six or more characters)
 *
 * The digits are 0-9, B-Z and b-z without vowels, in this order; 'z' is the
 * 52nd and so never occurs in the inode. Short ids are upper-case hexadecimal
 * and say nothing about time.
 */
#ifndef MT_MAIL_QUEUE_ID_H
#define MT_MAIL_QUEUE_ID_H

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

/* A long id; its time in *ret_at (µs UTC), unless ret_at is NULL. */
bool mt_queue_id_time(struct mt_str id, int64_t *ret_at);
/* What Postfix could have made: a long id, or a short one (5 to 32 of 0-9A-F).
 */
bool mt_queue_id_valid(struct mt_str id);
/*
 * The time that names a message's life: decoded from a long id, else
 * offered_at. A decoded time more than a day after offered_at or more than 60
 * days before it is not believed (a clock was wrong, or the id is not
 * Postfix's), and offered_at is taken.
 */
int64_t mt_message_born(struct mt_str queue_id, int64_t offered_at);

#endif
