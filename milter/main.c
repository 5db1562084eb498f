/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdio.h>
#include <unistd.h>

#include "options.h"
#include "prog/program.h"
#include "server.h"

static enum mt_rc
setup(struct mt_conf *conf, void **ret_state, struct mt_err *err)
{
	struct milter_server *server = NULL;
	enum mt_rc rc = milter_server_new(conf, &server, err);

	*ret_state = server;
	return rc;
}

static enum mt_rc
run(void *state, struct mt_err *err)
{
	return milter_server_run(state, err);
}

static void
done(void *state)
{
	milter_server_free(state);
}

static enum mt_rc
test(struct mt_conf *conf, struct mt_err *err)
{
	struct milter_site *site = NULL;
	enum mt_rc rc;

	if (milter_site_new(conf, &site, err) != MT_OK)
		return err->rc;
	rc = milter_site_check(site, err);
	milter_site_unref(site);
	return rc;
}

int
main(int argc, char **argv)
{
	static const struct mt_program prog = {
		.name = "mailtrail-milter",
		.does = "record the mail that Postfix takes, and mark what the "
			"policy allows",
		.conf = &milter_conf_desc,
		.setup = setup,
		.run = run,
		.done = done,
		.test = test,
	};
	int code;

	code = mt_program_main(&prog, argc, argv);

	/*
	 * libmilter's threads are still about, and end when they like; exit
	 * handlers (libcrypto's) would pull their ground away.
	 */
	(void)fflush(NULL);
	_exit(code);
}
