/* SPDX-License-Identifier: BSD-2-Clause */
#include "listen.h"

#include <errno.h>
#include <grp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
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

static enum mt_rc
read_unix(struct mt_str path, struct milter_place *place, struct mt_err *err)
{
	if (path.n == 0 || path.p[0] != '/')
		return mt_fail(
		    err, MT_CONFIG, "listen: unix: needs an absolute path");
	if (path.n >= sizeof(place->un.sun_path))
		return mt_fail(err, MT_CONFIG,
		    "listen: path longer than %zu bytes",
		    sizeof(place->un.sun_path) - 1);
	place->local = true;
	place->un.sun_family = AF_UNIX;
	memcpy(place->un.sun_path, path.p, path.n);
	return MT_OK;
}

/* "8899@127.0.0.1" */
static bool
inet_valid(struct mt_str text, unsigned family)
{
	struct mt_str port, host;
	uint64_t number;
	struct mt_ip ip;

	return mt_str_cut(text, '@', &port, &host) &&
	    mt_num_read(port, 65535, &number) && number > 0 &&
	    mt_ip_read(host, &ip) && ip.family == family;
}

enum mt_rc
milter_place_read(const struct milter_options *o,
    struct milter_place *ret_place, struct mt_err *err)
{
	struct milter_place place = { .local = false };
	struct mt_str kind, rest;

	if (!read_mode(o->listen_mode, &place.mode))
		return mt_fail(err, MT_CONFIG,
		    "listen_mode: %s is no mode such as 0660",
		    mt_quote(o->listen_mode).s);
	(void)mt_str_cut(o->listen, ':', &kind, &rest);
	if (mt_str_eqz(kind, "unix")) {
		if (read_unix(rest, &place, err) != MT_OK)
			return err->rc;
	} else if (!(mt_str_eqz(kind, "inet") && inet_valid(rest, 4)) &&
	    !(mt_str_eqz(kind, "inet6") && inet_valid(rest, 6))) {
		return mt_fail(err, MT_CONFIG,
		    "listen: %s is none of unix:PATH, inet:PORT@ADDRESS, "
		    "inet6:PORT@ADDRESS",
		    mt_quote(o->listen).s);
	}
	(void)snprintf(
	    place.spec, sizeof(place.spec), "%.*s", MT_STR_ARG(o->listen));
	*ret_place = place;
	return MT_OK;
}

enum mt_rc
milter_place_clear(const struct milter_place *place, struct mt_err *err)
{
	const char *path = place->un.sun_path;
	struct stat st;
	int fd, rc;

	if (!place->local || lstat(path, &st) != 0)
		return MT_OK;
	if (!S_ISSOCK(st.st_mode))
		return mt_fail(
		    err, MT_CONFIG, "%s: exists and is no socket", path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return mt_fail_sys(err, "socket");
	rc =
	    connect(fd, (const struct sockaddr *)&place->un, sizeof(place->un));
	if (rc != 0 && errno == EAGAIN)
		rc = 0; /* its queue is full, so it has one */
	(void)close(fd);
	if (rc == 0)
		return mt_fail(
		    err, MT_CONFIG, "%s: another program listens there", path);
	if (unlink(path) != 0)
		return mt_fail_sys(err, "%s", path);
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
milter_place_dress(struct milter_place *place, const struct milter_options *o,
    struct mt_err *err)
{
	const char *path = place->un.sun_path;

	if (!place->local)
		return MT_OK;
	if (o->listen_group.n > 0 &&
	    set_group(path, o->listen_group, err) != MT_OK)
		return err->rc;
	if (chmod(path, place->mode) != 0 || lstat(path, &place->made) != 0)
		return mt_fail_sys(err, "%s", path);
	return MT_OK;
}

void
milter_place_hide(struct milter_place *place)
{
	struct stat st;

	if (!place->local || place->made.st_ino == 0)
		return;
	if (lstat(place->un.sun_path, &st) == 0 &&
	    st.st_ino == place->made.st_ino && st.st_dev == place->made.st_dev)
		(void)unlink(place->un.sun_path);
	place->made.st_ino = 0;
}
