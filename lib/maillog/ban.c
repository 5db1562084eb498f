/* SPDX-License-Identifier: BSD-2-Clause */
/* What mailcow's netfilter and fail2ban say. */
#include <string.h>

#include "maillog/readers.h"
#include "maillog/scan.h"

static struct mt_ev_ban *
begin(const struct mt_shape_line *line, enum mt_guard guard, unsigned deed,
    struct mt_shaped *out)
{
	out->ev.ban = (struct mt_ev_ban){
		.guard = guard, .deed = deed, .text = line->text
	};
	out->id = MT_EV_ban;
	return &out->ev.ban;
}

/* An address or a network up to a space or the end, with its mask. */
static bool
take_net(struct mt_str *s, struct mt_str *ret_net)
{
	struct mt_str rest = *s, word;
	struct mt_net net;

	if (!mt_scan_to(&rest, ' ', &word)) {
		word = *s;
		rest = mt_str_n(s->p + s->n, 0);
	} else {
		rest = mt_str_n(s->p + word.n, s->n - word.n);
	}
	if (!mt_net_read(word, &net))
		return false;
	*ret_net = word;
	*s = rest;
	return true;
}

/* The line that matched stands in parentheses; it may name a login. */
static void
read_matched_line(struct mt_str s, struct mt_ev_ban *ev)
{
	struct mt_ev_auth auth;

	(void)mt_scan_text(&s, MT_LIT("("));
	if (s.n > 0 && s.p[s.n - 1] == ')')
		s.n--;
	(void)mt_scan_text(&s, MT_LIT("warning: "));
	if (mt_read_sasl_text(s, &auth) || mt_read_login_text(s, &auth)) {
		ev->user = auth.user;
		ev->method = auth.method;
	}
}

/* "192.0.2.1 matched rule id 3 (warning: ...)" */
bool
mt_read_matched(
    const struct mt_shape_line *line, unsigned word, struct mt_shaped *out)
{
	struct mt_str s = line->text, rule;
	struct mt_ev_ban *ev =
	    begin(line, MT_guard_netfilter, MT_deed_found, out);

	(void)word;
	if (!take_net(&s, &ev->net) ||
	    !mt_scan_text(&s, MT_LIT(" matched rule id ")))
		return false;
	if (mt_scan_to(&s, ' ', &rule))
		read_matched_line(s, ev);
	else
		rule = s;
	ev->rule = rule;
	return true;
}

/* "7 more attempts in the next 600 seconds until 192.0.2.0/24 is banned" */
bool
mt_read_attempts(
    const struct mt_shape_line *line, unsigned word, struct mt_shaped *out)
{
	struct mt_str s = line->text;
	struct mt_ev_ban *ev =
	    begin(line, MT_guard_netfilter, MT_deed_warning, out);

	(void)word;
	return mt_scan_number(&s, UINT32_MAX, &ev->left) &&
	    mt_scan_text(&s, MT_LIT(" more attempts in the next ")) &&
	    mt_scan_number(&s, UINT32_MAX, &ev->seconds) &&
	    mt_scan_text(&s, MT_LIT(" seconds until ")) &&
	    take_net(&s, &ev->net) && mt_str_eqz(s, " is banned");
}

/* "Banning 2001:db8::/64 for 60 minutes" */
bool
mt_read_banning(
    const struct mt_shape_line *line, unsigned word, struct mt_shaped *out)
{
	struct mt_str s = line->text;
	struct mt_ev_ban *ev =
	    begin(line, MT_guard_netfilter, MT_deed_ban, out);
	uint64_t minutes;

	(void)word;
	if (!mt_scan_text(&s, MT_LIT("Banning ")) || !take_net(&s, &ev->net))
		return false;
	if (mt_scan_text(&s, MT_LIT(" for ")) &&
	    mt_scan_number(&s, UINT32_MAX, &minutes))
		ev->seconds = minutes * 60;
	return true;
}

bool
mt_read_unbanning(
    const struct mt_shape_line *line, unsigned word, struct mt_shaped *out)
{
	struct mt_str s = line->text;
	struct mt_ev_ban *ev =
	    begin(line, MT_guard_netfilter, MT_deed_unban, out);

	(void)word;
	return mt_scan_text(&s, MT_LIT("Unbanning ")) && take_net(&s, &ev->net);
}

/* Lists had other names before; "host/network " may be left out. */
static bool
take_list(struct mt_str s, bool *ret_denies)
{
	if (!mt_scan_text(&s, MT_LIT(" to ")) &&
	    !mt_scan_text(&s, MT_LIT(" from ")))
		return false;
	*ret_denies =
	    mt_str_starts(s, "denylist") || mt_str_starts(s, "blacklist");
	return *ret_denies || mt_str_starts(s, "allowlist") ||
	    mt_str_starts(s, "whitelist");
}

/* "Added host/network 192.0.2.0/24 to denylist"; word: 1 added, 0 removed. */
bool
mt_read_listed(
    const struct mt_shape_line *line, unsigned word, struct mt_shaped *out)
{
	struct mt_str s = line->text, verb;
	struct mt_ev_ban *ev =
	    begin(line, MT_guard_netfilter, MT_deed_other, out);
	bool denies;

	if (!mt_scan_to(&s, ' ', &verb))
		return false;
	(void)mt_scan_text(&s, MT_LIT("host/network "));
	(void)mt_scan_text(&s, MT_LIT("host "));
	(void)mt_scan_text(&s, MT_LIT("network "));
	if (!take_net(&s, &ev->net) || !take_list(s, &denies))
		return false;
	if (denies)
		ev->deed = word ? MT_deed_deny : MT_deed_undeny;
	else
		ev->deed = word ? MT_deed_allow : MT_deed_unallow;
	return true;
}

/* "NOTICE  [sshd] Ban 192.0.2.1" */
bool
mt_read_fail2ban(
    const struct mt_shape_line *line, unsigned word, struct mt_shaped *out)
{
	static const struct {
		struct mt_str verb;
		enum mt_deed deed;
	} verbs[] = {
		{ { "Found ", 6 }, MT_deed_found },
		{ { "Ban ", 4 }, MT_deed_ban },
		{ { "Restore Ban ", 12 }, MT_deed_ban },
		{ { "Increase Ban ", 13 }, MT_deed_ban },
		{ { "Unban ", 6 }, MT_deed_unban },
	};
	struct mt_str s = line->text, level;
	struct mt_ev_ban *ev =
	    begin(line, MT_guard_fail2ban, MT_deed_other, out);
	size_t i;

	(void)word;
	if (!mt_scan_to(&s, ' ', &level))
		return false;
	while (mt_scan_text(&s, MT_LIT(" ")))
		;
	if (!mt_scan_text(&s, MT_LIT("[")) || !mt_scan_to(&s, ']', &ev->rule) ||
	    !mt_scan_text(&s, MT_LIT(" ")))
		return false;
	ev->text = s;
	for (i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++)
		if (mt_scan_text(&s, verbs[i].verb)) {
			ev->deed = verbs[i].deed;
			return take_net(&s, &ev->net);
		}
	return take_net(&s, &ev->net) && mt_str_eqz(s, " already banned");
}
