/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The socket's place, in libmilter's words (option listen). libmilter binds
 * and listens; what it does not do is lib/net's: before it, the place is
 * cleared (mt_listen_clear), after it, mode and group are set
 * (mt_listen_dress).
 */
#ifndef MILTER_LISTEN_H
#define MILTER_LISTEN_H

#include "net/listen.h"
#include "options.h"

struct milter_place {
	char spec[300]; /* as smfi_setconn takes it */
	struct mt_listen at; /* without a file: over TCP */
};

MT_MUST_CHECK enum mt_rc milter_place_read(const struct milter_options *o,
    struct milter_place *ret_place, struct mt_err *err);

#endif
