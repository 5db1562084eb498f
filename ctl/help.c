/* SPDX-License-Identifier: BSD-2-Clause */
/* What the tables of commands and options say, as --help, mdoc and bash. */
#include <string.h>

#include "ctl.h"

#define COLUMNS 78

void
ctl_path_print(const struct ctl *c, FILE *out)
{
	size_t i;

	for (i = 0; i < c->depth; i++)
		(void)fprintf(out, "%s%s", i > 0 ? " " : "", c->path[i]->name);
}

static bool
has_options(const struct ctl_cmd *cmd)
{
	return cmd->opts != NULL && cmd->opts[0].name != NULL;
}

void
ctl_usage_print(const struct ctl *c, FILE *out)
{
	const struct ctl_cmd *cmd = c->path[c->depth - 1];

	(void)fprintf(out, "usage: ");
	ctl_path_print(c, out);
	if (has_options(cmd))
		(void)fprintf(out, " [OPTION]...");
	if (cmd->subs != NULL)
		(void)fprintf(out, " COMMAND [ARGUMENT]...");
	else if (cmd->args != NULL)
		(void)fprintf(out, " %s", cmd->args);
	(void)fputc('\n', out);
}

/* Text in lines of COLUMNS, indented from the second on. */
static void
print_wrapped(const char *text, size_t at, size_t indent, FILE *out)
{
	size_t n;

	while (*text != '\0') {
		n = strcspn(text, " \n");
		if (at > indent && at + 1 + n > COLUMNS) {
			(void)fprintf(out, "\n%*s", (int)indent, "");
			at = indent;
		} else if (at > indent) {
			(void)fputc(' ', out);
			at++;
		}
		(void)fwrite(text, 1, n, out);
		at += n;
		text += n;
		if (*text == '\n') {
			(void)fprintf(out, "\n%*s", (int)indent, "");
			at = indent;
		}
		text += *text != '\0';
	}
	(void)fputc('\n', out);
}

static void
print_options(const struct ctl_opt *opts, FILE *out)
{
	char left[64];
	int n;

	for (; opts != NULL && opts->name != NULL; opts++) {
		if (opts->letter != '\0')
			n = snprintf(left, sizeof(left), "  -%c, --%s",
			    opts->letter, opts->name);
		else
			n = snprintf(
			    left, sizeof(left), "      --%s", opts->name);
		if (opts->arg != NULL && n > 0)
			(void)snprintf(left + n, sizeof(left) - (size_t)n,
			    " %s", opts->arg);
		(void)fprintf(out, "%-27s ", left);
		if (strlen(left) > 27)
			(void)fprintf(out, "\n%28s", "");
		print_wrapped(opts->doc, 28, 28, out);
	}
}

static void
print_subs(const struct ctl_cmd *cmd, FILE *out)
{
	size_t i;

	(void)fprintf(out, "\nCommands:\n");
	for (i = 0; cmd->subs[i] != NULL; i++) {
		(void)fprintf(out, "  %-10s ", cmd->subs[i]->name);
		print_wrapped(cmd->subs[i]->does, 13, 13, out);
	}
	(void)fprintf(out, "\n");
	ctl_path_print(&(struct ctl){ .path = { &ctl_root, cmd },
			   .depth = cmd == &ctl_root ? 1 : 2 },
	    out);
	(void)fprintf(out, " COMMAND --help says more about each.\n");
}

void
ctl_help_print(const struct ctl *c, FILE *out)
{
	const struct ctl_cmd *cmd = c->path[c->depth - 1];

	ctl_path_print(c, out);
	(void)fprintf(out, ": %s\n\n", cmd->does);
	ctl_usage_print(c, out);
	if (cmd->more != NULL) {
		(void)fputc('\n', out);
		print_wrapped(cmd->more, 0, 0, out);
	}
	if (cmd->subs != NULL)
		print_subs(cmd, out);
	(void)fprintf(out, "\nOptions:\n");
	print_options(cmd->opts, out);
	print_options(ctl_common, out);
}

/* Text for mdoc: what begins a line or word with a meaning is escaped. */
static void
mdoc_text(const char *text, FILE *out)
{
	bool begin = true;

	for (; *text != '\0'; text++) {
		if (begin && (*text == '.' || *text == '\''))
			(void)fputs("\\&", out);
		if (*text == '\\')
			(void)fputs("\\e", out);
		else if (*text == '-')
			(void)fputs("\\-", out);
		else
			(void)fputc(*text, out);
		begin = *text == '\n';
		/* A new sentence begins a new line. */
		if ((*text == '.' || *text == '?') && text[1] == ' ' &&
		    text[2] >= 'A' && text[2] <= 'Z') {
			(void)fputc('\n', out);
			text++;
			begin = true;
		}
	}
	(void)fputc('\n', out);
}

static void
mdoc_options(const struct ctl_opt *opts, FILE *out)
{
	(void)fputs(".Bl -tag -width Ds -compact\n", out);
	for (; opts->name != NULL; opts++) {
		(void)fputs(".It ", out);
		if (opts->letter != '\0')
			(void)fprintf(out, "Fl %c , ", opts->letter);
		(void)fprintf(out, "Fl \\-%s", opts->name);
		if (opts->arg != NULL)
			(void)fprintf(out, " Ar %s", opts->arg);
		(void)fputc('\n', out);
		mdoc_text(opts->doc, out);
	}
	(void)fputs(".El\n", out);
}

static void
mdoc_command(const char *before, const struct ctl_cmd *cmd, FILE *out)
{
	size_t i;

	if (cmd->subs != NULL) {
		for (i = 0; cmd->subs[i] != NULL; i++)
			mdoc_command(cmd->name, cmd->subs[i], out);
		return;
	}
	(void)fprintf(out, ".It Xo\n");
	if (before[0] != '\0')
		(void)fprintf(out, ".Cm %s %s\n", before, cmd->name);
	else
		(void)fprintf(out, ".Cm %s\n", cmd->name);
	if (has_options(cmd))
		(void)fprintf(out, ".Op Ar option ...\n");
	if (cmd->args != NULL) {
		(void)fputs(".No ", out);
		mdoc_text(cmd->args, out);
	}
	(void)fputs(".Xc\n", out);
	(void)fprintf(out, "%c", cmd->does[0] & ~0x20);
	mdoc_text(cmd->does + 1, out);
	if (cmd->more != NULL) {
		(void)fputs(".Pp\n", out);
		mdoc_text(cmd->more, out);
	}
	if (has_options(cmd))
		mdoc_options(cmd->opts, out);
}

void
ctl_commands_mdoc(FILE *out)
{
	size_t i;

	(void)fputs(".Bl -tag -width Ds\n", out);
	for (i = 0; ctl_root.subs[i] != NULL; i++)
		mdoc_command("", ctl_root.subs[i], out);
	(void)fputs(".El\n", out);
}

static void
complete_words(const struct ctl_cmd *cmd, FILE *out)
{
	const struct ctl_opt *opts;
	size_t i;

	for (i = 0; cmd->subs != NULL && cmd->subs[i] != NULL; i++)
		(void)fprintf(out, "%s ", cmd->subs[i]->name);
	for (opts = cmd->opts; opts != NULL && opts->name != NULL; opts++)
		(void)fprintf(out, "--%s ", opts->name);
	for (opts = ctl_common; opts->name != NULL; opts++)
		(void)fprintf(
		    out, "--%s%s", opts->name, opts[1].name != NULL ? " " : "");
}

static void
complete_case(const char *before, const struct ctl_cmd *cmd, FILE *out)
{
	char words[64];
	size_t i;

	(void)snprintf(words, sizeof(words), "%s%s%s", before,
	    before[0] != '\0' ? " " : "", cmd->name);
	(void)fprintf(out, "\t'%s') words='", words);
	complete_words(cmd, out);
	(void)fprintf(out, "' ;;\n");
	for (i = 0; cmd->subs != NULL && cmd->subs[i] != NULL; i++)
		complete_case(words, cmd->subs[i], out);
}

void
ctl_completion_print(FILE *out)
{
	(void)fputs(
	    "# Completion of mailtrail(1) for bash, made by "
	    "`mailtrail --completion`.\n"
	    "_mailtrail() {\n"
	    "\tlocal cur=${COMP_WORDS[COMP_CWORD]} "
	    "prev=${COMP_WORDS[COMP_CWORD-1]}\n"
	    "\tlocal path=mailtrail word words='' i\n"
	    "\tCOMPREPLY=()\n"
	    "\tcase $prev in\n"
	    "\t-c | --config) COMPREPLY=($(compgen -f -- \"$cur\"))"
	    "; return ;;\n"
	    "\t--postfix-config | --config-dir) COMPREPLY=($(compgen -d -- "
	    "\"$cur\")); return ;;\n"
	    "\tesac\n"
	    "\tfor ((i = 1; i < COMP_CWORD; i++)); do\n"
	    "\t\tword=${COMP_WORDS[i]}\n"
	    "\t\tcase $word in\n"
	    "\t\t-c | --config | -o | --option) ((i++)) ;;\n"
	    "\t\t-*) ;;\n"
	    "\t\t*) path=\"$path $word\" ;;\n"
	    "\t\tesac\n"
	    "\tdone\n"
	    "\tcase $path in\n",
	    out);
	complete_case("", &ctl_root, out);
	(void)fputs("\tesac\n"
		    "\tCOMPREPLY=($(compgen -W \"$words\" -- \"$cur\"))\n"
		    "}\n"
		    "complete -F _mailtrail mailtrail\n",
	    out);
}
