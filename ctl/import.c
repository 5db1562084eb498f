/* SPDX-License-Identifier: BSD-2-Clause */
#include <ctype.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "import.h"
#include "mail/ignore.h"
#include "prog/program.h"
#include "prog/signals.h"

#define LOOK_LINES 4096 /* between looks at clock and signals */
#define DATE_LEN 10 /* 2026-11-20 */
#define ZONES "/usr/share/zoneinfo/"

static bool
ignores(void *arg, struct mt_str address)
{
	return mt_ignore_has(arg, address);
}

/* A name without its file would be taken for UTC, silently. */
static bool
is_zone(const char *zone)
{
	struct mt_buf path;
	const char *p;
	bool there;

	for (p = zone; *p != '\0'; p++)
		if (isdigit((unsigned char)*p))
			return true; /* "CET-1CEST", or who knows it better */
	mt_buf_init(&path, 1024);
	mt_buf_printf(&path, ZONES "%s", zone);
	there =
	    zone[0] != '\0' && !mt_buf_over(&path) && access(path.p, R_OK) == 0;
	mt_buf_done(&path);
	return there;
}

/* The end of that day. */
static bool
read_date(const char *text, int64_t *ret_at)
{
	char whole[] = "2026-11-20T23:59:59Z";

	if (strlen(text) != DATE_LEN)
		return false;
	memcpy(whole, text, DATE_LEN);
	return mt_time_read(mt_str(whole), ret_at);
}

static enum mt_rc
read_options(struct import *in, struct ctl *c, const struct ctl_args *a,
    struct mt_err *err)
{
	const char *host = ctl_value(a, "host"), *zone = ctl_value(a, "zone");
	const char *as_of = ctl_value(a, "as-of");

	if (host != NULL && (host[0] == '\0' || strlen(host) > MT_MAX_HOST))
		return ctl_usage(c, err, "--host: not a host's name");
	if (zone != NULL && !is_zone(zone))
		return ctl_usage(c, err,
		    "--zone: %s is no time zone such as Europe/Berlin",
		    mt_quotez(zone).s);
	if (as_of != NULL && !read_date(as_of, &in->as_of))
		return ctl_usage(c, err,
		    "--as-of: %s is no date such as 2026-11-20",
		    mt_quotez(as_of).s);
	in->c = c;
	in->dry = ctl_given(a, "dry-run");
	in->shows = isatty(STDERR_FILENO) == 1;
	in->options = (struct mt_maillog_options){
		.host =
		    host != NULL ? mt_str(host) : mt_program_host(c->o->host),
		.host_of_line = ctl_given(a, "host-of-line"),
		.keep_lines = !ctl_given(a, "no-lines"),
		.zone = zone,
	};
	return MT_OK;
}

/* A log that is named twice would be read as one with every line doubled. */
static bool
has_file(const struct import *in, const struct import_file *f)
{
	size_t i;

	for (i = 0; i < in->n_files; i++)
		if (in->files[i].dev == f->dev && in->files[i].ino == f->ino)
			return true;
	return false;
}

/* The oldest first; those in which no time was found are nobody's elders. */
static int
compare_files(const void *a, const void *b)
{
	const struct import_file *x = a, *y = b;

	if ((x->first_at == 0) != (y->first_at == 0))
		return x->first_at == 0 ? 1 : -1;
	if (x->first_at != y->first_at)
		return x->first_at < y->first_at ? -1 : 1;
	return x->written < y->written ? -1 : x->written > y->written;
}

static enum mt_rc
find_files(struct import *in, const struct ctl_args *a, struct mt_err *err)
{
	struct import_file *f;
	size_t i;

	in->files = mt_alloc_array(a->n, sizeof(*in->files));
	for (i = 0; i < a->n; i++) {
		f = &in->files[in->n_files];
		import_file_init(f, a->argv[i]);
		if (import_file_peek(f, &in->options, in->as_of, err) !=
		    MT_OK) {
			in->c->exit = err->rc == MT_ABSENT ? EX_NOINPUT : 0;
			import_file_close(f);
			return err->rc;
		}
		if (has_file(in, f))
			import_file_close(f);
		else
			in->n_files++;
	}
	qsort(in->files, in->n_files, sizeof(*in->files), compare_files);
	return MT_OK;
}

static void
count_line(struct import *in, struct import_file *f, enum mt_maillog_kind kind)
{
	const int64_t at = mt_maillog_at(in->log);

	f->lines++;
	in->lines++;
	in->kinds[kind]++;
	if (kind == MT_MAILLOG_DAMAGED) {
		f->damaged++;
		return;
	}
	if (in->first_at == 0 || at < in->first_at)
		in->first_at = at;
	if (at > in->last_at)
		in->last_at = at;
}

static enum mt_rc
read_file(struct import *in, struct import_file *f, struct mt_err *err)
{
	enum mt_maillog_kind kind = MT_MAILLOG_DAMAGED;
	struct mt_str line;

	if (import_file_open(f, err) != MT_OK) {
		in->c->exit = err->rc == MT_ABSENT ? EX_NOINPUT : 0;
		return err->rc;
	}
	while (!in->stopped && import_file_line(f, &line)) {
		if (line.n == 0)
			continue;
		if (mt_maillog_line(in->log, line,
			in->as_of != 0 ? in->as_of : f->written,
			import_spool_take, in, &kind, err) != MT_OK)
			return err->rc;
		count_line(in, f, kind);
		if (import_spool_due(in) &&
		    import_spool_record(in, err) != MT_OK)
			return err->rc;
		if (in->lines % LOOK_LINES == 0) {
			import_say_progress(in);
			in->stopped = in->stopped || mt_stopping();
		}
	}
	/* A pipe that was waited for ends so, too. */
	in->stopped = in->stopped || mt_stopping();
	return MT_OK;
}

static enum mt_rc
read_files(struct import *in, struct mt_err *err)
{
	enum mt_rc rc = MT_OK;

	in->began_ms = mt_clock_mono_ms();
	for (in->at = 0; in->at < in->n_files; in->at++) {
		rc = read_file(in, &in->files[in->at], err);
		import_file_close(&in->files[in->at]);
		if (rc != MT_OK || in->stopped)
			break;
	}
	if (rc == MT_OK)
		rc = import_spool_record(in, err);
	return rc;
}

/* What was wrong with files, and what was not done. */
static void
complain(struct import *in)
{
	const struct import_file *f;
	size_t i;

	import_say_nothing(in);
	for (i = 0; i < in->n_files; i++) {
		f = &in->files[i];
		if (f->why[0] != '\0' && !in->stopped)
			(void)fprintf(stderr,
			    "mailtrail import: %s: line %" PRIu64
			    ": %s; what follows it was not read\n",
			    mt_quotez(f->name).s, f->lines + 1, f->why);
		else if (f->lines > 0 && f->damaged == f->lines)
			(void)fprintf(stderr,
			    "mailtrail import: %s: has no log line\n",
			    mt_quotez(f->name).s);
		else
			continue;
		in->c->exit = EX_DATAERR;
	}
	if (!in->stopped)
		return;
	in->c->exit = EX_TEMPFAIL;
	(void)fprintf(stderr,
	    "mailtrail import: stopped at line %" PRIu64
	    " of %s; the same command goes on: what is stored already is "
	    "stored once\n",
	    in->at < in->n_files ? in->files[in->at].lines : 0,
	    mt_quotez(in->at < in->n_files ? in->files[in->at].name : "").s);
}

static enum mt_rc
import(struct import *in, const struct ctl_args *a, struct mt_err *err)
{
	if (find_files(in, a, err) != MT_OK ||
	    mt_maillog_new(&in->options, &in->log, err) != MT_OK ||
	    import_spool_open(in, err) != MT_OK ||
	    read_files(in, err) != MT_OK) {
		import_say_nothing(in);
		return err->rc;
	}
	complain(in);
	import_say_result(in, ctl_given(a, "json"));
	return MT_OK;
}

static enum mt_rc
run(struct ctl *c, const struct ctl_args *a, struct mt_err *err)
{
	struct mt_ignore *ignore = NULL;
	struct import in = { .n_files = 0 };
	enum mt_rc rc;
	size_t i;

	if (read_options(&in, c, a, err) != MT_OK ||
	    mt_signals_init(err) != MT_OK)
		return err->rc;
	if (mt_ignore_load(c->o->ignore_addresses, &ignore, err) != MT_OK) {
		mt_err_in(err, "ignore_addresses");
		return err->rc;
	}
	if (ignore != NULL) {
		in.options.ignores = ignores;
		in.options.ignores_arg = ignore;
	}
	rc = import(&in, a, err);
	for (i = 0; i < in.n_files; i++)
		import_file_close(&in.files[i]);
	mt_free(in.files);
	import_spool_close(&in);
	mt_maillog_free(in.log);
	mt_ignore_free(ignore);
	return rc;
}

static const struct ctl_opt opts[] = {
	{ "dry-run", 'n', NULL, "read only, and say what is in the logs" },
	{ "host", '\0', "NAME", "the host that the logs are of" },
	{ "host-of-line", '\0', NULL,
	    "the host is the one that each line names" },
	{ "zone", '\0', "ZONE",
	    "of times without one, such as Europe/Berlin (default: the "
	    "system's)" },
	{ "as-of", '\0', "DATE",
	    "lines without a year are of the year before DATE, instead of "
	    "before their file was last written" },
	{ "no-lines", '\0', NULL, "do not record the lines themselves" },
	{ "json", '\0', NULL, "print JSON" },
	{ NULL, '\0', NULL, NULL },
};

const struct ctl_cmd ctl_import = {
	.name = "import",
	.args = "FILE...",
	.does = "record what old mail logs say",
	.more =
	    "FILE is a log as mailtrail-tail reads it, plain or packed with "
	    "gzip, bzip2, xz or zstd, or - for standard input. Files may "
	    "be given in any order: they are read by the time of their "
	    "first lines. Everything goes into the spool, of which it "
	    "takes half at most, and waits there for mailtrail-ship; so "
	    "it is run on the mail host. What was read before, by "
	    "mailtrail-tail or by this command, is stored once. "
	    "It ends with 65 when a file is damaged or holds no log "
	    "line, with 66 when one cannot be read (nothing is recorded "
	    "then), with 74 when the spool takes nothing, and with 75 "
	    "when it was stopped by SIGINT or SIGTERM; the same command "
	    "again goes on.",
	.opts = opts,
	.min = 1,
	.max = 100000,
	.conf = true,
	.run = run,
};
