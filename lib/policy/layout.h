/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What builder and reader of the snapshot file share, and nobody else: the
 * numbers of the layout that snapshot.h describes, and how subjects are
 * written and hashed.
 */
#ifndef MT_POLICY_LAYOUT_H
#define MT_POLICY_LAYOUT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/str.h"
#include "base/words.h"

#define MT_POLICY_MAGIC "MTPOLICY"
#define MT_POLICY_VERSION 1
#define MT_POLICY_HEAD 48
#define MT_POLICY_SLOT 4
#define MT_POLICY_ENTRY 32
#define MT_POLICY_SUM 4
/* A rule's notice_plain and quoted in one byte, and out of it. */
#define MT_POLICY_MORE(plain, quoted) \
	((uint8_t)((unsigned)(plain) | (unsigned)(quoted) << 2))
#define MT_POLICY_MORE_PLAIN(more) ((more)&3u)
#define MT_POLICY_MORE_QUOTED(more) ((more) >> 2)

enum mt_policy_text {
	MT_POLICY_SUBJECT,
	MT_POLICY_NOTICE,
	MT_POLICY_URL,
	MT_POLICY_TEXTS
};

struct mt_policy_entry {
	uint32_t hash;
	uint8_t scope; /* 0: a consent */
	uint8_t kind;
	uint8_t mode;
	uint8_t more; /* a consent's state; a rule's MT_POLICY_MORE */
	uint32_t off[MT_POLICY_TEXTS];
	uint32_t len[MT_POLICY_TEXTS];
};

uint32_t mt_policy_hash(uint64_t seed, unsigned scope, struct mt_str subject);
/*
 * Append an address, login or @domain as snapshots hold it; false and nothing
 * when it is empty or too long.
 */
bool mt_policy_key(struct mt_str text, struct mt_buf *out);

uint32_t mt_policy_get32(const uint8_t *p);
uint64_t mt_policy_get64(const uint8_t *p);
void mt_policy_put32(uint8_t *p, uint32_t v);
void mt_policy_put64(uint8_t *p, uint64_t v);
void mt_policy_entry_get(const uint8_t *p, struct mt_policy_entry *ret_entry);
void mt_policy_entry_put(uint8_t *p, const struct mt_policy_entry *entry);

#endif
