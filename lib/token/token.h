/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Tokens: what stands in a pixel's URL, <pixel_url>/i/<token>.gif. A token is
 * base64url, 34 characters, of 25 bytes:
 *
 *     0      version (bits 7-6, 0), mode (bits 5-4), key id (bits 3-0)
 *     1-16   id: random, says nothing and counts nothing
 *     17-24  HMAC-SHA256(key, "mailtrail token" || bytes 0-16), first 8 bytes
 *
 * There is one text for a token and one token for a text. Events and tables
 * hold the id as 32 hexadecimal digits, never the MAC.
 *
 * The marking header says that a message carries a mark of ours:
 *
 *     X-Mailtrail-Mark: <32 hex: token id>.<16 hex: HMAC-SHA256(key,
 *         "mailtrail mark" || token id || Message-ID), first 8 bytes>
 *
 * Message-ID is given without angle brackets; absent counts as empty.
 */
#ifndef MT_TOKEN_TOKEN_H
#define MT_TOKEN_TOKEN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/str.h"
#include "base/words.h"
#include "token/keys.h"

#define MT_TOKEN_ID 16 /* bytes of the random id */
#define MT_TOKEN_HEX 32 /* the id as hexadecimal digits, without NUL */
#define MT_TOKEN_TEXT 34 /* the token as text, without NUL */
#define MT_MARK_TEXT 49 /* the marking header's value, without NUL */
#define MT_MARK_HEADER "X-Mailtrail-Mark"

struct mt_token {
	enum mt_mode mode; /* anonymous, pseudonymous, identified */
	unsigned key; /* id of the key that signed it */
	uint8_t id[MT_TOKEN_ID];
};

/* A new token, signed with the active key. mode is not off. */
MT_MUST_CHECK enum mt_rc mt_token_make(const struct mt_keys *keys,
    enum mt_mode mode, struct mt_token *ret_token, struct mt_err *err);
/*
 * Its text: MT_TOKEN_TEXT + 1 bytes. false when the ring has not the token's
 * key (any more).
 */
bool mt_token_write(
    const struct mt_keys *keys, const struct mt_token *token, char *out);
/*
 * true when we made this token: the MAC is compared, in constant time, before
 * anything else is looked at. Never asks anything but the keys.
 */
bool mt_token_check(
    const struct mt_keys *keys, struct mt_str text, struct mt_token *ret_token);
/* The id as MT_TOKEN_HEX lower-case digits and NUL. */
void mt_token_hex(const struct mt_token *token, char *out);

/* MT_MARK_TEXT + 1 bytes, signed with the active key. */
void mt_mark_make(const struct mt_keys *keys, const struct mt_token *token,
    struct mt_str message_id, char *out);
/*
 * true when value is the marking header of that very message; *ret_hex
 * (MT_TOKEN_HEX + 1 bytes, may be NULL) is then the token's id.
 */
bool mt_mark_check(const struct mt_keys *keys, struct mt_str message_id,
    struct mt_str value, char *ret_hex);

#endif
