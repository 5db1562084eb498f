/* SPDX-License-Identifier: BSD-2-Clause */
#include <inttypes.h>
#include <string.h>

#include "base/clock.h"
#include "base/field.h"
#include "base/num.h"
#include "base/utf8.h"

/* Longest word an ENUM column must hold. */
#define WORD_MAX_LEN 32
/* Texts that may be longer are kept outside of the row. */
#define LONG_TEXT 1999

static const struct {
	const char *name;
	size_t size;
} types[] = {
	[MT_BOOL] = { "yes or no", sizeof(bool) },
	[MT_NUM] = { "number", sizeof(uint64_t) },
	[MT_SIZE] = { "size", sizeof(uint64_t) },
	[MT_DEC] = { "decimal number", sizeof(int64_t) },
	[MT_TIME] = { "time", sizeof(int64_t) },
	[MT_IP] = { "address", sizeof(struct mt_ip) },
	[MT_STR] = { "text", sizeof(struct mt_str) },
	[MT_ENUM] = { "word", sizeof(unsigned) },
};

const char *
mt_type_name(enum mt_type type)
{
	return types[type].name;
}

const void *
mt_field_at(const struct mt_field *f, const void *row)
{
	return (const char *)row + f->off;
}

static enum mt_rc
read_bool(
    const struct mt_field *f, struct mt_str text, bool *ret, struct mt_err *err)
{
	static const char *const words[] = { "no", "yes", "false", "true", "0",
		"1" };
	size_t i;

	for (i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (mt_str_eqz_nocase(text, words[i])) {
			*ret = (i % 2) == 1;
			return MT_OK;
		}
	}
	return mt_fail(err, MT_FORMAT, "%s: neither yes nor no", f->name);
}

static enum mt_rc
read_number(const struct mt_field *f, struct mt_str text, uint64_t *ret,
    struct mt_err *err)
{
	uint64_t n;
	bool good = f->type == MT_SIZE ? mt_num_read_size(text, UINT64_MAX, &n)
				       : mt_num_read(text, UINT64_MAX, &n);

	if (!good)
		return mt_fail(err, MT_FORMAT, "%s: not a %s", f->name,
		    mt_type_name(f->type));
	if (f->max > 0 && n > f->max)
		return mt_fail(
		    err, MT_LIMIT, "%s: larger than %" PRIu64, f->name, f->max);
	*ret = n;
	return MT_OK;
}

static enum mt_rc
read_text(const struct mt_field *f, struct mt_str text, struct mt_str *ret,
    struct mt_err *err)
{
	if (f->max > 0 && text.n > f->max)
		return mt_fail(err, MT_LIMIT,
		    "%s: longer than %" PRIu64 " bytes", f->name, f->max);
	if (!mt_utf8_clean(text))
		return mt_fail(err, MT_FORMAT, "%s: not clean UTF-8", f->name);
	if (text.p == NULL)
		text.p = "";
	*ret = text;
	return MT_OK;
}

enum mt_rc
mt_field_read(
    const struct mt_field *f, struct mt_str text, void *row, struct mt_err *err)
{
	void *at = (char *)row + f->off;
	unsigned word;

	switch (f->type) {
	case MT_BOOL:
		return read_bool(f, text, at, err);
	case MT_NUM:
	case MT_SIZE:
		return read_number(f, text, at, err);
	case MT_DEC:
		if (!mt_num_read_dec(text, at))
			return mt_fail(
			    err, MT_FORMAT, "%s: not a number", f->name);
		return MT_OK;
	case MT_TIME:
		if (!mt_time_read(text, at))
			return mt_fail(
			    err, MT_FORMAT, "%s: not a time", f->name);
		return MT_OK;
	case MT_IP:
		if (!mt_ip_read(text, at))
			return mt_fail(
			    err, MT_FORMAT, "%s: not an address", f->name);
		return MT_OK;
	case MT_STR:
		return read_text(f, text, at, err);
	case MT_ENUM:
		if ((word = mt_word_find(f->words, text)) == 0)
			return mt_fail(
			    err, MT_FORMAT, "%s: unknown word", f->name);
		memcpy(at, &word, sizeof(word));
		return MT_OK;
	}
	return mt_fail(err, MT_FORMAT, "%s: unknown type", f->name);
}

bool
mt_field_absent(const struct mt_field *f, const void *row)
{
	static const unsigned char
	    zero[sizeof(struct mt_ip) + sizeof(struct mt_str)];

	if ((f->flags & (MT_REQ | MT_KEY)) != 0)
		return false;
	if (f->type == MT_STR)
		return ((const struct mt_str *)mt_field_at(f, row))->p == NULL;
	return memcmp(mt_field_at(f, row), zero, types[f->type].size) == 0;
}

void
mt_field_write(const struct mt_field *f, const void *row, struct mt_buf *out)
{
	const void *at = mt_field_at(f, row);
	char text[MT_IP_LEN + MT_TIME_LEN + MT_DEC_LEN];
	unsigned word;
	int64_t n;

	if (mt_field_absent(f, row))
		return;
	switch (f->type) {
	case MT_BOOL:
		mt_buf_z(out, *(const bool *)at ? "yes" : "no");
		break;
	case MT_NUM:
	case MT_SIZE:
		mt_num_write(*(const uint64_t *)at, out);
		break;
	case MT_DEC:
		memcpy(&n, at, sizeof(n));
		mt_buf_add(out, text, mt_num_put_dec(n, text));
		break;
	case MT_TIME:
		memcpy(&n, at, sizeof(n));
		mt_time_write(n, 'T', true, text);
		mt_buf_add(out, text, MT_TIME_LEN);
		break;
	case MT_IP:
		mt_ip_write(at, text);
		mt_buf_z(out, text);
		break;
	case MT_STR:
		mt_buf_str(out, *(const struct mt_str *)at);
		break;
	case MT_ENUM:
		memcpy(&word, at, sizeof(word));
		mt_buf_z(out, f->words[word]);
		break;
	}
}

void
mt_field_sql(const struct mt_field *f, struct mt_buf *out)
{
	switch (f->type) {
	case MT_BOOL:
		mt_buf_z(out, "BOOLEAN");
		break;
	case MT_NUM:
	case MT_SIZE:
		mt_buf_z(out,
		    f->max > 0 && f->max <= UINT32_MAX ? "INT UNSIGNED"
						       : "BIGINT UNSIGNED");
		break;
	case MT_DEC:
		mt_buf_z(out, "DECIMAL(15,3)");
		break;
	case MT_TIME:
		mt_buf_z(out, "DATETIME(6)");
		break;
	case MT_IP:
		mt_buf_printf(out, "VARCHAR(%d)", MT_IP_LEN - 1);
		break;
	case MT_STR:
		/* A row's VARCHARs share 65535 bytes, four a character. */
		if (f->max > LONG_TEXT)
			mt_buf_z(out, "TEXT");
		else
			mt_buf_printf(out, "VARCHAR(%" PRIu64 ")", f->max);
		break;
	case MT_ENUM:
		mt_buf_printf(out, "VARCHAR(%d)", WORD_MAX_LEN);
		break;
	}
}
