/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>

#include "base/clock.h"
#include "json.h"
#include "row.h"
#include "trail.h"

#define LIST "LIMIT 1000" /* of each list of one message */
/* Within one second of a log that knows no less: first, and last. */
#define STEPS \
	"COALESCE(NULLIF(FIELD(step, 'client', 'pickup', 'message_id', " \
	"'active'), 0), 9), step IN ('removed', 'deleted', 'requeued', " \
	"'canceled', 'discarded'), step "
#define LINES \
	"text LIKE '%: removed', text NOT LIKE '%: client=%', " \
	"text NOT LIKE '%: message-id=%', text NOT LIKE '%: from=%' "
#define OF_MESSAGE "WHERE born = ? AND host = ? AND queue_id = ? "

struct mt_str
ctl_trail_time(const json_t *o, const char *name, char out[MT_TIME_LEN + 1])
{
	const char *text = ctl_json_text(o, name);
	int64_t at = 0;

	out[0] = '\0';
	if (text != NULL && mt_time_read(mt_str(text), &at))
		mt_time_write(at, ' ', false, out);
	return mt_str(out);
}

/* The three that name a message. */
static void
key_args(const json_t *message, char born[MT_TIME_LEN + 1], struct mt_str *args)
{
	args[0] = ctl_trail_time(message, "born", born);
	args[1] = mt_str(ctl_json_text(message, "host"));
	args[2] = mt_str(ctl_json_text(message, "queue_id"));
}

static enum mt_rc
load_list(struct mt_db *db, const char *sql, const struct mt_str *args,
    size_t n, json_t *trail, const char *name, struct mt_err *err)
{
	json_t *list = NULL;
	enum mt_rc rc;

	rc = ctl_rows_json(db, sql, args, n, &list, err);
	if (rc == MT_OK)
		ctl_json_set(trail, name, list);
	return rc;
}

/* What is JSON within the row becomes an object; what is none stays text. */
static void
unpack(json_t *row, const char *name)
{
	const char *text = ctl_json_text(row, name);
	json_t *value;

	if (text == NULL)
		return;
	value = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
	if (json_is_object(value))
		ctl_json_set(row, name, value);
	else
		json_decref(value);
}

static enum mt_rc
load_to(struct mt_db *db, json_t *message, const struct mt_str *args,
    struct mt_err *err)
{
	return load_list(db,
	    "SELECT rcpt, offered_at, rcpt_mode, rcpt_rule, display_first, "
	    "display_last, status, status_at, attempts, dsn, relay, reply, "
	    "delay, notice, notice_at FROM v_recipient " OF_MESSAGE
	    "ORDER BY rcpt " LIST,
	    args, 3, message, "to", err);
}

enum mt_rc
ctl_trail_load(
    struct mt_db *db, const json_t *key, json_t **ret_trail, struct mt_err *err)
{
	char born[MT_TIME_LEN + 1];
	struct mt_str args[3];
	json_t *list = NULL, *trail;
	enum mt_rc rc;

	key_args(key, born, args);
	rc = ctl_rows_json(
	    db, "SELECT * FROM v_message " OF_MESSAGE, args, 3, &list, err);
	if (rc != MT_OK)
		return rc;
	trail = json_array_size(list) > 0 ? json_array_get(list, 0) : NULL;
	/* A recipient may be stored before its message. */
	if (trail == NULL)
		trail = json_deep_copy(key);
	else
		json_incref(trail);
	json_decref(list);
	unpack(trail, "extra");
	rc = load_to(db, trail, args, err);
	if (rc != MT_OK) {
		json_decref(trail);
		return rc;
	}
	*ret_trail = trail;
	return MT_OK;
}

enum mt_rc
ctl_trail_copies(struct mt_db *db, json_t *message, struct mt_err *err)
{
	char born[MT_TIME_LEN + 1];
	struct mt_str args[3];
	enum mt_rc rc = MT_OK;

	key_args(message, born, args);
	if (json_object_get(message, "to") == NULL)
		rc = load_to(db, message, args, err);
	if (rc == MT_OK)
		rc = load_list(db,
		    "SELECT rcpt, orig_to, status, attempts, first_at, "
		    "last_at, dsn, relay, reply, delay, next "
		    "FROM v_delivery " OF_MESSAGE
		    "ORDER BY first_at, rcpt, orig_to " LIST,
		    args, 3, message, "deliveries", err);
	if (rc == MT_OK)
		rc = load_list(db,
		    "SELECT at, rcpt, orig_to, outcome, tag, relay, "
		    "relay_name, relay_address, relay_port, conn_use, delay, "
		    "delay_before, delay_queue, delay_connect, delay_send, "
		    "tls, dsn, code, next, reply FROM v_attempt " OF_MESSAGE
		    "ORDER BY at, rcpt, orig_to, outcome " LIST,
		    args, 3, message, "attempts", err);
	return rc;
}

/* NULL for a text that is empty. */
static struct mt_str
some(struct mt_str s)
{
	return s.n > 0 ? s : mt_str(NULL);
}

#define NOTICE \
	"SELECT at, host, report, ordinal, kind, rcpt, orig_to, sender, " \
	"queue_id, message_id, envelope_id, dsn, reporter, remote, feedback, " \
	"agent, text FROM v_notice "

/*
 * Lists whose rows have no born: those of the message's time. A report names
 * the queue id, or just the Message-ID.
 */
static enum mt_rc
load_timed(struct mt_db *db, json_t *trail, struct mt_err *err)
{
	char first[MT_TIME_LEN + 1], last[MT_TIME_LEN + 1];
	const struct mt_str args[] = {
		mt_str(ctl_json_text(trail, "queue_id")),
		mt_str(ctl_json_text(trail, "host")),
		some(ctl_trail_time(trail, "first_at", first)),
		some(ctl_trail_time(trail, "last_at", last)),
		some(mt_str(ctl_json_text(trail, "message_id"))),
	};
	enum mt_rc rc;

	rc = load_list(db,
	    "SELECT at, action, judge, stage, tag, client, client_name, code, "
	    "dsn, reply, sender, rcpt, helo, proto, user FROM v_reject "
	    "WHERE queue_id = ? AND host = ? AND at BETWEEN ? AND ? "
	    "ORDER BY at, rcpt " LIST,
	    args, 4, trail, "refusals", err);
	if (rc == MT_OK)
		rc = load_list(db,
		    "(" NOTICE "WHERE queue_id = ? AND host = ? AND at BETWEEN "
		    "? AND ?) UNION (" NOTICE "WHERE message_id = ?) "
		    "ORDER BY at, report, ordinal " LIST,
		    args, 5, trail, "notices", err);
	return rc;
}

static enum mt_rc
load_verdict(struct mt_db *db, json_t *trail, const struct mt_str *args,
    struct mt_err *err)
{
	json_t *list, *row;
	enum mt_rc rc;
	size_t i;

	rc = load_list(db,
	    "SELECT at, action, score, required, direction, sender, "
	    "header_from, rcpt, nrcpt, subject, user, client, size, took_ms, "
	    "thresholds, symbols FROM v_scan " OF_MESSAGE "ORDER BY at " LIST,
	    args, 3, trail, "verdict", err);
	if (rc != MT_OK)
		return rc;
	list = json_object_get(trail, "verdict");
	json_array_foreach(list, i, row)
	{
		unpack(row, "thresholds");
		unpack(row, "symbols");
	}
	return MT_OK;
}

enum mt_rc
ctl_trail_fill(struct mt_db *db, json_t *trail, bool lines, struct mt_err *err)
{
	char born[MT_TIME_LEN + 1];
	struct mt_str args[3];
	enum mt_rc rc;

	key_args(trail, born, args);
	rc = load_list(db,
	    "SELECT at, pixel_host, class, certainty, reasons, agent, country, "
	    "asn FROM v_open " OF_MESSAGE "ORDER BY at " LIST,
	    args, 3, trail, "seen", err);
	if (rc == MT_OK)
		rc = load_verdict(db, trail, args, err);
	if (rc == MT_OK)
		rc = ctl_trail_copies(db, trail, err);
	if (rc == MT_OK)
		rc = load_list(db,
		    "SELECT at, step, tag, client, client_name, user, method, "
		    "uid, sender, size, nrcpt, message_id, other, other_host, "
		    "text FROM v_step " OF_MESSAGE "ORDER BY at, " STEPS LIST,
		    args, 3, trail, "steps", err);
	if (rc == MT_OK)
		rc = load_timed(db, trail, err);
	if (rc == MT_OK && lines)
		rc = load_list(db,
		    "SELECT at, tag, text FROM v_line " OF_MESSAGE
		    "ORDER BY at, " LINES LIST,
		    args, 3, trail, "lines", err);
	return rc;
}
