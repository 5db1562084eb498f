/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Whose mail may be marked: that of clients who logged in, of services named
 * in submission_daemons, and of submission_networks. All else came from
 * outside, or may have.
 */
#ifndef MILTER_ORIGIN_H
#define MILTER_ORIGIN_H

#include <stdbool.h>

#include "base/ip.h"
#include "options.h"

struct milter_origin;

/* Borrows the options' texts. */
MT_MUST_CHECK enum mt_rc milter_origin_read(const struct milter_options *o,
    struct milter_origin **ret_origin, struct mt_err *err);
void milter_origin_free(struct milter_origin *origin); /* NULL is fine */
bool milter_origin_ours(const struct milter_origin *origin, struct mt_str user,
    struct mt_str daemon, const struct mt_ip *client);

#endif
