/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The bytes of a segment, <16 hex digits>.seg; numbers are little-endian.
 *
 *     segment  head head record*
 *     head     "MTSPOOL\n" version(4) nonce(16) sum(4)     32 bytes, twice
 *     record   mark(4) length(4) sum(4) payload            12 bytes + payload
 *
 * A head's sum is the CRC-32 of its 28 bytes before. The nonce is random, mark
 * is its first four bytes, and a record's sum is the CRC-32 of nonce, length
 * and payload: so text that a stranger put into an event can never be taken
 * for a record when the event around it is damaged, and an old segment's
 * records never for a new one's. Payloads are encoded events (event/event.h),
 * 1 to MT_MAX_EVENT bytes.
 *
 * A reader that meets anything else looks for the next mark from which on a
 * whole record is valid. Records are appended only, never changed.
 */
#ifndef MT_SPOOL_FORMAT_H
#define MT_SPOOL_FORMAT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/str.h"

#define MT_SEGMENT_VERSION 1
#define MT_SEGMENT_HEAD 64
#define MT_RECORD_HEAD 12
#define MT_NONCE 16

/* What a nonce does to each record of its segment. */
struct mt_seal {
	char mark[4];
	uint32_t sum; /* CRC-32 of the nonce */
};

struct mt_seal mt_seal_of(const unsigned char nonce[MT_NONCE]);
void mt_segment_head_write(
    const unsigned char nonce[MT_NONCE], char out[MT_SEGMENT_HEAD]);
/* MT_FORMAT: damaged, or of a newer version (MT_LIMIT). */
MT_MUST_CHECK enum mt_rc mt_segment_head_read(
    struct mt_str bytes, unsigned char ret_nonce[MT_NONCE], struct mt_err *err);

/* Fill a record's head; the payload of n bytes stands behind it. */
void mt_record_seal(const struct mt_seal *seal, char *record, size_t n);
/* The payload's length as an unsealed head has it. */
size_t mt_record_length(const char *record);
void mt_record_set_length(char *record, size_t n);

enum mt_record_state {
	MT_RECORD_WHOLE,
	MT_RECORD_SHORT, /* could become whole if more bytes followed */
	MT_RECORD_BAD
};

/* Is there a record at the beginning of bytes? */
enum mt_record_state mt_record_look(const struct mt_seal *seal,
    struct mt_str bytes, struct mt_str *ret_payload);

#endif
