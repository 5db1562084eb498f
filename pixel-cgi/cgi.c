/* SPDX-License-Identifier: BSD-2-Clause */
#include "cgi.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sysexits.h>
#include <unistd.h>

#include "answer.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "options.h"
#include "site.h"

#define DEFAULT_CONF "/etc/mailtrail/pixel.conf"
#define BODY_MAX 65536 /* of a request body that is thrown away */
#define BODY_MS 100

bool
pixel_is_cgi(void)
{
	socklen_t len = sizeof(int);
	int on = 0;

	if (getsockopt(STDIN_FILENO, SOL_SOCKET, SO_ACCEPTCONN, &on, &len) ==
		0 &&
	    on)
		return false;
	return getenv("GATEWAY_INTERFACE") != NULL &&
	    getenv("REQUEST_METHOD") != NULL;
}

static void
send_answer(enum pixel_method method)
{
	struct mt_str text = pixel_answer(method);
	ssize_t n;
	int null;

	while (text.n > 0) {
		n = write(STDOUT_FILENO, text.p, text.n);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		text = mt_str_n(text.p + n, text.n - (size_t)n);
	}
	/* The end of the answer: the web server need not wait for ours. */
	null = open("/dev/null", O_WRONLY | O_CLOEXEC);
	if (null >= 0) {
		(void)dup2(null, STDOUT_FILENO);
		(void)close(null);
	}
}

/* A web server that cannot write the body may give the answer up, too. */
static void
drain_body(void)
{
	struct pollfd pfd = { .fd = STDIN_FILENO, .events = POLLIN };
	char trash[4096];
	size_t n = 0;
	ssize_t got = 1;

	while (n < BODY_MAX && got > 0 && poll(&pfd, 1, BODY_MS) == 1) {
		got = read(STDIN_FILENO, trash, sizeof(trash));
		n += got > 0 ? (size_t)got : 0;
	}
}

static enum mt_rc
load(struct mt_conf **ret_conf, struct mt_err *err)
{
	const char *path = getenv("MAILTRAIL_PIXEL_CONF");
	enum mt_rc rc;

	if (path != NULL)
		return mt_conf_load(
		    &pixel_conf_desc, path, NULL, 0, ret_conf, err);
	rc = mt_conf_load(
	    &pixel_conf_desc, DEFAULT_CONF, NULL, 0, ret_conf, err);
	if (rc == MT_ABSENT)
		rc = mt_conf_load(
		    &pixel_conf_desc, NULL, NULL, 0, ret_conf, err);
	return rc;
}

int
pixel_cgi_main(void)
{
	struct pixel_site *site = NULL;
	struct mt_conf *conf = NULL;
	int64_t at = mt_clock_now();
	struct pixel_hit hit;
	struct mt_err err;

	(void)signal(SIGPIPE, SIG_IGN);
	/* lighttpd and Apache end a script whose answer is complete. */
	(void)signal(SIGTERM, SIG_IGN);
	/* Who the client is takes the options; the method does not. */
	pixel_hit_read(environ, NULL, &hit);
	send_answer(hit.method);
	if (hit.body)
		drain_body();
	if (hit.method == PIXEL_OTHER || hit.token_n == 0)
		return EX_OK;
	if (load(&conf, &err) != MT_OK ||
	    pixel_site_new(conf, &site, &err) != MT_OK) {
		mt_log(MT_LOG_ERR, "%s; recording nothing", err.msg);
	} else {
		pixel_hit_read(environ, pixel_site_trust(site), &hit);
		if (pixel_site_record(site, &hit, at) == PIXEL_FAILED &&
		    pixel_site_check(site, &err) != MT_OK)
			mt_log(MT_LOG_ERR, "%s; lost an open", err.msg);
	}
	mt_wipe(&hit, sizeof(hit));
	pixel_site_unref(site);
	mt_conf_unref(conf);
	return EX_OK;
}
