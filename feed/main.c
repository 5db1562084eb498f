/* SPDX-License-Identifier: BSD-2-Clause */
#include "feed.h"
#include "options.h"
#include "prog/program.h"

int
main(int argc, char **argv)
{
	static const struct mt_program prog = {
		.name = "mailtrail-feed",
		.does = "record what bounces and complaints say, by LMTP and "
			"IMAP",
		.conf = &feed_conf,
		.setup = feed_setup,
		.run = feed_run,
		.done = feed_done,
	};

	return mt_program_main(&prog, argc, argv);
}
