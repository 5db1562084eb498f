/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "doctor.h"
#include "json.h"
#include "text.h"

#define EXIT_FAIL 1
#define SKEW_WARN (2 * MT_SECOND)
#define SKEW_FAIL (60 * MT_SECOND)

static const struct {
	const char *word;
	enum ctl_color paint;
} healths[] = {
	[CTL_OK] = { "ok", CTL_GREEN },
	[CTL_WARN] = { "warn", CTL_YELLOW },
	[CTL_FAIL] = { "FAIL", CTL_RED },
};

static void
say_line(const struct ctl_doctor *d, enum ctl_health health, const char *step,
    const char *remedy, const char *text)
{
	char word[8];

	(void)snprintf(word, sizeof(word), "%-4s", healths[health].word);
	ctl_paint(stdout, d->c->color, healths[health].paint, word);
	(void)printf("  %-9s  %s\n", step, text);
	if (remedy == NULL)
		return;
	(void)printf("%17s", "");
	ctl_paint(stdout, d->c->color, CTL_BOLD, "-> ");
	(void)printf("%s\n", remedy);
	(void)fflush(stdout);
}

void
ctl_doctor_say(struct ctl_doctor *d, enum ctl_health health, const char *step,
    const char *remedy, const char *fmt, ...)
{
	char raw[1024];
	struct mt_buf text;
	json_t *o;
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(raw, sizeof(raw), fmt, ap);
	va_end(ap);
	d->counts[health]++;
	mt_buf_init(&text, 4 * sizeof(raw));
	ctl_clean(mt_str_trim(mt_str(raw)), &text);
	if (d->json != NULL) {
		o = json_object();
		ctl_json_set(o, "step", json_string(step));
		ctl_json_set(o, "state", json_string(healths[health].word));
		ctl_json_set(o, "found", json_string(text.p));
		ctl_json_set(o, "remedy",
		    remedy != NULL ? json_string(remedy) : json_null());
		(void)json_array_append_new(d->json, o);
	} else {
		say_line(d, health, step, remedy, text.p);
	}
	mt_buf_done(&text);
}

struct mt_str
ctl_doctor_option(
    const struct ctl_doctor *d, enum ctl_program program, const char *name)
{
	struct mt_str line, rest = mt_str(d->options[program]), key, value;
	struct mt_str found = mt_str(NULL);

	/* The last one holds: defaults come first, then what is set. */
	while (rest.n > 0) {
		(void)mt_str_cut(rest, '\n', &line, &rest);
		if (mt_str_cut(line, '=', &key, &value) &&
		    mt_str_eqz(mt_str_trim(key), name))
			found = mt_str_trim(value);
	}
	return found.n > 0 ? found : mt_str(NULL);
}

void
ctl_doctor_clock(
    struct ctl_doctor *d, const char *whose, int64_t theirs, int64_t now)
{
	int64_t skew = theirs > now ? theirs - now : now - theirs;
	struct mt_buf span;

	mt_buf_init(&span, 64);
	ctl_span(skew, &span);
	if (skew >= SKEW_WARN)
		ctl_doctor_say(d, skew >= SKEW_FAIL ? CTL_FAIL : CTL_WARN,
		    "clock", "run an NTP client on both hosts",
		    "%s is %s %s this host", whose, span.p,
		    theirs > now ? "ahead of" : "behind");
	else
		ctl_doctor_say(
		    d, CTL_OK, "clock", NULL, "%s agrees to within 2 s", whose);
	mt_buf_done(&span);
}

static void
examine(struct ctl_doctor *d)
{
	ctl_doctor_programs(d);
	ctl_doctor_sockets(d);
	ctl_doctor_tail(d);
	ctl_doctor_feed(d);
	ctl_doctor_postfix(d);
	ctl_doctor_keys(d);
	ctl_doctor_spool(d);
	ctl_doctor_redis(d);
	ctl_doctor_mariadb(d);
	ctl_doctor_policy(d);
	ctl_doctor_pixel(d);
}

static void
print_end(const struct ctl_doctor *d)
{
	json_t *o;

	if (d->json == NULL) {
		(void)printf("\n%zu ok, %zu to look at, %zu failing\n",
		    d->counts[CTL_OK], d->counts[CTL_WARN],
		    d->counts[CTL_FAIL]);
		return;
	}
	o = json_object();
	ctl_json_set(o, "ok", ctl_json_num(d->counts[CTL_OK]));
	ctl_json_set(o, "warn", ctl_json_num(d->counts[CTL_WARN]));
	ctl_json_set(o, "fail", ctl_json_num(d->counts[CTL_FAIL]));
	ctl_json_set(o, "checks", json_incref(d->json));
	ctl_json_print(o, stdout);
}

static enum mt_rc
run(struct ctl *c, const struct ctl_args *a, struct mt_err *err)
{
	struct ctl_doctor d = { .c = c };
	struct mt_str dir, file;
	char *own = NULL, *postfix = NULL;
	size_t i;

	(void)err;
	d.postfix_dir = ctl_value(a, "postfix-config");
	if (d.postfix_dir == NULL && c->o->postfix_config.n > 0)
		d.postfix_dir = postfix = mt_str_dup(c->o->postfix_config);
	d.config_dir = ctl_value(a, "config-dir");
	if (d.config_dir == NULL) {
		/* Beside our own option file. */
		if (!mt_str_cut_last(
			mt_str(c->conf_path != NULL ? c->conf_path
						    : CTL_CONF_PATH),
			'/', &dir, &file))
			dir = MT_LIT(".");
		d.config_dir = own = mt_str_dup(dir);
	}
	if (ctl_given(a, "json"))
		d.json = json_array();
	examine(&d);
	print_end(&d);
	if (d.counts[CTL_FAIL] > 0)
		c->exit = EXIT_FAIL;
	for (i = 0; i < CTL_PROGRAMS; i++)
		mt_free(d.options[i]);
	mt_db_close(d.db);
	json_decref(d.json);
	mt_free(own);
	mt_free(postfix);
	return MT_OK;
}

static const struct ctl_opt opts[] = {
	{ "config-dir", '\0', "DIR",
	    "where the programs' option files are (default: beside ours)" },
	{ "postfix-config", '\0', "DIR",
	    "Postfix's configuration directory, of a private instance" },
	{ "json", '\0', NULL, "print JSON" },
	{ NULL, '\0', NULL, NULL },
};

const struct ctl_cmd ctl_doctor = {
	.name = "doctor",
	.does = "check every step that a message's events take",
	.more =
	    "Looks at the programs' option files, the sockets, the "
	    "mail log and who reads it, the mailbox of reports, Postfix's milters, keys, spool, Redis, MariaDB, schema, clocks, "
	    "the policy snapshot and the pixel, which it fetches. A line "
	    "each says ok, warn or FAIL, and what to do. Run it as root "
	    "on a mail host. Ends with 1 when something fails.",
	.opts = opts,
	.conf = true,
	.run = run,
};
