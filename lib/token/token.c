/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>

#include "base/num.h"
#include "token/random.h"
#include "token/ring.h"
#include "token/text64.h"
#include "token/token.h"

#define RAW_MAC 8 /* bytes of the truncated MAC */
#define RAW_SIGNED (1 + MT_TOKEN_ID)
#define RAW_LEN (RAW_SIGNED + RAW_MAC)
#define MARK_MAC 16 /* hexadecimal digits */

static const char digits[] = "0123456789abcdef";

static uint8_t
first_byte(const struct mt_token *token)
{
	unsigned mode = (unsigned)token->mode - MT_mode_off;

	return (uint8_t)((mode & 3) << 4 | (token->key & 15));
}

static void
sign_token(const struct mt_key *key, const uint8_t *raw, uint8_t *out)
{
	const struct mt_str parts[] = {
		MT_LIT("mailtrail token"),
		{ (const char *)raw, RAW_SIGNED },
	};

	mt_mac_sum(key->mac, parts, 2, out);
}

enum mt_rc
mt_token_make(const struct mt_keys *keys, enum mt_mode mode,
    struct mt_token *ret_token, struct mt_err *err)
{
	struct mt_token token = {
		.mode = mode,
		.key = keys->active->info.id,
	};

	if (mt_random(token.id, sizeof(token.id), err) != MT_OK)
		return err->rc;
	*ret_token = token;
	return MT_OK;
}

bool
mt_token_write(
    const struct mt_keys *keys, const struct mt_token *token, char *out)
{
	const struct mt_key *key = keys->by_id[token->key % MT_KEYS_MAX];
	uint8_t raw[RAW_LEN], sum[MT_MAC_SUM];

	if (key == NULL)
		return false;
	raw[0] = first_byte(token);
	memcpy(raw + 1, token->id, MT_TOKEN_ID);
	sign_token(key, raw, sum);
	memcpy(raw + RAW_SIGNED, sum, RAW_MAC);
	mt_text64_write(MT_TEXT64_URL, raw, RAW_LEN, out);
	return true;
}

bool
mt_token_check(
    const struct mt_keys *keys, struct mt_str text, struct mt_token *ret_token)
{
	uint8_t raw[RAW_LEN], sum[MT_MAC_SUM];
	const struct mt_key *key;
	unsigned mode;

	if (!mt_text64_read(MT_TEXT64_URL, text, raw, RAW_LEN))
		return false;
	if ((key = keys->by_id[raw[0] & 15]) == NULL)
		return false;
	sign_token(key, raw, sum);
	if (!mt_mac_eq(sum, raw + RAW_SIGNED, RAW_MAC))
		return false;
	mode = raw[0] >> 4 & 3;
	if (raw[0] >> 6 != 0 || mode == 0)
		return false; /* a later version's, signed with our key */
	ret_token->mode = (enum mt_mode)(MT_mode_off + mode);
	ret_token->key = key->info.id;
	memcpy(ret_token->id, raw + 1, MT_TOKEN_ID);
	return true;
}

void
mt_token_hex_of(const uint8_t *p, size_t n, char *out)
{
	size_t i;

	for (i = 0; i < n; i++) {
		*out++ = digits[p[i] >> 4];
		*out++ = digits[p[i] & 15];
	}
	*out = '\0';
}

void
mt_token_hex(const struct mt_token *token, char *out)
{
	mt_token_hex_of(token->id, MT_TOKEN_ID, out);
}

static void
sign_mark(const struct mt_key *key, const uint8_t *id, struct mt_str message_id,
    char *out)
{
	const struct mt_str parts[] = {
		MT_LIT("mailtrail mark"),
		{ (const char *)id, MT_TOKEN_ID },
		message_id,
	};
	uint8_t sum[MT_MAC_SUM];

	mt_mac_sum(key->mac, parts, 3, sum);
	mt_token_hex_of(sum, MARK_MAC / 2, out);
}

void
mt_mark_make(const struct mt_keys *keys, const struct mt_token *token,
    struct mt_str message_id, char *out)
{
	mt_token_hex(token, out);
	out[MT_TOKEN_HEX] = '.';
	sign_mark(keys->active, token->id, message_id, out + MT_TOKEN_HEX + 1);
}

/* Lower-case digits only: the form that mt_token_hex writes. */
static int
read_digit(char c)
{
	return c >= 'A' && c <= 'F' ? -1 : mt_hex_digit(c);
}

static bool
read_id(const char *hex, uint8_t *out)
{
	int high, low;
	size_t i;

	for (i = 0; i < MT_TOKEN_ID; i++) {
		high = read_digit(hex[2 * i]);
		low = read_digit(hex[2 * i + 1]);
		if (high < 0 || low < 0)
			return false;
		out[i] = (uint8_t)(high << 4 | low);
	}
	return true;
}

bool
mt_mark_check(const struct mt_keys *keys, struct mt_str message_id,
    struct mt_str value, char *ret_hex)
{
	char sum[MARK_MAC + 1];
	uint8_t id[MT_TOKEN_ID];
	bool good = false;
	size_t i;

	if (value.n != MT_MARK_TEXT || value.p[MT_TOKEN_HEX] != '.' ||
	    !read_id(value.p, id))
		return false;
	for (i = 0; i < keys->n; i++) {
		sign_mark(&keys->keys[i], id, message_id, sum);
		good |= mt_mac_eq(sum, value.p + MT_TOKEN_HEX + 1, MARK_MAC);
	}
	if (good && ret_hex != NULL) {
		memcpy(ret_hex, value.p, MT_TOKEN_HEX);
		ret_hex[MT_TOKEN_HEX] = '\0';
	}
	return good;
}
