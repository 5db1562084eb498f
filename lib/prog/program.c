/* SPDX-License-Identifier: BSD-2-Clause */
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/limits.h"
#include "base/log.h"
#include "base/mem.h"
#include "prog/program.h"
#include "prog/signals.h"
#include "prog/systemd.h"
#include "prog/version.h"

#define OVERRIDES_MAX MT_MAX_FIELDS
#define OUTPUT_MAX (1u << 20)

enum action {
	ACT_RUN,
	ACT_TEST,
	ACT_DEFAULTS,
	ACT_CHANGED,
	ACT_SAMPLE,
	ACT_MDOC,
	ACT_VERSION,
	ACT_HELP
};

/* What the command line said; a reload needs it again. */
static struct {
	const struct mt_program *prog;
	enum action action;
	const char *path; /* of the option file; NULL: none given */
	char default_path[128];
	const char *overrides[OVERRIDES_MAX];
	size_t n_overrides;
	bool verbose;
	char *const *operands;
	size_t n_operands;
} line;

static const struct option long_options[] = {
	{ "help", no_argument, NULL, 'h' },
	{ "version", no_argument, NULL, 'V' },
	{ "sample", no_argument, NULL, 'S' },
	{ "mdoc", no_argument, NULL, 'M' },
	{ NULL, 0, NULL, 0 },
};

static void
print_help(const struct mt_program *prog, FILE *out)
{
	(void)fprintf(out,
	    "%s: %s\n\n"
	    "usage: %s [-v] [-c FILE] [-o NAME=VALUE]... [-t | -d | -n]%s%s"
	    "\n\n"
	    "  -c FILE        option file (default %s)\n"
	    "  -o NAME=VALUE  set an option over the file\n"
	    "  -t             check the configuration and exit\n"
	    "  -d             print all options with their defaults and exit\n"
	    "  -n             print the options that differ and exit\n"
	    "  -v             log what is done in detail\n"
	    "      --sample   print a commented option file and exit\n"
	    "      --mdoc     print the options for the man page and exit\n"
	    "      --help     print this and exit\n"
	    "  -V, --version  print the version and exit\n",
	    prog->name, prog->does, prog->name,
	    prog->operands != NULL ? " " : "",
	    prog->operands != NULL ? prog->operands : "", line.default_path);
}

static bool
read_line(int argc, char **argv)
{
	static const struct {
		int letter;
		enum action action;
	} actions[] = {
		{ 't', ACT_TEST },
		{ 'd', ACT_DEFAULTS },
		{ 'n', ACT_CHANGED },
		{ 'S', ACT_SAMPLE },
		{ 'M', ACT_MDOC },
		{ 'V', ACT_VERSION },
		{ 'h', ACT_HELP },
	};
	size_t i;
	int c;

	while ((c = getopt_long(argc, argv, "c:o:tdnvV", long_options, NULL)) !=
	    -1) {
		if (c == '?')
			return false;
		if (c == 'c')
			line.path = optarg;
		else if (c == 'v')
			line.verbose = true;
		else if (c == 'o' && line.n_overrides < OVERRIDES_MAX)
			line.overrides[line.n_overrides++] = optarg;
		for (i = 0; i < sizeof(actions) / sizeof(actions[0]); i++)
			if (c == actions[i].letter)
				line.action = actions[i].action;
	}
	line.operands = argv + optind;
	line.n_operands = (size_t)(argc - optind);
	if (optind < argc && line.prog->operands == NULL) {
		(void)fprintf(stderr, "%s: unexpected argument %s\n",
		    line.prog->name, mt_quotez(argv[optind]).s);
		return false;
	}
	return true;
}

/* The default file may be missing; one that was named may not. */
static enum mt_rc
load(struct mt_conf **ret_conf, struct mt_err *err)
{
	const struct mt_conf_desc *desc = line.prog->conf;
	enum mt_rc rc;

	if (line.path != NULL)
		return mt_conf_load(desc, line.path, line.overrides,
		    line.n_overrides, ret_conf, err);
	rc = mt_conf_load(desc, line.default_path, line.overrides,
	    line.n_overrides, ret_conf, err);
	if (rc == MT_ABSENT)
		rc = mt_conf_load(desc, NULL, line.overrides, line.n_overrides,
		    ret_conf, err);
	return rc;
}

static bool
log_personal(const struct mt_conf *conf)
{
	const struct mt_conf_desc *desc = mt_conf_desc_of(conf);
	size_t i;

	for (i = 0; i < desc->n; i++)
		if (strcmp(desc->fields[i].name, "log_personal") == 0)
			return *(const bool *)mt_field_at(
			    &desc->fields[i], mt_conf_values(conf));
	return false;
}

struct mt_conf *
mt_program_reload(void)
{
	struct mt_conf *conf = NULL;
	struct mt_err err;

	if (load(&conf, &err) != MT_OK) {
		mt_log(
		    MT_LOG_ERR, "%s; keeping the old configuration", err.msg);
		return NULL;
	}
	mt_log_setup(line.verbose, log_personal(conf));
	mt_log(MT_LOG_INFO, "read the configuration again");
	return conf;
}

char *const *
mt_program_operands(size_t *ret_n)
{
	*ret_n = line.n_operands;
	return line.operands;
}

struct mt_str
mt_program_host(struct mt_str option)
{
	static char name[MT_MAX_HOST + 1];

	if (option.n > 0)
		return option;
	if (name[0] == '\0' && gethostname(name, sizeof(name) - 1) != 0)
		return MT_LIT("localhost");
	return mt_str(name);
}

static int
print_options(const struct mt_conf *conf)
{
	struct mt_buf out;
	int code = EX_OK;

	mt_buf_init(&out, OUTPUT_MAX);
	if (line.action == ACT_SAMPLE)
		mt_conf_sample(line.prog->conf, &out);
	else if (line.action == ACT_MDOC)
		mt_conf_mdoc(line.prog->conf, &out);
	else
		mt_conf_print(conf, line.action == ACT_CHANGED, &out);
	if (fwrite(out.p, 1, out.n, stdout) != out.n || fflush(stdout) != 0)
		code = EX_IOERR;
	mt_buf_done(&out);
	return code;
}

static int
serve(struct mt_conf *conf)
{
	const struct mt_program *prog = line.prog;
	struct mt_err err = { 0 };
	void *state = NULL;
	enum mt_rc rc;

	mt_log_setup(line.verbose, conf != NULL && log_personal(conf));
	if ((rc = mt_signals_init(&err)) == MT_OK &&
	    (rc = prog->setup(conf, &state, &err)) == MT_OK) {
		mt_log(MT_LOG_INFO, "ready version='%s'", mt_version);
		mt_systemd_notify("READY=1");
		rc = prog->run(state, &err);
		mt_systemd_notify("STOPPING=1");
	}
	prog->done(state);
	if (rc != MT_OK)
		mt_log(MT_LOG_ERR, "%s", err.msg);
	else
		mt_log(MT_LOG_INFO, "stopped");
	return mt_rc_exit(rc);
}

static int
act(struct mt_conf *conf)
{
	struct mt_err err;

	if (line.action == ACT_RUN)
		return serve(conf);
	if (line.action == ACT_TEST) {
		if (line.prog->test != NULL &&
		    line.prog->test(conf, &err) != MT_OK) {
			(void)fprintf(
			    stderr, "%s: %s\n", line.prog->name, err.msg);
			return EX_CONFIG;
		}
		(void)printf("%s: configuration is good\n", line.prog->name);
		return EX_OK;
	}
	return print_options(conf);
}

int
mt_program_main(const struct mt_program *prog, int argc, char **argv)
{
	struct mt_conf *conf = NULL;
	struct mt_err err;
	int code;

	line.prog = prog;
	(void)snprintf(line.default_path, sizeof(line.default_path),
	    "/etc/mailtrail/%s.conf", prog->name + strlen("mailtrail-"));
	if (!read_line(argc, argv)) {
		print_help(prog, stderr);
		return EX_USAGE;
	}
	if (line.action == ACT_HELP || line.action == ACT_VERSION) {
		if (line.action == ACT_HELP)
			print_help(prog, stdout);
		else
			(void)printf("%s %s\n", prog->name, mt_version);
		return fflush(stdout) == 0 ? EX_OK : EX_IOERR;
	}
	if (line.action == ACT_DEFAULTS || line.action == ACT_SAMPLE ||
	    line.action == ACT_MDOC) {
		/* What is built in, whatever the file says. */
		if (mt_conf_load(prog->conf, NULL, NULL, 0, &conf, &err) !=
		    MT_OK)
			conf = NULL;
	} else if (load(&conf, &err) != MT_OK) {
		if (line.action != ACT_RUN || !prog->conf_optional) {
			(void)fprintf(stderr, "%s: %s\n", prog->name, err.msg);
			return EX_CONFIG;
		}
		mt_log(MT_LOG_ERR, "%s; going on without options", err.msg);
	}
	code = act(conf);
	mt_conf_unref(conf);
	return code;
}
