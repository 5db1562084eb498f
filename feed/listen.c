/* SPDX-License-Identifier: BSD-2-Clause */
#include "listen.h"

#include <string.h>
#include <unistd.h>

#include "base/log.h"

#define BACKLOG 128

enum mt_rc
feed_place_read(const struct feed_options *o, struct feed_place *ret_place,
    struct mt_err *err)
{
	struct mt_str kind, rest;

	memset(ret_place, 0, sizeof(*ret_place));
	if (mt_listen_mode(&ret_place->at, o->listen_mode, err) != MT_OK)
		return err->rc;
	if (mt_str_eqz(o->listen, "none")) {
		ret_place->none = true;
		return MT_OK;
	}
	(void)mt_str_cut(o->listen, ':', &kind, &rest);
	if (mt_str_eqz(kind, "unix"))
		return mt_listen_unix(&ret_place->at, rest, err);
	if (!mt_listen_inet(&ret_place->at, o->listen))
		return mt_fail(err, MT_CONFIG,
		    "listen: %s is none of unix:PATH, ADDRESS:PORT, none",
		    mt_quote(o->listen).s);
	return MT_OK;
}

enum mt_rc
feed_place_open(struct feed_place *place, struct mt_str group, int *ret_fd,
    struct mt_err *err)
{
	int fd = socket(place->at.addr.ss_family,
	    SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0)
		return mt_fail_sys(err, "socket");
	if (mt_listen_bind(
		&place->at, fd, group, BACKLOG, "listen: bind", err) != MT_OK) {
		(void)close(fd);
		return err->rc;
	}
	*ret_fd = fd;
	return MT_OK;
}
