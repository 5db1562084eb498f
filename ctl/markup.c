/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/limits.h"
#include "base/utf8.h"
#include "ctl.h"
#include "mail/header.h"
#include "mail/markup.h"
#include "token/token.h"

#define CHUNK (256u << 10)
/* The header beside the largest body that is looked at. */
#define INPUT_MAX ((size_t)MT_MAX_MARKUP + (1u << 20))

static size_t
least(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* Read all of standard input; *ret_whole: it fitted. */
static enum mt_rc
read_input(
    struct ctl *c, struct mt_buf *in, bool *ret_whole, struct mt_err *err)
{
	struct stat st;
	ssize_t n;

	if (fstat(STDIN_FILENO, &st) == 0 && S_ISREG(st.st_mode) &&
	    st.st_size > 0 && (uintmax_t)st.st_size < INPUT_MAX)
		(void)mt_buf_reserve(in, (size_t)st.st_size + 1);
	*ret_whole = true;
	for (;;) {
		/* A reserve too many would double a large message's memory. */
		if (in->cap < in->n + 2 &&
		    !mt_buf_reserve(in, least(in->max - in->n, CHUNK)))
			return MT_OK;
		if (in->n == in->max) {
			*ret_whole = false;
			return MT_OK;
		}
		n = read(STDIN_FILENO, in->p + in->n, in->cap - 1 - in->n);
		if (n == 0)
			return MT_OK;
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			c->exit = EX_IOERR;
			return mt_fail_sys(err, "standard input");
		}
		in->n += (size_t)n;
	}
}

static void
write_str(struct mt_str s)
{
	(void)fwrite(s.p, 1, s.n, stdout);
}

/* What did not fit: pass it on as it comes. */
static enum mt_rc
copy_rest(struct ctl *c, struct mt_err *err)
{
	char chunk[16384];
	ssize_t n;

	while ((n = read(STDIN_FILENO, chunk, sizeof(chunk))) != 0) {
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			c->exit = EX_IOERR;
			return mt_fail_sys(err, "standard input");
		}
		if (fwrite(chunk, 1, (size_t)n, stdout) != (size_t)n)
			return MT_OK; /* main sees it */
	}
	return MT_OK;
}

static void
explain(const struct mt_markup *m)
{
	struct mt_buf line;

	mt_buf_init(&line, 1024);
	mt_markup_explain(m, &line);
	if (m->noticed_plain)
		mt_buf_z(&line, " notice_plain=yes");
	if (m->quoted > 0)
		mt_buf_printf(&line, " quoted=%u", m->quoted);
	mt_buf_c(&line, '\n');
	(void)fwrite(line.p, 1, line.n, stderr);
	mt_buf_done(&line);
}

static bool
is_ours(void *arg, struct mt_str token)
{
	struct mt_token ignored;

	return mt_token_check(arg, token, &ignored);
}

/* What was read, and what to do with it. */
struct task {
	struct mt_buf in;
	bool whole; /* all was read */
	struct mt_keys *keys; /* of quoted pixels that go; NULL: all stay */
};

static enum mt_rc
mark(struct ctl *c, const struct ctl_args *a, const struct task *task,
    struct mt_err *err)
{
	struct mt_str all = mt_buf_view(&task->in), piece;
	size_t head = mt_header_end(all), i;
	struct mt_markup_in job = {
		.head = mt_str_n(all.p, head),
		.body = mt_str_n(all.p + head, all.n - head),
		.url = mt_str(ctl_value(a, "pixel-url")),
		.notice = mt_str(ctl_value(a, "notice")),
		.notice_plain = ctl_given(a, "notice-plain"),
		.is_ours = task->keys != NULL ? is_ours : NULL,
		.is_ours_arg = task->keys,
	};
	struct mt_markup m = { .reason = MT_reason_too_large };
	enum mt_rc rc = MT_OK;

	if (task->whole)
		mt_markup_make(&job, &m);
	write_str(job.head);
	for (i = 0; mt_markup_piece(&m, job.body, i, &piece); i++)
		write_str(piece);
	if (!task->whole)
		rc = copy_rest(c, err);
	if (rc == MT_OK && ctl_given(a, "explain"))
		explain(&m);
	mt_markup_done(&m);
	return rc;
}

/* An absolute URL that can stand in an attribute. */
static bool
good_url(struct mt_str url)
{
	size_t i;

	if (!mt_str_starts(url, "https://") && !mt_str_starts(url, "http://"))
		return false;
	for (i = 0; i < url.n; i++)
		if (url.p[i] <= ' ' || url.p[i] > '~' ||
		    strchr("\"<>\\^`{|}'", url.p[i]) != NULL)
			return false;
	return url.n > strlen("https://") && url.n <= MT_MAX_URL;
}

static enum mt_rc
run(struct ctl *c, const struct ctl_args *a, struct mt_err *err)
{
	struct mt_str url = mt_str(ctl_value(a, "pixel-url"));
	struct mt_str notice = mt_str(ctl_value(a, "notice"));
	const char *quoted = ctl_value(a, "quoted");
	struct task task = { .keys = NULL };
	enum mt_rc rc = MT_OK;

	if (url.p == NULL)
		return ctl_usage(c, err, "--pixel-url is missing");
	if (!good_url(url))
		return ctl_usage(c, err,
		    "--pixel-url: not an http or https URL of at most %d "
		    "bytes",
		    MT_MAX_URL);
	if (notice.n > MT_MAX_NOTICE || !mt_utf8_clean(notice))
		return ctl_usage(c, err,
		    "--notice: not UTF-8 of at most %d bytes", MT_MAX_NOTICE);
	if (quoted != NULL && mt_keys_load(quoted, &task.keys, err) != MT_OK)
		return err->rc;
	mt_buf_init(&task.in, INPUT_MAX);
	rc = read_input(c, &task.in, &task.whole, err);
	if (rc == MT_OK)
		rc = mark(c, a, &task, err);
	mt_buf_done(&task.in);
	mt_keys_unref(task.keys);
	return rc;
}

static const struct ctl_opt opts[] = {
	{ "pixel-url", '\0', "URL", "the pixel's absolute URL" },
	{ "notice", '\0', "TEXT", "text that is shown before the pixel" },
	{ "notice-plain", '\0', NULL,
	    "put it into the plain text beside the HTML, too" },
	{ "quoted", '\0', "KEYFILE",
	    "make pixels show nothing that the HTML quotes and whose tokens "
	    "a key of this file signed" },
	{ "explain", '\0', NULL,
	    "say on standard error, in one line, what was done or why not" },
	{ NULL, '\0', NULL, NULL },
};

const struct ctl_cmd ctl_markup = {
	.name = "markup",
	.args = "--pixel-url URL <in.eml >out.eml",
	.does = "put a pixel into a message, as the milter does",
	.more = "Reads a message and writes it with the pixel in its HTML "
		"part. A message that cannot be marked safely is written "
		"unchanged, byte by byte, which is no failure. Line ends are "
		"kept. Nothing is recorded; the URL is taken as it is.",
	.opts = opts,
	.run = run,
};
