/* SPDX-License-Identifier: BSD-2-Clause */
#include "options.h"
#include "redis/redis.h"

static const struct mt_field fields[] = {
#define OPT(name, type, bound, def, flags, doc) \
	MT_OPTION(collector_options, name, type, bound, def, flags, doc)
#include "collector.def"
#undef OPT
};

static enum mt_rc
check(const void *values, struct mt_err *err)
{
	const struct collector_options *o = values;
	struct mt_endpoint endpoints[MT_MAX_ENDPOINTS];
	size_t n;

	if (mt_endpoints_read(o->redis, endpoints, MT_MAX_ENDPOINTS, &n, err) !=
	    MT_OK) {
		mt_err_in(err, "redis");
		return err->rc;
	}
	if (o->batch == 0)
		return mt_fail(err, MT_CONFIG, "batch: must not be 0");
	if (o->writers == 0)
		return mt_fail(err, MT_CONFIG, "writers: must not be 0");
	return MT_OK;
}

const struct mt_conf_desc collector_conf = {
	.program = "mailtrail-collector",
	.fields = fields,
	.n = sizeof(fields) / sizeof(fields[0]),
	.size = sizeof(struct collector_options),
	.check = check,
};
