/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The command, `mailtrail`: one file a subcommand, each with one const struct
 * ctl_cmd, and a table of them in commands.c. The tables are walked for the
 * command line, --help, the man page and the completion for bash, so that
 * nothing is said twice.
 *
 * A subcommand returns MT_OK or an error, which main prints with the command
 * in front and turns into one of sysexits(3). It may set `exit` when the code
 * says something of its own (trail: nothing found, doctor: something fails).
 * Standard output is what was asked for; everything else goes to standard
 * error.
 */
#ifndef CTL_CTL_H
#define CTL_CTL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/err.h"
#include "base/limits.h"
#include "base/str.h"
#include "conf/conf.h"

#include "options.h"

#define CTL_OPTS_MAX 12 /* options of one subcommand */
#define CTL_OVERRIDES_MAX MT_MAX_FIELDS
#define CTL_DEPTH_MAX 3 /* words of a command: "mailtrail key rotate" */

/* What is printed without a command: `mailtrail --help` and its like. */
enum ctl_page {
	CTL_PAGE_NONE,
	CTL_PAGE_HELP, /* of the command that was named */
	CTL_PAGE_VERSION,
	CTL_PAGE_DEFAULTS,
	CTL_PAGE_CHANGED,
	CTL_PAGE_TEST,
	CTL_PAGE_SAMPLE,
	CTL_PAGE_MDOC,
	CTL_PAGE_COMMANDS,
	CTL_PAGE_COMPLETION
};

struct ctl_opt {
	const char *name; /* long; NULL ends a table */
	char letter; /* '\0': none */
	const char *arg; /* what its value is; NULL: it takes none */
	const char *doc;
};

struct ctl;
struct ctl_args;

struct ctl_cmd {
	const char *name;
	const char *args; /* of the usage line: "ID..." */
	const char *does; /* one line, for --help */
	const char *more; /* paragraphs for --help and the man page */
	const struct ctl_opt *opts;
	const struct ctl_cmd *const *subs; /* instead of run; NULL at the end */
	size_t min, max; /* arguments; max 0: none */
	bool conf; /* reads the option file */
	/* A mail server feeds it: whatever is wrong, EX_TEMPFAIL. */
	bool mail;
	enum mt_rc (*run)(
	    struct ctl *c, const struct ctl_args *a, struct mt_err *err);
};

struct ctl_args {
	const struct ctl_cmd *cmd;
	const char *values[CTL_OPTS_MAX]; /* "" for a flag that was given */
	char **argv; /* the arguments that are no options */
	size_t n;
};

struct ctl {
	const struct ctl_cmd *path[CTL_DEPTH_MAX]; /* how we came to the cmd */
	size_t depth;
	const char *conf_path; /* -c; NULL: the default */
	const char *overrides[CTL_OVERRIDES_MAX]; /* -o */
	size_t n_overrides;
	struct mt_conf *conf; /* owned; NULL until a command wants it */
	const struct ctl_options *o;
	bool color; /* standard output takes colours */
	bool terminal; /* standard output is a terminal */
	bool usage; /* the error is about the command line */
	enum ctl_page page;
	int exit; /* 0: what the result says */
};

#define CTL_CONF_PATH "/etc/mailtrail/mailtrail.conf"

extern const struct ctl_cmd ctl_root;
extern const struct ctl_cmd ctl_dead;
extern const struct ctl_cmd ctl_doctor;
extern const struct ctl_cmd ctl_feed;
extern const struct ctl_cmd ctl_import;
extern const struct ctl_cmd ctl_key;
extern const struct ctl_cmd ctl_markup;
extern const struct ctl_cmd ctl_prune;
extern const struct ctl_cmd ctl_schema;
extern const struct ctl_cmd ctl_spool;
extern const struct ctl_cmd ctl_token;
extern const struct ctl_cmd ctl_track;
extern const struct ctl_cmd ctl_trail;

/* Options of the command as a whole, and those that every subcommand takes. */
extern const struct ctl_opt ctl_top[];
extern const struct ctl_opt ctl_common[];

/*
 * Read the command line: *ret_args has the command (no run: a page is asked
 * for) with its options and arguments.
 */
MT_MUST_CHECK enum mt_rc ctl_line_read(struct ctl *c, int argc, char **argv,
    struct ctl_args *ret_args, struct mt_err *err);
/* "mailtrail key rotate" */
void ctl_path_print(const struct ctl *c, FILE *out);
void ctl_usage_print(const struct ctl *c, FILE *out);
void ctl_help_print(const struct ctl *c, FILE *out);
void ctl_commands_mdoc(FILE *out);
void ctl_completion_print(FILE *out);

/* The value of an option of the command's table; NULL when not given. */
const char *ctl_value(const struct ctl_args *a, const char *name);
bool ctl_given(const struct ctl_args *a, const char *name);
/*
 * A number in decimal digits, `otherwise` when the option is not given. The
 * error is one of usage.
 */
MT_MUST_CHECK enum mt_rc ctl_number(struct ctl *c, const struct ctl_args *a,
    const char *name, uint64_t max, uint64_t otherwise, uint64_t *ret_n,
    struct mt_err *err);
/*
 * return ctl_usage(c, err, "…", …): an error of the command line. It shows the
 * usage and ends with EX_USAGE. A macro for the reason mt_fail is one.
 */
#define ctl_usage(c, err, ...) \
	(ctl_usage_put((c), (err), __VA_ARGS__), MT_CONFIG)
void ctl_usage_put(struct ctl *c, struct mt_err *err, const char *fmt, ...)
    MT_PRINTF(3, 4);

#endif
