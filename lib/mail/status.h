/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Values of the fields of status parts (RFC 3464, 5965, 6533). All functions
 * take a raw value and append what it says to out, which never gets longer by
 * it than the value; the result is a view of what was appended, absent when
 * there was nothing. out must have the room: its bytes must not move.
 */
#ifndef MT_MAIL_STATUS_H
#define MT_MAIL_STATUS_H

#include "base/buf.h"
#include "base/str.h"
#include "base/words.h"

/* All of it, in one line with single spaces. */
struct mt_str mt_status_text(struct mt_str value, struct mt_buf *out);
/* "smtp; 550 5.1.1 ..." without the type smtp; others stay: they tell. */
struct mt_str mt_status_diagnostic(struct mt_str value, struct mt_buf *out);
/* "dns; mx.example.org (192.0.2.1)": the name. */
struct mt_str mt_status_mta(struct mt_str value, struct mt_buf *out);
/*
 * "rfc822; bob@example.org", "utf-8; b\x{F6}b@example.org",
 * "<bob@example.org>": the address. An empty one ("<>") is present and empty.
 *
 * xtext (RFC 3461) should have been decoded by who wrote the report, and often
 * was not. "+2B" and the like are decoded when every "+" is one that has to be
 * written so; "bob+42@example.org" stays what it is.
 */
struct mt_str mt_status_address(struct mt_str value, struct mt_buf *out);
/* "5.1.1 (unknown user)": 5.1.1. */
struct mt_str mt_status_code(struct mt_str value, struct mt_buf *out);
/* The first word, in lower case. */
struct mt_str mt_status_word(struct mt_str value, struct mt_buf *out);
/* "<id@host>": id@host. */
struct mt_str mt_status_message_id(struct mt_str value, struct mt_buf *out);
/* Of an Action's word, or without one a status code; absent: neither says. */
enum mt_notice mt_status_action(struct mt_str word, struct mt_str code);

#endif
