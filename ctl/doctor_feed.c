/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mailtrail-feed where it reads a mailbox: does the server let it in? Its LMTP
 * socket is asked by doctor_sockets.c; without one, its process is looked for.
 */
#include <stdio.h>

#include <curl/curl.h>

#include "base/limits.h"
#include "base/mem.h"
#include "conf/secret.h"
#include "doctor.h"

#define TIMEOUT_MS 10000
#define COMMAND_MAX 600
#define SAID_MAX 4096

static void
check_running(struct ctl_doctor *d)
{
	struct ctl_running r = ctl_doctor_running(d, CTL_FEED);
	char remedy[96];

	if (r.pid == 0)
		ctl_doctor_say(d, CTL_FAIL, "imap",
		    "start it: systemctl start mailtrail-feed; its log says "
		    "why not",
		    "mailtrail-feed is not running");
	if (!r.stopped)
		return;
	(void)snprintf(remedy, sizeof(remedy),
	    "let it go on: kill -CONT %d, or systemctl restart mailtrail-feed",
	    (int)r.pid);
	ctl_doctor_say(d, CTL_FAIL, "imap", remedy,
	    "mailtrail-feed does nothing: process %d is stopped", (int)r.pid);
}

/* Else libcurl would print it; its start is enough. */
static size_t
take_bytes(char *p, size_t size, size_t n, void *arg)
{
	mt_buf_add(arg, p, size * n);
	return size * n;
}

static void
set_text(CURL *curl, CURLoption option, struct mt_str value)
{
	char *text;

	if (value.n == 0)
		return;
	text = mt_str_dup(value);
	(void)curl_easy_setopt(curl, option, text);
	mt_wipe(text, value.n);
	mt_free(text);
}

static enum mt_rc
set_login(const struct ctl_doctor *d, CURL *curl, struct mt_err *err)
{
	struct mt_str password;
	struct mt_buf secret;
	enum mt_rc rc;

	mt_buf_init(&secret, MT_MAX_SECRET);
	rc = mt_secret_option(
	    ctl_doctor_option(d, CTL_FEED, "imap_password_file"), &secret,
	    &password, err);
	if (rc == MT_OK) {
		set_text(curl, CURLOPT_USERNAME,
		    ctl_doctor_option(d, CTL_FEED, "imap_user"));
		set_text(curl, CURLOPT_PASSWORD, password);
	} else {
		mt_err_in(err, "imap_password_file");
	}
	mt_secret_done(&secret);
	return rc;
}

/* As feed/imap.c does, but for what is asked: a look, which marks nothing. */
static void
set_server(const struct ctl_doctor *d, CURL *curl, struct mt_buf *said)
{
	bool tls =
	    mt_str_eqz(ctl_doctor_option(d, CTL_FEED, "imap_tls"), "yes");
	char command[COMMAND_MAX];

	(void)snprintf(command, sizeof(command), "EXAMINE \"%.*s\"",
	    MT_STR_ARG(ctl_doctor_option(d, CTL_FEED, "imap_mailbox")));
	set_text(curl, CURLOPT_URL, ctl_doctor_option(d, CTL_FEED, "imap"));
	set_text(curl, CURLOPT_CAINFO,
	    ctl_doctor_option(d, CTL_FEED, "imap_ca_file"));
	set_text(curl, CURLOPT_CUSTOMREQUEST, mt_str(command));
	(void)curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "imap,imaps");
	(void)curl_easy_setopt(curl, CURLOPT_USE_SSL,
	    (long)(tls ? CURLUSESSL_ALL : CURLUSESSL_TRY));
	(void)curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, (long)TIMEOUT_MS);
	(void)curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
	(void)curl_easy_setopt(curl, CURLOPT_PROXY, "");
	(void)curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take_bytes);
	(void)curl_easy_setopt(curl, CURLOPT_WRITEDATA, said);
	(void)curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, take_bytes);
	(void)curl_easy_setopt(curl, CURLOPT_HEADERDATA, said);
}

static enum mt_rc
look(const struct ctl_doctor *d, struct mt_err *err)
{
	char why[CURL_ERROR_SIZE] = "";
	CURL *curl = curl_easy_init();
	struct mt_buf said;
	CURLcode code;
	enum mt_rc rc;

	if (curl == NULL)
		return mt_fail(err, MT_SYSTEM, "libcurl does not start");
	mt_buf_init(&said, SAID_MAX);
	rc = set_login(d, curl, err);
	if (rc == MT_OK) {
		set_server(d, curl, &said);
		(void)curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, why);
		code = curl_easy_perform(curl);
		if (code == CURLE_QUOTE_ERROR)
			rc = mt_fail(err, MT_CONFIG, "no such mailbox");
		else if (code != CURLE_OK)
			rc = mt_fail(err, MT_AGAIN, "%s",
			    why[0] != '\0' ? why : curl_easy_strerror(code));
	}
	curl_easy_cleanup(curl);
	mt_buf_done(&said);
	return rc;
}

static void
check_mailbox(struct ctl_doctor *d)
{
	struct mt_str server = ctl_doctor_option(d, CTL_FEED, "imap");
	struct mt_str mailbox = ctl_doctor_option(d, CTL_FEED, "imap_mailbox");
	struct mt_err err;

	if (server.n == 0)
		return;
	if (look(d, &err) == MT_OK)
		ctl_doctor_say(d, CTL_OK, "imap", NULL,
		    "%.*s shows the mailbox %.*s", MT_STR_ARG(server),
		    MT_STR_ARG(mailbox));
	else
		ctl_doctor_say(d, CTL_FAIL, "imap",
		    "correct the options imap_... in feed.conf, or see to the "
		    "server; reports wait in the mailbox",
		    "%.*s, mailbox %.*s: %s", MT_STR_ARG(server),
		    MT_STR_ARG(mailbox), err.msg);
}

void
ctl_doctor_feed(struct ctl_doctor *d)
{
	if (d->options[CTL_FEED] == NULL)
		return;
	if (mt_str_eqz(ctl_doctor_option(d, CTL_FEED, "listen"), "none"))
		check_running(d);
	check_mailbox(d);
}
