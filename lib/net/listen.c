/* SPDX-License-Identifier: BSD-2-Clause */
#include "net/listen.h"

#include <errno.h>
#include <grp.h>
#include <netinet/in.h>
#include <string.h>
#include <unistd.h>

#include "base/ip.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/num.h"

#define GROUP_MAX 65536 /* bytes of a group's entry */

static bool
read_mode(struct mt_str s, mode_t *ret_mode)
{
	mode_t mode = 0;
	size_t i;

	if (s.n < 3 || s.n > 4 || (s.n == 4 && s.p[0] != '0'))
		return false;
	for (i = 0; i < s.n; i++) {
		if (s.p[i] < '0' || s.p[i] > '7')
			return false;
		mode = mode << 3 | (mode_t)(s.p[i] - '0');
	}
	*ret_mode = mode;
	return true;
}

enum mt_rc
mt_listen_mode(struct mt_listen *l, struct mt_str mode, struct mt_err *err)
{
	if (!read_mode(mode, &l->mode))
		return mt_fail(err, MT_CONFIG,
		    "listen_mode: %s is no mode such as 0660",
		    mt_quote(mode).s);
	return MT_OK;
}

enum mt_rc
mt_listen_unix(struct mt_listen *l, struct mt_str path, struct mt_err *err)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };

	if (path.n == 0 || path.p[0] != '/')
		return mt_fail(
		    err, MT_CONFIG, "listen: unix: needs an absolute path");
	if (path.n >= sizeof(un.sun_path))
		return mt_fail(err, MT_CONFIG,
		    "listen: path longer than %zu bytes",
		    sizeof(un.sun_path) - 1);
	memcpy(un.sun_path, path.p, path.n);
	memcpy(l->path, un.sun_path, sizeof(l->path));
	memcpy(&l->addr, &un, sizeof(un));
	l->len = sizeof(un);
	return MT_OK;
}

static void
set_address(struct mt_listen *l, const struct mt_ip *ip, uint16_t port)
{
	struct sockaddr_in6 v6 = { .sin6_family = AF_INET6 };
	struct sockaddr_in v4 = { .sin_family = AF_INET };

	if (ip->family == 4) {
		memcpy(&v4.sin_addr, ip->b, sizeof(v4.sin_addr));
		v4.sin_port = htons(port);
		memcpy(&l->addr, &v4, sizeof(v4));
		l->len = sizeof(v4);
	} else {
		memcpy(&v6.sin6_addr, ip->b, sizeof(v6.sin6_addr));
		v6.sin6_port = htons(port);
		memcpy(&l->addr, &v6, sizeof(v6));
		l->len = sizeof(v6);
	}
}

bool
mt_listen_inet(struct mt_listen *l, struct mt_str text)
{
	struct mt_str host, port;
	uint64_t number;
	struct mt_ip ip;

	if (!mt_str_cut_last(text, ':', &host, &port) ||
	    !mt_num_read(port, 65535, &number) || number == 0)
		return false;
	if (host.n > 2 && host.p[0] == '[' && host.p[host.n - 1] == ']')
		host = mt_str_n(host.p + 1, host.n - 2);
	if (!mt_ip_read(host, &ip))
		return false;
	set_address(l, &ip, (uint16_t)number);
	return true;
}

enum mt_rc
mt_listen_clear(const struct mt_listen *l, struct mt_err *err)
{
	struct stat st;
	int fd, why;

	if (l->path[0] == '\0' || lstat(l->path, &st) != 0)
		return MT_OK;
	if (!S_ISSOCK(st.st_mode))
		return mt_fail(
		    err, MT_CONFIG, "%s: exists and is no socket", l->path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return mt_fail_sys(err, "socket");
	why = connect(fd, (const struct sockaddr *)&l->addr, l->len) == 0
	    ? 0
	    : errno;
	(void)close(fd);
	/* A full queue is somebody's. */
	if (why == 0 || why == EAGAIN)
		return mt_fail(err, MT_CONFIG,
		    "%s: another program listens there", l->path);
	/* Of another kind, or not ours to ask: it may well be in use. */
	if (why != ECONNREFUSED)
		return mt_fail(err, MT_CONFIG,
		    "%s: another program's socket (%s)", l->path,
		    strerror(why));
	if (unlink(l->path) != 0)
		return mt_fail_sys(err, "%s", l->path);
	return MT_OK;
}

static enum mt_rc
set_group(const char *path, struct mt_str name, struct mt_err *err)
{
	char *text = mt_str_dup(name), *space = mt_alloc(GROUP_MAX);
	struct group group, *found = NULL;
	int rc;

	rc = getgrnam_r(text, &group, space, GROUP_MAX, &found);
	err->rc = MT_OK;
	if (rc != 0 || found == NULL)
		(void)mt_fail(err, MT_CONFIG, "listen_group: no group %s",
		    mt_quote(name).s);
	else if (chown(path, (uid_t)-1, group.gr_gid) != 0)
		(void)mt_fail_sys(err, "%s: listen_group", path);
	mt_free(space);
	mt_free(text);
	return err->rc;
}

enum mt_rc
mt_listen_dress(struct mt_listen *l, struct mt_str group, struct mt_err *err)
{
	struct stat st;

	if (l->path[0] == '\0')
		return MT_OK;
	if (group.n > 0 && set_group(l->path, group, err) != MT_OK)
		return err->rc;
	if (chmod(l->path, l->mode) != 0 || lstat(l->path, &st) != 0)
		return mt_fail_sys(err, "%s", l->path);
	l->dev = st.st_dev;
	l->ino = st.st_ino;
	return MT_OK;
}

enum mt_rc
mt_listen_bind(struct mt_listen *l, int fd, struct mt_str group, int backlog,
    const char *what, struct mt_err *err)
{
	const int on = 1;

	if (mt_listen_clear(l, err) != MT_OK)
		return err->rc;
	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(fd, (const struct sockaddr *)&l->addr, l->len) != 0)
		return mt_fail_sys(err, "%s", what);
	if (mt_listen_dress(l, group, err) != MT_OK)
		return err->rc;
	if (listen(fd, backlog) != 0) {
		(void)mt_fail_sys(err, "listen");
		mt_listen_hide(l);
		return err->rc;
	}
	return MT_OK;
}

void
mt_listen_hide(struct mt_listen *l)
{
	struct stat st;

	if (l->ino != 0 && lstat(l->path, &st) == 0 && st.st_ino == l->ino &&
	    st.st_dev == l->dev)
		(void)unlink(l->path);
	l->ino = 0;
}
