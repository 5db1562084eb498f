/* SPDX-License-Identifier: BSD-2-Clause */
/* Fetch the pixel as a mail program would, and look at every byte. */
#include <string.h>

#include <curl/curl.h>

#include "base/limits.h"
#include "base/mem.h"
#include "doctor.h"
#include "prog/version.h"
#include "token/token.h"
#include "url.h"

#define TIMEOUT_MS 10000
#define BODY_MAX 4096
#define HEAD_MAX 16384

/* What facts everywhere agree on: transparent, one pixel, 43 bytes. */
static const unsigned char gif[43] = {
	0x47,
	0x49,
	0x46,
	0x38,
	0x39,
	0x61,
	0x01,
	0x00,
	0x01,
	0x00,
	0x80,
	0x00,
	0x00,
	0xff,
	0xff,
	0xff,
	0x00,
	0x00,
	0x00,
	0x21,
	0xf9,
	0x04,
	0x01,
	0x00,
	0x00,
	0x00,
	0x00,
	0x2c,
	0x00,
	0x00,
	0x00,
	0x00,
	0x01,
	0x00,
	0x01,
	0x00,
	0x00,
	0x02,
	0x02,
	0x44,
	0x01,
	0x00,
	0x3b,
};

struct answer {
	long status;
	struct mt_buf head; /* lower case */
	struct mt_buf body;
};

static size_t
take_body(char *p, size_t size, size_t n, void *arg)
{
	struct answer *a = arg;

	mt_buf_add(&a->body, p, size * n);
	return size * n;
}

static size_t
take_head(char *p, size_t size, size_t n, void *arg)
{
	struct answer *a = arg;
	size_t i;

	for (i = 0; i < size * n; i++)
		mt_buf_c(&a->head, mt_lower(p[i]));
	return size * n;
}

static bool
fetch(const char *url, struct answer *a, struct mt_err *err)
{
	CURL *curl = curl_easy_init();
	char agent[128];
	CURLcode rc;

	mt_buf_init(&a->head, HEAD_MAX);
	mt_buf_init(&a->body, BODY_MAX);
	a->status = 0;
	if (curl == NULL) {
		(void)mt_fail(err, MT_SYSTEM, "libcurl does not start");
		return false;
	}
	(void)snprintf(agent, sizeof(agent), "mailtrail-doctor/%s", mt_version);
	(void)curl_easy_setopt(curl, CURLOPT_URL, url);
	(void)curl_easy_setopt(curl, CURLOPT_USERAGENT, agent);
	(void)curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
	(void)curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, (long)TIMEOUT_MS);
	(void)curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
	(void)curl_easy_setopt(curl, CURLOPT_PROXY, "");
	(void)curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take_body);
	(void)curl_easy_setopt(curl, CURLOPT_WRITEDATA, a);
	(void)curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, take_head);
	(void)curl_easy_setopt(curl, CURLOPT_HEADERDATA, a);
	rc = curl_easy_perform(curl);
	(void)curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &a->status);
	curl_easy_cleanup(curl);
	if (rc != CURLE_OK)
		(void)mt_fail(
		    err, MT_AGAIN, "%s: %s", url, curl_easy_strerror(rc));
	return rc == CURLE_OK;
}

static void
answer_done(struct answer *a)
{
	mt_buf_done(&a->head);
	mt_buf_done(&a->body);
}

static bool
has(const struct answer *a, const char *text)
{
	return memmem(a->head.p, a->head.n, text, strlen(text)) != NULL;
}

static bool
is_gif(const struct answer *a)
{
	return a->body.n == sizeof(gif) &&
	    memcmp(a->body.p, gif, sizeof(gif)) == 0;
}

/* What our samples let a web server say while the pixel is away. */
static bool
is_stand_in(const struct answer *a)
{
	return has(a, "x-mailtrail: away");
}

static void
judge(struct ctl_doctor *d, const struct answer *a, const char *url)
{
	static const struct {
		const char *header;
		const char *remedy;
	} headers[] = {
		{ "content-type: image/gif",
		    "the web server must pass our "
		    "headers on" },
		{ "content-length: 43",
		    "switch compression and filters off "
		    "for this location" },
		{ "cache-control: no-store",
		    "switch expires and caching off "
		    "for this location" },
	};
	bool good = true;
	size_t i;

	if (is_stand_in(a)) {
		ctl_doctor_say(d, CTL_FAIL, "pixel",
		    "start mailtrail-pixel on that host, or see why it does "
		    "not answer; its log says more",
		    "%s: mailtrail-pixel does not answer; the web server does "
		    "in its place, and opens are not recorded",
		    url);
		return;
	}
	if (a->status != 200 || !is_gif(a)) {
		ctl_doctor_say(d, CTL_FAIL, "pixel",
		    "let the location /i/ go to mailtrail-pixel (conf/nginx, "
		    "conf/apache, conf/lighttpd)",
		    "%s: status %ld and %zu bytes, which are not our image",
		    url, a->status, a->body.n);
		return;
	}
	for (i = 0; i < sizeof(headers) / sizeof(headers[0]); i++) {
		if (has(a, headers[i].header))
			continue;
		good = false;
		ctl_doctor_say(d, CTL_FAIL, "pixel", headers[i].remedy,
		    "%s: the answer is without '%s'", url, headers[i].header);
	}
	if (has(a, "set-cookie:")) {
		good = false;
		ctl_doctor_say(d, CTL_FAIL, "pixel",
		    "let the web server set none there",
		    "%s: the answer sets a cookie", url);
	}
	if (good)
		ctl_doctor_say(d, CTL_OK, "pixel", NULL,
		    "%s: 43 bytes, not to be cached", url);
}

/* A token that is none must get the very same answer. */
static void
compare_forged(struct ctl_doctor *d, struct mt_str base)
{
	char text[MT_TOKEN_TEXT + 1], url[MT_MAX_URL + 64];
	struct answer a;
	struct mt_err err;

	memset(text, 'A', MT_TOKEN_TEXT);
	text[MT_TOKEN_TEXT] = '\0';
	ctl_pixel_url(base, text, url, sizeof(url));
	if (!fetch(url, &a, &err))
		ctl_doctor_say(d, CTL_FAIL, "pixel", "see the web server's log",
		    "%s", err.msg);
	else if (a.status != 200 || !is_gif(&a))
		ctl_doctor_say(d, CTL_FAIL, "pixel",
		    "let the web server pass every request of /i/ on, "
		    "whatever the token",
		    "a forged token gets another answer (status %ld, %zu "
		    "bytes): that tells good from bad",
		    a.status, a.body.n);
	else
		ctl_doctor_say(d, CTL_OK, "pixel", NULL,
		    "a forged token gets the same answer");
	answer_done(&a);
}

static bool
make_url(struct ctl_doctor *d, char *url, size_t size, struct mt_err *err)
{
	char *path = mt_str_dup(d->c->o->token_keys);
	char text[MT_TOKEN_TEXT + 1];
	struct mt_keys *keys = NULL;
	struct mt_token token;
	bool good;

	good = mt_keys_load(path, &keys, err) == MT_OK &&
	    mt_token_make(keys, MT_mode_anonymous, &token, err) == MT_OK &&
	    mt_token_write(keys, &token, text);
	if (good)
		ctl_pixel_url(d->c->o->pixel_url, text, url, size);
	mt_keys_unref(keys);
	mt_free(path);
	return good;
}

void
ctl_doctor_pixel(struct ctl_doctor *d)
{
	char url[MT_MAX_URL + 64];
	struct answer a;
	struct mt_err err;

	if (d->c->o->pixel_url.n == 0) {
		ctl_doctor_say(d, CTL_WARN, "pixel",
		    "set pixel_url in mailtrail.conf and milter.conf",
		    "the option pixel_url is not set: nothing can be "
		    "fetched");
		return;
	}
	if (!make_url(d, url, sizeof(url), &err))
		return; /* the step of keys has said why */
	(void)curl_global_init(CURL_GLOBAL_DEFAULT);
	if (fetch(url, &a, &err)) {
		judge(d, &a, url);
		if (!is_stand_in(&a))
			compare_forged(d, d->c->o->pixel_url);
	} else {
		ctl_doctor_say(d, CTL_FAIL, "pixel",
		    "the host must resolve and its web server answer from "
		    "here",
		    "%s", err.msg);
	}
	answer_done(&a);
	curl_global_cleanup();
}
