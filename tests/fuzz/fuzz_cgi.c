/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A CGI environment from strangers, one variable a line. Whatever it says:
 * the answer is one of three, by the method alone; without a token of ours no
 * event comes of it; the verdict is whole, its reasons are known codes; the
 * client is never somebody whom a proxy we do not trust has named.
 */
#include <assert.h>
#include <string.h>

#include "answer.h"
#include "base/mem.h"
#include "hit.h"

#define LINES_MAX 200

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char ring_text[] =
    "3 2026-11-20T16:41:37Z AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8= "
    "active\n";

static const char *
first_of(char *const *env, const char *name)
{
	size_t n = strlen(name);

	for (; *env != NULL; env++)
		if (strncmp(*env, name, n) == 0 && (*env)[n] == '=')
			return *env + n + 1;
	return "";
}

static void
check_answer(char *const *env, const struct pixel_hit *hit)
{
	const char *method = first_of(env, "REQUEST_METHOD");
	struct mt_str text = pixel_answer(hit->method);
	struct mt_str image = pixel_answer(PIXEL_GET);

	if (strcmp(method, "GET") == 0)
		assert(mt_str_eq(text, image));
	else if (strcmp(method, "HEAD") == 0)
		assert(text.n == image.n - PIXEL_GIF_LEN &&
		    memcmp(text.p, image.p, text.n) == 0);
	else
		assert(mt_str_starts(text, "Status: 405 "));
}

static void
check_client(char *const *env, const struct pixel_hit *hit)
{
	struct mt_ip remote;

	if (mt_ip_read(mt_str(first_of(env, "REMOTE_ADDR")), &remote))
		assert(remote.b[0] == 10 || mt_ip_eq(&remote, &hit->client));
	else
		assert(hit->client.family == 0);
}

static void
check_verdict(const struct pixel_hit *hit)
{
	struct pixel_rules *rules = pixel_rules_new();
	struct pixel_verdict verdict;
	const char *at;

	pixel_judge(rules, mt_str_n(hit->agent, hit->agent_n), &hit->client,
	    64500, hit->facts, &verdict);
	assert(verdict.class > 0 && verdict.class < MT_class_end);
	assert(verdict.certainty > 0 && verdict.certainty < MT_certainty_end);
	assert(verdict.agent > 0 && verdict.agent < MT_agent_end);
	for (at = verdict.reasons; *at != '\0'; at++)
		assert(*at == ' ' || *at == '_' || mt_is_alpha(*at));
	pixel_rules_free(rules);
}

static void
check_token(char *const *env, const struct pixel_hit *hit)
{
	char text[MT_TOKEN_TEXT + 1];
	struct mt_keys *keys = NULL;
	struct mt_token token;
	struct mt_err err;
	bool wrote;

	assert(hit->token_n == 0 || hit->token_n == MT_TOKEN_TEXT);
	if (mt_keys_parse("ring", mt_str(ring_text), &keys, &err) != MT_OK)
		return;
	if (mt_token_check(keys, mt_str_n(hit->token, hit->token_n), &token)) {
		/* It was in there, percent escapes aside. */
		wrote = mt_token_write(keys, &token, text);
		assert(wrote);
		text[8] = '\0';
		assert(strchr(first_of(env, "REQUEST_URI"), '%') != NULL ||
		    strstr(first_of(env, "REQUEST_URI"), text) != NULL ||
		    strlen(first_of(env, "PATH_INFO")) >= MT_TOKEN_TEXT ||
		    strlen(first_of(env, "SCRIPT_NAME")) >= MT_TOKEN_TEXT);
	}
	mt_keys_unref(keys);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = mt_str_dup(mt_str_n((const char *)data, size));
	struct pixel_trust *trust = NULL;
	char *env[LINES_MAX + 1];
	struct pixel_hit hit;
	struct mt_err err;
	size_t n = 0, i;
	bool start = true;

	for (i = 0; i < size && n < LINES_MAX; i++) {
		if (start)
			env[n++] = text + i;
		start = text[i] == '\n' || text[i] == '\0';
		if (start)
			text[i] = '\0';
	}
	/* The last line taken ends where the text does. */
	env[n] = NULL;
	if (pixel_trust_read(MT_LIT("10.0.0.0/8"), &trust, &err) == MT_OK) {
		pixel_hit_read(env, trust, &hit);
		check_answer(env, &hit);
		check_client(env, &hit);
		check_verdict(&hit);
		check_token(env, &hit);
	}
	pixel_trust_free(trust);
	mt_free(text);
	return 0;
}
