/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The ring of token keys: at most 16, each with an id (0 to 15) that stands in
 * every token it signs; exactly one is active and signs new tokens, the others
 * verify old ones until retention ends. The file is text, one key a line,
 *
 *     <id> <created, RFC 3339> <base64 of 32 bytes> [active]
 *
 * with '#' comments and empty lines between; nobody but its owner may write
 * it, and strangers may not read it (mode 0640 at most): otherwise it is
 * refused by name. A loaded ring is immutable and counted; it may be shared by
 * threads, and its secrets are wiped with the last reference.
 */
#ifndef MT_TOKEN_KEYS_H
#define MT_TOKEN_KEYS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/str.h"

#define MT_KEYS_MAX 16

struct mt_keys;

struct mt_key_info {
	unsigned id;
	int64_t created; /* µs UTC */
	int64_t retired; /* when the next key was created; 0: not yet */
	bool active;
};

/* MT_CONFIG: missing, unreadable, too open or damaged; "<path>:<line>: …". */
MT_MUST_CHECK enum mt_rc mt_keys_load(
    const char *path, struct mt_keys **ret_keys, struct mt_err *err);
/* The same from text, for tests and the fuzz target. */
MT_MUST_CHECK enum mt_rc mt_keys_parse(const char *path, struct mt_str text,
    struct mt_keys **ret_keys, struct mt_err *err);
struct mt_keys *mt_keys_ref(struct mt_keys *keys);
void mt_keys_unref(struct mt_keys *keys); /* NULL is fine */
/*
 * The file is not the one that was loaded any more: load it again. One
 * stat(2), cheap enough for once in some seconds.
 */
bool mt_keys_stale(const struct mt_keys *keys);
size_t mt_keys_n(const struct mt_keys *keys);
/* Key i in order of creation, without its secret. */
struct mt_key_info mt_keys_at(const struct mt_keys *keys, size_t i);

/*
 * Make a key file with one new, active key, mode 0640, group as the
 * directory's when we may. MT_CONFIG when it exists already.
 */
MT_MUST_CHECK enum mt_rc mt_keys_create(
    const char *path, int64_t now, struct mt_err *err);
/*
 * Add a new key, make it the active one and drop those that were retired
 * before keep_from (their last token is older than that). The file is replaced
 * by rename, owner and mode kept; callers that race wait for each other.
 * MT_LIMIT when all 16 ids are still needed. *ret_dropped may be NULL.
 */
MT_MUST_CHECK enum mt_rc mt_keys_rotate(const char *path, int64_t now,
    int64_t keep_from, unsigned *ret_id, unsigned *ret_dropped,
    struct mt_err *err);

#endif
