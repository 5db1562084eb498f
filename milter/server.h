/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The program's one server: the site in force, what is in work, and start,
 * reload and end.
 *
 * libmilter's callbacks enter the server and leave it again; once the end has
 * come nobody gets in any more, and messages go on as if we were not there.
 * At the end the socket goes first, then messages in work are waited for (not
 * longer than stop_wait_ms), while messages that begin meanwhile pass by.
 */
#ifndef MILTER_SERVER_H
#define MILTER_SERVER_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "conf/conf.h"
#include "site.h"

struct milter_server;

/* What happened since the last summary. */
enum milter_count {
	COUNT_OFFERS,
	COUNT_MARKED,
	COUNT_PASSED, /* began while the program ended */
	COUNTS
};

MT_MUST_CHECK enum mt_rc milter_server_new(struct mt_conf *conf,
    struct milter_server **ret_server, struct mt_err *err);
MT_MUST_CHECK enum mt_rc milter_server_run(
    struct milter_server *server, struct mt_err *err);
void milter_server_free(struct milter_server *server); /* NULL is fine */

/* For callbacks. false: the end has come; touch nothing. */
bool milter_server_enter(struct milter_server *server);
void milter_server_leave(struct milter_server *server);
/* A message begins: the site to handle it with; NULL: let it pass. */
struct milter_site *milter_server_begin(struct milter_server *server);
void milter_server_end(struct milter_server *server);
/* n bytes more for bodies; false when that is above memory_max. */
bool milter_server_charge(
    struct milter_server *server, size_t n, uint64_t memory_max);
void milter_server_discharge(struct milter_server *server, size_t n);
void milter_server_count(struct milter_server *server, enum milter_count what);

#endif
