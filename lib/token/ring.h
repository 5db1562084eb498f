/* SPDX-License-Identifier: BSD-2-Clause */
/* The inside of a key ring, for this room only. */
#ifndef MT_TOKEN_RING_H
#define MT_TOKEN_RING_H

#include <stdatomic.h>
#include <sys/stat.h>

#include "token/keys.h"
#include "token/mac.h"

struct mt_key {
	struct mt_key_info info;
	uint8_t secret[MT_MAC_KEY];
	struct mt_mac *mac;
};

struct mt_keys {
	atomic_uint refs;
	char *path; /* owned */
	struct stat seen; /* of the file, when it was read */
	struct mt_key keys[MT_KEYS_MAX]; /* in order of creation */
	size_t n;
	const struct mt_key *by_id[MT_KEYS_MAX];
	const struct mt_key *active;
};

/*
 * Open a secret file for reading and refuse it by name when strangers may read
 * or others than its owner write it. MT_ABSENT: there is none.
 */
MT_MUST_CHECK enum mt_rc mt_ring_open(
    const char *path, int *ret_fd, struct stat *ret_stat, struct mt_err *err);
/* Read at most max bytes; MT_CONFIG when the file holds more. */
MT_MUST_CHECK enum mt_rc mt_ring_read(int fd, const char *path, char *out,
    size_t max, size_t *ret_n, struct mt_err *err);

/* n bytes as lower-case hexadecimal digits and NUL. */
void mt_token_hex_of(const uint8_t *p, size_t n, char *out);

#endif
