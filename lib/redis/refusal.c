/* SPDX-License-Identifier: BSD-2-Clause */
#include "redis/link.h"

/* How Redis's refusals begin, and what a caller does about them. */
static const struct {
	const char *begins;
	enum mt_rc rc;
} refusals[] = {
	{ "OOM ", MT_AGAIN },
	{ "READONLY ", MT_AGAIN },
	{ "LOADING ", MT_AGAIN },
	{ "MISCONF ", MT_AGAIN },
	{ "BUSY ", MT_AGAIN },
	{ "MASTERDOWN ", MT_AGAIN },
	{ "CLUSTERDOWN ", MT_AGAIN },
	{ "TRYAGAIN ", MT_AGAIN },
	{ "NOREPLICAS ", MT_AGAIN },
	{ "UNBLOCKED ", MT_AGAIN },
	{ "ERR max number of clients reached", MT_AGAIN },
	{ "WRONGPASS ", MT_CONFIG },
	{ "NOAUTH ", MT_CONFIG },
	{ "NOPERM ", MT_CONFIG },
	{ "WRONGTYPE ", MT_CONFIG },
	{ "DENIED ", MT_CONFIG },
	{ "MOVED ", MT_CONFIG },
	{ "ASK ", MT_CONFIG },
	{ "CROSSSLOT ", MT_CONFIG },
	{ "ERR AUTH ", MT_CONFIG },
	{ "ERR unknown command", MT_CONFIG },
	{ "NOGROUP ", MT_ABSENT },
	{ "ERR no such key", MT_ABSENT },
	{ "ERR The XGROUP subcommand requires the key to exist", MT_ABSENT },
};

enum mt_rc
mt_link_refused(
    const struct mt_link *link, const struct mt_node *node, struct mt_err *err)
{
	enum mt_rc rc = MT_FORMAT;
	size_t i;

	for (i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++)
		if (mt_str_starts(node->text, refusals[i].begins))
			rc = refusals[i].rc;
	mt_err_put(err, rc, 0, "redis %s: %.*s", mt_link_endpoint(link)->text,
	    MT_STR_ARG(node->text));
	return rc;
}
