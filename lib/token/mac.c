/* SPDX-License-Identifier: BSD-2-Clause */
#include <assert.h>

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/rand.h>

#include "base/mem.h"
#include "token/mac.h"
#include "token/random.h"

struct mt_mac {
	EVP_MAC_CTX *keyed; /* copied for every sum, never changed */
};

struct mt_mac *
mt_mac_new(const uint8_t *key)
{
	char digest[] = "SHA256";
	OSSL_PARAM params[2];
	struct mt_mac *mac;
	EVP_MAC *hmac;
	int done;

	params[0] =
	    OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0);
	params[1] = OSSL_PARAM_construct_end();
	mac = mt_alloc(sizeof(*mac));
	hmac = EVP_MAC_fetch(NULL, "HMAC", NULL);
	assert(hmac != NULL);
	mac->keyed = EVP_MAC_CTX_new(hmac);
	EVP_MAC_free(hmac);
	assert(mac->keyed != NULL);
	done = EVP_MAC_init(mac->keyed, key, MT_MAC_KEY, params);
	assert(done == 1);
	return mac;
}

void
mt_mac_free(struct mt_mac *mac)
{
	if (mac == NULL)
		return;
	EVP_MAC_CTX_free(mac->keyed);
	mt_free(mac);
}

void
mt_mac_sum(const struct mt_mac *mac, const struct mt_str *parts, size_t n,
    uint8_t *out)
{
	EVP_MAC_CTX *sum = EVP_MAC_CTX_dup(mac->keyed);
	size_t i, len = 0;
	int done;

	/* These fail for want of memory only, which aborts everywhere. */
	assert(sum != NULL);
	for (i = 0; i < n; i++) {
		if (parts[i].n == 0)
			continue;
		done = EVP_MAC_update(
		    sum, (const unsigned char *)parts[i].p, parts[i].n);
		assert(done == 1);
	}
	done = EVP_MAC_final(sum, out, &len, MT_MAC_SUM);
	assert(done == 1 && len == MT_MAC_SUM);
	EVP_MAC_CTX_free(sum);
}

bool
mt_mac_eq(const void *a, const void *b, size_t n)
{
	return CRYPTO_memcmp(a, b, n) == 0;
}

enum mt_rc
mt_random(void *p, size_t n, struct mt_err *err)
{
	if (RAND_bytes(p, (int)n) != 1)
		return mt_fail(err, MT_SYSTEM, "no random bytes: %s",
		    ERR_reason_error_string(ERR_get_error()));
	return MT_OK;
}
