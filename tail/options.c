/* SPDX-License-Identifier: BSD-2-Clause */
#include "options.h"
#include "redis/redis.h"
#include "source.h"

static const struct mt_field fields[] = {
#define OPT(name, type, bound, def, flags, doc) \
	MT_OPTION(tail_options, name, type, bound, def, flags, doc)
#include "tail.def"
#undef OPT
};

static enum mt_rc
check_log(const struct tail_options *o, struct mt_err *err)
{
	struct mt_str word, rest = mt_str_trim(o->log);
	const struct source_kind *kind;

	while (rest.n > 0) {
		(void)mt_str_cut(rest, ' ', &word, &rest);
		if (word.n == 0)
			continue;
		if (source_kind_of(word, &kind, err) != MT_OK) {
			mt_err_in(err, "log");
			return err->rc;
		}
	}
	return MT_OK;
}

static enum mt_rc
check(const void *values, struct mt_err *err)
{
	const struct tail_options *o = values;
	struct mt_endpoint endpoint;
	size_t n;

	if (check_log(o, err) != MT_OK)
		return err->rc;
	if (mt_endpoints_read(o->mailcow_redis, &endpoint, 1, &n, err) !=
	    MT_OK) {
		mt_err_in(err, "mailcow_redis");
		return err->rc;
	}
	if (o->mailcow_redis_user.n > 0 &&
	    o->mailcow_redis_password_file.n == 0)
		return mt_fail(err, MT_CONFIG,
		    "mailcow_redis_user: needs mailcow_redis_password_file");
	if (o->mailcow_url.n > 0 &&
	    !mt_str_starts(o->mailcow_url, "https://") &&
	    !mt_str_starts(o->mailcow_url, "http://"))
		return mt_fail(
		    err, MT_CONFIG, "mailcow_url: not https://... or http://");
	if (o->mailcow_redis_poll_ms == 0)
		return mt_fail(
		    err, MT_CONFIG, "mailcow_redis_poll_ms: must not be 0");
	if (o->mailcow_poll_s == 0)
		return mt_fail(err, MT_CONFIG, "mailcow_poll_s: must not be 0");
	return MT_OK;
}

const struct mt_conf_desc tail_conf = {
	.program = "mailtrail-tail",
	.fields = fields,
	.n = sizeof(fields) / sizeof(fields[0]),
	.size = sizeof(struct tail_options),
	.check = check,
};
