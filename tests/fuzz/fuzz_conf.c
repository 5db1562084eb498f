/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Any bytes are either refused with a message that names a line, or give
 * values that print, and what is printed reads back as the same values.
 */
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "conf/conf.h"
#include "conf/option.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct fuzz_options {
#define OPT(name, type, bound, def, flags, doc) MT_CTYPE_##type name;
#include "conf/shared/db.def"
#include "conf/shared/host.def"
#include "conf/shared/redis.def"
#include "conf/shared/spool.def"
#undef OPT
};

static const struct mt_field fields[] = {
#define OPT(name, type, bound, def, flags, doc) \
	MT_OPTION(fuzz_options, name, type, bound, def, flags, doc)
#include "conf/shared/db.def"
#include "conf/shared/host.def"
#include "conf/shared/redis.def"
#include "conf/shared/spool.def"
#undef OPT
};

static const struct mt_conf_desc desc = { .program = "fuzz",
	.fields = fields,
	.n = sizeof(fields) / sizeof(fields[0]),
	.size = sizeof(struct fuzz_options) };

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct mt_conf *conf, *again;
	struct mt_buf first, second;
	struct mt_err err;
	enum mt_rc rc;

	if (mt_conf_parse(&desc, "f", mt_str_n((const char *)data, size), NULL,
		0, &conf, &err) != MT_OK) {
		assert(strncmp(err.msg, "f", 1) == 0);
		return 0;
	}
	mt_buf_init(&first, MT_MAX_CONF);
	mt_buf_init(&second, MT_MAX_CONF);
	mt_conf_print(conf, false, &first);
	rc = mt_conf_parse(
	    &desc, "f", mt_buf_view(&first), NULL, 0, &again, &err);
	assert(rc == MT_OK);
	mt_conf_print(again, false, &second);
	assert(mt_str_eq(mt_buf_view(&first), mt_buf_view(&second)));
	mt_conf_unref(again);
	mt_conf_unref(conf);
	mt_buf_done(&first);
	mt_buf_done(&second);
	return 0;
}
