/* SPDX-License-Identifier: BSD-2-Clause */
#include "site.h"

#include <pthread.h>
#include <stdatomic.h>
#include <time.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/trouble.h"
#include "geo/geo.h"
#include "limiter.h"
#include "options.h"
#include "prog/program.h"
#include "spool/spool.h"
#include "token/daykey.h"
#include "token/random.h"

#define WARN_S 60

struct pixel_site {
	atomic_uint refs;
	struct mt_conf *conf;
	const struct pixel_options *options; /* of conf */
	struct mt_str host;
	struct pixel_trust *trust;
	struct pixel_rules *rules;
	struct pixel_limiter *limiter;
	struct mt_geo *geo; /* NULL: no database is configured */
	struct mt_daykey *daykey;
	struct mt_spool *spool;
	struct mt_trouble losing; /* opens */
	bool closed; /* the last look at the spool failed; of one thread */
	char *keys_path; /* owned */
	atomic_uint twin; /* begins at random, so that processes differ */
	pthread_mutex_t lock;
	struct mt_keys *keys; /* under lock; NULL: not to be had */
};

static struct mt_keys *
take_keys(struct pixel_site *site)
{
	struct mt_keys *keys;

	(void)pthread_mutex_lock(&site->lock);
	keys = site->keys != NULL ? mt_keys_ref(site->keys) : NULL;
	(void)pthread_mutex_unlock(&site->lock);
	return keys;
}

static void
put_keys(struct pixel_site *site, struct mt_keys *keys)
{
	struct mt_keys *old;

	(void)pthread_mutex_lock(&site->lock);
	old = site->keys;
	site->keys = keys;
	(void)pthread_mutex_unlock(&site->lock);
	mt_keys_unref(old);
}

/* NULL for an option that is not set. */
static char *
dup_path(struct mt_str path)
{
	return path.n > 0 ? mt_str_dup(path) : NULL;
}

static void
open_geo(struct pixel_site *site)
{
	char *country = dup_path(site->options->country_db);
	char *asn = dup_path(site->options->asn_db);
	struct mt_err why;

	/* What could be opened answers; pixel_site_refresh says the rest. */
	if ((country != NULL || asn != NULL) &&
	    mt_geo_open(country, asn, &site->geo, &why) != MT_OK)
		mt_log(MT_LOG_DEBUG, "%s", why.msg);
	mt_free(country);
	mt_free(asn);
}

static enum mt_rc
open_spool(struct pixel_site *site, struct mt_err *err)
{
	const struct mt_spool_options options = {
		.dir = site->options->spool_dir,
		.max = site->options->spool_max,
		.segment = site->options->spool_segment,
		.sync = (enum mt_sync)site->options->spool_sync,
	};

	return mt_spool_open(&options, &site->spool, err);
}

enum mt_rc
pixel_site_new(
    struct mt_conf *conf, struct pixel_site **ret_site, struct mt_err *err)
{
	struct pixel_site *site = mt_alloc(sizeof(*site));
	const struct pixel_options *o = mt_conf_values(conf);
	unsigned twin = 0;
	struct mt_err why;
	char *path;

	atomic_init(&site->refs, 1);
	(void)pthread_mutex_init(&site->lock, NULL);
	mt_trouble_init(&site->losing);
	site->conf = mt_conf_ref(conf);
	site->options = o;
	site->host = mt_program_host(o->host);
	site->rules = pixel_rules_new();
	site->keys_path = mt_str_dup(o->token_keys);
	path = mt_str_dup(o->day_key);
	site->daykey = mt_daykey_new(path);
	mt_free(path);
	if (mt_random(&twin, sizeof(twin), err) != MT_OK ||
	    pixel_trust_read(o->trusted_proxies, &site->trust, err) != MT_OK ||
	    pixel_limiter_new(
		o->rate_limit, o->rate_sources, &site->limiter, err) != MT_OK ||
	    open_spool(site, err) != MT_OK) {
		pixel_site_unref(site);
		return err->rc;
	}
	atomic_init(&site->twin, twin);
	/* pixel_site_refresh tries again, and says what is wrong. */
	if (mt_keys_load(site->keys_path, &site->keys, &why) != MT_OK)
		site->keys = NULL;
	open_geo(site);
	*ret_site = site;
	return MT_OK;
}

struct pixel_site *
pixel_site_ref(struct pixel_site *site)
{
	(void)atomic_fetch_add(&site->refs, 1);
	return site;
}

void
pixel_site_unref(struct pixel_site *site)
{
	if (site == NULL || atomic_fetch_sub(&site->refs, 1) > 1)
		return;
	mt_spool_close(site->spool);
	mt_geo_close(site->geo);
	mt_daykey_free(site->daykey);
	mt_keys_unref(site->keys);
	pixel_limiter_free(site->limiter);
	pixel_rules_free(site->rules);
	pixel_trust_free(site->trust);
	mt_trouble_done(&site->losing);
	mt_free(site->keys_path);
	mt_conf_unref(site->conf);
	(void)pthread_mutex_destroy(&site->lock);
	mt_free(site);
}

enum mt_rc
pixel_site_check(struct pixel_site *site, struct mt_err *err)
{
	struct mt_keys *keys = NULL;

	if (mt_keys_load(site->keys_path, &keys, err) != MT_OK)
		return err->rc;
	mt_keys_unref(keys);
	if (site->geo != NULL && mt_geo_refresh(site->geo, err) != MT_OK)
		return err->rc;
	return mt_spool_check(site->spool, err);
}

static void
lose(struct pixel_site *site, const struct mt_err *err)
{
	if (mt_trouble_on(&site->losing, (int)err->rc))
		mt_log(MT_LOG_ERR,
		    "%s; losing opens, which are counted; readers get their "
		    "image",
		    err->msg);
}

/* A full disk shows when something is written, other troubles here. */
static void
check_spool(struct pixel_site *site)
{
	struct mt_trouble_was was;
	struct mt_err err;

	if (mt_spool_check(site->spool, &err) != MT_OK) {
		site->closed = true;
		lose(site, &err);
	} else if (site->closed) {
		site->closed = false;
		mt_trouble_good(&site->losing);
	}
	if (mt_trouble_over(&site->losing, &was))
		mt_log(MT_LOG_INFO,
		    "the spool takes opens again after s=%u failures=%u",
		    was.seconds, was.count);
}

void
pixel_site_refresh(struct pixel_site *site)
{
	struct mt_keys *keys = take_keys(site), *fresh = NULL;
	struct mt_err err;

	if (keys == NULL || mt_keys_stale(keys)) {
		if (mt_keys_load(site->keys_path, &fresh, &err) == MT_OK) {
			put_keys(site, fresh);
			mt_log(MT_LOG_INFO, "read the token keys path='%s'",
			    site->keys_path);
		} else {
			mt_log_every(WARN_S, MT_LOG_ERR, "%s; %s", err.msg,
			    keys == NULL ? "recording nothing"
					 : "keeping the keys we have");
		}
	}
	mt_keys_unref(keys);
	if (site->geo != NULL && mt_geo_refresh(site->geo, &err) != MT_OK)
		mt_log_every(WARN_S, MT_LOG_WARNING,
		    "%s; keeping what was open", err.msg);
	if (mt_daykey_turn(site->daykey, mt_clock_now(), &err) != MT_OK)
		mt_log_every(WARN_S, MT_LOG_WARNING,
		    "%s; going on without fingerprints", err.msg);
	check_spool(site);
}

const struct pixel_trust *
pixel_site_trust(const struct pixel_site *site)
{
	return site->trust;
}

static int64_t
steady_us(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * MT_SECOND + ts.tv_nsec / 1000;
}

static enum pixel_outcome
append(struct pixel_site *site, const struct pixel_hit *hit, int64_t at,
    const struct mt_token *token)
{
	bool refused = (hit->facts & PIXEL_FACT(gpc)) != 0;
	char hex[MT_TOKEN_HEX + 1], print[MT_FINGERPRINT_HEX + 1];
	struct mt_geo_answer geo = mt_geo_find(site->geo, &hit->client);
	struct pixel_verdict verdict;
	struct mt_ev_open ev = { .at = at, .host = site->host };
	struct mt_err err;

	pixel_judge(site->rules, mt_str_n(hit->agent, hit->agent_n),
	    &hit->client, geo.asn, hit->facts, &verdict);
	mt_token_hex(token, hex);
	ev.token = mt_str(hex);
	ev.twin = (uint32_t)atomic_fetch_add(&site->twin, 1);
	ev.class = verdict.class;
	ev.certainty = verdict.certainty;
	ev.reasons = mt_str(verdict.reasons);
	ev.rules = PIXEL_RULES_VERSION;
	ev.agent = verdict.agent;
	ev.asn = geo.asn;
	if (geo.country[0] != '\0')
		ev.country = mt_str(geo.country);
	if (token->mode > MT_mode_anonymous && !refused &&
	    hit->client.family != 0) {
		if (mt_fingerprint_make(site->daykey, at, &hit->client,
			verdict.agent, token, print, &err) == MT_OK)
			ev.fingerprint = mt_str(print);
		else if (err.rc != MT_ABSENT)
			mt_log_every(WARN_S, MT_LOG_WARNING,
			    "%s; recording without fingerprint", err.msg);
	}
	if (mt_spool_put(site->spool, MT_EV_open, &ev, &err) != MT_OK) {
		lose(site, &err);
		return PIXEL_FAILED;
	}
	mt_trouble_good(&site->losing);
	return PIXEL_RECORDED;
}

enum pixel_outcome
pixel_site_record(
    struct pixel_site *site, const struct pixel_hit *hit, int64_t at)
{
	struct mt_keys *keys;
	struct mt_token token;
	bool ours;

	if (hit->method == PIXEL_OTHER || hit->token_n == 0)
		return PIXEL_JUNK;
	if ((keys = take_keys(site)) == NULL)
		return PIXEL_FAILED;
	ours = mt_token_check(keys, mt_str_n(hit->token, hit->token_n), &token);
	mt_keys_unref(keys);
	if (!ours)
		return PIXEL_JUNK;
	if ((hit->facts & PIXEL_FACT(gpc)) != 0 &&
	    site->options->refusal == MT_refusal_drop)
		return PIXEL_REFUSED;
	if (!pixel_limiter_take(site->limiter, &hit->client, steady_us()))
		return PIXEL_LIMITED;
	return append(site, hit, at, &token);
}
