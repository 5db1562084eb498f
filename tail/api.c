/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mailcow's HTTP API, where its Redis cannot be reached, and after a gap. A
 * wrong key may get us banned by its netfilter: after a refusal it is long left
 * alone.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <curl/curl.h>
#include <jansson.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "conf/secret.h"
#include "window.h"

#define PAGE 1000 /* rows */
#define OVERLAP 100 /* rows of the page before: what moved meanwhile shows */
/* Of rspamd's history, whose rows are fifty times as long. */
#define HISTORY_PAGE 100
#define HISTORY_OVERLAP 20
#define ROWS_MAX 100000
#define BODY_MAX (32u << 20)
#define TEXTS_MAX (64u << 20)
#define TIMEOUT_MS 30000
#define RETRY_MS 10000 /* it is away: doubled each time, … */
#define RETRY_MAX_MS 300000 /* … up to this */
#define REFUSED_MS 300000 /* it refused: the same … */
#define REFUSED_MAX_MS 3600000 /* … with these */

struct api {
	CURLM *multi; /* owned */
	CURL *easy; /* owned */
	struct curl_slist *headers; /* owned */
	bool busy; /* a request is out */
	struct mt_buf body;
	char error[CURL_ERROR_SIZE];
	/* What curl waits for. */
	struct pollfd fds[SOURCE_FDS];
	size_t n_fds;
	int64_t curl_ms; /* its deadline; 0: none */
	size_t page, overlap; /* rows asked for at once, and again */
	size_t least; /* of a page: with fewer it is the last */
	/* Rows of the pages so far, the newest first. */
	struct mt_buf texts;
	size_t *ends; /* owned; of each in texts */
	size_t n_rows, room;
	struct mt_str *elements; /* owned; the same for the window */
	struct window window;
	int64_t due_ms;
	int64_t wait_ms; /* the last pause after a failure */
};

enum mt_rc
api_options(const struct tail_options *o, struct mt_err *err)
{
	struct mt_buf key;
	struct mt_str text;
	enum mt_rc rc;

	if (o->mailcow_url.n == 0 || o->mailcow_key_file.n == 0)
		return mt_fail(err, MT_CONFIG,
		    "%s: needed for logs of mailcow's API",
		    o->mailcow_url.n == 0 ? "mailcow_url" : "mailcow_key_file");
	mt_buf_init(&key, 1);
	rc = mt_secret_option(o->mailcow_key_file, &key, &text, err);
	mt_secret_done(&key);
	if (rc != MT_OK)
		mt_err_in(err, "mailcow_key_file");
	return rc;
}

static size_t
take_body(char *p, size_t size, size_t n, void *arg)
{
	struct api *a = arg;

	mt_buf_add(&a->body, p, size * n);
	return mt_buf_over(&a->body) ? 0 : size * n;
}

static int
take_socket(CURL *easy, curl_socket_t fd, int what, void *arg, void *unused)
{
	struct api *a = arg;
	size_t i;

	(void)easy;
	(void)unused;
	for (i = 0; i < a->n_fds && a->fds[i].fd != fd; i++)
		continue;
	if (what == CURL_POLL_REMOVE) {
		if (i < a->n_fds)
			a->fds[i] = a->fds[--a->n_fds];
		return 0;
	}
	if (i == SOURCE_FDS)
		return -1;
	a->fds[i] = (struct pollfd){ .fd = fd,
		.events = (short)((what & CURL_POLL_IN ? POLLIN : 0) |
		    (what & CURL_POLL_OUT ? POLLOUT : 0)) };
	if (i == a->n_fds)
		a->n_fds++;
	return 0;
}

static int
take_timer(CURLM *multi, long ms, void *arg)
{
	struct api *a = arg;

	(void)multi;
	a->curl_ms = ms < 0 ? 0 : mt_clock_mono_ms() + ms;
	return 0;
}

static void
set_options(struct source *s)
{
	const struct tail_options *o = s->tail->options;
	struct api *a = s->own;
	char *ca;

	(void)curl_multi_setopt(a->multi, CURLMOPT_SOCKETFUNCTION, take_socket);
	(void)curl_multi_setopt(a->multi, CURLMOPT_SOCKETDATA, a);
	(void)curl_multi_setopt(a->multi, CURLMOPT_TIMERFUNCTION, take_timer);
	(void)curl_multi_setopt(a->multi, CURLMOPT_TIMERDATA, a);
	(void)curl_easy_setopt(a->easy, CURLOPT_NOSIGNAL, 1L);
	(void)curl_easy_setopt(a->easy, CURLOPT_WRITEFUNCTION, take_body);
	(void)curl_easy_setopt(a->easy, CURLOPT_WRITEDATA, a);
	(void)curl_easy_setopt(a->easy, CURLOPT_ERRORBUFFER, a->error);
	(void)curl_easy_setopt(a->easy, CURLOPT_TIMEOUT_MS, (long)TIMEOUT_MS);
	(void)curl_easy_setopt(a->easy, CURLOPT_PROTOCOLS_STR, "http,https");
	(void)curl_easy_setopt(a->easy, CURLOPT_USERAGENT, "mailtrail-tail");
	if (o->mailcow_ca_file.n > 0) {
		ca = mt_str_dup(o->mailcow_ca_file);
		(void)curl_easy_setopt(a->easy, CURLOPT_CAINFO, ca);
		mt_free(ca);
	}
}

static enum mt_rc
api_open(
    struct source *s, const struct mt_tailed_source *saved, struct mt_err *err)
{
	struct api *a = mt_alloc(sizeof(*a));

	s->own = a;
	a->page = s->history != NULL ? HISTORY_PAGE : PAGE;
	a->overlap = s->history != NULL ? HISTORY_OVERLAP : OVERLAP;
	/* rspamd leaves out rows that it cannot read itself; not so many. */
	a->least = s->history != NULL ? HISTORY_PAGE / 2 : PAGE;
	mt_buf_init(&a->body, BODY_MAX);
	mt_buf_init(&a->texts, TEXTS_MAX);
	if (api_options(s->tail->options, err) != MT_OK)
		return err->rc;
	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK ||
	    (a->multi = curl_multi_init()) == NULL ||
	    (a->easy = curl_easy_init()) == NULL)
		return mt_fail(err, MT_SYSTEM, "%s: curl", s->name);
	set_options(s);
	window_open(s, &a->window, saved);
	return MT_OK;
}

static void
forget_request(struct api *a)
{
	if (a->busy)
		(void)curl_multi_remove_handle(a->multi, a->easy);
	a->busy = false;
	curl_slist_free_all(a->headers);
	a->headers = NULL;
}

static void
api_close(struct source *s)
{
	struct api *a = s->own;

	if (a == NULL)
		return;
	forget_request(a);
	if (a->easy != NULL)
		curl_easy_cleanup(a->easy);
	if (a->multi != NULL)
		(void)curl_multi_cleanup(a->multi);
	mt_buf_done(&a->body);
	mt_buf_done(&a->texts);
	mt_free(a->ends);
	mt_free(a->elements);
	mt_free(a);
}

static void
forget_rows(struct api *a)
{
	mt_buf_reset(&a->texts);
	a->n_rows = 0;
}

static bool
fail(struct source *s, const struct mt_err *err)
{
	struct api *a = s->own;
	bool refused = err->rc == MT_CONFIG;
	int64_t least = refused ? REFUSED_MS : RETRY_MS;
	int64_t most = refused ? REFUSED_MAX_MS : RETRY_MAX_MS;

	forget_request(a);
	forget_rows(a);
	a->wait_ms = a->wait_ms * 2 > least ? a->wait_ms * 2 : least;
	a->wait_ms = a->wait_ms < most ? a->wait_ms : most;
	a->due_ms = mt_clock_mono_ms() + a->wait_ms;
	source_fails(s, err);
	return false;
}

static enum mt_rc
set_key(struct source *s, struct mt_err *err)
{
	struct api *a = s->own;
	struct mt_buf key, header;
	struct mt_str text;
	enum mt_rc rc;

	mt_buf_init(&key, 1);
	mt_buf_init(&header, MT_MAX_SECRET + 16);
	rc = mt_secret_option(
	    s->tail->options->mailcow_key_file, &key, &text, err);
	if (rc == MT_OK) {
		mt_buf_printf(&header, "X-API-Key: %.*s", MT_STR_ARG(text));
		a->headers = curl_slist_append(NULL, header.p);
		(void)curl_easy_setopt(a->easy, CURLOPT_HTTPHEADER, a->headers);
	} else {
		mt_err_in(err, "mailcow_key_file");
	}
	mt_secret_done(&key);
	mt_secret_done(&header);
	return rc;
}

/* The page that follows what is there, and repeats a little of it. */
static bool
ask(struct source *s)
{
	struct mt_str base = s->tail->options->mailcow_url;
	struct api *a = s->own;
	char url[MT_MAX_URL + 512];
	size_t from = a->n_rows > a->overlap ? a->n_rows - a->overlap : 0;
	struct mt_err err;

	if (set_key(s, &err) != MT_OK)
		return fail(s, &err);
	while (base.n > 0 && base.p[base.n - 1] == '/')
		base.n--;
	/* mailcow counts its own lists from 1, and passes on what rspamd is
	 * asked for, which counts from 0. */
	from += s->history != NULL ? 0 : 1;
	(void)snprintf(url, sizeof(url), "%.*s/api/v1/get/logs/%s/%zu-%zu",
	    MT_STR_ARG(base), s->what, from, from + a->page - 1);
	(void)curl_easy_setopt(a->easy, CURLOPT_URL, url);
	mt_buf_reset(&a->body);
	a->error[0] = '\0';
	if (curl_multi_add_handle(a->multi, a->easy) != CURLM_OK) {
		(void)mt_fail(&err, MT_AGAIN, "%s: curl", s->name);
		return fail(s, &err);
	}
	a->busy = true;
	return false;
}

static int
dump_part(const char *p, size_t n, void *out)
{
	mt_buf_add(out, p, n);
	return 0;
}

static struct mt_str
row(const struct api *a, size_t i)
{
	size_t from = i == 0 ? 0 : a->ends[i - 1];

	return mt_str_n(a->texts.p + from, a->ends[i] - from);
}

/* A row that mailcow could not read is null, and counts all the same. */
static void
add_row(struct api *a, const json_t *row)
{
	if (json_is_object(row))
		(void)json_dump_callback(
		    row, dump_part, &a->texts, JSON_COMPACT | JSON_SORT_KEYS);
	if (a->n_rows == a->room) {
		a->room = a->room == 0 ? a->page : a->room * 2;
		a->ends = mt_realloc_array(a->ends, a->room, sizeof(*a->ends));
		a->elements = mt_realloc_array(
		    a->elements, a->room, sizeof(*a->elements));
	}
	a->ends[a->n_rows++] = a->texts.n;
}

/*
 * Rows `before` and on were just added; how many of them repeat what stands
 * before them? At least those asked for twice, and as many more as came in
 * meanwhile and moved the list. False: it has moved further than that.
 */
static bool
repeated(const struct api *a, size_t before, size_t *ret_n)
{
	size_t n = a->n_rows - before, i, j;

	for (i = before < a->overlap ? before : a->overlap;
	     i <= before && i <= n; i++) {
		for (j = 0; j < i; j++)
			if (!mt_str_eq(
				row(a, before - i + j), row(a, before + j)))
				break;
		if (j == i) {
			*ret_n = i;
			return true;
		}
	}
	return false;
}

static void
drop_rows(struct api *a, size_t before, size_t n)
{
	size_t begin, cut, i;

	if (n == 0)
		return;
	begin = before == 0 ? 0 : a->ends[before - 1];
	cut = a->ends[before + n - 1] - begin;
	memmove(a->texts.p + begin, a->texts.p + begin + cut,
	    a->texts.n - begin - cut);
	a->texts.n -= cut;
	for (i = before; i + n < a->n_rows; i++)
		a->ends[i] = a->ends[i + n] - cut;
	a->n_rows -= n;
}

/* Rows of a page are added; *ret_n: how many there were. */
static enum mt_rc
add_page(struct source *s, size_t *ret_n, struct mt_err *err)
{
	struct api *a = s->own;
	json_error_t why;
	json_t *page, *item;
	size_t i, before = a->n_rows;

	page = json_loadb(a->body.p, a->body.n, JSON_ALLOW_NUL, &why);
	if (page == NULL)
		return mt_fail(err, MT_FORMAT, "%s: the answer is not JSON: %s",
		    s->name, why.text);
	if (json_is_object(page) && json_object_size(page) > 0) {
		item = json_object_get(page, "msg");
		mt_err_put(err, MT_CONFIG, 0, "%s: refused: %s", s->name,
		    json_is_string(item) ? json_string_value(item)
					 : "it does not say why");
		json_decref(page);
		return MT_CONFIG;
	}
	/* "{}" is an empty list. */
	for (i = 0; i < json_array_size(page); i++)
		add_row(a, json_array_get(page, i));
	json_decref(page);
	*ret_n = a->n_rows - before;
	if (a->n_rows == 0 && s->history != NULL && a->window.seen.n > 0)
		return mt_fail(err, MT_AGAIN,
		    "%s: empty, and was not before: rspamd does not answer "
		    "mailcow, or a row has bytes that PHP cannot read",
		    s->name);
	if (mt_buf_over(&a->texts))
		return mt_fail(
		    err, MT_LIMIT, "%s: more than we can hold", s->name);
	/* The list may have been trimmed to less than we had. */
	if (*ret_n == 0)
		return MT_OK;
	if (!repeated(a, before, &i))
		return mt_fail(err, MT_AGAIN,
		    "%s: the log moves faster than its pages come", s->name);
	drop_rows(a, before, i);
	return MT_OK;
}

static enum mt_rc
check_answer(struct source *s, CURLcode code, struct mt_err *err)
{
	struct api *a = s->own;
	long status = 0;

	if (code != CURLE_OK)
		return mt_fail(err, MT_AGAIN, "%s: %s", s->name,
		    mt_buf_over(&a->body)     ? "the answer is too long"
			: a->error[0] != '\0' ? a->error
					      : curl_easy_strerror(code));
	(void)curl_easy_getinfo(a->easy, CURLINFO_RESPONSE_CODE, &status);
	if (status == 401 || status == 403)
		return mt_fail(err, MT_CONFIG,
		    "%s: mailcow refuses the key or our address: HTTP %ld; "
		    "leaving it alone for some minutes",
		    s->name, status);
	if (status != 200)
		return mt_fail(err, MT_AGAIN, "%s: HTTP %ld", s->name, status);
	return MT_OK;
}

/* True: there is more to do at once. */
static bool
take_page(struct source *s, CURLcode code)
{
	struct api *a = s->own;
	size_t i, had = a->n_rows, n = 0;
	struct mt_err err;
	bool last;

	if (check_answer(s, code, &err) != MT_OK ||
	    add_page(s, &n, &err) != MT_OK)
		return fail(s, &err);
	forget_request(a);
	source_works(s);
	a->wait_ms = 0;
	last = n < a->least || a->n_rows == had || a->n_rows >= ROWS_MAX;
	for (i = 0; i < a->n_rows; i++)
		a->elements[i] = row(a, i);
	if (window_take(s, &a->window, a->elements, a->n_rows, last) ==
	    WINDOW_MORE) {
		(void)ask(s);
		return true;
	}
	a->due_ms = mt_clock_mono_ms() +
	    (int64_t)s->tail->options->mailcow_poll_s * 1000;
	return a->window.left > 0;
}

static bool
work_curl(struct source *s)
{
	struct api *a = s->own;
	struct CURLMsg *msg;
	int running, left;
	size_t i;

	/* It finds out itself what has happened to each. */
	for (i = a->n_fds; i-- > 0;)
		if (i < a->n_fds)
			(void)curl_multi_socket_action(
			    a->multi, a->fds[i].fd, 0, &running);
	if (a->curl_ms == 0 || mt_clock_mono_ms() >= a->curl_ms)
		(void)curl_multi_socket_action(
		    a->multi, CURL_SOCKET_TIMEOUT, 0, &running);
	while ((msg = curl_multi_info_read(a->multi, &left)) != NULL)
		if (msg->msg == CURLMSG_DONE)
			return take_page(s, msg->data.result);
	return false;
}

static bool
api_work(struct source *s)
{
	struct api *a = s->own;

	if (a->window.left > 0) {
		if (window_work(s, &a->window))
			return true;
		forget_rows(a);
		return false;
	}
	if (a->busy)
		return work_curl(s);
	if (mt_clock_mono_ms() < a->due_ms)
		return false;
	forget_rows(a);
	return ask(s) || a->busy;
}

static void
api_recorded(struct source *s)
{
	struct api *a = s->own;

	window_recorded(&a->window);
}

static void
api_save(struct source *s, struct mt_tailed_source *out)
{
	const struct api *a = s->own;

	window_save(&a->window, out);
}

static size_t
api_fds(struct source *s, struct pollfd *out)
{
	const struct api *a = s->own;

	memcpy(out, a->fds, a->n_fds * sizeof(*out));
	return a->busy ? a->n_fds : 0;
}

static int64_t
api_deadline_ms(const struct source *s)
{
	const struct api *a = s->own;

	if (a->busy)
		return a->curl_ms;
	return a->due_ms > 0 ? a->due_ms : 1;
}

const struct source_kind api_kind = {
	.prefix = "mailcow:",
	.frame = MT_frame_mailcow,
	.remembers = true,
	.open = api_open,
	.close = api_close,
	.work = api_work,
	.recorded = api_recorded,
	.save = api_save,
	.fds = api_fds,
	.deadline_ms = api_deadline_ms,
};
