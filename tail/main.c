/* SPDX-License-Identifier: BSD-2-Clause */
#include "options.h"
#include "prog/program.h"
#include "tail.h"

int
main(int argc, char **argv)
{
	static const struct mt_program prog = {
		.name = "mailtrail-tail",
		.does = "read mail logs as they grow, and record what they say",
		.conf = &tail_conf,
		.setup = tail_setup,
		.run = tail_run,
		.done = tail_done,
		.test = tail_test,
		.operands = "[LOG]...",
	};

	return mt_program_main(&prog, argc, argv);
}
