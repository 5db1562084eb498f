/* SPDX-License-Identifier: BSD-2-Clause */
#include "options.h"
#include "redis/redis.h"

static const struct mt_field fields[] = {
#define OPT(name, type, bound, def, flags, doc) \
	MT_OPTION(shipper_options, name, type, bound, def, flags, doc)
#include "shipper.def"
#undef OPT
};

static enum mt_rc
check(const void *values, struct mt_err *err)
{
	const struct shipper_options *o = values;
	struct mt_endpoint endpoints[MT_MAX_ENDPOINTS];
	size_t n;

	if (mt_endpoints_read(o->redis, endpoints, MT_MAX_ENDPOINTS, &n, err) !=
	    MT_OK) {
		mt_err_in(err, "redis");
		return err->rc;
	}
	if (o->redis_user.n > 0 && o->redis_password_file.n == 0)
		return mt_fail(
		    err, MT_CONFIG, "redis_user: needs redis_password_file");
	if (o->batch == 0)
		return mt_fail(err, MT_CONFIG, "batch: must not be 0");
	if (o->window == 0)
		return mt_fail(err, MT_CONFIG, "window: must not be 0");
	return MT_OK;
}

const struct mt_conf_desc shipper_conf = {
	.program = "mailtrail-ship",
	.fields = fields,
	.n = sizeof(fields) / sizeof(fields[0]),
	.size = sizeof(struct shipper_options),
	.check = check,
};
