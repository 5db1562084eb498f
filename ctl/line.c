/* SPDX-License-Identifier: BSD-2-Clause */
/* The command line, read along the tables of commands and options. */
#include <getopt.h>
#include <stdarg.h>
#include <string.h>
#include <sysexits.h>

#include "base/log.h"
#include "base/num.h"
#include "ctl.h"
#include "nearest.h"

#define OPTIONS_MAX (CTL_OPTS_MAX + 4) /* of a command and common ones */
#define WORDS_MAX 64

/* One command's options in getopt_long's terms. */
struct options {
	struct option longs[OPTIONS_MAX + 1];
	char shorts[2 * OPTIONS_MAX + 3];
	const struct ctl_opt *opts[OPTIONS_MAX];
	size_t n;
	size_t n_own; /* the first of them are the command's own */
};

void
ctl_usage_put(struct ctl *c, struct mt_err *err, const char *fmt, ...)
{
	va_list ap;

	c->usage = true;
	c->exit = EX_USAGE;
	*err = (struct mt_err){ .rc = MT_CONFIG };
	va_start(ap, fmt);
	(void)vsnprintf(err->msg, sizeof(err->msg), fmt, ap);
	va_end(ap);
}

static void
add_options(struct options *o, const struct ctl_opt *opts)
{
	size_t s = strlen(o->shorts);

	for (; opts != NULL && opts->name != NULL && o->n < OPTIONS_MAX;
	     opts++) {
		o->longs[o->n] = (struct option){ .name = opts->name,
			.has_arg =
			    opts->arg != NULL ? required_argument : no_argument,
			.val = 256 + (int)o->n };
		o->opts[o->n++] = opts;
		if (opts->letter == '\0')
			continue;
		o->shorts[s++] = opts->letter;
		if (opts->arg != NULL)
			o->shorts[s++] = ':';
	}
	o->shorts[s] = '\0';
}

static void
read_tables(const struct ctl_cmd *cmd, struct options *o)
{
	*o = (struct options){ .n = 0 };
	/* Options of a subcommand come after its name: stop there. */
	(void)snprintf(
	    o->shorts, sizeof(o->shorts), "%s", cmd->subs != NULL ? "+:" : ":");
	add_options(o, cmd->opts);
	o->n_own = o->n;
	add_options(o, ctl_common);
}

static enum mt_rc
unknown_option(struct ctl *c, const struct options *o, const char *given,
    struct mt_err *err)
{
	const char *names[OPTIONS_MAX];
	char word[64];
	size_t i;

	if (strncmp(given, "--", 2) != 0 || strlen(given + 2) >= sizeof(word))
		return ctl_usage(c, err, "unknown option %s",
		    optopt > ' ' && optopt < 127
			? mt_quote(mt_str_n((char[]){ '-', (char)optopt }, 2)).s
			: mt_quotez(given).s);
	(void)snprintf(word, sizeof(word), "%s", given + 2);
	word[strcspn(word, "=")] = '\0';
	for (i = 0; i < o->n; i++)
		names[i] = o->opts[i]->name;
	i = ctl_nearest(word, names, o->n);
	if (i == o->n)
		return ctl_usage(
		    c, err, "unknown option %s", mt_quotez(given).s);
	if (optopt >= 256)
		return ctl_usage(c, err, "option '--%s' takes no value",
		    names[optopt - 256]);
	return ctl_usage(c, err, "unknown option %s; did you mean '--%s'?",
	    mt_quotez(given).s, names[i]);
}

/* An option all commands have, or one of `mailtrail` alone. */
static enum mt_rc
take_common(
    struct ctl *c, const char *name, const char *value, struct mt_err *err)
{
	static const struct {
		const char *name;
		enum ctl_page page;
	} pages[] = {
		{ "help", CTL_PAGE_HELP },
		{ "version", CTL_PAGE_VERSION },
		{ "check", CTL_PAGE_TEST },
		{ "defaults", CTL_PAGE_DEFAULTS },
		{ "changed", CTL_PAGE_CHANGED },
		{ "sample", CTL_PAGE_SAMPLE },
		{ "mdoc", CTL_PAGE_MDOC },
		{ "commands", CTL_PAGE_COMMANDS },
		{ "completion", CTL_PAGE_COMPLETION },
	};
	size_t i;

	if (strcmp(name, "config") == 0) {
		c->conf_path = value;
	} else if (strcmp(name, "option") == 0) {
		if (c->n_overrides == CTL_OVERRIDES_MAX)
			return ctl_usage(c, err, "more than %d options -o",
			    CTL_OVERRIDES_MAX);
		c->overrides[c->n_overrides++] = value;
	}
	for (i = 0; i < sizeof(pages) / sizeof(pages[0]); i++)
		if (strcmp(name, pages[i].name) == 0)
			c->page = pages[i].page;
	return MT_OK;
}

static size_t
find_letter(const struct options *o, int letter)
{
	size_t i = 0;

	while (i < o->n && o->opts[i]->letter != letter)
		i++;
	return i;
}

/* The options of one command; optind is then at its first argument. */
static enum mt_rc
read_options(struct ctl *c, const struct ctl_cmd *cmd, int argc, char **argv,
    struct ctl_args *args, struct mt_err *err)
{
	struct options o;
	enum mt_rc rc;
	size_t i;
	int letter;

	read_tables(cmd, &o);
	optind = 0; /* glibc: begin anew */
	opterr = 0;
	while (
	    (letter = getopt_long(argc, argv, o.shorts, o.longs, NULL)) != -1) {
		if (letter == '?')
			return unknown_option(
			    c, &o, argv[optind > 1 ? optind - 1 : 1], err);
		if (letter == ':')
			return ctl_usage(c, err, "option %s needs a value",
			    mt_quotez(argv[optind - 1]).s);
		i = letter >= 256 ? (size_t)letter - 256
				  : find_letter(&o, letter);
		if (i >= o.n)
			continue; /* cannot be: getopt knows them all */
		if (i < o.n_own)
			args->values[i] = optarg != NULL ? optarg : "";
		if (i >= o.n_own || cmd == &ctl_root) {
			rc = take_common(c, o.opts[i]->name, optarg, err);
			if (rc != MT_OK)
				return rc;
		}
	}
	return MT_OK;
}

static enum mt_rc
find_sub(struct ctl *c, const struct ctl_cmd *cmd, const char *word,
    const struct ctl_cmd **ret_sub, struct mt_err *err)
{
	const char *names[WORDS_MAX];
	size_t i, n = 0;

	for (i = 0; i < WORDS_MAX && cmd->subs[i] != NULL; i++) {
		names[n++] = cmd->subs[i]->name;
		if (strcmp(word, cmd->subs[i]->name) == 0) {
			*ret_sub = cmd->subs[i];
			return MT_OK;
		}
	}
	i = ctl_nearest(word, names, n);
	if (i == n)
		return ctl_usage(
		    c, err, "unknown command %s", mt_quotez(word).s);
	return ctl_usage(c, err, "unknown command %s; did you mean '%s'?",
	    mt_quotez(word).s, names[i]);
}

enum mt_rc
ctl_line_read(struct ctl *c, int argc, char **argv, struct ctl_args *ret_args,
    struct mt_err *err)
{
	const struct ctl_cmd *cmd = &ctl_root;
	enum mt_rc rc;

	for (;;) {
		c->path[c->depth++] = cmd;
		*ret_args = (struct ctl_args){ .cmd = cmd };
		rc = read_options(c, cmd, argc, argv, ret_args, err);
		if (rc != MT_OK)
			return rc;
		argc -= optind;
		argv += optind;
		if (c->page != CTL_PAGE_NONE && (argc == 0 || !cmd->subs))
			return MT_OK;
		if (cmd->subs == NULL)
			break;
		if (argc == 0)
			return ctl_usage(c, err, "which command?");
		rc = find_sub(c, cmd, argv[0], &cmd, err);
		if (rc != MT_OK)
			return rc;
	}
	ret_args->argv = argv;
	ret_args->n = (size_t)argc;
	if (ret_args->n > cmd->max)
		return ctl_usage(c, err, "unexpected argument %s",
		    mt_quotez(argv[cmd->max]).s);
	if (ret_args->n < cmd->min)
		return ctl_usage(c, err, "too few arguments");
	return MT_OK;
}

const char *
ctl_value(const struct ctl_args *a, const char *name)
{
	size_t i;

	for (i = 0; a->cmd->opts != NULL && a->cmd->opts[i].name != NULL; i++)
		if (strcmp(a->cmd->opts[i].name, name) == 0)
			return a->values[i];
	return NULL;
}

bool
ctl_given(const struct ctl_args *a, const char *name)
{
	return ctl_value(a, name) != NULL;
}

enum mt_rc
ctl_number(struct ctl *c, const struct ctl_args *a, const char *name,
    uint64_t max, uint64_t otherwise, uint64_t *ret_n, struct mt_err *err)
{
	const char *value = ctl_value(a, name);

	if (value == NULL) {
		*ret_n = otherwise;
		return MT_OK;
	}
	if (!mt_num_read(mt_str(value), max, ret_n))
		return ctl_usage(c, err, "--%s: %s is not a number up to %llu",
		    name, mt_quotez(value).s, (unsigned long long)max);
	return MT_OK;
}
