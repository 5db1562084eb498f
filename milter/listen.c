/* SPDX-License-Identifier: BSD-2-Clause */
#include "listen.h"

#include <stdio.h>
#include <string.h>

#include "base/ip.h"
#include "base/log.h"
#include "base/num.h"

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
	struct mt_str kind, rest;

	memset(ret_place, 0, sizeof(*ret_place));
	if (mt_listen_mode(&ret_place->at, o->listen_mode, err) != MT_OK)
		return err->rc;
	(void)mt_str_cut(o->listen, ':', &kind, &rest);
	if (mt_str_eqz(kind, "unix")) {
		if (mt_listen_unix(&ret_place->at, rest, err) != MT_OK)
			return err->rc;
	} else if (!(mt_str_eqz(kind, "inet") && inet_valid(rest, 4)) &&
	    !(mt_str_eqz(kind, "inet6") && inet_valid(rest, 6))) {
		return mt_fail(err, MT_CONFIG,
		    "listen: %s is none of unix:PATH, inet:PORT@ADDRESS, "
		    "inet6:PORT@ADDRESS",
		    mt_quote(o->listen).s);
	}
	(void)snprintf(ret_place->spec, sizeof(ret_place->spec), "%.*s",
	    MT_STR_ARG(o->listen));
	return MT_OK;
}
