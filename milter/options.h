/* SPDX-License-Identifier: BSD-2-Clause */
/* The options of milter.def. */
#ifndef MILTER_OPTIONS_H
#define MILTER_OPTIONS_H

#include "conf/conf.h"
#include "conf/option.h"

struct milter_options {
#define OPT(name, type, bound, def, flags, doc) MT_CTYPE_##type name;
#include "milter.def"
#undef OPT
};

extern const struct mt_conf_desc milter_conf_desc;

#endif
