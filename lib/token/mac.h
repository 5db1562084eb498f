/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * HMAC-SHA256 and constant-time comparison. mac.c is the only file that knows
 * the cryptographic library. A keyed context is made once and used by
 * any number of threads.
 */
#ifndef MT_TOKEN_MAC_H
#define MT_TOKEN_MAC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

#define MT_MAC_KEY 32 /* bytes of a key */
#define MT_MAC_SUM 32 /* bytes of a sum */

struct mt_mac;

struct mt_mac *mt_mac_new(const uint8_t *key); /* MT_MAC_KEY bytes */
void mt_mac_free(struct mt_mac *mac); /* NULL is fine */
/* The sum over the parts, one after the other. */
void mt_mac_sum(const struct mt_mac *mac, const struct mt_str *parts, size_t n,
    uint8_t *out);
bool mt_mac_eq(const void *a, const void *b, size_t n);

#endif
