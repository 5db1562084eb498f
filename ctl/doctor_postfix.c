/* SPDX-License-Identifier: BSD-2-Clause */
/* Does Postfix ask our milter, at the right place and with patience? */
#include <string.h>
#include <sys/stat.h>

#include "doctor.h"
#include "postfix.h"
#include "child.h"

#define OUTPUT_MAX (1u << 20)
#define TIMEOUT_MS 10000
#define MILTERS_MAX 32
/* As conf/postfix/main.cf has them. */
#define CONNECT_MOST 5
#define COMMAND_MOST 5
#define CONTENT_MOST 60

#define ENTRY \
	"put '{ unix:mailtrail/milter.sock, connect_timeout=5s, " \
	"command_timeout=5s, content_timeout=30s, default_action=accept }' " \
	"first into smtpd_milters (conf/postfix/main.cf)"

struct postfix {
	struct ctl_doctor *d;
	struct mt_buf main; /* "name = value" lines of main.cf */
	struct mt_buf master; /* lines of master.cf */
	struct mt_buf overrides; /* "service/type/name = value" of master.cf */
	struct mt_str queue_dir;
};

static bool
ask(struct postfix *p, const char *const *args, size_t n, struct mt_buf *out,
    struct mt_err *err)
{
	const char *argv[16] = { "postconf" };
	size_t i, at = 1;
	int code = 0;

	if (p->d->postfix_dir != NULL) {
		argv[at++] = "-c";
		argv[at++] = p->d->postfix_dir;
	}
	for (i = 0; i < n && at < 15; i++)
		argv[at++] = args[i];
	mt_buf_init(out, OUTPUT_MAX);
	/* Warnings, too: none of them looks like a parameter of ours. */
	if (ctl_spawn(argv, true, TIMEOUT_MS, out, &code, err) != MT_OK)
		return false;
	if (code == 0)
		return true;
	(void)mt_fail(err, MT_CONFIG, "%.300s", out->p);
	return false;
}

/* A parameter of main.cf, expanded; empty when there is none. */
static struct mt_str
setting(const struct postfix *p, const char *name)
{
	struct mt_str line, rest = mt_buf_view(&p->main), key, value;

	while (rest.n > 0) {
		(void)mt_str_cut(rest, '\n', &line, &rest);
		if (mt_str_cut(line, '=', &key, &value) &&
		    mt_str_eqz(mt_str_trim(key), name))
			return mt_str_trim(value);
	}
	return MT_LIT("");
}

/* Are daemons of this name (column 8 of master.cf) chrooted? */
static bool
chrooted(const struct postfix *p, const char *command)
{
	struct mt_str line, rest = mt_buf_view(&p->master), word;
	struct mt_str words[8];
	size_t n;

	while (rest.n > 0) {
		(void)mt_str_cut(rest, '\n', &line, &rest);
		for (n = 0; n < 8 && (line = mt_str_trim(line)).n > 0; n++) {
			(void)mt_str_cut(line, ' ', &word, &line);
			words[n] = word;
		}
		if (n == 8 && mt_str_eqz(words[7], command) &&
		    mt_str_eqz(words[4], "y"))
			return true;
	}
	return false;
}

/* Ours: the entry with our milter's socket, or with our name in it. */
static bool
is_ours(const struct postfix *p, const struct ctl_milter *m)
{
	struct mt_str socket = ctl_doctor_option(p->d, CTL_MILTER, "listen");
	struct ctl_milter own = { .socket = socket };
	struct mt_str here = ctl_milter_path(m), there = ctl_milter_path(&own);
	struct mt_buf real;
	bool same;

	if (mt_str_eq(m->socket, socket) ||
	    memmem(m->socket.p, m->socket.n, "mailtrail", 9) != NULL)
		return true;
	if (here.n == 0 || there.n == 0)
		return false;
	mt_buf_init(&real, 8192);
	ctl_milter_real_path(here, p->queue_dir, chrooted(p, "smtpd"), &real);
	same = mt_str_eq(mt_buf_view(&real), there);
	mt_buf_done(&real);
	return same;
}

static size_t
find_ours(const struct postfix *p, const struct ctl_milter *milters, size_t n)
{
	size_t i = 0;

	while (i < n && !is_ours(p, &milters[i]))
		i++;
	return i;
}

static void
check_order(
    struct postfix *p, const struct ctl_milter *milters, size_t n, size_t ours)
{
	bool signer = false;
	size_t i;

	for (i = 0; i < n; i++)
		signer = signer || (i != ours && ctl_milter_signs(&milters[i]));
	for (i = 0; i < ours; i++) {
		if (!ctl_milter_signs(&milters[i]))
			continue;
		ctl_doctor_say(p->d, CTL_FAIL, "postfix",
		    "put our milter before it: signatures must cover the mark",
		    "smtpd_milters: %.*s signs before our milter changes the "
		    "message",
		    MT_STR_ARG(milters[i].socket));
		return;
	}
	if (ours > 0)
		ctl_doctor_say(p->d, CTL_WARN, "postfix",
		    "put our milter first, unless that one must come before",
		    "smtpd_milters: %.*s comes before our milter",
		    MT_STR_ARG(milters[0].socket));
	else
		ctl_doctor_say(p->d, CTL_OK, "postfix", NULL,
		    "smtpd_milters: our milter is the first%s",
		    signer ? ", before who signs" : "");
}

static void
check_action(struct postfix *p, const struct ctl_milter *ours)
{
	struct mt_str action = ours->default_action;

	if (action.n == 0)
		action = setting(p, "milter_default_action");
	if (mt_str_eqz(action, "accept"))
		ctl_doctor_say(p->d, CTL_OK, "postfix", NULL,
		    "default_action=accept: mail goes on without us");
	else
		ctl_doctor_say(p->d, CTL_FAIL, "postfix",
		    "add default_action=accept to our entry",
		    "default_action is %.*s: mail waits when our milter is "
		    "away",
		    MT_STR_ARG(action));
}

static void
check_timeouts(struct postfix *p, const struct ctl_milter *ours)
{
	const struct {
		const char *name;
		const char *general;
		struct mt_str value;
		uint64_t most;
	} timeouts[] = {
		{ "connect_timeout", "milter_connect_timeout",
		    ours->connect_timeout, CONNECT_MOST },
		{ "command_timeout", "milter_command_timeout",
		    ours->command_timeout, COMMAND_MOST },
		{ "content_timeout", "milter_content_timeout",
		    ours->content_timeout, CONTENT_MOST },
	};
	struct mt_str value;
	uint64_t seconds;
	bool good = true;
	size_t i;

	for (i = 0; i < sizeof(timeouts) / sizeof(timeouts[0]); i++) {
		value = timeouts[i].value;
		if (value.n == 0)
			value = setting(p, timeouts[i].general);
		if (ctl_postfix_time(value, &seconds) &&
		    seconds <= timeouts[i].most)
			continue;
		good = false;
		ctl_doctor_say(p->d, CTL_WARN, "postfix",
		    "set it in our entry, as conf/postfix/main.cf does",
		    "%s is %.*s: a milter that hangs delays each message by "
		    "that; %ds is enough",
		    timeouts[i].name, MT_STR_ARG(value), (int)timeouts[i].most);
	}
	if (good)
		ctl_doctor_say(p->d, CTL_OK, "postfix", NULL,
		    "our entry's timeouts are short");
}

/* Does Postfix come to the socket that our milter opens? */
static void
check_path(struct postfix *p, const struct ctl_milter *ours, const char *daemon)
{
	struct mt_str path = ctl_milter_path(ours);
	struct stat st;
	struct mt_buf real;

	if (path.n == 0)
		return;
	mt_buf_init(&real, 8192);
	ctl_milter_real_path(path, p->queue_dir, chrooted(p, daemon), &real);
	if (stat(real.p, &st) != 0 || !S_ISSOCK(st.st_mode))
		ctl_doctor_say(p->d, CTL_FAIL, "postfix",
		    "let the option listen of milter.conf and smtpd_milters "
		    "name the same file",
		    "%s%s looks for our milter at %s, where there is no "
		    "socket",
		    daemon, chrooted(p, daemon) ? ", which is chrooted," : "",
		    real.p);
	else if ((st.st_mode & S_IWOTH) == 0 && (st.st_mode & S_IWGRP) == 0)
		ctl_doctor_say(p->d, CTL_FAIL, "postfix",
		    "let Postfix's user connect: see listen_mode and listen_group in milter.conf",
		    "%s: mode %04o lets nobody but its owner connect", real.p,
		    (unsigned)st.st_mode & 07777);
	else
		ctl_doctor_say(p->d, CTL_OK, "postfix", NULL,
		    "%s reaches our milter's socket at %s", daemon, real.p);
	mt_buf_done(&real);
}

/* Services of master.cf that set a list of their own. */
static void
check_overrides(struct postfix *p)
{
	struct mt_str line, rest = mt_buf_view(&p->overrides), key, value;
	struct ctl_milter milters[MILTERS_MAX];
	size_t n;

	while (rest.n > 0) {
		(void)mt_str_cut(rest, '\n', &line, &rest);
		if (!mt_str_cut(line, '=', &key, &value))
			continue;
		key = mt_str_trim(key);
		if (key.n < 14 ||
		    !mt_str_eqz(
			mt_str_n(key.p + key.n - 14, 14), "/smtpd_milters"))
			continue;
		if (ctl_milters_read(
			mt_str_trim(value), milters, MILTERS_MAX, &n) &&
		    find_ours(p, milters, n) < n)
			continue;
		ctl_doctor_say(p->d, CTL_WARN, "postfix",
		    "fine for a listener behind a content filter; elsewhere "
		    "add our milter",
		    "master.cf: %.*s is a list without our milter",
		    MT_STR_ARG(key));
	}
}

static void
check_milters(struct postfix *p)
{
	struct ctl_milter milters[MILTERS_MAX];
	size_t n = 0, ours;

	if (!ctl_milters_read(
		setting(p, "smtpd_milters"), milters, MILTERS_MAX, &n)) {
		ctl_doctor_say(p->d, CTL_FAIL, "postfix",
		    "look at postconf smtpd_milters",
		    "smtpd_milters cannot be understood");
		return;
	}
	ours = find_ours(p, milters, n);
	if (ours == n) {
		ctl_doctor_say(p->d, CTL_FAIL, "postfix", ENTRY,
		    "smtpd_milters: our milter is not among the %zu", n);
		return;
	}
	check_order(p, milters, n, ours);
	check_action(p, &milters[ours]);
	check_timeouts(p, &milters[ours]);
	check_path(p, &milters[ours], "smtpd");
	check_overrides(p);
	if (!ctl_milters_read(
		setting(p, "non_smtpd_milters"), milters, MILTERS_MAX, &n) ||
	    find_ours(p, milters, n) == n)
		ctl_doctor_say(p->d, CTL_WARN, "postfix",
		    "set non_smtpd_milters = $smtpd_milters",
		    "non_smtpd_milters is without our milter: mail by "
		    "sendmail(1) is not seen");
}

static void
check_queue_ids(struct postfix *p)
{
	if (mt_str_eqz(setting(p, "enable_long_queue_ids"), "yes"))
		ctl_doctor_say(p->d, CTL_OK, "postfix", NULL,
		    "enable_long_queue_ids = yes");
	else
		ctl_doctor_say(p->d, CTL_WARN, "postfix",
		    "postconf -e enable_long_queue_ids=yes",
		    "short queue ids are used again, and say nothing about "
		    "time");
}

void
ctl_doctor_postfix(struct ctl_doctor *d)
{
	static const char *const names[] = { "-x", "smtpd_milters",
		"non_smtpd_milters", "milter_default_action",
		"milter_connect_timeout", "milter_command_timeout",
		"milter_content_timeout", "enable_long_queue_ids",
		"queue_directory" };
	static const char *const master[] = { "-M" };
	static const char *const overrides[] = { "-x", "-P" };
	struct postfix p = { .d = d };
	struct mt_err err = { .rc = MT_OK };

	if (ask(&p, names, sizeof(names) / sizeof(names[0]), &p.main, &err) &&
	    ask(&p, master, 1, &p.master, &err) &&
	    ask(&p, overrides, 2, &p.overrides, &err)) {
		p.queue_dir = setting(&p, "queue_directory");
		check_milters(&p);
		check_queue_ids(&p);
	} else if (err.rc == MT_ABSENT) {
		ctl_doctor_say(d, CTL_WARN, "postfix",
		    "run this on the mail host, as root",
		    "there is no postconf here: Postfix is not checked");
	} else {
		ctl_doctor_say(d, CTL_FAIL, "postfix",
		    "look at `postfix check`; --postfix-config DIR is for "
		    "private instances",
		    "%s", err.msg);
	}
	mt_buf_done(&p.main);
	mt_buf_done(&p.master);
	mt_buf_done(&p.overrides);
}
