/* SPDX-License-Identifier: BSD-2-Clause */
#include "token/text64.h"

static const char *const alphabets[] = {
	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/",
	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_",
};

size_t
mt_text64_len(enum mt_text64 form, size_t n)
{
	if (form == MT_TEXT64_PLAIN)
		return (n + 2) / 3 * 4;
	return (n * 8 + 5) / 6;
}

void
mt_text64_write(enum mt_text64 form, const uint8_t *p, size_t n, char *out)
{
	const char *alphabet = alphabets[form];
	size_t len = mt_text64_len(form, n);
	unsigned held = 0, bits = 0;
	size_t at = 0, i;

	for (i = 0; i < n; i++) {
		held = held << 8 | p[i];
		for (bits += 8; bits >= 6; bits -= 6)
			out[at++] = alphabet[held >> (bits - 6) & 63];
	}
	if (bits > 0)
		out[at++] = alphabet[held << (6 - bits) & 63];
	while (at < len)
		out[at++] = '=';
	out[at] = '\0';
}

static int
digit(enum mt_text64 form, char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	if (c == alphabets[form][62])
		return 62;
	if (c == alphabets[form][63])
		return 63;
	return -1;
}

bool
mt_text64_read(enum mt_text64 form, struct mt_str text, uint8_t *out, size_t n)
{
	size_t digits = mt_text64_len(MT_TEXT64_URL, n);
	unsigned held = 0, bits = 0;
	size_t at = 0, i;
	int d;

	if (text.n != mt_text64_len(form, n))
		return false;
	for (i = 0; i < digits; i++) {
		if ((d = digit(form, text.p[i])) < 0)
			return false;
		held = (held << 6 | (unsigned)d) & 0xffff;
		bits += 6;
		if (bits >= 8) {
			bits -= 8;
			out[at++] = (uint8_t)(held >> bits);
		}
	}
	for (; i < text.n; i++)
		if (text.p[i] != '=')
			return false;
	return (held & ((1u << bits) - 1)) == 0;
}
