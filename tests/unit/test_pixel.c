/* SPDX-License-Identifier: BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "answer.h"
#include "base/clock.h"
#include "base/mem.h"
#include "hit.h"
#include "limiter.h"
#include "options.h"
#include "whole.h"

#define TOKEN "IxAREhMUFRYXGBkaGxwdHh_jY-OeECCH7A"
#define N(a) (sizeof(a) / sizeof((a)[0]))
#define CHROME \
	"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 " \
	"(KHTML, like Gecko) Chrome/120.0.0.0 Safari/537.36"
#define WEBKIT \
	"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) " \
	"AppleWebKit/605.1.15 (KHTML, like Gecko)"
#define GMAIL \
	"Mozilla/5.0 (Windows NT 5.1; rv:11.0) Gecko Firefox/11.0 " \
	"(via ggpht.com GoogleImageProxy)"
#define GMAIL_EARLY \
	"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 " \
	"(KHTML, like Gecko) Chrome/42.0.2311.135 Safari/537.36 " \
	"Edge/12.246 Mozilla/5.0"
#define HOME "198.51.100.7"

/* One row per kind of fetch: what is sent, from where, and the verdict. */
static const struct {
	const char *agent, *ip;
	uint32_t asn;
	const char *extra; /* one more variable of the environment */
	const char *class, *certainty, *family, *reasons;
} verdicts[] = {
	/* image proxies of mail services */
	{ GMAIL, "66.249.84.1", 15169, "", "proxied_possible", "certain",
	    "gmail_proxy", "ua_proxy net_google" },
	{ GMAIL, "66.249.84.1", 0, "", "proxied_possible", "probable",
	    "gmail_proxy", "ua_proxy" },
	{ GMAIL_EARLY, "66.249.84.1", 15169, "", "prefetch", "probable",
	    "gmail_proxy", "ua_gmail_early net_google" },
	{ "YahooMailProxy; https://help.yahoo.com/kb/"
	  "yahoo-mail-proxy-SLN28749.html",
	    "98.137.1.1", 36646, "", "proxied_possible", "certain",
	    "yahoo_proxy", "ua_proxy net_yahoo" },
	{ CHROME, "20.1.2.3", 8075, "", "proxied_possible", "probable",
	    "browser", "net_microsoft ua_browser" },
	/* Apple */
	{ "Mozilla/5.0", HOME, 0, "", "prefetch", "probable", "apple_privacy",
	    "ua_exact_mpp" },
	{ " Mozilla/5.0 ", HOME, 0, "", "prefetch", "probable", "apple_privacy",
	    "ua_exact_mpp" },
	{ "Mozilla/5.0 (X11)", HOME, 0, "", "unknown", "probable", "other",
	    "" },
	{ WEBKIT, HOME, 0, "", "prefetch", "probable", "apple_mail",
	    "ua_bare_webkit" },
	{ WEBKIT " Version/17.1 Safari/605.1.15", HOME, 0, "", "human_likely",
	    "probable", "browser", "ua_browser" },
	{ "Mozilla/5.0 (iPhone; CPU iPhone OS 16_5 like Mac OS X) "
	  "AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148",
	    HOME, 0, "", "human_likely", "probable", "mobile", "ua_browser" },
	/* scanners' networks: certain, whatever the agent says */
	{ CHROME, "40.92.0.1", 8075, "", "scanner", "certain", "browser",
	    "net_eop net_microsoft ua_browser" },
	{ CHROME, "40.93.255.254", 0, "", "scanner", "certain", "browser",
	    "net_eop ua_browser" },
	{ CHROME, "40.94.0.0", 0, "", "human_likely", "probable", "browser",
	    "ua_browser" },
	{ CHROME, "40.107.200.1", 0, "", "scanner", "certain", "browser",
	    "net_eop ua_browser" },
	{ CHROME, "52.103.255.255", 0, "", "scanner", "certain", "browser",
	    "net_eop ua_browser" },
	{ CHROME, "52.238.78.88", 0, "", "scanner", "certain", "browser",
	    "net_eop ua_browser" },
	{ CHROME, "52.238.78.89", 0, "", "human_likely", "probable", "browser",
	    "ua_browser" },
	{ CHROME, "104.47.127.255", 0, "", "scanner", "certain", "browser",
	    "net_eop ua_browser" },
	{ CHROME, "104.47.128.0", 0, "", "human_likely", "probable", "browser",
	    "ua_browser" },
	{ CHROME, "2a01:111:f400::1", 0, "", "scanner", "certain", "browser",
	    "net_eop ua_browser" },
	{ CHROME, "2a01:111:f403:9::1", 0, "", "scanner", "certain", "browser",
	    "net_eop ua_browser" },
	{ CHROME, "::ffff:40.92.0.1", 0, "", "scanner", "certain", "browser",
	    "net_eop ua_browser" },
	{ "", "40.92.0.1", 0, "", "scanner", "certain", "none",
	    "net_eop no_ua" },
	{ CHROME, "209.222.82.9", 0, "", "scanner", "certain", "browser",
	    "net_barracuda ua_browser" },
	{ CHROME, "35.157.190.255", 0, "", "scanner", "certain", "browser",
	    "net_barracuda ua_browser" },
	{ CHROME, "35.157.191.0", 0, "", "human_likely", "probable", "browser",
	    "ua_browser" },
	{ CHROME, "18.133.136.100", 0, "", "scanner", "certain", "browser",
	    "net_barracuda ua_browser" },
	/* no agent, or hardly one */
	{ "", HOME, 0, "", "bot", "probable", "none", "no_ua" },
	{ "Mozilla/4", HOME, 0, "", "bot", "probable", "none", "no_ua" },
	/* libraries, crawlers, link expanders: whole words only */
	{ "curl/7.88.1", HOME, 0, "", "bot", "probable", "library",
	    "ua_library" },
	{ "Wget/1.21.3 (linux-gnu)", HOME, 0, "", "bot", "probable", "library",
	    "ua_library" },
	{ "python-requests/2.31.0", HOME, 0, "", "bot", "probable", "library",
	    "ua_library" },
	{ "Go-http-client/2.0", HOME, 0, "", "bot", "probable", "library",
	    "ua_library" },
	{ "okhttp/4.12.0", HOME, 0, "", "bot", "probable", "library",
	    "ua_library" },
	{ "Java/17.0.1", HOME, 0, "", "bot", "probable", "library",
	    "ua_library" },
	{ "SomeJavaScript/1.0", HOME, 0, "", "unknown", "probable", "other",
	    "" },
	{ "Mozilla/5.0 (compatible; Googlebot/2.1; "
	  "+http://www.google.com/bot.html)",
	    HOME, 15169, "", "bot", "probable", "library",
	    "ua_library net_google" },
	{ "Mozilla/5.0 (compatible; bingbot/2.0)", HOME, 0, "", "bot",
	    "probable", "library", "ua_library" },
	{ "My-Bot v1.0 testing", HOME, 0, "", "bot", "probable", "library",
	    "ua_library" },
	{ "Mozilla/5.0 (Linux; Android 11; CUBOT NOTE 20) "
	  "AppleWebKit/537.36 (KHTML, like Gecko) Chrome/119.0 Mobile "
	  "Safari/537.36",
	    HOME, 0, "", "human_likely", "probable", "mobile", "ua_browser" },
	{ "Mozilla/5.0 (Windows NT 10.0) HeadlessChrome/119.0", HOME, 0, "",
	    "bot", "probable", "library", "ua_library" },
	{ "WhatsApp/2.23.20.0 A", HOME, 0, "", "bot", "probable", "library",
	    "ua_library" },
	{ "TelegramBot (like TwitterBot)", HOME, 0, "", "bot", "probable",
	    "library", "ua_library" },
	{ "Mozilla/5.0 (Windows NT 6.1; WOW64) SkypeUriPreview Preview/0.5",
	    HOME, 0, "", "bot", "probable", "library", "ua_library" },
	{ "Microsoft Office Existence Discovery", HOME, 0, "", "bot",
	    "probable", "library", "ua_library" },
	/* vendors' names prove nothing */
	{ CHROME " Zscaler/1.0", HOME, 0, "", "human_likely", "probable",
	    "browser", "ua_browser" },
	/* mail programs and browsers */
	{ "Mozilla/4.0 (compatible; ms-office; MSOffice 16)", HOME, 0, "",
	    "human_likely", "probable", "outlook", "ua_mail" },
	{ "Microsoft Office/16.0 (Windows NT 10.0; "
	  "Microsoft Outlook 16.0.5; Pro)",
	    HOME, 0, "", "human_likely", "probable", "outlook", "ua_mail" },
	{ "Mozilla/5.0 (X11; Linux x86_64; rv:115.0) Gecko/20100101 "
	  "Thunderbird/115.0",
	    HOME, 0, "", "human_likely", "probable", "thunderbird", "ua_mail" },
	{ "Mozilla/5.0 (X11; Linux x86_64; rv:120.0) Gecko/20100101 "
	  "Firefox/120.0",
	    HOME, 0, "", "human_likely", "probable", "browser", "ua_browser" },
	{ CHROME, HOME, 0, "", "human_likely", "probable", "browser",
	    "ua_browser" },
	{ CHROME, "", 0, "", "human_likely", "probable", "browser",
	    "ua_browser" },
	{ "Mozilla/5.0 (iPad; CPU OS 17_0 like Mac OS X) Version/17.0 "
	  "Safari/604.1",
	    HOME, 0, "", "human_likely", "probable", "mobile", "ua_browser" },
	/* what the request says */
	{ CHROME, HOME, 0, "REQUEST_METHOD=HEAD", "bot", "certain", "browser",
	    "head ua_browser" },
	{ CHROME, "40.92.0.1", 0, "REQUEST_METHOD=HEAD", "scanner", "certain",
	    "browser", "net_eop head ua_browser" },
	{ "curl/7.88.1", HOME, 0, "REQUEST_METHOD=HEAD", "bot", "certain",
	    "library", "head ua_library" },
	{ CHROME, HOME, 0, "HTTP_RANGE=bytes=0-0", "bot", "probable", "browser",
	    "range ua_browser" },
	{ "curl/7.88.1", HOME, 0, "HTTP_RANGE=bytes=0-0", "bot", "certain",
	    "library", "range ua_library" },
	{ CHROME, HOME, 0, "HTTP_SEC_PURPOSE=prefetch;prerender", "prefetch",
	    "certain", "browser", "sec_purpose ua_browser" },
	{ CHROME, HOME, 0, "HTTP_PURPOSE=Prefetch", "prefetch", "probable",
	    "browser", "purpose ua_browser" },
	{ CHROME, HOME, 0, "HTTP_X_PURPOSE=preview", "prefetch", "probable",
	    "browser", "purpose ua_browser" },
	{ CHROME, HOME, 0, "HTTP_X_MOZ=prefetch", "prefetch", "probable",
	    "browser", "purpose ua_browser" },
	{ CHROME, HOME, 0, "HTTP_X_MOZ=livebookmarks", "human_likely",
	    "probable", "browser", "ua_browser" },
	{ "Mozilla/5.0", HOME, 0, "HTTP_PURPOSE=prefetch", "prefetch",
	    "certain", "apple_privacy", "purpose ua_exact_mpp" },
	{ CHROME, HOME, 0, "HTTP_SEC_GPC=1", "human_likely", "probable",
	    "browser", "ua_browser gpc" },
	{ CHROME, HOME, 0, "HTTP_DNT=1", "human_likely", "probable", "browser",
	    "ua_browser gpc" },
	{ CHROME, HOME, 0, "HTTP_DNT=0", "human_likely", "probable", "browser",
	    "ua_browser" },
	{ "Mozilla/5.0 (X11)", HOME, 0, "HTTP_SEC_GPC=1", "unknown", "probable",
	    "other", "gpc" },
};

static void
every_kind_of_fetch_has_its_verdict(void **state)
{
	struct pixel_rules *rules = pixel_rules_new();
	struct pixel_verdict verdict;
	struct pixel_hit hit;
	char agent[600], remote[80], extra[80];
	char *env[5];
	size_t i;

	(void)state;
	for (i = 0; i < N(verdicts); i++) {
		(void)snprintf(agent, sizeof(agent), "HTTP_USER_AGENT=%s",
		    verdicts[i].agent);
		(void)snprintf(
		    remote, sizeof(remote), "REMOTE_ADDR=%s", verdicts[i].ip);
		(void)snprintf(extra, sizeof(extra), "%s", verdicts[i].extra);
		env[0] = extra;
		env[1] = agent;
		env[2] = remote;
		env[3] = mt_unconst("REQUEST_METHOD=GET");
		env[4] = NULL;
		pixel_hit_read(env, NULL, &hit);
		pixel_judge(rules, mt_str_n(hit.agent, hit.agent_n),
		    &hit.client, verdicts[i].asn, hit.facts, &verdict);
		assert_string_equal(verdict.reasons, verdicts[i].reasons);
		assert_string_equal(
		    mt_words_class[verdict.class], verdicts[i].class);
		assert_string_equal(mt_words_certainty[verdict.certainty],
		    verdicts[i].certainty);
		assert_string_equal(
		    mt_words_agent[verdict.agent], verdicts[i].family);
	}
	pixel_rules_free(rules);
}

static void
all_reasons_together_fit(void **state)
{
	struct pixel_rules *rules = pixel_rules_new();
	struct pixel_verdict verdict;
	struct mt_ip ip = { .family = 0 };

	(void)state;
	pixel_judge(rules, mt_str(""), &ip, 0, UINT32_MAX, &verdict);
	assert_true(strlen(verdict.reasons) > 150);
	assert_string_equal(
	    verdict.reasons + strlen(verdict.reasons) - 3, "gpc");
	pixel_rules_free(rules);
}

static void
the_answer_is_always_the_same(void **state)
{
	static const uint8_t gif[] = { 0x47, 0x49, 0x46, 0x38, 0x39, 0x61, 0x01,
		0x00, 0x01, 0x00, 0x80, 0x00, 0x00, 0xff, 0xff, 0xff, 0x00,
		0x00, 0x00, 0x21, 0xf9, 0x04, 0x01, 0x00, 0x00, 0x00, 0x00,
		0x2c, 0x00, 0x00, 0x00, 0x00, 0x01, 0x00, 0x01, 0x00, 0x00,
		0x02, 0x02, 0x44, 0x01, 0x00, 0x3b };
	static const char head[] =
	    "Status: 200 OK\r\n"
	    "Content-Type: image/gif\r\n"
	    "Content-Length: 43\r\n"
	    "Cache-Control: no-store, no-cache, must-revalidate, max-age=0, "
	    "private\r\n"
	    "Pragma: no-cache\r\n"
	    "X-Content-Type-Options: nosniff\r\n"
	    "Cross-Origin-Resource-Policy: cross-origin\r\n"
	    "Referrer-Policy: no-referrer\r\n"
	    "X-Robots-Tag: noindex\r\n\r\n";
	struct mt_str text = pixel_answer(PIXEL_GET);

	(void)state;
	assert_int_equal(text.n, strlen(head) + sizeof(gif));
	assert_memory_equal(text.p, head, strlen(head));
	assert_memory_equal(text.p + strlen(head), gif, sizeof(gif));
	assert_true(mt_str_eqz(pixel_answer(PIXEL_HEAD), head));
	assert_true(mt_str_eqz(pixel_answer(PIXEL_OTHER),
	    "Status: 405 Method Not Allowed\r\nAllow: GET, HEAD\r\n"
	    "Content-Length: 0\r\n\r\n"));
}

static void
tokens_are_found_in_paths(void **state)
{
	static const struct {
		const char *variable;
		bool found;
	} cases[] = {
		{ "REQUEST_URI=/i/" TOKEN ".gif", true },
		{ "REQUEST_URI=/i/" TOKEN, true },
		{ "REQUEST_URI=/i/" TOKEN ".GIF", true },
		{ "REQUEST_URI=/i/" TOKEN ".gif?utm=1/2", true },
		{ "REQUEST_URI=" TOKEN ".gif", true },
		{ "REQUEST_URI=http://t.example/a/b/" TOKEN ".gif", true },
		{ "REQUEST_URI=/i/IxAREhMUFRYXGBkaGxwdHh%5FjY%2dOeECCH7A.gif",
		    true },
		{ "PATH_INFO=/" TOKEN ".gif", true },
		{ "SCRIPT_NAME=/i/" TOKEN ".gif", true },
		{ "REQUEST_URI=/i/" TOKEN ".png", false },
		{ "REQUEST_URI=/i/" TOKEN ".gif/", false },
		{ "REQUEST_URI=/i/" TOKEN "A.gif", false },
		{ "REQUEST_URI=/i/" TOKEN "%2egif%2e", false },
		{ "REQUEST_URI=/?" TOKEN ".gif", false },
		{ "REQUEST_URI=/i/%", false },
		{ "REQUEST_URI=", false },
		{ "QUERY_STRING=" TOKEN, false },
		{ "REQUEST_URI", false },
	};
	struct pixel_hit hit;
	char *env[2] = { NULL, NULL };
	size_t i;

	(void)state;
	for (i = 0; i < N(cases); i++) {
		env[0] = mt_unconst(cases[i].variable);
		pixel_hit_read(env, NULL, &hit);
		assert_int_equal(hit.token_n, cases[i].found ? 34 : 0);
		if (cases[i].found)
			assert_memory_equal(hit.token, TOKEN, 34);
		assert_int_equal(hit.method, PIXEL_OTHER);
	}
}

static void
clients_are_believed_no_further_than_proxies(void **state)
{
#define PROXIES "10.0.0.0/8 2001:db8:ffff::/48 192.0.2.1"
	static const struct {
		const char *proxies, *remote, *forwarded, *client;
	} cases[] = {
		{ NULL, HOME, NULL, HOME },
		{ NULL, HOME, "203.0.113.9", HOME },
		{ PROXIES, HOME, "203.0.113.9", HOME },
		{ PROXIES, "10.1.1.1", "203.0.113.9", "203.0.113.9" },
		{ PROXIES, "10.1.1.1", "1.2.3.4, 203.0.113.9", "203.0.113.9" },
		{ PROXIES, "10.1.1.1", "1.2.3.4, 203.0.113.9, 192.0.2.1",
		    "203.0.113.9" },
		{ PROXIES, "10.1.1.1", "203.0.113.9:4711", "203.0.113.9" },
		{ PROXIES, "10.1.1.1", "[2001:db8::9]:4711", "2001:db8::9" },
		{ PROXIES, "10.1.1.1", "[2001:db8::9]", "2001:db8::9" },
		{ PROXIES, "10.1.1.1", "2001:db8::9", "2001:db8::9" },
		{ PROXIES, "2001:db8:ffff::1", " 203.0.113.9 ", "203.0.113.9" },
		{ PROXIES, "10.1.1.1", NULL, "10.1.1.1" },
		{ PROXIES, "10.1.1.1", "10.2.2.2, 10.3.3.3", "10.2.2.2" },
		{ PROXIES, "10.1.1.1", "203.0.113.9, unknown", "" },
		{ PROXIES, "10.1.1.1", "203.0.113.9,", "" },
		{ PROXIES, "10.1.1.1", "[::1", "" },
		{ PROXIES, "unix:", "203.0.113.9", "" },
		{ "unix: 10.0.0.0/8", "unix:", "203.0.113.9, 10.0.0.1",
		    "203.0.113.9" },
		{ "unix:", "unix:", NULL, "" },
		{ NULL, "garbage", "203.0.113.9", "" },
		{ NULL, NULL, NULL, "" },
	};
	struct pixel_trust *trust = NULL;
	struct mt_ip ip, want;
	struct mt_err err;
	size_t i;

	(void)state;
	for (i = 0; i < N(cases); i++) {
		assert_int_equal(
		    pixel_trust_read(mt_str(cases[i].proxies), &trust, &err),
		    MT_OK);
		want = (struct mt_ip){ .family = 0 };
		if (cases[i].client[0] != '\0')
			assert_true(mt_ip_read(mt_str(cases[i].client), &want));
		ip = pixel_client(
		    trust, mt_str(cases[i].remote), mt_str(cases[i].forwarded));
		assert_true(mt_ip_eq(&ip, &want));
		pixel_trust_free(trust);
	}
}

static void
networks_have_budgets_in_bounded_memory(void **state)
{
	struct pixel_limiter *limiter;
	struct mt_err err;
	struct mt_ip a, b;
	int64_t now = 5 * MT_SECOND;
	unsigned i, n;

	(void)state;
	assert_true(mt_ip_read(MT_LIT("192.0.2.1"), &a));
	assert_true(mt_ip_read(MT_LIT("198.51.100.1"), &b));
	assert_int_equal(pixel_limiter_new(60, 64, &limiter, &err), MT_OK);
	for (n = 0; pixel_limiter_take(limiter, &a, now); n++)
		;
	assert_int_equal(n, 60);
	a.b[3] = 77; /* the same network */
	assert_false(pixel_limiter_take(limiter, &a, now));
	assert_true(pixel_limiter_take(limiter, &b, now));
	/* One a second comes back, and never more than a minute's worth. */
	assert_true(pixel_limiter_take(limiter, &a, now + MT_SECOND));
	assert_false(pixel_limiter_take(limiter, &a, now + MT_SECOND));
	now += 3600 * MT_SECOND;
	for (n = 0; pixel_limiter_take(limiter, &a, now); n++)
		;
	assert_int_equal(n, 60);
	/* A flood of networks: memory stays, each still gets its due. */
	for (i = 0; i < 100000; i++) {
		b = (struct mt_ip){ .family = 4,
			.b = { 11, (uint8_t)(i >> 8), (uint8_t)i, 1 } };
		assert_true(pixel_limiter_take(limiter, &b, now));
		now += MT_SECOND;
	}
	pixel_limiter_free(limiter);
	assert_int_equal(pixel_limiter_new(0, 1, &limiter, &err), MT_OK);
	for (i = 0; i < 1000; i++)
		assert_true(pixel_limiter_take(limiter, &a, 0));
	pixel_limiter_free(limiter);
}

static void
bad_options_are_refused_by_line(void **state)
{
	static const struct {
		const char *text, *message; /* NULL: good */
	} cases[] = {
		{ "", NULL },
		{ "listen = 127.0.0.1:9000\n", NULL },
		{ "listen = [::1]:9000\n", NULL },
		{ "listen = unix:/run/x\nlisten_mode = 660\n", NULL },
		{ "trusted_proxies = 10.0.0.0/8  ::1 unix:\n", NULL },
		{ "listen = here\n",
		    "p:1: listen: 'here' is neither unix:PATH nor "
		    "ADDRESS:PORT" },
		{ "listen = 127.0.0.1:0\n",
		    "p:1: listen: '127.0.0.1:0' is neither unix:PATH nor "
		    "ADDRESS:PORT" },
		{ "listen = unix:run\n",
		    "p:1: listen: unix: needs an absolute path" },
		{ "\nlisten_mode = 888\n",
		    "p:2: listen_mode: '888' is no mode such as 0660" },
		{ "threads = 0\n", "p:1: threads: at least 1" },
		{ "threads = 65\n", "p:1: threads: larger than 64" },
		{ "rate_sources = 0\n", "p:1: rate_sources: at least 1" },
		{ "trusted_proxies = 10.0.0.0/8 proxy\n",
		    "p:1: trusted_proxies: 'proxy' is no address or "
		    "network" },
	};
	struct mt_conf *conf;
	struct mt_err err;
	enum mt_rc rc;
	size_t i;

	(void)state;
	for (i = 0; i < N(cases); i++) {
		rc = mt_conf_parse(&pixel_conf_desc, "p", mt_str(cases[i].text),
		    NULL, 0, &conf, &err);
		if (rc == MT_OK)
			mt_conf_unref(conf);
		if (cases[i].message != NULL)
			assert_string_equal(err.msg, cases[i].message);
		assert_int_equal(rc, cases[i].message ? MT_CONFIG : MT_OK);
	}
}

#define BEGIN "\1\1\0\1\0\10\0\0\0\1\0\0\0\0\0\0"
#define NAMES "\1\4\0\1\0\4\2\0\1\1ab??"
#define NAMED "\1\4\0\1\0\0\0\0"
#define BODY "\1\5\0\1\0\3\0\0xyz"
#define END "\1\5\0\1\0\0\0\0"

static void
a_request_is_whole_when_its_streams_have_ended(void **state)
{
	const struct {
		struct mt_str bytes;
		bool whole;
	} cases[] = {
		{ MT_LIT(""), false },
		{ MT_LIT(BEGIN NAMES NAMED END), true },
		{ MT_LIT(BEGIN NAMES NAMES NAMED BODY END BEGIN), true },
		{ MT_LIT(BEGIN NAMED END), true },
		{ MT_LIT(BEGIN NAMES NAMED BODY), false },
		{ MT_LIT(BEGIN NAMES END), false },
		{ MT_LIT(BEGIN "\1\4\0\1\377\377\0\0ab"), false },
		/* What the library has to answer or refuse. */
		{ MT_LIT(BEGIN "\1\2\0\1\0\0\0\0"), true },
		{ MT_LIT("\1\11\0\0\0\0\0\0"), true },
		{ MT_LIT("GET / HTTP/1.0"), true },
	};
	static const char good[] = BEGIN NAMES NAMED END;
	size_t i;

	(void)state;
	for (i = 0; i < N(cases); i++)
		assert_int_equal(pixel_whole(cases[i].bytes), cases[i].whole);
	for (i = 0; i < sizeof(good) - 1; i++)
		assert_false(pixel_whole(mt_str_n(good, i)));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_kind_of_fetch_has_its_verdict),
		cmocka_unit_test(all_reasons_together_fit),
		cmocka_unit_test(the_answer_is_always_the_same),
		cmocka_unit_test(tokens_are_found_in_paths),
		cmocka_unit_test(clients_are_believed_no_further_than_proxies),
		cmocka_unit_test(networks_have_budgets_in_bounded_memory),
		cmocka_unit_test(bad_options_are_refused_by_line),
		cmocka_unit_test(
		    a_request_is_whole_when_its_streams_have_ended),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
