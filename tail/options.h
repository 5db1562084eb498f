/* SPDX-License-Identifier: BSD-2-Clause */
/* The options of mailtrail-tail (tail.def). */
#ifndef TAIL_OPTIONS_H
#define TAIL_OPTIONS_H

#include "conf/conf.h"
#include "conf/option.h"

struct tail_options {
#define OPT(name, type, bound, def, flags, doc) MT_CTYPE_##type name;
#include "tail.def"
#undef OPT
};

extern const struct mt_conf_desc tail_conf;

#endif
