/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Option files: "name = value" lines, '#' comments, no includes, no nesting.
 * Built-in default < file < -o name=value. A program lists its options once,
 * in <program>.def:
 *
 *     OPT(batch, NUM, MAX(10000), "500", MT_REQ, "most events a transaction")
 *
 * and makes from it a struct of values and a table (conf/option.h). From the
 * table come defaults, bounds, error texts with file and line, `-d`, `-n`, the
 * sample file and the man page's OPTIONS.
 *
 * A loaded configuration is an immutable snapshot with a reference count: a
 * thread keeps the one it began with while a reload puts another in place.
 * The values' texts are owned by the snapshot.
 */
#ifndef MT_CONF_CONF_H
#define MT_CONF_CONF_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/field.h"

struct mt_conf; /* a snapshot */

struct mt_conf_desc {
	const char *program; /* "mailtrail-milter" */
	const struct mt_field *fields;
	size_t n;
	size_t size; /* of the struct of values */
	/*
	 * What one option alone cannot tell; may be NULL. An error begins
	 * with the option's name ("db_shards: …") and is then given its
	 * place in the file.
	 */
	enum mt_rc (*check)(const void *values, struct mt_err *err);
};

/*
 * Read path (NULL: defaults only) and then the overrides "name=value".
 * MT_ABSENT when there is no such file; every other failure is MT_CONFIG with
 * "<path>:<line>: <what>".
 */
MT_MUST_CHECK enum mt_rc mt_conf_load(const struct mt_conf_desc *desc,
    const char *path, const char *const *overrides, size_t n_overrides,
    struct mt_conf **ret_conf, struct mt_err *err);
/* The same from text, for tests and the fuzz target. */
MT_MUST_CHECK enum mt_rc mt_conf_parse(const struct mt_conf_desc *desc,
    const char *path, struct mt_str text, const char *const *overrides,
    size_t n_overrides, struct mt_conf **ret_conf, struct mt_err *err);
struct mt_conf *mt_conf_ref(struct mt_conf *conf);
void mt_conf_unref(struct mt_conf *conf); /* NULL is fine */
/* The struct of values, valid as long as a reference is held. */
const void *mt_conf_values(const struct mt_conf *conf);
const struct mt_conf_desc *mt_conf_desc_of(const struct mt_conf *conf);

/* "name = value" lines: all, or only those that differ from the default. */
void mt_conf_print(
    const struct mt_conf *conf, bool changed_only, struct mt_buf *out);
/* The commented sample file. */
void mt_conf_sample(const struct mt_conf_desc *desc, struct mt_buf *out);
/* The man page's list of options, in mdoc. */
void mt_conf_mdoc(const struct mt_conf_desc *desc, struct mt_buf *out);

#endif
