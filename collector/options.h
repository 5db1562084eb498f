/* SPDX-License-Identifier: BSD-2-Clause */
/* The collector's options (collector.def). */
#ifndef COLLECTOR_OPTIONS_H
#define COLLECTOR_OPTIONS_H

#include "conf/conf.h"
#include "conf/option.h"

struct collector_options {
#define OPT(name, type, bound, def, flags, doc) MT_CTYPE_##type name;
#include "collector.def"
#undef OPT
};

extern const struct mt_conf_desc collector_conf;

#endif
