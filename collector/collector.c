/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/log.h"
#include "base/mem.h"
#include "collector.h"
#include "crew.h"
#include "prog/program.h"

struct collector {
	struct crew *crew;
};

/*
 * A database that is away is waited for in run. One that has another schema,
 * or does not let us in, is an error now, when somebody looks; later it is
 * waited for, too.
 */
enum mt_rc
collector_setup(struct mt_conf *conf, void **ret_state, struct mt_err *err)
{
	struct collector *c = mt_alloc(sizeof(*c));

	*ret_state = c;
	return crew_new(conf, &c->crew, err);
}

void
collector_done(void *state)
{
	struct collector *c = state;

	if (c == NULL)
		return;
	crew_free(c->crew);
	mt_free(c);
}

/* Put a new configuration in place; a bad one leaves the old at work. */
static enum mt_rc
reload(struct collector *c, struct mt_err *err)
{
	struct mt_conf *conf = mt_program_reload();
	struct crew *fresh;
	struct mt_err why;
	enum mt_rc rc;

	if (conf == NULL)
		return MT_OK;
	rc = crew_new(conf, &fresh, &why);
	mt_conf_unref(conf);
	if (rc != MT_OK) {
		mt_log(
		    MT_LOG_ERR, "%s; keeping the old configuration", why.msg);
		return MT_OK;
	}
	crew_free(c->crew);
	c->crew = fresh;
	mt_log(MT_LOG_INFO, "configuration read again");
	return crew_start(c->crew, err);
}

enum mt_rc
collector_run(void *state, struct mt_err *err)
{
	struct collector *c = state;

	if (crew_start(c->crew, err) != MT_OK)
		return err->rc;
	while (!mt_stopping()) {
		if (mt_reloading() && reload(c, err) != MT_OK)
			return err->rc;
		if (crew_turn(c->crew, err) != MT_OK)
			return err->rc;
		if (!mt_stopping())
			crew_sleep(c->crew);
	}
	return crew_end(c->crew, err);
}
