/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which message a tie means. A line names the other by its queue id only. A
 * long id is used once; a short one is used again and again, on every host: it
 * is the one meant when the Message-ID is the same, or when the line says the
 * host and the life of that id spans the time of the line.
 */
#include <string.h>

#include "base/clock.h"
#include "base/limits.h"
#include "json.h"
#include "mail/queue_id.h"
#include "row.h"
#include "trail.h"

#define TIES "LIMIT 200" /* of one message, each way */
#define APART (5 * 60 * MT_SECOND) /* clocks of two hosts */
#define RESOLUTION (2 * MT_SECOND) /* of one host's log */

struct chain {
	struct mt_db *db;
	json_t *trail;
	json_t *list; /* borrowed from the trail: "chain" */
};

/* One tie, seen from the message that is being followed. */
struct link {
	const json_t *tie; /* row of v_tie */
	const json_t *teller; /* whose log says so */
	const json_t *named; /* the one that it may mean */
};

static int64_t
time_of(const json_t *o, const char *name)
{
	const char *text = ctl_json_text(o, name);
	int64_t at = 0;

	if (text == NULL || !mt_time_read(mt_str(text), &at))
		return 0;
	return at;
}

static bool
is_same(const json_t *a, const json_t *b, const char *name)
{
	return json_equal(json_object_get(a, name), json_object_get(b, name));
}

static bool
same_key(const json_t *a, const json_t *b)
{
	return is_same(a, b, "born") && is_same(a, b, "host") &&
	    is_same(a, b, "queue_id");
}

static bool
is_tie(const json_t *row, enum mt_tie tie)
{
	const char *word = ctl_json_text(row, "tie");

	return word != NULL && strcmp(word, mt_words_tie[tie]) == 0;
}

/* Did the message that names the other come first? */
static bool
other_is_later(const json_t *tie)
{
	return !is_tie(tie, MT_tie_requeued) && !is_tie(tie, MT_tie_reinjected);
}

/* -1: two Message-IDs; 0: one of them is not known; 1: the same. */
static int
compare_mail(const struct link *l)
{
	const char *a = ctl_json_text(l->teller, "message_id");
	const char *b = ctl_json_text(l->named, "message_id");

	/* A notification is a mail of its own. */
	if (is_tie(l->tie, MT_tie_notification) || a == NULL || b == NULL ||
	    a[0] == '\0' || b[0] == '\0')
		return 0;
	return strcmp(a, b) == 0 ? 1 : -1;
}

static bool
is_local(const char *host)
{
	static const char *const names[] = { "localhost", "127.0.0.1", "::1",
		"localhost.localdomain" };
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (mt_str_eqz_nocase(mt_str(host), names[i]))
			return true;
	return false;
}

/* Is it on the host that the line names, or else on the same? */
static bool
host_fits(const struct link *l)
{
	const char *host = ctl_json_text(l->tie, "other_host");
	const char *named = ctl_json_text(l->named, "host");

	if (named == NULL)
		return false;
	if (host != NULL && mt_str_eqz_nocase(mt_str(host), named))
		return true;
	return (host == NULL || is_local(host)) &&
	    is_same(l->teller, l->named, "host");
}

/* From its first to its last line, as far as is known. */
static bool
spans(const json_t *m, int64_t at, int64_t slack)
{
	int64_t first = time_of(m, "first_at"), last = time_of(m, "removed_at");
	int64_t born = time_of(m, "born");

	if (first == 0 || born < first)
		first = born;
	if (last == 0)
		last = time_of(m, "last_at");
	if (last < born)
		last = born;
	return at >= first - slack && at <= last + slack;
}

/*
 * NULL when it is confirmed, "" when it cannot be the one meant, else why it
 * only may be.
 */
static const char *
doubt(const struct link *l)
{
	const char *id = ctl_json_text(l->named, "queue_id");
	int64_t at = time_of(l->tie, "at");
	int mail = compare_mail(l);

	if (id == NULL || same_key(l->teller, l->named))
		return "";
	if (mt_queue_id_time(mt_str(id), NULL))
		return mail < 0 ? "its Message-ID is another" : NULL;
	if (!spans(l->named, at, APART))
		return "";
	if (mail > 0)
		return NULL;
	if (!host_fits(l))
		return mail < 0 ? ""
				: "the log names no host that is its own, and "
				  "short queue ids are used again";
	if (mail < 0)
		return "its Message-ID is another";
	if (!spans(l->named, at, RESOLUTION))
		return "its time does not fit well";
	if (ctl_json_count(l->named, "ambiguous") != 0)
		return "messages of its queue id cannot be told apart";
	return NULL;
}

static bool
is_known(const struct chain *c, const json_t *m)
{
	const json_t *member;
	size_t i;

	if (same_key(c->trail, m))
		return true;
	json_array_foreach(c->list, i, member)
	{
		if (same_key(member, m))
			return true;
	}
	return false;
}

/* A member: message m, tied to `of`. */
static enum mt_rc
add_member(struct chain *c, const json_t *m, const json_t *of,
    const json_t *tie, bool later, const char *perhaps, struct mt_err *err)
{
	static const char *const kept[] = { "born", "host", "queue_id",
		"status", "sender", "message_id", "first_at", "removed_at",
		"ambiguous" };
	json_t *member;
	enum mt_rc rc = MT_OK;
	size_t i;

	if (json_array_size(c->list) == CTL_TRAIL_CHAIN) {
		ctl_json_set(c->trail, "chain_more", json_true());
		return MT_OK;
	}
	member = json_object();
	for (i = 0; i < sizeof(kept) / sizeof(kept[0]); i++)
		ctl_json_set(
		    member, kept[i], json_incref(json_object_get(m, kept[i])));
	ctl_json_set(member, "tie", json_incref(json_object_get(tie, "tie")));
	ctl_json_set(
	    member, "direction", json_string(later ? "forward" : "backward"));
	ctl_json_set(member, "of",
	    json_pack("{s:O, s:O, s:O}", "born", json_object_get(of, "born"),
		"host", json_object_get(of, "host"), "queue_id",
		json_object_get(of, "queue_id")));
	if (perhaps != NULL)
		ctl_json_set(member, "perhaps", json_string(perhaps));
	else
		rc = ctl_trail_copies(c->db, member, err);
	(void)json_array_append_new(c->list, member);
	return rc;
}

#define COLUMNS \
	"SELECT born, host, queue_id, status, sender, message_id, first_at, " \
	"last_at, removed_at, ambiguous FROM v_message "

/* Which of the messages with the queue id that a line of m names? */
static enum mt_rc
follow_named(
    struct chain *c, const json_t *m, const json_t *tie, struct mt_err *err)
{
	const struct mt_str other = mt_str(ctl_json_text(tie, "other"));
	struct link l = { .tie = tie, .teller = m };
	json_t *found = NULL, *one;
	const char *why;
	size_t i, sure = 0;
	enum mt_rc rc;

	rc = ctl_rows_json(c->db,
	    COLUMNS "WHERE queue_id = ? ORDER BY born DESC LIMIT 1000", &other,
	    1, &found, err);
	if (rc != MT_OK)
		return rc;
	json_array_foreach(found, i, one)
	{
		l.named = one;
		sure += doubt(&l) == NULL;
	}
	for (i = 0; i < json_array_size(found) && rc == MT_OK; i++) {
		l.named = json_array_get(found, i);
		why = doubt(&l);
		if (why != NULL && sure == 1)
			continue; /* a tie means one message */
		if (why == NULL && sure > 1)
			why = "more than one fits";
		if ((why == NULL || why[0] != '\0') && !is_known(c, l.named))
			rc = add_member(
			    c, l.named, m, tie, other_is_later(tie), why, err);
	}
	json_decref(found);
	return rc;
}

/* The message whose line names m. */
static enum mt_rc
follow_teller(
    struct chain *c, const json_t *m, const json_t *tie, struct mt_err *err)
{
	char born[MT_TIME_LEN + 1];
	const struct mt_str key[] = { ctl_trail_time(tie, "born", born),
		mt_str(ctl_json_text(tie, "host")),
		mt_str(ctl_json_text(tie, "queue_id")) };
	struct link l = { .tie = tie, .named = m };
	json_t *found = NULL;
	const char *why;
	enum mt_rc rc;

	if (is_known(c, tie))
		return MT_OK;
	rc = ctl_rows_json(c->db,
	    COLUMNS "WHERE born = ? AND host = ? AND queue_id = ?", key, 3,
	    &found, err);
	if (rc != MT_OK)
		return rc;
	l.teller = json_array_get(found, 0);
	if (l.teller != NULL) {
		why = doubt(&l);
		if (why == NULL || why[0] != '\0')
			rc = add_member(c, l.teller, m, tie,
			    !other_is_later(tie), why, err);
	}
	json_decref(found);
	return rc;
}

/* Rows of this message, and rows of others that name its queue id. */
static enum mt_rc
load_ties(struct chain *c, const json_t *m, json_t **ret_own,
    json_t **ret_others, struct mt_err *err)
{
	char born[MT_TIME_LEN + 1];
	const struct mt_str key[] = { ctl_trail_time(m, "born", born),
		mt_str(ctl_json_text(m, "host")),
		mt_str(ctl_json_text(m, "queue_id")) };
	enum mt_rc rc;

	rc = ctl_rows_json(c->db,
	    "SELECT born, host, queue_id, tie, other, other_host, at "
	    "FROM v_tie WHERE born = ? AND host = ? AND queue_id = ? "
	    "ORDER BY at, tie, other " TIES,
	    key, 3, ret_own, err);
	if (rc != MT_OK)
		return rc;
	rc = ctl_rows_json(c->db,
	    "SELECT born, host, queue_id, tie, other, other_host, at "
	    "FROM v_tie WHERE other = ? ORDER BY born DESC, host, queue_id, "
	    "tie " TIES,
	    &key[2], 1, ret_others, err);
	if (rc != MT_OK)
		json_decref(*ret_own);
	return rc;
}

static enum mt_rc
follow_all(struct chain *c, const json_t *m, struct mt_err *err)
{
	json_t *own = NULL, *others = NULL;
	enum mt_rc rc;
	size_t i;

	rc = load_ties(c, m, &own, &others, err);
	if (rc != MT_OK)
		return rc;
	for (i = 0; i < json_array_size(own) && rc == MT_OK; i++)
		rc = follow_named(c, m, json_array_get(own, i), err);
	for (i = 0; i < json_array_size(others) && rc == MT_OK; i++)
		rc = follow_teller(c, m, json_array_get(others, i), err);
	if (m == c->trail) {
		(void)json_array_extend(own, others);
		ctl_json_set(c->trail, "ties", json_incref(own));
	}
	json_decref(own);
	json_decref(others);
	return rc;
}

/* Oldest first; the list is short. */
static void
sort_chain(json_t *list)
{
	json_t *one, *before;
	size_t i, k;

	for (i = 1; i < json_array_size(list); i++) {
		one = json_incref(json_array_get(list, i));
		for (k = i; k > 0; k--) {
			before = json_array_get(list, k - 1);
			if (time_of(before, "born") <= time_of(one, "born"))
				break;
			(void)json_array_set(list, k, before);
		}
		(void)json_array_set_new(list, k, one);
	}
}

enum mt_rc
ctl_trail_chain(struct mt_db *db, json_t *trail, struct mt_err *err)
{
	struct chain c = { .db = db, .trail = trail, .list = json_array() };
	const json_t *member;
	enum mt_rc rc;
	size_t i;

	ctl_json_set(trail, "chain", c.list);
	rc = follow_all(&c, trail, err);
	for (i = 0; i < json_array_size(c.list) && rc == MT_OK; i++) {
		member = json_array_get(c.list, i);
		if (json_object_get(member, "perhaps") == NULL)
			rc = follow_all(&c, member, err);
	}
	sort_chain(c.list);
	return rc;
}
