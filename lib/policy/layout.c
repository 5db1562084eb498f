/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/limits.h"
#include "mail/address.h"
#include "policy/layout.h"

/*
 * FNV-1a from a seed that strangers do not know, so that nobody can choose
 * addresses that fall into one place.
 */
uint32_t
mt_policy_hash(uint64_t seed, unsigned scope, struct mt_str subject)
{
	const uint64_t prime = UINT64_C(0x100000001b3);
	uint64_t h = seed ^ UINT64_C(0xcbf29ce484222325);
	size_t i;

	h = (h ^ scope) * prime;
	for (i = 0; i < subject.n; i++)
		h = (h ^ (unsigned char)subject.p[i]) * prime;
	h ^= h >> 32;
	h *= UINT64_C(0x9e3779b97f4a7c15);
	return (uint32_t)(h >> 32);
}

static void
add_lower(struct mt_buf *out, struct mt_str s)
{
	size_t i;

	for (i = 0; i < s.n; i++)
		mt_buf_c(out, mt_lower(s.p[i]));
}

bool
mt_policy_key(struct mt_str text, struct mt_buf *out)
{
	size_t before = out->n;

	text = mt_address_strip(text);
	if (text.n == 0 || text.n > MT_MAX_ADDRESS)
		return false;
	if (text.p[0] == '@') {
		mt_buf_c(out, '@');
		mt_domain_key(mt_str_n(text.p + 1, text.n - 1), out);
		return out->n > before + 1;
	}
	if (!mt_address_key(text, out))
		add_lower(out, text); /* a login that is no address */
	return out->n > before;
}

uint32_t
mt_policy_get32(const uint8_t *p)
{
	return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 |
	    (uint32_t)p[3] << 24;
}

uint64_t
mt_policy_get64(const uint8_t *p)
{
	return (uint64_t)mt_policy_get32(p) |
	    (uint64_t)mt_policy_get32(p + 4) << 32;
}

void
mt_policy_put32(uint8_t *p, uint32_t v)
{
	size_t i;

	for (i = 0; i < 4; i++)
		p[i] = (uint8_t)(v >> (8 * i));
}

void
mt_policy_put64(uint8_t *p, uint64_t v)
{
	mt_policy_put32(p, (uint32_t)v);
	mt_policy_put32(p + 4, (uint32_t)(v >> 32));
}

void
mt_policy_entry_get(const uint8_t *p, struct mt_policy_entry *ret_entry)
{
	size_t i;

	ret_entry->hash = mt_policy_get32(p);
	ret_entry->scope = p[4];
	ret_entry->kind = p[5];
	ret_entry->mode = p[6];
	ret_entry->more = p[7];
	for (i = 0; i < MT_POLICY_TEXTS; i++) {
		ret_entry->off[i] = mt_policy_get32(p + 8 + 4 * i);
		ret_entry->len[i] = mt_policy_get32(p + 20 + 4 * i);
	}
}

void
mt_policy_entry_put(uint8_t *p, const struct mt_policy_entry *entry)
{
	size_t i;

	mt_policy_put32(p, entry->hash);
	p[4] = entry->scope;
	p[5] = entry->kind;
	p[6] = entry->mode;
	p[7] = entry->more;
	for (i = 0; i < MT_POLICY_TEXTS; i++) {
		mt_policy_put32(p + 8 + 4 * i, entry->off[i]);
		mt_policy_put32(p + 20 + 4 * i, entry->len[i]);
	}
}
