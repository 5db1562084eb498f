/* SPDX-License-Identifier: BSD-2-Clause */
/* The values of ctl.def, and their table. */
#ifndef CTL_OPTIONS_H
#define CTL_OPTIONS_H

#include "conf/conf.h"
#include "conf/option.h"

struct ctl_options {
/* clang-format off */
#define OPT(name, type, bound, def, flags, doc) MT_CTYPE_##type name;
#include "ctl.def"
#undef OPT
	/* clang-format on */
};

extern const struct mt_conf_desc ctl_conf_desc;

#endif
