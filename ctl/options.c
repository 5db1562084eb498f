/* SPDX-License-Identifier: BSD-2-Clause */
#include "options.h"

/* clang-format off */
static const struct mt_field fields[] = {
#define OPT(name, type, bound, def, flags, doc) \
	MT_OPTION(ctl_options, name, type, bound, def, flags, doc)
#include "ctl.def"
#undef OPT
};
/* clang-format on */

const struct mt_conf_desc ctl_conf_desc = {
	.program = "mailtrail",
	.fields = fields,
	.n = sizeof(fields) / sizeof(fields[0]),
	.size = sizeof(struct ctl_options),
};
