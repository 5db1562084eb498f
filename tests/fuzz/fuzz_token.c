/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Tokens, marks and key files from strangers. What check accepts, make could
 * have made: it writes the same text again. A token made from the input is
 * accepted, and with any one bit of its text flipped it is not. A key file
 * that is read has exactly one active key.
 */
#include <assert.h>
#include <string.h>

#include "base/mem.h"
#include "token/token.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char ring_text[] =
    "3 2026-11-20T16:41:37Z AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8= "
    "active\n"
    "9 2026-10-01T00:00:00Z /////////////////////////////////////////+8=\n";

static void
check_text(const struct mt_keys *keys, struct mt_str text)
{
	char again[MT_TOKEN_TEXT + 1];
	struct mt_token token;
	bool wrote;

	if (!mt_token_check(keys, text, &token))
		return;
	wrote = mt_token_write(keys, &token, again);
	assert(wrote && mt_str_eqz(text, again));
	assert(token.mode > MT_mode_off && token.mode <= MT_mode_identified);
}

static void
flip_bits(const struct mt_keys *keys, const uint8_t *data, size_t size)
{
	char text[MT_TOKEN_TEXT + 1];
	struct mt_token token = { .mode = MT_mode_anonymous, .key = 3 };
	struct mt_token got;
	size_t bit, n;
	bool good;

	n = size < MT_TOKEN_ID ? size : MT_TOKEN_ID;
	if (n > 0) {
		memcpy(token.id, data, n);
		token.mode = (enum mt_mode)(MT_mode_anonymous + data[0] % 3);
		token.key = (data[0] & 4) != 0 ? 3 : 9;
	}
	good = mt_token_write(keys, &token, text);
	assert(good);
	good = mt_token_check(keys, mt_str(text), &got);
	assert(good && got.mode == token.mode && got.key == token.key &&
	    memcmp(got.id, token.id, MT_TOKEN_ID) == 0);
	for (bit = 0; bit < MT_TOKEN_TEXT * 8; bit++) {
		text[bit / 8] = (char)(text[bit / 8] ^ 1 << bit % 8);
		good =
		    mt_token_check(keys, mt_str_n(text, MT_TOKEN_TEXT), &got);
		assert(!good);
		text[bit / 8] = (char)(text[bit / 8] ^ 1 << bit % 8);
	}
}

static void
check_mark(const struct mt_keys *keys, struct mt_str text)
{
	char hex[MT_TOKEN_HEX + 1] = "";
	char value[MT_MARK_TEXT + 1];
	struct mt_token token = { .mode = MT_mode_identified };
	bool good;

	if (mt_mark_check(keys, MT_LIT("m@example.org"), text, hex))
		assert(text.n == MT_MARK_TEXT &&
		    memcmp(text.p, hex, MT_TOKEN_HEX) == 0);
	/* The input as Message-ID: a mark of it holds, and for it alone. */
	mt_mark_make(keys, &token, text, value);
	good = mt_mark_check(keys, text, mt_str(value), NULL);
	assert(good);
	value[MT_MARK_TEXT - 1] = (char)(value[MT_MARK_TEXT - 1] ^ 1);
	good = mt_mark_check(keys, text, mt_str(value), NULL);
	assert(!good);
}

static void
check_ring(struct mt_str text)
{
	struct mt_keys *keys;
	struct mt_err err;
	size_t i, active = 0;

	if (mt_keys_parse("fuzz", text, &keys, &err) != MT_OK) {
		assert(
		    err.rc == MT_CONFIG && strncmp(err.msg, "fuzz:", 5) == 0);
		return;
	}
	for (i = 0; i < mt_keys_n(keys); i++) {
		struct mt_key_info info = mt_keys_at(keys, i);

		active += info.active;
		assert(
		    i == 0 || info.created >= mt_keys_at(keys, i - 1).created);
		assert(!info.active || info.retired == 0);
	}
	assert(active == 1);
	mt_keys_unref(keys);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct mt_str text = mt_str_n((const char *)data, size);
	struct mt_keys *keys;
	struct mt_err err;

	if (mt_keys_parse("ring", mt_str(ring_text), &keys, &err) != MT_OK)
		return 1;
	check_text(keys, text);
	flip_bits(keys, data, size);
	check_mark(keys, text);
	check_ring(text);
	mt_keys_unref(keys);
	return 0;
}
