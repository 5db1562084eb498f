/* SPDX-License-Identifier: BSD-2-Clause */
#include "origin.h"

#include "base/log.h"
#include "base/mem.h"

#define NETWORKS_MAX 256

struct milter_origin {
	struct mt_str daemons;
	size_t n;
	struct mt_net nets[NETWORKS_MAX];
};

enum mt_rc
milter_origin_read(const struct milter_options *o,
    struct milter_origin **ret_origin, struct mt_err *err)
{
	struct milter_origin *origin = mt_alloc(sizeof(*origin));
	struct mt_str word, rest = o->submission_networks;

	origin->daemons = o->submission_daemons;
	while (rest.n > 0) {
		(void)mt_str_cut(rest, ' ', &word, &rest);
		if (word.n == 0)
			continue;
		if (origin->n == NETWORKS_MAX) {
			(void)mt_fail(err, MT_LIMIT,
			    "submission_networks: more than %d", NETWORKS_MAX);
			goto fail;
		}
		if (!mt_net_read(word, &origin->nets[origin->n])) {
			(void)mt_fail(err, MT_CONFIG,
			    "submission_networks: %s is no address or network",
			    mt_quote(word).s);
			goto fail;
		}
		origin->n++;
	}
	*ret_origin = origin;
	return MT_OK;
fail:
	milter_origin_free(origin);
	return err->rc;
}

void
milter_origin_free(struct milter_origin *origin)
{
	mt_free(origin);
}

bool
milter_origin_ours(const struct milter_origin *origin, struct mt_str user,
    struct mt_str daemon, const struct mt_ip *client)
{
	struct mt_str word, rest = origin->daemons;
	size_t i;

	if (user.n > 0)
		return true;
	while (daemon.n > 0 && rest.n > 0) {
		(void)mt_str_cut(rest, ' ', &word, &rest);
		if (mt_str_eq(word, daemon))
			return true;
	}
	for (i = 0; client->family != 0 && i < origin->n; i++)
		if (mt_net_has(&origin->nets[i], client))
			return true;
	return false;
}
