/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Fingerprints: two fetches of one token look alike when they come from the
 * same network and family of program on the same day, and nobody can go back
 * from there: HMAC-SHA256(key of the day, network prefix || agent || token
 * id), first 16 bytes. The prefix is a /24 or a /48.
 *
 * The key of the day (UTC) lives in memory and in one file a host, which all
 * pixel processes of that host share; never anywhere else. The file holds one
 * line, "<YYYY-MM-DD> <base64 of 32 bytes>", is made with mode 0600 and
 * overwritten in place, under flock(2), by whoever first needs the next day's
 * key; then nothing can link the days. A process whose clock is still on the
 * day before gets no key (MT_ABSENT), and its event no fingerprint.
 */
#ifndef MT_TOKEN_DAYKEY_H
#define MT_TOKEN_DAYKEY_H

#include <stdint.h>

#include "base/err.h"
#include "base/ip.h"
#include "base/words.h"
#include "token/token.h"

#define MT_FINGERPRINT_HEX 32 /* without NUL */

struct mt_daykey; /* may be shared by threads */

struct mt_daykey *mt_daykey_new(const char *path);
void mt_daykey_free(struct mt_daykey *key); /* NULL is fine */
/*
 * Take or make the key of the day that `now` is in; yesterday's is wiped from
 * memory and file. Call it at least once a day; cheap when nothing changed.
 * MT_CONFIG: not ours to read or write, or open to everybody.
 */
MT_MUST_CHECK enum mt_rc mt_daykey_turn(
    struct mt_daykey *key, int64_t now, struct mt_err *err);
/*
 * The fingerprint of a fetch at `now`; out has MT_FINGERPRINT_HEX + 1 bytes.
 * MT_ABSENT when ip is absent or the day's key was destroyed already.
 */
MT_MUST_CHECK enum mt_rc mt_fingerprint_make(struct mt_daykey *key, int64_t now,
    const struct mt_ip *ip, enum mt_agent agent, const struct mt_token *token,
    char *out, struct mt_err *err);
/*
 * Destroy the file's key when it is not of now's day, for hosts whose pixel
 * runs as plain CGI or not at all; `mailtrail prune` calls it. MT_ABSENT when
 * there is no file.
 */
MT_MUST_CHECK enum mt_rc mt_daykey_expire(
    const char *path, int64_t now, struct mt_err *err);

#endif
