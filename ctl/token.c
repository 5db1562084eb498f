/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>
#include <sysexits.h>

#include "base/log.h"
#include "base/mem.h"
#include "ctl.h"
#include "json.h"
#include "token/token.h"
#include "url.h"

static enum mt_rc
load_keys(const struct ctl *c, struct mt_keys **ret_keys, struct mt_err *err)
{
	char *path = mt_str_dup(c->o->token_keys);
	enum mt_rc rc = mt_keys_load(path, ret_keys, err);

	mt_free(path);
	return rc;
}

static void
print_json(const struct mt_token *token, const char *text, struct mt_str base)
{
	json_t *o = json_object();
	char hex[MT_TOKEN_HEX + 1], url[MT_MAX_URL + 64];

	mt_token_hex(token, hex);
	ctl_json_set(o, "token", json_string(text));
	ctl_json_set(o, "id", json_string(hex));
	ctl_json_set(o, "mode", json_string(mt_words_mode[token->mode]));
	ctl_json_set(o, "key", ctl_json_num(token->key));
	ctl_pixel_url(base, text, url, sizeof(url));
	ctl_json_set(o, "url", base.n > 0 ? json_string(url) : json_null());
	ctl_json_print(o, stdout);
}

static enum mt_rc
read_mode(struct ctl *c, const struct ctl_args *a, enum mt_mode *ret_mode,
    struct mt_err *err)
{
	const char *word = ctl_value(a, "mode");
	unsigned mode = MT_mode_anonymous;

	if (word != NULL)
		mode = mt_word_find(mt_words_mode, mt_str(word));
	if (mode <= MT_mode_off)
		return ctl_usage(c, err,
		    "--mode: %s is none of anonymous, pseudonymous, "
		    "identified",
		    mt_quotez(word).s);
	*ret_mode = mode;
	return MT_OK;
}

static enum mt_rc
run_make(struct ctl *c, const struct ctl_args *a, struct mt_err *err)
{
	char text[MT_TOKEN_TEXT + 1], url[MT_MAX_URL + 64];
	struct mt_keys *keys = NULL;
	struct mt_token token;
	enum mt_mode mode;
	enum mt_rc rc;

	if ((rc = read_mode(c, a, &mode, err)) != MT_OK)
		return rc;
	if (ctl_given(a, "url") && c->o->pixel_url.n == 0)
		return mt_fail(
		    err, MT_CONFIG, "--url: the option pixel_url is not set");
	if ((rc = load_keys(c, &keys, err)) != MT_OK)
		return rc;
	rc = mt_token_make(keys, mode, &token, err);
	if (rc == MT_OK && !mt_token_write(keys, &token, text))
		rc = mt_fail(err, MT_CONFIG, "the key of a new token is gone");
	if (rc == MT_OK && ctl_given(a, "json")) {
		print_json(&token, text, c->o->pixel_url);
	} else if (rc == MT_OK && ctl_given(a, "url")) {
		ctl_pixel_url(c->o->pixel_url, text, url, sizeof(url));
		(void)printf("%s\n", url);
	} else if (rc == MT_OK) {
		(void)printf("%s\n", text);
	}
	mt_keys_unref(keys);
	return rc;
}

static enum mt_rc
run_check(struct ctl *c, const struct ctl_args *a, struct mt_err *err)
{
	struct mt_str text = ctl_url_token(mt_str(a->argv[0]));
	char hex[MT_TOKEN_HEX + 1], whole[MT_TOKEN_TEXT + 1];
	struct mt_keys *keys = NULL;
	struct mt_token token;
	enum mt_rc rc;

	if ((rc = load_keys(c, &keys, err)) != MT_OK)
		return rc;
	if (!mt_token_check(keys, text, &token)) {
		rc = mt_fail(err, MT_FORMAT,
		    "%s: not a token that one of our keys signed",
		    mt_quote(text).s);
	} else if (ctl_given(a, "json")) {
		(void)snprintf(whole, sizeof(whole), "%.*s", MT_STR_ARG(text));
		print_json(&token, whole, c->o->pixel_url);
	} else {
		mt_token_hex(&token, hex);
		(void)printf("good id=%s mode=%s key=%u\n", hex,
		    mt_words_mode[token.mode], token.key);
	}
	mt_keys_unref(keys);
	return rc;
}

static const struct ctl_opt make_opts[] = {
	{ "mode", '\0', "MODE",
	    "anonymous (the default), pseudonymous or identified" },
	{ "url", '\0', NULL, "print the pixel's URL" },
	{ "json", '\0', NULL, "print JSON" },
	{ NULL, '\0', NULL, NULL },
};
static const struct ctl_opt check_opts[] = {
	{ "json", '\0', NULL, "print JSON" },
	{ NULL, '\0', NULL, NULL },
};

static const struct ctl_cmd token_make = {
	.name = "make",
	.does = "make a token, for trying the pixel by hand",
	.more = "The token belongs to no message: fetching its pixel is "
		"recorded, but seen in no trail.",
	.opts = make_opts,
	.conf = true,
	.run = run_make,
};
static const struct ctl_cmd token_check = {
	.name = "check",
	.args = "TOKEN | URL",
	.does = "say whether a token is ours, and what it says",
	.opts = check_opts,
	.min = 1,
	.max = 1,
	.conf = true,
	.run = run_check,
};
static const struct ctl_cmd *const subs[] = { &token_make, &token_check, NULL };

const struct ctl_cmd ctl_token = {
	.name = "token",
	.does = "make and check tokens, which stand in pixels' URLs",
	.subs = subs,
};
