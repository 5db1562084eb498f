/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How a program's <program>.def becomes a struct of values and a table:
 *
 *     struct collector_options {
 *     #define OPT(name, type, bound, def, flags, doc) MT_CTYPE_##type name;
 *     #include "collector.def"
 *     #undef OPT
 *     };
 *
 *     static const struct mt_field fields[] = {
 *     #define OPT(name, type, bound, def, flags, doc) \
 *             MT_OPTION(collector_options, name, type, bound, def, flags, doc)
 *     #include "collector.def"
 *     #undef OPT
 *     };
 *
 * bound: ANY, MAX(n), WORDS(set). def: the default as text, or NULL for
 * "absent". flags: MT_REQ (must have a value; with a default it always has),
 * MT_SECRET (the path of a file that holds a secret), MT_PII.
 * Options that several programs share stand in conf/shared/<name>.def, to be
 * included in a .def.
 */
#ifndef MT_CONF_OPTION_H
#define MT_CONF_OPTION_H

#include "base/field.h"
#include "base/limits.h"

/* clang-format off */
#define MT_OPTION(options, field, kind, bound, value, flag, text) \
	{ .name = #field, \
		.type = MT_##kind, \
		.flags = (flag), \
		.off = offsetof(struct options, field), \
		MT_OPTION_##bound, \
		.def = (value), \
		.doc = (text) },
/* clang-format on */
#define MT_OPTION_ANY .max = 0, .words = NULL
#define MT_OPTION_MAX(n) .max = (n), .words = NULL
#define MT_OPTION_WORDS(set) .max = 0, .words = mt_words_##set

#endif
