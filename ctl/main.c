/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <locale.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/log.h"
#include "ctl.h"
#include "prog/version.h"

#define OUTPUT_MAX (1u << 20)

/* The default file may be missing; one that was named may not. */
static enum mt_rc
load_conf(struct ctl *c, struct mt_err *err)
{
	const char *path = c->conf_path != NULL ? c->conf_path : CTL_CONF_PATH;
	enum mt_rc rc;

	rc = mt_conf_load(
	    &ctl_conf_desc, path, c->overrides, c->n_overrides, &c->conf, err);
	if (rc == MT_ABSENT && c->conf_path == NULL)
		rc = mt_conf_load(&ctl_conf_desc, NULL, c->overrides,
		    c->n_overrides, &c->conf, err);
	if (rc != MT_OK) {
		c->exit = EX_CONFIG;
		return rc;
	}
	c->o = mt_conf_values(c->conf);
	return MT_OK;
}

static enum mt_rc
print_conf(struct ctl *c, struct mt_err *err)
{
	struct mt_conf *conf = NULL;
	struct mt_buf out;
	enum mt_rc rc = MT_OK;

	if (c->page == CTL_PAGE_CHANGED || c->page == CTL_PAGE_TEST) {
		if ((rc = load_conf(c, err)) != MT_OK)
			return rc;
		conf = mt_conf_ref(c->conf);
	} else if ((rc = mt_conf_load(
			&ctl_conf_desc, NULL, NULL, 0, &conf, err)) != MT_OK) {
		return rc;
	}
	mt_buf_init(&out, OUTPUT_MAX);
	if (c->page == CTL_PAGE_SAMPLE)
		mt_conf_sample(&ctl_conf_desc, &out);
	else if (c->page == CTL_PAGE_MDOC)
		mt_conf_mdoc(&ctl_conf_desc, &out);
	else if (c->page == CTL_PAGE_TEST)
		mt_buf_z(&out, "mailtrail: configuration is good\n");
	else
		mt_conf_print(conf, c->page == CTL_PAGE_CHANGED, &out);
	(void)fwrite(out.p, 1, out.n, stdout);
	mt_buf_done(&out);
	mt_conf_unref(conf);
	return MT_OK;
}

static enum mt_rc
print_page(struct ctl *c, struct mt_err *err)
{
	if (c->page == CTL_PAGE_HELP)
		ctl_help_print(c, stdout);
	else if (c->page == CTL_PAGE_VERSION)
		(void)printf("mailtrail %s\n", mt_version);
	else if (c->page == CTL_PAGE_COMMANDS)
		ctl_commands_mdoc(stdout);
	else if (c->page == CTL_PAGE_COMPLETION)
		ctl_completion_print(stdout);
	else
		return print_conf(c, err);
	return MT_OK;
}

static enum mt_rc
act(struct ctl *c, const struct ctl_args *args, struct mt_err *err)
{
	enum mt_rc rc;

	if (c->page != CTL_PAGE_NONE)
		return print_page(c, err);
	if (args->cmd->conf && (rc = load_conf(c, err)) != MT_OK)
		return rc;
	return args->cmd->run(c, args, err);
}

static int
finish(struct ctl *c, enum mt_rc rc, const struct mt_err *err)
{
	if (rc != MT_OK) {
		(void)fflush(stdout);
		ctl_path_print(c, stderr);
		(void)fprintf(stderr, ": %s\n", err->msg);
		if (c->usage) {
			ctl_usage_print(c, stderr);
			(void)fprintf(stderr, "Try '");
			ctl_path_print(c, stderr);
			(void)fprintf(stderr, " --help'.\n");
		}
	}
	if (rc != MT_OK && c->path[c->depth - 1]->mail)
		c->exit = EX_TEMPFAIL;
	/* Whoever read us may have had enough: nothing to tell. */
	if ((fflush(stdout) != 0 || ferror(stdout)) && errno != EPIPE) {
		(void)fprintf(stderr, "mailtrail: standard output: %s\n",
		    strerrordesc_np(errno));
		return EX_IOERR;
	}
	if (c->exit != 0)
		return c->exit;
	return mt_rc_exit(rc);
}

int
main(int argc, char **argv)
{
	const char *no_color = getenv("NO_COLOR"), *term = getenv("TERM");
	struct ctl c = { .depth = 0 };
	struct mt_err err = { .rc = MT_OK };
	struct ctl_args args;
	enum mt_rc rc;
	int code;

	/* For the width of characters; output is UTF-8 whatever LANG says. */
	(void)setlocale(LC_CTYPE, "C.UTF-8");
	(void)signal(SIGPIPE, SIG_IGN);
	c.terminal = isatty(STDOUT_FILENO);
	c.color = c.terminal && (no_color == NULL || no_color[0] == '\0') &&
	    term != NULL && strcmp(term, "dumb") != 0;
	rc = ctl_line_read(&c, argc, argv, &args, &err);
	if (rc == MT_OK)
		rc = act(&c, &args, &err);
	code = finish(&c, rc, &err);
	mt_conf_unref(c.conf);
	return code;
}
