/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The socket's place, its mode and group. libmilter binds and listens; here is
 * what it does not do: read the option with care, take away a socket file that
 * nobody listens on any more (and no other), and set mode and group.
 */
#ifndef MILTER_LISTEN_H
#define MILTER_LISTEN_H

#include <stdbool.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "options.h"

struct milter_place {
	char spec[300]; /* as smfi_setconn takes it */
	struct sockaddr_un un; /* of a Unix socket */
	bool local;
	mode_t mode;
	struct stat made; /* the socket file that we made */
};

MT_MUST_CHECK enum mt_rc milter_place_read(const struct milter_options *o,
    struct milter_place *ret_place, struct mt_err *err);
/* Before libmilter opens it. MT_CONFIG: another program listens there. */
MT_MUST_CHECK enum mt_rc milter_place_clear(
    const struct milter_place *place, struct mt_err *err);
/* After libmilter has opened it. */
MT_MUST_CHECK enum mt_rc milter_place_dress(struct milter_place *place,
    const struct milter_options *o, struct mt_err *err);
/* Nobody new shall come: the file goes, unless it is another's by now. */
void milter_place_hide(struct milter_place *place);

#endif
