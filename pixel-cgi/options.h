/* SPDX-License-Identifier: BSD-2-Clause */
/* The options of pixel.def. */
#ifndef PIXEL_OPTIONS_H
#define PIXEL_OPTIONS_H

#include "conf/conf.h"
#include "conf/option.h"

struct pixel_options {
#define OPT(name, type, bound, def, flags, doc) MT_CTYPE_##type name;
#include "pixel.def"
#undef OPT
};

extern const struct mt_conf_desc pixel_conf_desc;

#endif
