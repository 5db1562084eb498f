/* SPDX-License-Identifier: BSD-2-Clause */
#include <inttypes.h>
#include <string.h>

#include "base/clock.h"
#include "base/limits.h"
#include "base/utf8.h"
#include "json.h"
#include "mail/address.h"
#include "mail/queue_id.h"
#include "row.h"
#include "trail.h"

#define ARGS_MAX 12
#define SQL_MAX 4096

/* A statement and what stands for its placeholders. */
struct ask {
	struct mt_buf sql;
	struct mt_str args[ARGS_MAX];
	size_t n;
};

static bool
queue_id_like(struct mt_str s)
{
	size_t i;

	for (i = 0; i < s.n; i++)
		if (!mt_is_alpha(s.p[i]) && !mt_is_digit(s.p[i]))
			return false;
	return s.n >= 5 && s.n <= MT_MAX_QUEUE_ID;
}

bool
ctl_trail_key(enum ctl_trail_kind kind, struct mt_str what, struct mt_buf *out)
{
	what = mt_str_trim(what);
	switch (kind) {
	case CTL_TRAIL_QUEUE_ID:
		mt_buf_str(out, what);
		return queue_id_like(what);
	case CTL_TRAIL_MESSAGE_ID:
		if (what.n > 2 && what.p[0] == '<' && what.p[what.n - 1] == '>')
			what = mt_str_n(what.p + 1, what.n - 2);
		mt_buf_str(out, what);
		return what.n > 0 && what.n <= MT_MAX_MESSAGE_ID;
	case CTL_TRAIL_DOMAIN:
		if (what.n < 2 || what.p[0] != '@')
			return false;
		mt_domain_key(mt_str_n(what.p + 1, what.n - 1), out);
		return true;
	case CTL_TRAIL_ADDRESS:
		return memchr(what.p, '@', what.n) != NULL &&
		    mt_address_key(what, out);
	case CTL_TRAIL_KINDS:
		break;
	}
	return false;
}

/* " part", whose placeholders stand for `arg`, as often as it has them. */
static void
add(struct ask *q, const char *part, struct mt_str arg)
{
	const char *p;

	mt_buf_z(&q->sql, part);
	for (p = part; (p = strchr(p, '?')) != NULL && q->n < ARGS_MAX; p++)
		q->args[q->n++] = arg;
}

/* Newest first, one more than asked for. */
static void
add_end(struct ask *q, const char *order, uint64_t limit)
{
	mt_buf_printf(&q->sql, " ORDER BY %s LIMIT %" PRIu64, order, limit + 1);
}

/* Messages by their own columns. */
static void
ask_message(struct ask *q, const struct ctl_trail_ask *ask, const char *where,
    struct mt_str key)
{
	add(q, "(SELECT m.born, m.host, m.queue_id FROM v_message m WHERE ",
	    key);
	add(q, where, key);
	if (ask->status.p != NULL)
		add(q,
		    " AND (m.status = ? OR EXISTS (SELECT 1 FROM v_recipient r "
		    "WHERE r.born = m.born AND r.host = m.host AND r.queue_id "
		    "= m.queue_id AND r.status = ?))",
		    ask->status);
	add_end(q, "m.born DESC, m.host DESC, m.queue_id DESC", ask->limit);
	mt_buf_c(&q->sql, ')');
}

/* And by one of their recipients. */
static void
ask_recipient(struct ask *q, const struct ctl_trail_ask *ask, const char *where,
    struct mt_str key)
{
	add(q,
	    " UNION (SELECT r.born, r.host, r.queue_id FROM v_recipient r "
	    "WHERE ",
	    key);
	add(q, where, key);
	if (ask->status.p != NULL)
		add(q, " AND r.status = ?", ask->status);
	add_end(q, "r.born DESC, r.host DESC, r.queue_id DESC", ask->limit);
	mt_buf_c(&q->sql, ')');
}

/*
 * Refused as a whole before the milter offered it: no recipient is known of
 * it but the one that the refusal names.
 */
static void
ask_refusal(struct ask *q, const struct ctl_trail_ask *ask, const char *where,
    struct mt_str key, struct mt_str since)
{
	add(q,
	    " UNION (SELECT m.born, m.host, m.queue_id FROM v_reject j "
	    "JOIN v_message m ON m.queue_id = j.queue_id AND m.host = j.host "
	    "AND j.at BETWEEN m.first_at AND m.last_at WHERE ",
	    key);
	add(q, where, key);
	add(q, " AND j.queued = 1 AND j.at >= ?", since);
	if (ask->status.p != NULL)
		add(q, " AND m.status = ?", ask->status);
	add_end(q, "j.at DESC", ask->limit);
	mt_buf_c(&q->sql, ')');
}

static enum mt_rc
find_by(struct mt_db *db, const struct ctl_trail_ask *ask,
    enum ctl_trail_kind kind, struct mt_str key, json_t **ret_keys,
    struct mt_err *err)
{
	static const char *const columns[][3] = {
		[CTL_TRAIL_QUEUE_ID] = { "m.queue_id = ?", NULL, NULL },
		[CTL_TRAIL_MESSAGE_ID] = { "m.message_id = ?", NULL, NULL },
		[CTL_TRAIL_DOMAIN] = { "m.sender_domain = ?",
		    "r.rcpt_domain = ?", "j.rcpt_domain = LOWER(?)" },
		[CTL_TRAIL_ADDRESS] = { "m.sender_key = ?", "r.rcpt_key = ?",
		    "j.rcpt_key = LOWER(?)" },
	};
	char since[MT_TIME_LEN + 1];
	struct ask q = { .n = 0 };
	enum mt_rc rc;

	mt_time_write(ask->since, ' ', false, since);
	mt_buf_init(&q.sql, SQL_MAX);
	ask_message(&q, ask, columns[kind][0], key);
	if (columns[kind][1] != NULL) {
		ask_recipient(&q, ask, columns[kind][1], key);
		ask_refusal(&q, ask, columns[kind][2], key, mt_str(since));
	}
	add_end(&q, "born DESC, host, queue_id", ask->limit);
	rc = ctl_rows_json(db, q.sql.p, q.args, q.n, ret_keys, err);
	mt_buf_done(&q.sql);
	return rc;
}

static enum mt_rc
find_by_status(struct mt_db *db, const struct ctl_trail_ask *ask,
    json_t **ret_keys, struct mt_err *err)
{
	struct ask q = { .n = 0 };
	enum mt_rc rc;

	mt_buf_init(&q.sql, SQL_MAX);
	add(&q, "SELECT born, host, queue_id FROM v_message WHERE status = ?",
	    ask->status);
	add_end(&q, "born DESC, host DESC, queue_id DESC", ask->limit);
	rc = ctl_rows_json(db, q.sql.p, q.args, q.n, ret_keys, err);
	mt_buf_done(&q.sql);
	return rc;
}

/* The key, if what was asked for can be of that kind; else absent. */
static struct mt_str
key_of(enum ctl_trail_kind kind, struct mt_str what, struct mt_buf *b)
{
	mt_buf_reset(b);
	if (!ctl_trail_key(kind, what, b) || mt_buf_over(b) ||
	    !mt_utf8_clean(mt_buf_view(b)))
		return mt_str(NULL);
	return mt_buf_view(b);
}

enum mt_rc
ctl_trail_find(struct mt_db *db, const struct ctl_trail_ask *ask,
    json_t **ret_keys, enum ctl_trail_kind *ret_kind, struct mt_err *err)
{
	json_t *keys = json_array();
	enum ctl_trail_kind kind;
	struct mt_buf b;
	struct mt_str key;
	enum mt_rc rc = MT_OK;

	if (ask->what.p == NULL) {
		json_decref(keys);
		return find_by_status(db, ask, ret_keys, err);
	}
	mt_buf_init(&b, MT_MAX_MESSAGE_ID);
	for (kind = 0; kind < CTL_TRAIL_KINDS && json_array_size(keys) == 0;
	     kind++) {
		key = key_of(kind, ask->what, &b);
		if (key.p == NULL)
			continue;
		json_decref(keys);
		keys = NULL;
		rc = find_by(db, ask, kind, key, &keys, err);
		if (rc != MT_OK)
			break;
		*ret_kind = kind;
	}
	mt_buf_done(&b);
	if (rc == MT_OK)
		*ret_keys = keys;
	return rc;
}

/* A refusal in the shape of a trail. */
static json_t *
refused_trail(json_t *row)
{
	static const char *const same[] = { "host", "queue_id", "sender",
		"client", "client_name", "helo", "user" };
	const char *action = ctl_json_text(row, "action");
	const char *status = action != NULL && strcmp(action, "discard") == 0
	    ? mt_words_status[MT_status_discarded]
	    : mt_words_status[MT_status_rejected];
	json_t *trail = json_object(), *to = json_object();
	size_t i;

	ctl_json_set(trail, "born", json_incref(json_object_get(row, "at")));
	for (i = 0; i < sizeof(same) / sizeof(same[0]); i++)
		ctl_json_set(
		    trail, same[i], json_incref(json_object_get(row, same[i])));
	ctl_json_set(trail, "status", json_string(status));
	ctl_json_set(trail, "final", json_string(status));
	ctl_json_set(to, "rcpt", json_incref(json_object_get(row, "rcpt")));
	ctl_json_set(to, "status", json_string(status));
	ctl_json_set(to, "final", json_string(status));
	if (ctl_json_text(row, "rcpt") != NULL)
		ctl_json_set(trail, "to", json_pack("[o]", to));
	else
		ctl_json_set(trail, "to", json_array());
	if (ctl_json_text(row, "rcpt") == NULL)
		json_decref(to);
	ctl_json_set(trail, "refusals", json_pack("[o]", json_incref(row)));
	return trail;
}

static void
ask_refused(struct ask *q, const struct ctl_trail_ask *ask, const char *where,
    struct mt_str key, struct mt_str since)
{
	add(q,
	    "(SELECT at, host, queue_id, action, judge, stage, tag, client, "
	    "client_name, code, dsn, reply, sender, rcpt, helo, proto, user "
	    "FROM v_reject WHERE ",
	    key);
	add(q, where, key);
	add(q, " AND at >= ?", since);
	mt_buf_z(&q->sql, " AND queued = 0 AND action ");
	if (mt_str_eqz(ask->status, mt_words_status[MT_status_discarded]))
		mt_buf_z(&q->sql, "= 'discard'");
	else if (ask->status.p != NULL)
		mt_buf_z(&q->sql, "IN ('reject', 'hangup')");
	else
		mt_buf_z(&q->sql, "IN ('reject', 'hangup', 'discard')");
	add_end(q, "at DESC", ask->limit);
	mt_buf_c(&q->sql, ')');
}

enum mt_rc
ctl_trail_refused(struct mt_db *db, const struct ctl_trail_ask *ask,
    json_t **ret_trails, struct mt_err *err)
{
	static const char *const columns[][2] = {
		[CTL_TRAIL_DOMAIN] = { "rcpt_domain = LOWER(?)",
		    "sender_domain = LOWER(?)" },
		[CTL_TRAIL_ADDRESS] = { "rcpt_key = LOWER(?)",
		    "sender_key = LOWER(?)" },
	};
	json_t *trails = json_array(), *rows = NULL;
	enum ctl_trail_kind kind = CTL_TRAIL_DOMAIN;
	char since[MT_TIME_LEN + 1];
	struct ask q = { .n = 0 };
	struct mt_str key = mt_str(NULL);
	struct mt_buf b;
	enum mt_rc rc = MT_OK;
	size_t i;

	mt_time_write(ask->since, ' ', false, since);
	mt_buf_init(&b, MT_MAX_MESSAGE_ID);
	mt_buf_init(&q.sql, SQL_MAX);
	for (; ask->what.p != NULL && key.p == NULL && kind < CTL_TRAIL_KINDS;
	     kind++) {
		key = key_of(kind, ask->what, &b);
		if (key.p == NULL)
			continue;
		ask_refused(&q, ask, columns[kind][0], key, mt_str(since));
		mt_buf_z(&q.sql, " UNION ");
		ask_refused(&q, ask, columns[kind][1], key, mt_str(since));
		add_end(&q, "at DESC, host", ask->limit);
		rc = ctl_rows_json(db, q.sql.p, q.args, q.n, &rows, err);
	}
	for (i = 0; rc == MT_OK && i < json_array_size(rows); i++)
		(void)json_array_append_new(
		    trails, refused_trail(json_array_get(rows, i)));
	json_decref(rows);
	mt_buf_done(&q.sql);
	mt_buf_done(&b);
	if (rc == MT_OK)
		*ret_trails = trails;
	else
		json_decref(trails);
	return rc;
}
