/* SPDX-License-Identifier: BSD-2-Clause */
#include "options.h"
#include "listen.h"
#include "trust.h"

/* clang-format off */
static const struct mt_field fields[] = {
#define OPT(name, type, bound, def, flags, doc) \
	MT_OPTION(pixel_options, name, type, bound, def, flags, doc)
#include "pixel.def"
#undef OPT
};
/* clang-format on */

static enum mt_rc
check(const void *values, struct mt_err *err)
{
	const struct pixel_options *o = values;
	struct mt_listen place;
	struct pixel_trust *trust = NULL;

	if (pixel_place_read(o->listen, o->listen_mode, &place, err) != MT_OK)
		return err->rc;
	if (o->threads == 0)
		return mt_fail(err, MT_CONFIG, "threads: at least 1");
	if (o->rate_sources == 0)
		return mt_fail(err, MT_CONFIG, "rate_sources: at least 1");
	if (pixel_trust_read(o->trusted_proxies, &trust, err) != MT_OK)
		return err->rc;
	pixel_trust_free(trust);
	return MT_OK;
}

const struct mt_conf_desc pixel_conf_desc = {
	.program = "mailtrail-pixel",
	.fields = fields,
	.n = sizeof(fields) / sizeof(fields[0]),
	.size = sizeof(struct pixel_options),
	.check = check,
};
