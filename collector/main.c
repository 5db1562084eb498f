/* SPDX-License-Identifier: BSD-2-Clause */
#include "collector.h"
#include "options.h"
#include "prog/program.h"

int
main(int argc, char **argv)
{
	static const struct mt_program prog = {
		.name = "mailtrail-collector",
		.does = "move mail events from Redis into MariaDB",
		.conf = &collector_conf,
		.setup = collector_setup,
		.run = collector_run,
		.done = collector_done,
	};

	return mt_program_main(&prog, argc, argv);
}
