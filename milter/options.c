/* SPDX-License-Identifier: BSD-2-Clause */
#include "options.h"
#include "listen.h"
#include "origin.h"

/* Less does not run the simplest file. */
#define HOOK_INSTRUCTIONS_MIN 1000
#define HOOK_MEMORY_MIN 262144

/* clang-format off */
static const struct mt_field fields[] = {
#define OPT(name, type, bound, def, flags, doc) \
	MT_OPTION(milter_options, name, type, bound, def, flags, doc)
#include "milter.def"
#undef OPT
};
/* clang-format on */

static bool
url_valid(struct mt_str url)
{
	size_t i;

	if (!mt_str_starts(url, "https://") && !mt_str_starts(url, "http://"))
		return false;
	for (i = 0; i < url.n; i++)
		if (url.p[i] <= ' ' || url.p[i] > '~')
			return false;
	return true;
}

static enum mt_rc
check(const void *values, struct mt_err *err)
{
	const struct milter_options *o = values;
	struct milter_origin *origin = NULL;
	struct milter_place place;

	if (milter_place_read(o, &place, err) != MT_OK ||
	    milter_origin_read(o, &origin, err) != MT_OK)
		return err->rc;
	milter_origin_free(origin);
	if (o->hook_instructions < HOOK_INSTRUCTIONS_MIN)
		return mt_fail(err, MT_CONFIG, "hook_instructions: under %d",
		    HOOK_INSTRUCTIONS_MIN);
	if (o->hook_memory < HOOK_MEMORY_MIN)
		return mt_fail(
		    err, MT_CONFIG, "hook_memory: under %d", HOOK_MEMORY_MIN);
	if (o->pixel_url.p != NULL && !url_valid(o->pixel_url))
		return mt_fail(
		    err, MT_CONFIG, "pixel_url: no http or https URL");
	return MT_OK;
}

const struct mt_conf_desc milter_conf_desc = {
	.program = "mailtrail-milter",
	.fields = fields,
	.n = sizeof(fields) / sizeof(fields[0]),
	.size = sizeof(struct milter_options),
	.check = check,
};
