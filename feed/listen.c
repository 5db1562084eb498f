/* SPDX-License-Identifier: BSD-2-Clause */
#include "listen.h"

#include <errno.h>
#include <grp.h>
#include <netinet/in.h>
#include <string.h>
#include <unistd.h>

#include "base/ip.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/num.h"

#define BACKLOG 128
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

static enum mt_rc
read_unix(struct mt_str path, struct feed_place *place, struct mt_err *err)
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
	memcpy(place->path, un.sun_path, sizeof(place->path));
	memcpy(&place->addr, &un, sizeof(un));
	place->len = sizeof(un);
	return MT_OK;
}

static bool
read_inet(struct mt_str text, struct feed_place *place)
{
	struct sockaddr_in6 v6 = { .sin6_family = AF_INET6 };
	struct sockaddr_in v4 = { .sin_family = AF_INET };
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
	if (ip.family == 4) {
		memcpy(&v4.sin_addr, ip.b, sizeof(v4.sin_addr));
		v4.sin_port = htons((uint16_t)number);
		memcpy(&place->addr, &v4, sizeof(v4));
		place->len = sizeof(v4);
	} else {
		memcpy(&v6.sin6_addr, ip.b, sizeof(v6.sin6_addr));
		v6.sin6_port = htons((uint16_t)number);
		memcpy(&place->addr, &v6, sizeof(v6));
		place->len = sizeof(v6);
	}
	return true;
}

enum mt_rc
feed_place_read(const struct feed_options *o, struct feed_place *ret_place,
    struct mt_err *err)
{
	struct mt_str kind, rest;

	memset(ret_place, 0, sizeof(*ret_place));
	if (!read_mode(o->listen_mode, &ret_place->mode))
		return mt_fail(err, MT_CONFIG,
		    "listen_mode: %s is no mode such as 0660",
		    mt_quote(o->listen_mode).s);
	if (mt_str_eqz(o->listen, "none")) {
		ret_place->none = true;
		return MT_OK;
	}
	(void)mt_str_cut(o->listen, ':', &kind, &rest);
	if (mt_str_eqz(kind, "unix"))
		return read_unix(rest, ret_place, err);
	if (!read_inet(o->listen, ret_place))
		return mt_fail(err, MT_CONFIG,
		    "listen: %s is none of unix:PATH, ADDRESS:PORT, none",
		    mt_quote(o->listen).s);
	return MT_OK;
}

/* Take away a file that nobody listens on any more. */
static enum mt_rc
clear(const struct feed_place *place, struct mt_err *err)
{
	struct stat st;
	int fd, rc;

	if (lstat(place->path, &st) != 0)
		return MT_OK;
	if (!S_ISSOCK(st.st_mode))
		return mt_fail(
		    err, MT_CONFIG, "%s: exists and is no socket", place->path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return mt_fail_sys(err, "socket");
	rc = connect(fd, (const struct sockaddr *)&place->addr, place->len);
	if (rc != 0 && errno == EAGAIN)
		rc = 0; /* its queue is full, so it has one */
	(void)close(fd);
	if (rc == 0)
		return mt_fail(err, MT_CONFIG,
		    "%s: another program listens there", place->path);
	if (unlink(place->path) != 0)
		return mt_fail_sys(err, "%s", place->path);
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

static enum mt_rc
dress(struct feed_place *place, struct mt_str group, struct mt_err *err)
{
	if (place->path[0] == '\0')
		return MT_OK;
	if (group.n > 0 && set_group(place->path, group, err) != MT_OK)
		return err->rc;
	if (chmod(place->path, place->mode) != 0 ||
	    lstat(place->path, &place->made) != 0)
		return mt_fail_sys(err, "%s", place->path);
	return MT_OK;
}

enum mt_rc
feed_place_open(struct feed_place *place, struct mt_str group, int *ret_fd,
    struct mt_err *err)
{
	int on = 1, fd;

	if (place->path[0] != '\0' && clear(place, err) != MT_OK)
		return err->rc;
	fd = socket(place->addr.ss_family,
	    SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return mt_fail_sys(err, "socket");
	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(fd, (const struct sockaddr *)&place->addr, place->len) != 0)
		(void)mt_fail_sys(err, "listen: bind");
	else if (dress(place, group, err) == MT_OK) {
		if (listen(fd, BACKLOG) == 0) {
			*ret_fd = fd;
			return MT_OK;
		}
		(void)mt_fail_sys(err, "listen");
	}
	(void)close(fd);
	return err->rc;
}

void
feed_place_hide(struct feed_place *place)
{
	struct stat st;

	if (place->path[0] == '\0' || place->made.st_ino == 0)
		return;
	if (lstat(place->path, &st) == 0 && st.st_ino == place->made.st_ino &&
	    st.st_dev == place->made.st_dev)
		(void)unlink(place->path);
	place->made.st_ino = 0;
}
