/* SPDX-License-Identifier: BSD-2-Clause */
#include "ctl.h"

/*
 * Every subcommand. Adding one: a file with its struct ctl_cmd, its name in
 * ctl.h, and a line here, by alphabet.
 */
static const struct ctl_cmd *const commands[] = {
	&ctl_dead,
	&ctl_doctor,
	&ctl_feed,
	&ctl_import,
	&ctl_key,
	&ctl_markup,
	&ctl_prune,
	&ctl_schema,
	&ctl_spool,
	&ctl_token,
	&ctl_track,
	&ctl_trail,
	NULL,
};

const struct ctl_cmd ctl_root = {
	.name = "mailtrail",
	.does = "ask and operate Mailtrail",
	.subs = commands,
	.opts = ctl_top,
};

const struct ctl_opt ctl_top[] = {
	{ "check", 't', NULL, "check the option file and exit" },
	{ "defaults", 'd', NULL, "print all options with their defaults" },
	{ "changed", 'n', NULL, "print the options that differ from them" },
	{ "sample", '\0', NULL, "print a commented option file" },
	{ "mdoc", '\0', NULL, "print the options for the man page" },
	{ "commands", '\0', NULL, "print the commands for the man page" },
	{ "completion", '\0', NULL, "print the completion for bash" },
	{ NULL, '\0', NULL, NULL },
};

const struct ctl_opt ctl_common[] = {
	{ "config", 'c', "FILE", "option file (default " CTL_CONF_PATH ")" },
	{ "option", 'o', "NAME=VALUE", "set an option over the file" },
	{ "help", 'h', NULL, "print this" },
	{ "version", 'V', NULL, "print the version" },
	{ NULL, '\0', NULL, NULL },
};
