/* SPDX-License-Identifier: BSD-2-Clause */
/* The shipper's options (shipper.def). */
#ifndef SHIPPER_OPTIONS_H
#define SHIPPER_OPTIONS_H

#include "conf/conf.h"
#include "conf/option.h"

struct shipper_options {
#define OPT(name, type, bound, def, flags, doc) MT_CTYPE_##type name;
#include "shipper.def"
#undef OPT
};

extern const struct mt_conf_desc shipper_conf;

#endif
