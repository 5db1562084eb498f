/* SPDX-License-Identifier: BSD-2-Clause */
#include "hit.h"

#include <string.h>

#include "base/num.h"

/* The variables that matter; everything else is not even looked at. */
enum variable {
	REQUEST_METHOD,
	REQUEST_URI,
	SCRIPT_NAME,
	PATH_INFO,
	REMOTE_ADDR,
	CONTENT_LENGTH,
	HTTP_X_FORWARDED_FOR,
	HTTP_USER_AGENT,
	HTTP_RANGE,
	HTTP_SEC_PURPOSE,
	HTTP_PURPOSE,
	HTTP_X_PURPOSE,
	HTTP_X_MOZ,
	HTTP_SEC_GPC,
	HTTP_DNT,
	VARIABLES
};

#define NAME(text) \
	{ \
		text, sizeof(text) - 1 \
	}

static const struct {
	const char *text;
	size_t n;
} names[VARIABLES] = {
	NAME("REQUEST_METHOD"),
	NAME("REQUEST_URI"),
	NAME("SCRIPT_NAME"),
	NAME("PATH_INFO"),
	NAME("REMOTE_ADDR"),
	NAME("CONTENT_LENGTH"),
	NAME("HTTP_X_FORWARDED_FOR"),
	NAME("HTTP_USER_AGENT"),
	NAME("HTTP_RANGE"),
	NAME("HTTP_SEC_PURPOSE"),
	NAME("HTTP_PURPOSE"),
	NAME("HTTP_X_PURPOSE"),
	NAME("HTTP_X_MOZ"),
	NAME("HTTP_SEC_GPC"),
	NAME("HTTP_DNT"),
};

/* The first of a name counts, as getenv(3) has it. */
static void
read_env(char *const *env, struct mt_str *vars)
{
	const char *equals;
	size_t i, n;

	for (; *env != NULL; env++) {
		if ((equals = strchr(*env, '=')) == NULL)
			continue;
		n = (size_t)(equals - *env);
		for (i = 0; i < VARIABLES; i++)
			if (names[i].n == n && vars[i].p == NULL &&
			    memcmp(*env, names[i].text, n) == 0) {
				vars[i] = mt_str(equals + 1);
				break;
			}
	}
}

static enum pixel_method
read_method(struct mt_str text)
{
	if (mt_str_eqz(text, "GET"))
		return PIXEL_GET;
	if (mt_str_eqz(text, "HEAD"))
		return PIXEL_HEAD;
	return PIXEL_OTHER;
}

/*
 * The path's last segment without ".gif", percent escapes decoded (some
 * clients write '-' and '_' so). Longer ones are no token.
 */
static void
read_token(struct mt_str path, struct pixel_hit *hit)
{
	struct mt_str segment, tail;
	char text[MT_TOKEN_TEXT + 4];
	int high, low;
	size_t i, n = 0;

	(void)mt_str_cut(path, '?', &path, &tail);
	if (!mt_str_cut_last(path, '/', &path, &segment))
		segment = path;
	for (i = 0; i < segment.n; i++) {
		if (n == sizeof(text))
			return;
		text[n] = segment.p[i];
		if (segment.p[i] == '%' && segment.n - i > 2 &&
		    (high = mt_hex_digit(segment.p[i + 1])) >= 0 &&
		    (low = mt_hex_digit(segment.p[i + 2])) >= 0) {
			text[n] = (char)(high << 4 | low);
			i += 2;
		}
		n++;
	}
	if (n == MT_TOKEN_TEXT + 4 &&
	    mt_str_eqz_nocase(mt_str_n(text + MT_TOKEN_TEXT, 4), ".gif"))
		n -= 4;
	if (n != MT_TOKEN_TEXT)
		return;
	memcpy(hit->token, text, n);
	hit->token_n = n;
}

static void
read_agent(struct mt_str text, struct pixel_hit *hit)
{
	size_t i;

	text = mt_str_trim(text);
	hit->agent_n = text.n < PIXEL_AGENT_MAX ? text.n : PIXEL_AGENT_MAX;
	for (i = 0; i < hit->agent_n; i++)
		hit->agent[i] = mt_lower(text.p[i]);
}

/* "prefetch", "prefetch;prerender", "preview", "prerender". */
static bool
says_prefetch(struct mt_str text)
{
	static const char *const words[] = { "prefetch", "preview",
		"prerender" };
	char lower[64];
	size_t i, n = text.n < sizeof(lower) ? text.n : sizeof(lower);

	if (n == 0)
		return false; /* nearly always */
	for (i = 0; i < n; i++)
		lower[i] = mt_lower(text.p[i]);
	for (i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (memmem(lower, n, words[i], strlen(words[i])) != NULL)
			return true;
	return false;
}

static pixel_facts
read_facts(const struct mt_str *vars, enum pixel_method method)
{
	pixel_facts facts = 0;

	if (method == PIXEL_HEAD)
		facts |= PIXEL_FACT(head);
	if (vars[HTTP_RANGE].n > 0)
		facts |= PIXEL_FACT(range);
	if (says_prefetch(vars[HTTP_SEC_PURPOSE]))
		facts |= PIXEL_FACT(sec_purpose);
	if (says_prefetch(vars[HTTP_PURPOSE]) ||
	    says_prefetch(vars[HTTP_X_PURPOSE]) ||
	    says_prefetch(vars[HTTP_X_MOZ]))
		facts |= PIXEL_FACT(purpose);
	if (mt_str_eqz(mt_str_trim(vars[HTTP_SEC_GPC]), "1") ||
	    mt_str_eqz(mt_str_trim(vars[HTTP_DNT]), "1"))
		facts |= PIXEL_FACT(gpc);
	return facts;
}

void
pixel_hit_read(char *const *env, const struct pixel_trust *trust,
    struct pixel_hit *ret_hit)
{
	struct mt_str vars[VARIABLES] = { { NULL, 0 } };

	read_env(env, vars);
	memset(ret_hit, 0, sizeof(*ret_hit));
	ret_hit->method = read_method(vars[REQUEST_METHOD]);
	ret_hit->body = vars[CONTENT_LENGTH].n > 0 &&
	    !mt_str_eqz(vars[CONTENT_LENGTH], "0");
	/* What the client asked for, else what the server made of it. */
	read_token(vars[REQUEST_URI], ret_hit);
	if (ret_hit->token_n == 0)
		read_token(vars[PATH_INFO], ret_hit);
	if (ret_hit->token_n == 0)
		read_token(vars[SCRIPT_NAME], ret_hit);
	ret_hit->client =
	    pixel_client(trust, vars[REMOTE_ADDR], vars[HTTP_X_FORWARDED_FOR]);
	read_agent(vars[HTTP_USER_AGENT], ret_hit);
	ret_hit->facts = read_facts(vars, ret_hit->method);
}
