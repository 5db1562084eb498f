/* SPDX-License-Identifier: BSD-2-Clause */
#include "options.h"
#include "prog/program.h"
#include "shipper.h"

int
main(int argc, char **argv)
{
	static const struct mt_program prog = {
		.name = "mailtrail-ship",
		.does = "carry mail events from this host's spool to Redis",
		.conf = &shipper_conf,
		.setup = shipper_setup,
		.run = shipper_run,
		.done = shipper_done,
	};

	return mt_program_main(&prog, argc, argv);
}
