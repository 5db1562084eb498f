/* SPDX-License-Identifier: BSD-2-Clause */
/* Option files of the programs on this host, and their processes. */
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "doctor.h"
#include "child.h"

#define OUTPUT_MAX (256u << 10)
#define TIMEOUT_MS 10000

static const struct {
	const char *name;
	const char *conf;
	const char *dir; /* in a build directory */
} programs[] = {
	[CTL_MILTER] = { "mailtrail-milter", "milter.conf", "milter" },
	[CTL_TAIL] = { "mailtrail-tail", "tail.conf", "tail" },
	[CTL_SHIP] = { "mailtrail-ship", "ship.conf", "shipper" },
	[CTL_COLLECTOR] = { "mailtrail-collector", "collector.conf",
	    "collector" },
	[CTL_PIXEL] = { "mailtrail-pixel", "pixel.conf", "pixel-cgi" },
	[CTL_FEED] = { "mailtrail-feed", "feed.conf", "feed" },
};

/* The program's path: installed with us, or in the same build directory. */
static bool
find_program(enum ctl_program p, char *out, size_t size)
{
	static const char *const places[] = { ".", "../sbin",
		"../libexec/mailtrail", ".." };
	char self[PATH_MAX], *slash;
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	size_t i;

	if (n <= 0)
		return false;
	self[n] = '\0';
	if ((slash = strrchr(self, '/')) != NULL)
		*slash = '\0';
	for (i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		(void)snprintf(out, size, "%s/%s/%s%s%s", self, places[i],
		    i == 3 ? programs[p].dir : "", i == 3 ? "/" : "",
		    programs[p].name);
		if (access(out, X_OK) == 0)
			return true;
	}
	return false;
}

/* Defaults, and after them what the file sets. */
static void
read_options(struct ctl_doctor *d, enum ctl_program p, const char *path,
    const char *conf)
{
	const char *defaults[] = { path, "-d", NULL };
	const char *changed[] = { path, "-c", conf, "-n", NULL };
	struct mt_buf out;
	struct mt_err err;
	int code;

	mt_buf_init(&out, OUTPUT_MAX);
	if (ctl_spawn(defaults, false, TIMEOUT_MS, &out, &code, &err) ==
		MT_OK &&
	    ctl_spawn(changed, false, TIMEOUT_MS, &out, &code, &err) == MT_OK)
		d->options[p] = mt_str_dup(mt_buf_view(&out));
	mt_buf_done(&out);
}

/* The last line: what the program ended with, after what it logged. */
static const char *
last_line(struct mt_buf *out)
{
	const char *end;

	while (out->n > 0 && out->p[out->n - 1] == '\n')
		out->p[--out->n] = '\0';
	end = strrchr(out->p, '\n');
	return end != NULL ? end + 1 : out->p;
}

static void
check_conf(struct ctl_doctor *d, enum ctl_program p, const char *path,
    const char *conf)
{
	const char *argv[] = { path, "-c", conf, "-t", NULL };
	struct mt_buf out;
	struct mt_err err;
	int code = 0;

	mt_buf_init(&out, OUTPUT_MAX);
	if (ctl_spawn(argv, true, TIMEOUT_MS, &out, &code, &err) != MT_OK) {
		ctl_doctor_say(d, CTL_FAIL, "config",
		    "install the package again", "%s", err.msg);
	} else if (code != 0) {
		ctl_doctor_say(d, CTL_FAIL, "config",
		    "correct it; the program's --sample explains every option",
		    "%s", last_line(&out));
	} else {
		ctl_doctor_say(d, CTL_OK, "config", NULL, "%s", conf);
		read_options(d, p, path, conf);
	}
	mt_buf_done(&out);
}

/* Two programs that must mean the same thing by an option. */
static void
compare(struct ctl_doctor *d, enum ctl_program a, enum ctl_program b,
    const char *option)
{
	struct mt_str of_a = ctl_doctor_option(d, a, option);
	struct mt_str of_b = ctl_doctor_option(d, b, option);

	if (of_a.n == 0 || of_b.n == 0 || mt_str_eq(of_a, of_b))
		return;
	ctl_doctor_say(d, CTL_FAIL, "config",
	    "give both the same value, and restart them",
	    "%s: %.*s in %s, but %.*s in %s", option, MT_STR_ARG(of_a),
	    programs[a].conf, MT_STR_ARG(of_b), programs[b].conf);
}

void
ctl_doctor_programs(struct ctl_doctor *d)
{
	char path[PATH_MAX + 64], conf[PATH_MAX];
	bool found, here;
	size_t n = 0;
	unsigned p;

	for (p = 0; p < CTL_PROGRAMS; p++) {
		(void)snprintf(conf, sizeof(conf), "%s/%s", d->config_dir,
		    programs[p].conf);
		here = access(conf, F_OK) == 0;
		found = find_program(p, path, sizeof(path));
		n += here;
		if (here && found)
			check_conf(d, p, path, conf);
		else if (here)
			ctl_doctor_say(d, CTL_WARN, "config",
			    "install the program, or remove the file",
			    "%s is there, but %s is not", conf,
			    programs[p].name);
	}
	if (n == 0)
		ctl_doctor_say(d, CTL_WARN, "config",
		    "say --config-dir DIR if they are elsewhere",
		    "no program has an option file in %s", d->config_dir);
	compare(d, CTL_MILTER, CTL_PIXEL, "token_keys");
	compare(d, CTL_MILTER, CTL_SHIP, "spool_dir");
	compare(d, CTL_PIXEL, CTL_SHIP, "spool_dir");
	compare(d, CTL_TAIL, CTL_SHIP, "spool_dir");
	compare(d, CTL_FEED, CTL_SHIP, "spool_dir");
	compare(d, CTL_MILTER, CTL_TAIL, "host");
	compare(d, CTL_MILTER, CTL_TAIL, "ignore_addresses");
	compare(d, CTL_SHIP, CTL_COLLECTOR, "redis_stream");
	compare(d, CTL_SHIP, CTL_COLLECTOR, "redis_group");
}

const char *
ctl_doctor_program(enum ctl_program p)
{
	return programs[p].name;
}

struct ctl_running
ctl_doctor_running(const struct ctl_doctor *d, enum ctl_program p)
{
	struct mt_str standard, file;
	char conf[PATH_MAX];

	(void)mt_str_cut_last(mt_str(CTL_CONF_PATH), '/', &standard, &file);
	(void)snprintf(
	    conf, sizeof(conf), "%s/%s", d->config_dir, programs[p].conf);
	return ctl_running_find(
	    programs[p].name, conf, mt_str_eqz(standard, d->config_dir));
}
