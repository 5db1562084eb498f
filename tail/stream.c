/* SPDX-License-Identifier: BSD-2-Clause */
/* Standard input, and a socket that syslog daemons send lines to. */
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "maillog/cut.h"
#include "source.h"

#define READ_SIZE (128u << 10) /* more than a line */
#define DATAGRAMS 1000 /* at once */

struct stream {
	int fd;
	char *bytes; /* owned; READ_SIZE */
	size_t n;
	bool skipping;
	bool made; /* the socket's name is ours to remove */
};

static enum mt_rc
stdin_open(
    struct source *s, const struct mt_tailed_source *saved, struct mt_err *err)
{
	struct stream *in = mt_alloc(sizeof(*in));

	(void)saved;
	(void)err;
	in->fd = STDIN_FILENO;
	in->bytes = mt_alloc(READ_SIZE);
	s->own = in;
	return MT_OK;
}

static void
stream_close(struct source *s)
{
	struct stream *in = s->own;

	if (in == NULL)
		return;
	if (in->fd > STDERR_FILENO)
		(void)close(in->fd);
	if (in->made)
		(void)unlink(s->what);
	mt_free(in->bytes);
	mt_free(in);
}

static bool
is_readable(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	return poll(&p, 1, 0) == 1;
}

static void
take_lines(struct source *s)
{
	struct stream *in = s->own;
	struct mt_str line;
	size_t n, all = 0;

	while ((n = mt_maillog_cut(mt_str_n(in->bytes + all, in->n - all),
		    &in->skipping, &line)) > 0) {
		if (line.p != NULL)
			(void)source_line(s, line, mt_clock_now());
		s->counts.cut += in->skipping && line.p != NULL;
		all += n;
	}
	memmove(in->bytes, in->bytes + all, in->n - all);
	in->n -= all;
}

static bool
stdin_work(struct source *s)
{
	struct stream *in = s->own;
	struct mt_err err;
	ssize_t n;

	if (!is_readable(in->fd))
		return false;
	n = read(in->fd, in->bytes + in->n, READ_SIZE - in->n);
	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return false;
	if (n < 0) {
		mt_err_put_sys(&err, "standard input");
		mt_log(MT_LOG_ERR, "%s; reading no more of it", err.msg);
	}
	if (n > 0) {
		in->n += (size_t)n;
		take_lines(s);
		return true;
	}
	if (in->n > 0 && !in->skipping)
		(void)source_line(
		    s, mt_str_n(in->bytes, in->n), mt_clock_now());
	in->n = 0;
	s->ended = true;
	return false;
}

static size_t
stream_fds(struct source *s, struct pollfd *out)
{
	struct stream *in = s->own;

	out[0] = (struct pollfd){ .fd = in->fd, .events = POLLIN };
	return 1;
}

/* What a program left that was killed; somebody's that lives stays. */
static void
remove_stale(const struct sockaddr_un *un)
{
	struct stat st;
	int fd;

	if (lstat(un->sun_path, &st) != 0 || !S_ISSOCK(st.st_mode) ||
	    (fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)) < 0)
		return;
	if (connect(fd, (const struct sockaddr *)un, sizeof(*un)) != 0 &&
	    errno == ECONNREFUSED)
		(void)unlink(un->sun_path);
	(void)close(fd);
}

static enum mt_rc
socket_open(
    struct source *s, const struct mt_tailed_source *saved, struct mt_err *err)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	struct stream *in = mt_alloc(sizeof(*in));
	size_t n = strlen(s->what);

	(void)saved;
	s->own = in;
	in->bytes = mt_alloc(READ_SIZE);
	in->fd = -1;
	if (n >= sizeof(un.sun_path))
		return mt_fail(err, MT_CONFIG, "%s: path too long", s->name);
	memcpy(un.sun_path, s->what, n);
	remove_stale(&un);
	in->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (in->fd < 0 ||
	    bind(in->fd, (const struct sockaddr *)&un, sizeof(un)) != 0) {
		mt_err_put_sys(err, "%s", s->name);
		return err->rc = MT_CONFIG;
	}
	in->made = true;
	/* Whoever writes to it makes events: nobody but the group. */
	if (chmod(s->what, 0660) != 0)
		return mt_fail_sys(err, "%s", s->name);
	return MT_OK;
}

/* "<22>" before a line; RFC 5424's version behind it belongs to the frame. */
static struct mt_str
without_priority(struct mt_str line)
{
	struct mt_str number, rest;
	size_t i;

	if (line.n == 0 || line.p[0] != '<' ||
	    !mt_str_cut(
		mt_str_n(line.p + 1, line.n - 1), '>', &number, &rest) ||
	    number.n == 0 || number.n > 3 || mt_str_starts(rest, "1 "))
		return line;
	for (i = 0; i < number.n; i++)
		if (!mt_is_digit(number.p[i]))
			return line;
	return rest;
}

/* False: there is none. */
static bool
take_datagram(struct source *s)
{
	struct stream *in = s->own;
	struct mt_str line;
	ssize_t n;

	n = recv(in->fd, in->bytes, MT_MAILLOG_LINE, MSG_TRUNC | MSG_DONTWAIT);
	if (n < 0)
		return false;
	s->counts.cut += n > MT_MAILLOG_LINE;
	line = mt_str_n(
	    in->bytes, n > MT_MAILLOG_LINE ? MT_MAILLOG_LINE : (size_t)n);
	while (line.n > 0 &&
	    (line.p[line.n - 1] == '\n' || line.p[line.n - 1] == '\0'))
		line.n--;
	(void)source_line(s, without_priority(line), mt_clock_now());
	return true;
}

static bool
socket_work(struct source *s)
{
	unsigned i;

	for (i = 0; i < DATAGRAMS; i++)
		if (!take_datagram(s))
			return false;
	return true;
}

const struct source_kind stdin_kind = {
	.prefix = "-",
	.open = stdin_open,
	.close = stream_close,
	.work = stdin_work,
	.fds = stream_fds,
};

const struct source_kind socket_kind = {
	.prefix = "unixgram:",
	.loses = true,
	.open = socket_open,
	.close = stream_close,
	.work = socket_work,
	.fds = stream_fds,
};
