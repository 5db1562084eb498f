/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Country and network of an address, from MaxMind DB files: one with
 * countries, one with autonomous systems, or one with both; each is asked for
 * both. Files are mapped, not read. A file that is not there gives no answers
 * until it comes. Lookups may run in any number of threads while
 * mt_geo_refresh puts a replaced file in place. Replace files by rename, as
 * geoipupdate does: cutting a mapped file in place kills its readers.
 */
#ifndef MT_GEO_GEO_H
#define MT_GEO_GEO_H

#include <stdint.h>

#include "base/err.h"
#include "base/ip.h"

struct mt_geo;

struct mt_geo_answer {
	char country[3]; /* ISO 3166, upper case; "" when not known */
	uint32_t asn; /* 0 when not known */
};

/*
 * Either path may be absent (NULL). MT_ABSENT: a file is not there; MT_FORMAT:
 * it is no MaxMind DB. *ret_geo is set all the same, answers from what could
 * be opened and takes the missing file up when it appears.
 */
MT_MUST_CHECK enum mt_rc mt_geo_open(const char *country_path,
    const char *asn_path, struct mt_geo **ret_geo, struct mt_err *err);
void mt_geo_close(struct mt_geo *geo); /* NULL is fine */
/*
 * Open again what has been replaced since; one stat(2) a file. On failure the
 * files that were open stay in use.
 */
MT_MUST_CHECK enum mt_rc mt_geo_refresh(struct mt_geo *geo, struct mt_err *err);
/* geo may be NULL: no answer. */
struct mt_geo_answer mt_geo_find(struct mt_geo *geo, const struct mt_ip *ip);

#endif
