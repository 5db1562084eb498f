/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>

#include "base/limits.h"
#include "base/sum.h"
#include "spool/format.h"

#define HEAD (MT_SEGMENT_HEAD / 2)
#define HEAD_SUM (HEAD - 4)

static const char magic[8] = { 'M', 'T', 'S', 'P', 'O', 'O', 'L', '\n' };

static void
put_u32(char *p, uint32_t n)
{
	p[0] = (char)(n & 0xff);
	p[1] = (char)(n >> 8 & 0xff);
	p[2] = (char)(n >> 16 & 0xff);
	p[3] = (char)(n >> 24);
}

static uint32_t
get_u32(const char *p)
{
	return (uint32_t)(unsigned char)p[0] |
	    (uint32_t)(unsigned char)p[1] << 8 |
	    (uint32_t)(unsigned char)p[2] << 16 |
	    (uint32_t)(unsigned char)p[3] << 24;
}

struct mt_seal
mt_seal_of(const unsigned char nonce[MT_NONCE])
{
	struct mt_seal seal;

	memcpy(seal.mark, nonce, sizeof(seal.mark));
	seal.sum = mt_sum(0, nonce, MT_NONCE);
	return seal;
}

void
mt_segment_head_write(
    const unsigned char nonce[MT_NONCE], char out[MT_SEGMENT_HEAD])
{
	memcpy(out, magic, sizeof(magic));
	put_u32(out + 8, MT_SEGMENT_VERSION);
	memcpy(out + 12, nonce, MT_NONCE);
	put_u32(out + HEAD_SUM, mt_sum(0, out, HEAD_SUM));
	memcpy(out + HEAD, out, HEAD);
}

enum mt_rc
mt_segment_head_read(
    struct mt_str bytes, unsigned char ret_nonce[MT_NONCE], struct mt_err *err)
{
	const char *p;
	uint32_t version;

	for (p = bytes.p; bytes.n >= HEAD; p += HEAD, bytes.n -= HEAD) {
		if (memcmp(p, magic, sizeof(magic)) != 0 ||
		    get_u32(p + HEAD_SUM) != mt_sum(0, p, HEAD_SUM))
			continue;
		version = get_u32(p + 8);
		if (version > MT_SEGMENT_VERSION)
			return mt_fail(err, MT_LIMIT,
			    "version %u is newer than ours (%d)",
			    (unsigned)version, MT_SEGMENT_VERSION);
		memcpy(ret_nonce, p + 12, MT_NONCE);
		return MT_OK;
	}
	return mt_fail(err, MT_FORMAT, "no valid segment head");
}

static uint32_t
record_sum(const struct mt_seal *seal, const char *record, size_t n)
{
	uint32_t sum = mt_sum(seal->sum, record + 4, 4);

	return mt_sum(sum, record + MT_RECORD_HEAD, n);
}

void
mt_record_seal(const struct mt_seal *seal, char *record, size_t n)
{
	memcpy(record, seal->mark, sizeof(seal->mark));
	mt_record_set_length(record, n);
	put_u32(record + 8, record_sum(seal, record, n));
}

size_t
mt_record_length(const char *record)
{
	return get_u32(record + 4);
}

void
mt_record_set_length(char *record, size_t n)
{
	put_u32(record + 4, (uint32_t)n);
}

enum mt_record_state
mt_record_look(
    const struct mt_seal *seal, struct mt_str bytes, struct mt_str *ret_payload)
{
	size_t n, m = bytes.n < 4 ? bytes.n : 4;

	if (m > 0 && memcmp(bytes.p, seal->mark, m) != 0)
		return MT_RECORD_BAD;
	if (bytes.n < MT_RECORD_HEAD)
		return MT_RECORD_SHORT;
	n = mt_record_length(bytes.p);
	if (n == 0 || n > MT_MAX_EVENT)
		return MT_RECORD_BAD;
	if (bytes.n - MT_RECORD_HEAD < n)
		return MT_RECORD_SHORT;
	if (get_u32(bytes.p + 8) != record_sum(seal, bytes.p, n))
		return MT_RECORD_BAD;
	*ret_payload = mt_str_n(bytes.p + MT_RECORD_HEAD, n);
	return MT_RECORD_WHOLE;
}
