/* SPDX-License-Identifier: BSD-2-Clause */
#include "site.h"

#include "base/log.h"
#include "base/mem.h"
#include "prog/program.h"

#define WARN_S 60

static void
unref_base(struct milter_base *base)
{
	if (base == NULL || atomic_fetch_sub(&base->refs, 1) != 1)
		return;
	mt_spool_close(base->spool);
	milter_hook_free(base->hook);
	mt_policy_watch_free(base->watch);
	milter_origin_free(base->origin);
	mt_ignore_free(base->ignore);
	mt_trouble_done(&base->losing);
	mt_free(base->keys_path);
	mt_conf_unref(base->conf);
	mt_free(base);
}

static enum mt_rc
open_base(struct mt_conf *conf, struct milter_base *base, struct mt_err *err)
{
	const struct milter_options *o = mt_conf_values(conf);
	const struct mt_spool_options spool = { .dir = o->spool_dir,
		.max = o->spool_max,
		.segment = o->spool_segment,
		.sync = (enum mt_sync)o->spool_sync };
	char *path = mt_str_dup(o->policy_snapshot);

	atomic_init(&base->refs, 1);
	mt_trouble_init(&base->losing);
	base->conf = mt_conf_ref(conf);
	base->options = o;
	base->host = mt_program_host(o->host);
	base->keys_path = mt_str_dup(o->token_keys);
	base->watch = mt_policy_watch_new(path);
	mt_free(path);
	if (milter_origin_read(o, &base->origin, err) != MT_OK)
		return err->rc;
	if (mt_ignore_load(o->ignore_addresses, &base->ignore, err) != MT_OK) {
		mt_err_in(err, "ignore_addresses");
		return err->rc;
	}
	return mt_spool_open(&spool, &base->spool, err);
}

static struct milter_site *
make_site(struct milter_base *base, struct mt_keys *keys)
{
	struct milter_site *site = mt_alloc(sizeof(*site));

	atomic_init(&site->refs, 1);
	site->base = base;
	site->keys = keys;
	return site;
}

enum mt_rc
milter_site_new(
    struct mt_conf *conf, struct milter_site **ret_site, struct mt_err *err)
{
	struct milter_base *base = mt_alloc(sizeof(*base));
	struct mt_keys *keys = NULL;
	struct mt_err why;

	if (open_base(conf, base, err) != MT_OK) {
		unref_base(base);
		return err->rc;
	}
	if (mt_keys_load(base->keys_path, &keys, &why) != MT_OK) {
		mt_log(MT_LOG_ERR, "%s; marking nothing", why.msg);
		keys = NULL;
	}
	if (base->options->hook.n > 0 &&
	    milter_hook_new(base->options, &base->hook, &why) != MT_OK)
		mt_log(MT_LOG_ERR, "%s; mail goes on without it", why.msg);
	if (mt_spool_check(base->spool, &why) != MT_OK &&
	    mt_trouble_on(&base->losing, (int)why.rc))
		mt_log(MT_LOG_ERR,
		    "%s; mail goes on unrecorded, what is lost is counted",
		    why.msg);
	*ret_site = make_site(base, keys);
	mt_policy_unref(milter_site_policy(*ret_site));
	return MT_OK;
}

struct milter_site *
milter_site_ref(struct milter_site *site)
{
	atomic_fetch_add(&site->refs, 1);
	return site;
}

void
milter_site_unref(struct milter_site *site)
{
	if (site == NULL || atomic_fetch_sub(&site->refs, 1) != 1)
		return;
	mt_keys_unref(site->keys);
	unref_base(site->base);
	mt_free(site);
}

struct milter_site *
milter_site_rekey(const struct milter_site *site)
{
	struct mt_keys *keys = NULL;
	struct mt_err err;

	if (site->keys != NULL && !mt_keys_stale(site->keys))
		return NULL;
	if (mt_keys_load(site->base->keys_path, &keys, &err) != MT_OK) {
		mt_log_every(WARN_S, MT_LOG_ERR, "%s; %s", err.msg,
		    site->keys == NULL ? "marking nothing"
				       : "keeping the keys we have");
		return NULL;
	}
	mt_log(MT_LOG_INFO, "read the token keys path=%s",
	    mt_quotez(site->base->keys_path).s);
	atomic_fetch_add(&site->base->refs, 1);
	return make_site(site->base, keys);
}

struct mt_policy *
milter_site_policy(const struct milter_site *site)
{
	struct mt_policy *policy;
	const char *outcome;
	struct mt_err err;

	policy = mt_policy_watch_get(site->base->watch, &err);
	outcome =
	    policy == NULL ? "marking nothing" : "keeping the policy we have";
	if (err.rc == MT_SYSTEM)
		mt_log_every(
		    WARN_S, MT_LOG_ERR, "policy: %s; %s", err.msg, outcome);
	else if (err.rc != MT_OK)
		mt_log(MT_LOG_WARNING, "%s; %s", err.msg, outcome);
	return policy;
}

void
milter_site_settle(struct milter_site *site)
{
	struct mt_trouble_was was;

	if (mt_trouble_over(&site->base->losing, &was))
		mt_log(MT_LOG_INFO,
		    "the spool takes events again after s=%u failures=%u",
		    was.seconds, was.count);
}

enum mt_rc
milter_site_check(struct milter_site *site, struct mt_err *err)
{
	struct mt_policy *policy = NULL;
	const struct milter_options *o = site->base->options;
	struct mt_keys *keys = NULL;
	struct milter_hook *hook = NULL;
	char *path = mt_str_dup(o->policy_snapshot);
	enum mt_rc rc;

	rc = mt_policy_open(path, &policy, err);
	mt_free(path);
	mt_policy_unref(policy);
	if (rc != MT_OK && rc != MT_ABSENT) /* nothing was tracked yet */
		return rc;
	if (mt_keys_load(site->base->keys_path, &keys, err) != MT_OK)
		return err->rc;
	mt_keys_unref(keys);
	if (o->hook.n > 0 && milter_hook_new(o, &hook, err) != MT_OK)
		return err->rc;
	milter_hook_free(hook);
	return mt_spool_check(site->base->spool, err);
}
