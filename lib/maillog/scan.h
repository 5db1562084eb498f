/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reading a text from left to right. Each function takes what it is named
 * after from the front and says true, or leaves everything as it was.
 */
#ifndef MT_MAILLOG_SCAN_H
#define MT_MAILLOG_SCAN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/ip.h"
#include "base/str.h"

/* Exactly these bytes. */
bool mt_scan_text(struct mt_str *s, struct mt_str text);
/* What stands before the next `c`, and the `c`. */
bool mt_scan_to(struct mt_str *s, char c, struct mt_str *ret_head);
/* What stands before the next `text`, and the text. */
bool mt_scan_past(
    struct mt_str *s, struct mt_str text, struct mt_str *ret_head);
/* Digits, as a number up to max. */
bool mt_scan_number(struct mt_str *s, uint64_t max, uint64_t *ret_n);
/*
 * An address in angle brackets, which are not part of it. As Postfix logs it,
 * a local part that needs quotes has them, and `>` within quotes is not the
 * end; quotes that do not end mean nothing.
 */
bool mt_scan_address(struct mt_str *s, struct mt_str *ret_address);
/*
 * A peer as Postfix names it: name[address], with ":port" behind it in some
 * configurations. A name has no spaces or brackets: what a stranger sent never
 * passes for one. No address (unknown[unknown]) is absent; so is the name
 * "unknown".
 */
bool mt_scan_peer(
    struct mt_str *s, struct mt_str *ret_name, struct mt_ip *ret_ip);
/* The first place of text in s, NULL when there is none. */
const char *mt_scan_find(struct mt_str s, struct mt_str text);

#endif
