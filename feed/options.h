/* SPDX-License-Identifier: BSD-2-Clause */
/* The values of feed.def, and their table. */
#ifndef FEED_OPTIONS_H
#define FEED_OPTIONS_H

#include "conf/conf.h"
#include "conf/option.h"

struct feed_options {
/* clang-format off */
#define OPT(name, type, bound, def, flags, doc) MT_CTYPE_##type name;
#include "feed.def"
#undef OPT
	/* clang-format on */
};

extern const struct mt_conf_desc feed_conf;

#endif
