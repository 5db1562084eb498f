/* SPDX-License-Identifier: BSD-2-Clause */
#include <fcgiapp.h>

#include "base/log.h"
#include "cgi.h"
#include "options.h"
#include "prog/program.h"
#include "server.h"

static enum mt_rc
open_listener(const struct pixel_options *options,
    struct pixel_listener *ret_listener, struct mt_err *err)
{
	enum mt_rc rc = pixel_listen_handed(ret_listener, err);
	struct mt_listen place;

	if (rc != MT_ABSENT)
		return rc;
	if (options == NULL)
		return mt_fail(err, MT_CONFIG,
		    "no options, and no listening socket was handed over");
	if (pixel_place_read(
		options->listen, options->listen_mode, &place, err) != MT_OK)
		return err->rc;
	return pixel_listen_at(&place, ret_listener, err);
}

/* conf NULL: answer, record nothing, until a reload brings options. */
static enum mt_rc
setup(struct mt_conf *conf, void **ret_state, struct mt_err *err)
{
	const struct pixel_options *options =
	    conf != NULL ? mt_conf_values(conf) : NULL;
	struct pixel_server *server = NULL;
	struct pixel_site *site = NULL;
	struct pixel_listener listener;
	enum mt_rc rc;

	if (open_listener(options, &listener, err) != MT_OK)
		return err->rc;
	if (conf != NULL && pixel_site_new(conf, &site, err) != MT_OK) {
		pixel_listen_close(&listener);
		return err->rc;
	}
	if (site != NULL)
		pixel_site_refresh(site);
	rc = pixel_server_new(&listener,
	    options != NULL ? (unsigned)options->threads : 8, site, &server,
	    err);
	pixel_site_unref(site);
	*ret_state = server;
	return rc;
}

static enum mt_rc
run(void *state, struct mt_err *err)
{
	return pixel_server_run(state, err);
}

static void
done(void *state)
{
	pixel_server_free(state);
}

static enum mt_rc
test(struct mt_conf *conf, struct mt_err *err)
{
	struct pixel_site *site = NULL;
	enum mt_rc rc;

	if (pixel_site_new(conf, &site, err) != MT_OK)
		return err->rc;
	rc = pixel_site_check(site, err);
	pixel_site_unref(site);
	return rc;
}

int
main(int argc, char **argv)
{
	static const struct mt_program prog = {
		.name = "mailtrail-pixel",
		.does = "answer fetches of the pixel and record them",
		.conf = &pixel_conf_desc,
		.setup = setup,
		.run = run,
		.done = done,
		.test = test,
		.conf_optional = true,
	};

	if (pixel_is_cgi())
		return pixel_cgi_main();
	if (FCGX_Init() != 0)
		return 1;
	return mt_program_main(&prog, argc, argv);
}
