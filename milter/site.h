/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a message is handled with: one snapshot of the options and all they
 * name. Counted and immutable; a message keeps the one it began with while a
 * reload, or replaced keys, put another in place. Keys, policy and spool may
 * be missing: that is said, and costs marks or records, never mail.
 */
#ifndef MILTER_SITE_H
#define MILTER_SITE_H

#include <stdatomic.h>

#include "base/err.h"
#include "base/trouble.h"
#include "conf/conf.h"
#include "hook.h"
#include "mail/ignore.h"
#include "options.h"
#include "origin.h"
#include "policy/snapshot.h"
#include "spool/spool.h"
#include "token/keys.h"

/* Options, spool and policy, which outlive an exchange of keys. */
struct milter_base {
	atomic_uint refs;
	struct mt_conf *conf; /* a reference */
	const struct milter_options *options;
	struct milter_origin *origin; /* owned */
	struct mt_ignore *ignore; /* owned; NULL: none */
	struct mt_policy_watch *watch; /* owned */
	struct mt_spool *spool; /* owned */
	struct mt_trouble losing; /* events */
	struct milter_hook *hook; /* owned; NULL: none, or not readable */
	struct mt_str host;
	char *keys_path; /* owned */
};

struct milter_site {
	atomic_uint refs;
	struct milter_base *base; /* a reference */
	struct mt_keys *keys; /* a reference; NULL: none could be read */
};

MT_MUST_CHECK enum mt_rc milter_site_new(
    struct mt_conf *conf, struct milter_site **ret_site, struct mt_err *err);
struct milter_site *milter_site_ref(struct milter_site *site);
void milter_site_unref(struct milter_site *site); /* NULL is fine */
/*
 * The same with the key file as it is now; NULL when there is no other, or
 * none that can be read (which is logged).
 */
struct milter_site *milter_site_rekey(const struct milter_site *site);
/* The newest policy, NULL without one; what is wrong with it is logged. */
struct mt_policy *milter_site_policy(const struct milter_site *site);
/* Now and then: say when events are taken again. */
void milter_site_settle(struct milter_site *site);
/* For -t: the first thing that is missing. */
MT_MUST_CHECK enum mt_rc milter_site_check(
    struct milter_site *site, struct mt_err *err);

#endif
