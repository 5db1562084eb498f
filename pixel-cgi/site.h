/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What turns a hit into an event, after it was answered: one snapshot of the
 * options with everything they name. A part that cannot be had (keys, a
 * database, the spool) is missing, said once a minute, and taken up by
 * pixel_site_refresh when it appears: the image never waits for it. Counted;
 * a worker keeps the one it began with.
 */
#ifndef PIXEL_SITE_H
#define PIXEL_SITE_H

#include <stdint.h>

#include "base/err.h"
#include "conf/conf.h"
#include "event/event.h"
#include "hit.h"
#include "judge.h"

struct pixel_site;

/* Everything that can be missing is; fails for want of random bytes only. */
MT_MUST_CHECK enum mt_rc pixel_site_new(
    struct mt_conf *conf, struct pixel_site **ret_site, struct mt_err *err);
struct pixel_site *pixel_site_ref(struct pixel_site *site);
void pixel_site_unref(struct pixel_site *site); /* NULL is fine */
/* For -t and doctor: the first thing that is missing. */
MT_MUST_CHECK enum mt_rc pixel_site_check(
    struct pixel_site *site, struct mt_err *err);
/* Take up replaced keys and databases and the new day's key; once in 5 s. */
void pixel_site_refresh(struct pixel_site *site);
const struct pixel_trust *pixel_site_trust(const struct pixel_site *site);

enum pixel_outcome {
	PIXEL_RECORDED,
	PIXEL_JUNK, /* no token of ours: nothing was asked, nothing written */
	PIXEL_LIMITED,
	PIXEL_REFUSED, /* the client asked not to be tracked */
	PIXEL_FAILED, /* no keys, or the spool said no */
	PIXEL_OUTCOMES
};

/* Judge the hit and append its event; at: when the request came. */
enum pixel_outcome pixel_site_record(
    struct pixel_site *site, const struct pixel_hit *hit, int64_t at);

#endif
