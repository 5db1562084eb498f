/* SPDX-License-Identifier: BSD-2-Clause */
#include <inttypes.h>
#include <string.h>

#include "base/clock.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/words.h"
#include "connect.h"
#include "json.h"
#include "mail/queue_id.h"
#include "spool/stat.h"
#include "text.h"
#include "trail.h"

#define LIMIT_DEFAULT 20
#define LIMIT_MAX 10000
#define DAYS_DEFAULT 7
#define DAYS_MAX 36500
#define EXIT_NOTHING 1

/* Where the newest message stands: is the collector up to date? */
static void
hint_newest(struct mt_db *db, FILE *out)
{
	struct mt_rows *rows;
	struct mt_err err;
	struct mt_buf age;

	if (mt_rows_open(db,
		"SELECT born FROM v_message ORDER BY born DESC LIMIT 1", NULL,
		0, &rows, &err) != MT_OK)
		return;
	if (mt_rows_next(rows, &err) != MT_OK) {
		(void)fprintf(out,
		    "  MariaDB has no messages at all: "
		    "`mailtrail doctor` says which step "
		    "fails.\n");
	} else {
		mt_buf_init(&age, 64);
		ctl_span(mt_clock_now() - mt_rows_time(rows, 0), &age);
		(void)fprintf(
		    out, "  The newest message in MariaDB is %s old.\n", age.p);
		mt_buf_done(&age);
	}
	mt_rows_close(rows);
}

/* What this host has not delivered yet may be it. */
static void
hint_spool(const struct ctl *c, FILE *out)
{
	char *dir = mt_str_dup(c->o->spool_dir);
	struct mt_spool_stat stat;
	uint64_t waiting = 0;
	struct mt_buf size;
	struct mt_err err;
	size_t i;

	if (mt_spool_stat_read(dir, &stat, &err) == MT_OK) {
		for (i = 0; i < stat.n; i++)
			waiting += stat.endpoints[i].unsent +
			    stat.endpoints[i].unacked;
		if (!stat.shipped)
			waiting = stat.bytes;
		mt_buf_init(&size, 64);
		ctl_bytes(waiting, &size);
		if (waiting > 0)
			(void)fprintf(out,
			    "  %s of events on this host are not stored "
			    "yet; see `mailtrail spool status`.\n",
			    size.p);
		mt_buf_done(&size);
		mt_spool_stat_done(&stat);
	}
	mt_free(dir);
}

static void
hint_age(const struct ctl *c, int64_t at, FILE *out)
{
	int64_t age = mt_clock_now() - at;
	char text[MT_TIME_LEN + 1];

	mt_time_write(at, 'T', true, text);
	(void)fprintf(out, "  As a queue id it was made at %s.\n", text);
	if (c->o->keep_days > 0 && age > (int64_t)c->o->keep_days * MT_DAY)
		(void)fprintf(out,
		    "  That is longer ago than messages are kept "
		    "(keep_days = %" PRIu64 ").\n",
		    c->o->keep_days);
}

/* Ids that begin alike: one was cut when it was copied. */
static void
hint_alike(struct mt_db *db, struct mt_str what, FILE *out)
{
	struct mt_buf like;
	struct mt_rows *rows;
	struct mt_err err;
	struct mt_str arg;
	size_t n = 0;

	if (what.n < 4)
		return;
	mt_buf_init(&like, MT_MAX_QUEUE_ID + 2);
	mt_buf_str(&like, what);
	mt_buf_c(&like, '%');
	arg = mt_buf_view(&like);
	if (!mt_buf_over(&like) &&
	    mt_rows_open(db,
		"SELECT DISTINCT queue_id FROM v_message "
		"WHERE queue_id LIKE ? ORDER BY queue_id LIMIT 5",
		&arg, 1, &rows, &err) == MT_OK) {
		while (mt_rows_next(rows, &err) == MT_OK)
			(void)fprintf(out, "%s%.*s",
			    n++ == 0 ? "  Queue ids that begin so: " : ", ",
			    MT_STR_ARG(mt_rows_text(rows, 0)));
		mt_rows_close(rows);
	}
	if (n > 0)
		(void)fprintf(out, "\n");
	mt_buf_done(&like);
}

/* Nothing matches: say how it was read, and where it might be. */
static void
hint(const struct ctl *c, struct mt_db *db, struct mt_str what, FILE *out)
{
	static const char *const kinds[] = { "queue id", "Message-ID", "domain",
		"address of a sender or recipient" };
	const char *gap = "";
	struct mt_buf key;
	enum ctl_trail_kind kind;
	int64_t at;

	mt_buf_init(&key, MT_MAX_MESSAGE_ID);
	(void)fprintf(out, "nothing is known of %s, as ", mt_quote(what).s);
	for (kind = 0; kind < CTL_TRAIL_KINDS; kind++) {
		mt_buf_reset(&key);
		if (!ctl_trail_key(kind, what, &key))
			continue;
		(void)fprintf(out, "%s%s", gap, kinds[kind]);
		gap = ", ";
	}
	(void)fprintf(out, ".\n");
	mt_buf_reset(&key);
	if (ctl_trail_key(CTL_TRAIL_QUEUE_ID, what, &key)) {
		if (mt_queue_id_time(mt_buf_view(&key), &at))
			hint_age(c, at, out);
		hint_alike(db, mt_buf_view(&key), out);
	}
	mt_buf_done(&key);
	hint_spool(c, out);
	hint_newest(db, out);
}

/* Each whole, or, where they are listed, as much as a line says. */
static enum mt_rc
load_all(struct mt_db *db, const json_t *keys, const struct ctl_trail_ask *ask,
    bool whole, bool lines, json_t **ret_trails, struct mt_err *err)
{
	json_t *trails = json_array(), *trail;
	enum mt_rc rc = MT_OK;
	size_t i;

	for (i = 0; i < json_array_size(keys) && i < ask->limit; i++) {
		rc = ctl_trail_load(db, json_array_get(keys, i), &trail, err);
		if (rc != MT_OK)
			break;
		(void)json_array_append_new(trails, trail);
		if (!whole)
			continue;
		if ((rc = ctl_trail_fill(db, trail, lines, err)) != MT_OK ||
		    (rc = ctl_trail_chain(db, trail, err)) != MT_OK)
			break;
		ctl_trail_finals(trail);
	}
	if (rc == MT_OK)
		*ret_trails = trails;
	else
		json_decref(trails);
	return rc;
}

static void
print_all(const struct ctl *c, const json_t *trails, const json_t *refused,
    bool whole)
{
	size_t i, n = json_array_size(trails);

	if (n > 0 && !whole)
		ctl_trail_list(trails, c->color, stdout);
	for (i = 0; i < n && whole; i++) {
		if (i > 0)
			(void)putchar('\n');
		ctl_trail_print(json_array_get(trails, i), c->color, stdout);
	}
	if (json_array_size(refused) == 0)
		return;
	if (n > 0)
		(void)putchar('\n');
	ctl_trail_list_refused(refused, c->color, stdout);
}

/* What was found, in one of the two outputs. */
static void
put_out(struct ctl *c, const struct ctl_args *a, json_t *trails,
    json_t *refused, const struct ctl_trail_ask *ask, bool whole)
{
	while (json_array_size(refused) > ask->limit)
		(void)json_array_remove(refused, json_array_size(refused) - 1);
	if (!ctl_given(a, "json")) {
		print_all(c, trails, refused, whole);
		return;
	}
	(void)json_array_extend(trails, refused);
	ctl_json_print(json_incref(trails), stdout);
}

static enum mt_rc
show(struct ctl *c, const struct ctl_args *a, struct mt_db *db,
    const struct ctl_trail_ask *ask, struct mt_err *err)
{
	json_t *keys = NULL, *trails = NULL, *refused = NULL;
	enum ctl_trail_kind kind;
	bool whole, more;
	enum mt_rc rc;

	rc = ctl_trail_find(db, ask, &keys, &kind, err);
	whole = json_array_size(keys) == 1 || ctl_given(a, "full") ||
	    ctl_given(a, "json");
	if (rc == MT_OK)
		rc = load_all(
		    db, keys, ask, whole, ctl_given(a, "lines"), &trails, err);
	if (rc == MT_OK)
		rc = ctl_trail_refused(db, ask, &refused, err);
	if (rc == MT_OK) {
		more = json_array_size(keys) > ask->limit ||
		    json_array_size(refused) > ask->limit;
		put_out(c, a, trails, refused, ask, whole);
		if (more)
			(void)fprintf(stderr,
			    "These are the newest %" PRIu64
			    "; --limit shows more.\n",
			    ask->limit);
	}
	if (rc == MT_OK && json_array_size(keys) == 0 &&
	    json_array_size(refused) == 0) {
		if (ask->status.p != NULL)
			(void)fprintf(stderr, "no message%s%s is %.*s.\n",
			    ask->what.p != NULL ? " of " : "",
			    ask->what.p != NULL ? mt_quote(ask->what).s : "",
			    MT_STR_ARG(ask->status));
		else
			hint(c, db, ask->what, stderr);
		c->exit = EXIT_NOTHING;
	}
	json_decref(keys);
	json_decref(trails);
	json_decref(refused);
	return rc;
}

/* The command line as a question. */
static enum mt_rc
read_ask(struct ctl *c, const struct ctl_args *a, struct ctl_trail_ask *ask,
    struct mt_err *err)
{
	const char *status = ctl_value(a, "status");
	uint64_t days;
	enum mt_rc rc;

	*ask = (struct ctl_trail_ask){ .what = mt_str(a->argv[0]),
		.status = mt_str(status) };
	rc = ctl_number(
	    c, a, "limit", LIMIT_MAX, LIMIT_DEFAULT, &ask->limit, err);
	if (rc == MT_OK && ask->limit == 0)
		rc = ctl_usage(c, err, "--limit: at least 1");
	if (rc == MT_OK)
		rc = ctl_number(
		    c, a, "days", DAYS_MAX, DAYS_DEFAULT, &days, err);
	if (rc != MT_OK)
		return rc;
	ask->since = mt_clock_now() - (int64_t)days * MT_DAY;
	if (status != NULL && mt_word_find(mt_words_status, ask->status) == 0)
		return ctl_usage(c, err,
		    "--status: %s is none of those of "
		    "docs/words.md, such as bounced",
		    mt_quotez(status).s);
	if (ask->what.p == NULL && status == NULL)
		return ctl_usage(c, err, "which message?");
	if (ask->what.p != NULL && ask->what.n == 0)
		return ctl_usage(c, err, "an empty text is no id");
	return MT_OK;
}

static enum mt_rc
run(struct ctl *c, const struct ctl_args *a, struct mt_err *err)
{
	struct ctl_trail_ask ask;
	struct mt_db *db = NULL;
	enum mt_rc rc;

	rc = read_ask(c, a, &ask, err);
	if (rc == MT_OK)
		rc = ctl_db_open(c->o, &db, err);
	if (rc == MT_OK)
		rc = show(c, a, db, &ask, err);
	mt_db_close(db);
	return rc;
}

static const struct ctl_opt opts[] = {
	{ "limit", 'l', "N", "at most N messages, newest first (default 20)" },
	{ "status", 's', "WORD",
	    "only messages of which a copy is (bounced, deferred, ...)" },
	{ "days", 'd', "N",
	    "look for refusals of the last N days (default 7)" },
	{ "full", 'f', NULL, "the whole trail of each, when several match" },
	{ "lines", '\0', NULL, "the lines of the log about it as well" },
	{ "json", '\0', NULL, "print JSON: an array of trails" },
	{ NULL, '\0', NULL, NULL },
};

const struct ctl_cmd ctl_trail = {
	.name = "trail",
	.args = "[QUEUE_ID | MESSAGE_ID | ADDRESS | @DOMAIN]",
	.does = "show what became of a message",
	.more = "One match is shown whole: its status, rspamd's verdict, what "
		"decided about tracking and what became of the markup; for "
		"each recipient how its copy ended and each attempt to deliver "
		"it, on whatever hosts it went on, reports that came later and "
		"the opens by class; the steps in the queue; the messages it "
		"belongs together with. Several are listed, newest first. For "
		"an address or a domain, so is what was refused before it had "
		"a queue id. With --status alone, the newest messages of that "
		"status are. Reads the views of docs/sql.md only, so that a "
		"database user with the reading role is enough. Ends with 1 "
		"when nothing matches.",
	.opts = opts,
	.min = 0,
	.max = 1,
	.conf = true,
	.run = run,
};
