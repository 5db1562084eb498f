/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "ctl.h"
#include "json.h"
#include "prog/program.h"
#include "report/notices.h"
#include "text.h"

#define CHUNK 65536u
#define FILES_MAX 100000
#define VALUE_MAX MT_MAX_REPORT /* bytes of one value */

struct feeder {
	struct mt_notices_site site;
	struct mt_spool *spool; /* NULL: nothing is recorded */
	json_t *list; /* NULL: text */
	bool verbose;
	int64_t now;
};

/*
 * The start of a message, which holds all that is read of a report; the rest
 * is read too, so that who writes it is not disturbed.
 */
static enum mt_rc
read_message(int fd, struct mt_buf *in, struct mt_err *err)
{
	char rest[16384];
	size_t room;
	ssize_t n;

	for (;;) {
		room = in->max - in->n;
		if (room > CHUNK)
			room = CHUNK;
		if (room > 0)
			(void)mt_buf_reserve(in, room);
		n = room > 0 ? read(fd, in->p + in->n, room)
			     : read(fd, rest, sizeof(rest));
		if (n == 0)
			return MT_OK;
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return mt_fail_sys(err, "read");
		if (room > 0)
			in->n += (size_t)n;
	}
}

static void
write_field(const struct mt_field *f, const void *row, struct mt_buf *out)
{
	mt_buf_reset(out);
	mt_field_write(f, row, out);
}

static json_t *
notice_json(const struct mt_ev_notice *ev)
{
	const struct mt_event_desc *d = &mt_events[MT_EV_notice];
	json_t *o = json_object();
	struct mt_buf text;
	size_t i;

	mt_buf_init(&text, VALUE_MAX);
	for (i = 0; i < d->n; i++) {
		if (mt_field_absent(&d->fields[i], ev))
			continue;
		write_field(&d->fields[i], ev, &text);
		ctl_json_set(
		    o, d->fields[i].name, ctl_json_str(mt_buf_view(&text)));
	}
	mt_buf_done(&text);
	return o;
}

static void
print_notice(const struct mt_ev_notice *ev)
{
	const struct mt_event_desc *d = &mt_events[MT_EV_notice];
	struct mt_buf text, clean;
	size_t i;

	mt_buf_init(&text, VALUE_MAX);
	mt_buf_init(&clean, 4 * VALUE_MAX);
	for (i = 0; i < d->n; i++) {
		if (mt_field_absent(&d->fields[i], ev))
			continue;
		write_field(&d->fields[i], ev, &text);
		mt_buf_reset(&clean);
		ctl_clean(mt_buf_view(&text), &clean);
		(void)printf("  %-12s %s\n", d->fields[i].name, clean.p);
	}
	mt_buf_done(&text);
	mt_buf_done(&clean);
}

/* Say what a message is and what would be recorded of it. */
static void
show(const struct feeder *f, const char *name, struct mt_str message)
{
	json_t *row = json_object(), *list = json_array();
	struct mt_notices notices;
	struct mt_ev_notice ev;
	struct mt_err why;
	enum mt_rc rc;
	size_t i;

	rc = mt_notices_read(&f->site, message, f->now, &notices, &why);
	ctl_json_set(row, "file", json_string(name));
	ctl_json_set(
	    row, "why", rc == MT_OK ? json_null() : json_string(why.msg));
	if (f->list == NULL)
		(void)printf(
		    "%s: %s\n", name, rc == MT_OK ? "a report" : why.msg);
	for (i = 0; rc == MT_OK && i < notices.report.n; i++) {
		ev = mt_notices_get(&notices, i);
		if (f->list == NULL && i > 0)
			(void)fputc('\n', stdout);
		if (f->list == NULL)
			print_notice(&ev);
		else
			(void)json_array_append_new(list, notice_json(&ev));
	}
	if (rc == MT_OK)
		mt_notices_done(&notices);
	ctl_json_set(row, "notices", list);
	if (f->list != NULL)
		(void)json_array_append_new(f->list, row);
	else
		json_decref(row);
}

static enum mt_rc
feed(const struct feeder *f, const char *name, int fd, struct mt_err *err)
{
	struct mt_notices_outcome outcome;
	struct mt_buf message;
	enum mt_rc rc;

	mt_buf_init(&message, MT_MAX_REPORT);
	rc = read_message(fd, &message, err);
	if (rc == MT_OK && f->spool == NULL) {
		show(f, name, mt_buf_view(&message));
	} else if (rc == MT_OK) {
		rc = mt_notices_take(&f->site, f->spool, mt_buf_view(&message),
		    f->now, &outcome, err);
		if (rc == MT_OK && f->verbose && outcome.notices > 0)
			(void)printf("%s: taken notices=%zu report=%s\n", name,
			    outcome.notices, outcome.hash);
		else if (rc == MT_OK && f->verbose)
			(void)printf("%s: %s\n", name, outcome.why.msg);
	}
	mt_buf_done(&message);
	if (rc != MT_OK)
		mt_err_in(err, "%s", name);
	return rc;
}

static enum mt_rc
feed_all(const struct feeder *f, const struct ctl_args *a, struct mt_err *err)
{
	enum mt_rc rc = MT_OK;
	size_t i;
	int fd;

	if (a->n == 0)
		return feed(f, "standard input", STDIN_FILENO, err);
	for (i = 0; i < a->n && rc == MT_OK; i++) {
		fd = open(a->argv[i], O_RDONLY | O_CLOEXEC);
		if (fd < 0)
			return mt_fail_sys(err, "%s", mt_quotez(a->argv[i]).s);
		rc = feed(f, a->argv[i], fd, err);
		(void)close(fd);
	}
	return rc;
}

static enum mt_rc
run(struct ctl *c, const struct ctl_args *a, struct mt_err *err)
{
	const struct mt_spool_options spool = { .dir = c->o->spool_dir,
		.max = c->o->spool_max,
		.segment = c->o->spool_segment,
		.sync = (enum mt_sync)c->o->spool_sync };
	struct feeder f = { .verbose = ctl_given(a, "verbose") };
	bool dry = ctl_given(a, "dry-run"), json = ctl_given(a, "json");
	enum mt_rc rc;

	if (json && !dry)
		return ctl_usage(c, err, "--json needs --dry-run");
	f.site.host = mt_program_host(c->o->host);
	f.site.names = c->o->feed_names;
	f.now = mt_clock_now();
	if (json)
		f.list = json_array();
	if (!dry && mt_spool_open(&spool, &f.spool, err) != MT_OK)
		return err->rc;
	rc = feed_all(&f, a, err);
	mt_spool_close(f.spool);
	if (rc == MT_OK && json)
		ctl_json_print(f.list, stdout);
	else
		json_decref(f.list);
	return rc;
}

static const struct ctl_opt opts[] = {
	{ "dry-run", '\0', NULL,
	    "print what would be recorded, and record nothing" },
	{ "json", '\0', NULL, "with --dry-run: print JSON" },
	{ "verbose", 'v', NULL, "say what became of each message" },
	{ NULL, '\0', NULL, NULL },
};

const struct ctl_cmd ctl_feed = {
	.name = "feed",
	.args = "[FILE]...",
	.does = "record what a bounce or a complaint says of a message",
	.more = "Reads one message from standard input, or one from each "
		"FILE. A delivery status notification (RFC 3464) or a "
		"feedback report (RFC 5965) is recorded for each recipient "
		"that it speaks of; the same report counts once. Anything "
		"else is passed over, which is no failure.\nMade to be a pipe "
		"of Postfix: it ends with 0 when the message is done with, "
		"and with 75 whatever goes wrong, so that the message is "
		"tried again and never bounced.",
	.opts = opts,
	.max = FILES_MAX,
	.conf = true,
	.mail = true,
	.run = run,
};
