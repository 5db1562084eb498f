/* SPDX-License-Identifier: BSD-2-Clause */
/* Who could not log in, as smtpd and Dovecot say it. */
#include <string.h>

#include "maillog/readers.h"
#include "maillog/scan.h"

/* Behind "authentication failed: ": the reason, and the login since 3.7.8. */
static void
read_reason(struct mt_str s, struct mt_ev_auth *ev)
{
	struct mt_str reason = s;

	if (mt_scan_past(&s, MT_LIT(", sasl_username="), &reason) &&
	    !mt_str_eqz(s, "(unavailable)"))
		ev->user = s;
	ev->text = reason;
}

bool
mt_read_sasl_text(struct mt_str s, struct mt_ev_auth *ret_auth)
{
	struct mt_ev_auth ev = { 0 };

	if (!mt_scan_peer(&s, &ev.client_name, &ev.client) ||
	    !mt_scan_text(&s, MT_LIT(": SASL ")) ||
	    !mt_scan_to(&s, ' ', &ev.method) ||
	    !mt_scan_text(&s, MT_LIT("authentication failed")))
		return false;
	if (mt_scan_text(&s, MT_LIT(": ")))
		read_reason(s, &ev);
	*ret_auth = ev;
	return true;
}

bool
mt_read_sasl(
    const struct mt_shape_line *line, unsigned word, struct mt_shaped *out)
{
	struct mt_str s = line->text;

	(void)word;
	if (!mt_scan_text(&s, MT_LIT("warning: ")) ||
	    !mt_read_sasl_text(s, &out->ev.auth))
		return false;
	out->id = MT_EV_auth;
	return true;
}

/* The last place of text in s, NULL when there is none. */
static const char *
find_last(struct mt_str s, struct mt_str text)
{
	struct mt_str skipped;
	const char *at = NULL;

	while (mt_scan_past(&s, text, &skipped))
		at = s.p - text.n;
	return at;
}

static struct mt_str
between(const char *from, const char *to)
{
	return mt_str_n(from, (size_t)(to - from));
}

/*
 * "u>, method=PLAIN, rip=192.0.2.1, lip=...": the login may hold anything, what
 * follows it is Dovecot's, so the last of each is taken.
 */
static void
read_session(struct mt_str s, struct mt_ev_auth *ev)
{
	const char *end = s.p + s.n, *rip, *method, *user;
	struct mt_str address;

	rip = find_last(s, MT_LIT(", rip="));
	if (rip == NULL)
		return;
	address = between(rip + 6, end);
	(void)mt_scan_to(&address, ',', &address);
	(void)mt_ip_read(address, &ev->client);
	s = between(s.p, rip);
	method = find_last(s, MT_LIT(">, method="));
	if (method != NULL) {
		ev->method = between(method + 10, rip);
		user = method;
	} else {
		user = s.n > 0 && rip[-1] == '>' ? rip - 1 : rip;
	}
	ev->user = between(s.p, user);
	if (ev->user.n == 0)
		ev->user = mt_str(NULL);
}

bool
mt_read_login_text(struct mt_str s, struct mt_ev_auth *ret_auth)
{
	struct mt_ev_auth ev = { 0 };
	struct mt_str service, what;
	size_t i;

	if (!mt_scan_past(&s, MT_LIT("-login: "), &service))
		return false;
	for (i = 0; i < service.n; i++)
		if (!mt_is_alpha(service.p[i]) && !mt_is_digit(service.p[i]))
			return false;
	what = s;
	if (!mt_scan_past(&s, MT_LIT("(auth failed, "), &service) ||
	    !mt_scan_number(&s, UINT32_MAX, &ev.attempts) ||
	    !mt_scan_text(&s, MT_LIT(" attempts")) ||
	    !mt_scan_past(&s, MT_LIT(": user=<"), &service))
		return false;
	ev.text = between(what.p, service.p + service.n);
	read_session(s, &ev);
	*ret_auth = ev;
	return true;
}

bool
mt_read_login(
    const struct mt_shape_line *line, unsigned word, struct mt_shaped *out)
{
	(void)word;
	if (!mt_read_login_text(line->text, &out->ev.auth))
		return false;
	out->id = MT_EV_auth;
	return true;
}

/* "u,192.0.2.1,<session>" between the parentheses of a password database. */
static void
read_lookup(struct mt_str s, struct mt_ev_auth *ev)
{
	struct mt_str head, tail;

	ev->user = s;
	if (s.n > 0 && s.p[s.n - 1] == '>' &&
	    mt_str_cut_last(s, ',', &head, &tail) && tail.n > 0 &&
	    tail.p[0] == '<')
		ev->user = s = head;
	if (mt_str_cut_last(s, ',', &head, &tail) &&
	    mt_ip_read(tail, &ev->client))
		ev->user = head;
}

/* "auth-worker(12): conn unix:auth-worker (pid=...): auth-worker<5>: " */
static bool
skip_worker(struct mt_str *s)
{
	struct mt_str skipped;

	if (mt_scan_text(s, MT_LIT("auth: ")))
		return true;
	if (!mt_scan_text(s, MT_LIT("auth-worker(")) ||
	    !mt_scan_past(s, MT_LIT("): "), &skipped))
		return false;
	if (mt_scan_text(s, MT_LIT("conn unix:")) &&
	    (!mt_scan_past(s, MT_LIT("): auth-worker<"), &skipped) ||
		!mt_scan_past(s, MT_LIT(">: "), &skipped)))
		return false;
	return true;
}

/* "auth: sql(u,192.0.2.1,<session>): Password mismatch" */
bool
mt_read_password(
    const struct mt_shape_line *line, unsigned word, struct mt_shaped *out)
{
	static const struct mt_str reasons[] = {
		{ "): Password mismatch", 20 },
		{ "): unknown user", 15 },
		{ "): Authentication failure due to policy", 39 },
		{ "): pam_authenticate() failed", 28 },
		{ "): invalid credentials", 22 },
	};
	struct mt_ev_auth ev = { 0 };
	struct mt_str s = line->text, database, rest, skipped;
	const char *at = NULL;
	unsigned n = 0;
	size_t i;

	(void)word;
	if (!skip_worker(&s) || !mt_scan_to(&s, '(', &database) ||
	    database.n == 0 || memchr(database.p, ' ', database.n) != NULL)
		return false;
	for (i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++)
		for (rest = s; mt_scan_past(&rest, reasons[i], &skipped); n++)
			at = rest.p - reasons[i].n;
	if (at == NULL)
		return false;
	/* A login or a password may hold such a text: then it is not told
	 * where the login ends. */
	ev.text = between(at + 3, s.p + s.n);
	if (n == 1)
		read_lookup(between(s.p, at), &ev);
	else
		ev.text = s;
	out->ev.auth = ev;
	out->id = MT_EV_auth;
	return true;
}
