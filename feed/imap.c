/* SPDX-License-Identifier: BSD-2-Clause */
#include "imap.h"

#include <curl/curl.h>

#include "base/mem.h"
#include "conf/secret.h"

struct imap {
	CURLM *multi;
	CURL *easy; /* NULL: down */
	enum imap_state state;
	int fd;
	char why[CURL_ERROR_SIZE];
};

enum mt_rc
imap_new(struct imap **ret_imap, struct mt_err *err)
{
	struct imap *imap;

	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
		return mt_fail(err, MT_SYSTEM, "libcurl does not start");
	imap = mt_alloc(sizeof(*imap));
	imap->multi = curl_multi_init();
	imap->fd = -1;
	*ret_imap = imap;
	if (imap->multi != NULL)
		return MT_OK;
	imap_free(imap);
	*ret_imap = NULL;
	return mt_fail(err, MT_SYSTEM, "libcurl does not start");
}

void
imap_free(struct imap *imap)
{
	if (imap == NULL)
		return;
	imap_close(imap);
	(void)curl_multi_cleanup(imap->multi);
	mt_free(imap);
	curl_global_cleanup();
}

static void
set_text(CURL *easy, CURLoption option, struct mt_str value)
{
	char *text;

	if (value.n == 0)
		return;
	text = mt_str_dup(value);
	(void)curl_easy_setopt(easy, option, text);
	mt_wipe(text, value.n);
	mt_free(text);
}

static enum mt_rc
set_login(CURL *easy, const struct feed_options *o, struct mt_err *err)
{
	struct mt_buf secret;
	struct mt_str text;
	enum mt_rc rc;

	mt_buf_init(&secret, MT_MAX_SECRET);
	rc = mt_secret_option(o->imap_password_file, &secret, &text, err);
	if (rc == MT_OK) {
		set_text(easy, CURLOPT_USERNAME, o->imap_user);
		set_text(easy, CURLOPT_PASSWORD, text);
	} else {
		mt_err_in(err, "imap_password_file");
	}
	mt_secret_done(&secret);
	return rc;
}

enum mt_rc
imap_open(struct imap *imap, const struct feed_options *o, struct mt_err *err)
{
	CURL *easy;

	imap_close(imap);
	if ((easy = curl_easy_init()) == NULL)
		return mt_fail(err, MT_SYSTEM, "libcurl does not start");
	imap->easy = easy;
	imap->why[0] = '\0';
	if (set_login(easy, o, err) != MT_OK) {
		imap_close(imap);
		return err->rc;
	}
	set_text(easy, CURLOPT_URL, o->imap);
	set_text(easy, CURLOPT_CAINFO, o->imap_ca_file);
	(void)curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "imap,imaps");
	(void)curl_easy_setopt(easy, CURLOPT_USE_SSL,
	    (long)(o->imap_tls ? CURLUSESSL_ALL : CURLUSESSL_TRY));
	(void)curl_easy_setopt(
	    easy, CURLOPT_TIMEOUT_MS, (long)o->imap_timeout_ms);
	(void)curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
	(void)curl_easy_setopt(easy, CURLOPT_PROXY, "");
	(void)curl_easy_setopt(easy, CURLOPT_CONNECT_ONLY, 1L);
	(void)curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, imap->why);
	if (curl_multi_add_handle(imap->multi, easy) != CURLM_OK) {
		imap_close(imap);
		return mt_fail(err, MT_SYSTEM, "libcurl does not start");
	}
	imap->state = IMAP_CONNECTING;
	return MT_OK;
}

void
imap_close(struct imap *imap)
{
	if (imap->easy != NULL) {
		(void)curl_multi_remove_handle(imap->multi, imap->easy);
		curl_easy_cleanup(imap->easy);
	}
	imap->easy = NULL;
	imap->state = IMAP_DOWN;
	imap->fd = -1;
}

static const char *
reason(const struct imap *imap, CURLcode code)
{
	return imap->why[0] != '\0' ? imap->why : curl_easy_strerror(code);
}

static enum mt_rc
finish(struct imap *imap, CURLcode code, struct mt_err *err)
{
	curl_socket_t fd = CURL_SOCKET_BAD;

	if (code == CURLE_LOGIN_DENIED || code == CURLE_USE_SSL_FAILED ||
	    code == CURLE_PEER_FAILED_VERIFICATION ||
	    code == CURLE_SSL_CACERT_BADFILE)
		return mt_fail(err, MT_CONFIG, "imap: %s", reason(imap, code));
	if (code == CURLE_OK)
		code =
		    curl_easy_getinfo(imap->easy, CURLINFO_ACTIVESOCKET, &fd);
	if (code != CURLE_OK || fd == CURL_SOCKET_BAD)
		return mt_fail(err, MT_AGAIN, "imap: %s", reason(imap, code));
	imap->fd = fd;
	imap->state = IMAP_UP;
	return MT_OK;
}

enum mt_rc
imap_work(struct imap *imap, struct mt_err *err)
{
	struct CURLMsg *msg;
	int running, left;

	if (imap->state != IMAP_CONNECTING)
		return MT_OK;
	if (curl_multi_perform(imap->multi, &running) != CURLM_OK)
		return mt_fail(err, MT_AGAIN, "imap: libcurl fails");
	while ((msg = curl_multi_info_read(imap->multi, &left)) != NULL)
		if (msg->msg == CURLMSG_DONE)
			return finish(imap, msg->data.result, err);
	return MT_OK;
}

enum imap_state
imap_state(const struct imap *imap)
{
	return imap->state;
}

int
imap_fd(const struct imap *imap)
{
	return imap->fd;
}

enum mt_rc
imap_send(struct imap *imap, const char *p, size_t n, size_t *ret_n,
    struct mt_err *err)
{
	CURLcode code = curl_easy_send(imap->easy, p, n, ret_n);

	if (code == CURLE_AGAIN)
		*ret_n = 0;
	else if (code != CURLE_OK)
		return mt_fail(err, MT_AGAIN, "imap: %s", reason(imap, code));
	return MT_OK;
}

enum mt_rc
imap_recv(
    struct imap *imap, char *p, size_t n, size_t *ret_n, struct mt_err *err)
{
	CURLcode code = curl_easy_recv(imap->easy, p, n, ret_n);

	if (code == CURLE_AGAIN) {
		*ret_n = 0;
		return MT_OK;
	}
	if (code != CURLE_OK)
		return mt_fail(err, MT_AGAIN, "imap: %s", reason(imap, code));
	if (*ret_n == 0)
		return mt_fail(
		    err, MT_AGAIN, "imap: the server closed the connection");
	return MT_OK;
}

void
imap_wait(struct imap *imap, struct pollfd *fds, size_t n, int timeout_ms)
{
	struct curl_waitfd *waits;
	size_t i, k = 0;

	if (imap == NULL || imap->state != IMAP_CONNECTING) {
		(void)poll(fds, n, timeout_ms);
		return;
	}
	waits = mt_alloc_array(n + 1, sizeof(*waits));
	for (i = 0; i < n; i++) {
		fds[i].revents = 0;
		if (fds[i].fd < 0)
			continue;
		waits[k].fd = fds[i].fd;
		waits[k].events =
		    (short)((fds[i].events & POLLIN ? CURL_WAIT_POLLIN : 0) |
			(fds[i].events & POLLOUT ? CURL_WAIT_POLLOUT : 0));
		k++;
	}
	(void)curl_multi_poll(
	    imap->multi, waits, (unsigned)k, timeout_ms, NULL);
	mt_free(waits);
	/* What happened, from the one who knows all of poll(2)'s events. */
	(void)poll(fds, n, 0);
}
