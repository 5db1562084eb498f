/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A segment damaged at will. The input's first byte says how many records are
 * written; then come orders of four bytes (what, where, where, how) that flip,
 * cut, zero or insert; then the reader reads until it says that there is
 * nothing more. Property: it comes to an end; offsets only grow; whatever it
 * returns has, counted anew from the file's bytes, the segment's own mark, a
 * length within bounds and the right sum; and all records before the first
 * damage are returned.
 *
 * With a first byte of 0xff the input is the whole file instead.
 */
#include <sys/mman.h>

#include <assert.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/limits.h"
#include "base/sum.h"
#include "spool/reader.h"

#define FILE_MAX (1u << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static const unsigned char nonce[MT_NONCE] = { 0xf8, 0x4d, 0x54, 0x01, 9, 9, 9,
	9, 8, 8, 8, 8, 7, 7, 7, 7 };

static void
write_segment(struct mt_buf *file, size_t records)
{
	struct mt_seal seal = mt_seal_of(nonce);
	char head[MT_SEGMENT_HEAD], record[MT_RECORD_HEAD + 256];
	size_t i, length;

	mt_segment_head_write(nonce, head);
	mt_buf_add(file, head, sizeof(head));
	for (i = 0; i < records; i++) {
		length = 1 + i * 37 % 200;
		memset(record, (int)i, sizeof(record));
		/* Text inside a record that looks like another record. */
		if (length > 40)
			memcpy(record + MT_RECORD_HEAD + 8, nonce, MT_NONCE);
		mt_record_seal(&seal, record, length);
		mt_buf_add(file, record, MT_RECORD_HEAD + length);
	}
}

/* Returns the offset of the first byte that changed. */
static size_t
damage(struct mt_buf *file, const uint8_t order[4])
{
	size_t at = (size_t)order[1] << 8 | order[2];
	size_t how = order[3];

	if (at >= file->n)
		return file->n;
	switch (order[0] % 4) {
	case 0:
		file->p[at] = (char)(file->p[at] ^ (char)(how | 1));
		break;
	case 1:
		file->n = at;
		break;
	case 2:
		how = how > file->n - at ? file->n - at : how;
		memset(file->p + at, 0, how);
		break;
	default:
		if (!mt_buf_reserve(file, how))
			return at;
		memmove(file->p + at + how, file->p + at, file->n - at);
		memset(file->p + at, nonce[0], how);
		file->n += how;
	}
	return at;
}

static void
check_record(const struct mt_buf *file, const struct mt_record *r)
{
	unsigned char n[4];
	const char *p;
	uint32_t sum;

	assert(r->next == r->at + MT_RECORD_HEAD + r->payload.n);
	assert(r->next <= file->n);
	assert(r->payload.n > 0 && r->payload.n <= MT_MAX_EVENT);
	p = file->p + r->at;
	assert(memcmp(p + MT_RECORD_HEAD, r->payload.p, r->payload.n) == 0);
	assert(memcmp(p, nonce, 4) == 0);
	n[0] = (unsigned char)(r->payload.n & 0xff);
	n[1] = (unsigned char)(r->payload.n >> 8);
	n[2] = n[3] = 0;
	assert(memcmp(p + 4, n, 4) == 0);
	sum = mt_sum(0, nonce, MT_NONCE);
	sum = mt_sum(sum, n, 4);
	sum = mt_sum(sum, r->payload.p, r->payload.n);
	n[0] = (unsigned char)(sum & 0xff);
	n[1] = (unsigned char)(sum >> 8 & 0xff);
	n[2] = (unsigned char)(sum >> 16 & 0xff);
	n[3] = (unsigned char)(sum >> 24);
	assert(memcmp(p + 8, n, 4) == 0);
}

/* Reads all; returns how far the bytes were whole from the beginning. */
static size_t
read_back(const struct mt_buf *file)
{
	struct mt_reader *reader;
	struct mt_record r;
	struct mt_err err;
	uint64_t at = MT_SEGMENT_HEAD, whole = MT_SEGMENT_HEAD;
	int fd = memfd_create("segment", MFD_CLOEXEC);

	assert(fd >= 0);
	assert(write(fd, file->p, file->n) == (ssize_t)file->n);
	if (mt_reader_take(fd, 0, &reader, &err) != MT_OK)
		return 0;
	if (memcmp(mt_reader_nonce(reader), nonce, MT_NONCE) != 0) {
		mt_reader_close(reader);
		return 0;
	}
	while (mt_reader_next(reader, &r, &err) == MT_OK) {
		assert(r.at == at + r.skipped);
		check_record(file, &r);
		if (r.at == whole)
			whole = r.next;
		at = r.next;
	}
	assert(err.rc == MT_ABSENT);
	assert(mt_reader_next(reader, &r, &err) == MT_ABSENT);
	assert(mt_reader_at(reader) == at);
	mt_reader_close(reader);
	return whole;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct mt_buf file;
	size_t first, at, whole;

	if (n == 0)
		return 0;
	mt_buf_init(&file, FILE_MAX);
	if (data[0] == 0xff) {
		mt_buf_add(&file, data + 1, n - 1);
		(void)read_back(&file);
		mt_buf_done(&file);
		return 0;
	}
	write_segment(&file, data[0]);
	first = file.n;
	for (data++, n--; n >= 4; data += 4, n -= 4) {
		at = damage(&file, data);
		first = at < first ? at : first;
	}
	whole = read_back(&file);
	/* All but the record that the first damage hit. */
	if (first >= MT_SEGMENT_HEAD)
		assert(whole + MT_RECORD_HEAD + 256 >= first);
	mt_buf_done(&file);
	return 0;
}
