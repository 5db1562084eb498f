/* SPDX-License-Identifier: BSD-2-Clause */
#include "options.h"

#include "listen.h"

static const struct mt_field fields[] = {
#define OPT(name, type, bound, def, flags, doc) \
	MT_OPTION(feed_options, name, type, bound, def, flags, doc)
#include "feed.def"
#undef OPT
};

/* A name that can stand between quotes in a command. */
static bool
is_quotable(struct mt_str s)
{
	size_t i;

	for (i = 0; i < s.n; i++)
		if (s.p[i] < ' ' || s.p[i] > '~' || s.p[i] == '"' ||
		    s.p[i] == '\\')
			return false;
	return true;
}

static enum mt_rc
check_imap(const struct feed_options *o, struct mt_err *err)
{
	if (!mt_str_starts(o->imap, "imaps://") &&
	    !mt_str_starts(o->imap, "imap://"))
		return mt_fail(err, MT_CONFIG,
		    "imap: neither imaps://HOST nor imap://HOST");
	if (o->imap_user.n == 0)
		return mt_fail(err, MT_CONFIG, "imap_user: is not set");
	if (o->imap_password_file.n == 0)
		return mt_fail(
		    err, MT_CONFIG, "imap_password_file: is not set");
	if (o->imap_mailbox.n == 0 || !is_quotable(o->imap_mailbox))
		return mt_fail(err, MT_CONFIG,
		    "imap_mailbox: not printable ASCII without \" and \\");
	if (!is_quotable(o->imap_move))
		return mt_fail(err, MT_CONFIG,
		    "imap_move: not printable ASCII without \" and \\");
	if (o->imap_poll_ms == 0)
		return mt_fail(err, MT_CONFIG, "imap_poll_ms: must not be 0");
	return MT_OK;
}

static enum mt_rc
check(const void *values, struct mt_err *err)
{
	const struct feed_options *o = values;
	struct feed_place place;

	if (feed_place_read(o, &place, err) != MT_OK)
		return err->rc;
	if (o->connections == 0)
		return mt_fail(err, MT_CONFIG, "connections: must not be 0");
	if (o->imap.n > 0)
		return check_imap(o, err);
	if (mt_str_eqz(o->listen, "none"))
		return mt_fail(
		    err, MT_CONFIG, "listen: none, and imap is not set");
	return MT_OK;
}

const struct mt_conf_desc feed_conf = {
	.program = "mailtrail-feed",
	.fields = fields,
	.n = sizeof(fields) / sizeof(fields[0]),
	.size = sizeof(struct feed_options),
	.check = check,
};
