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

static enum mt_rc
find_by(struct mt_db *db, enum ctl_trail_kind kind, struct mt_str key,
    uint64_t limit, json_t **ret_keys, struct mt_err *err)
{
	/* Columns of v_message and of v_recipient to compare. */
	static const char *const columns[][2] = {
		[CTL_TRAIL_QUEUE_ID] = { "queue_id", NULL },
		[CTL_TRAIL_MESSAGE_ID] = { "message_id", NULL },
		[CTL_TRAIL_DOMAIN] = { "sender_domain", "rcpt_domain" },
		[CTL_TRAIL_ADDRESS] = { "sender_key", "rcpt_key" },
	};
	const struct mt_str args[] = { key, key };
	struct mt_buf sql;
	enum mt_rc rc;

	mt_buf_init(&sql, 1024);
	mt_buf_printf(&sql,
	    "(SELECT born, host, queue_id FROM v_message WHERE %s = ? "
	    "ORDER BY born DESC LIMIT %" PRIu64 ")",
	    columns[kind][0], limit + 1);
	if (columns[kind][1] != NULL)
		mt_buf_printf(&sql,
		    " UNION (SELECT born, host, queue_id FROM v_recipient "
		    "WHERE %s = ? ORDER BY born DESC LIMIT %" PRIu64 ")",
		    columns[kind][1], limit + 1);
	mt_buf_printf(&sql,
	    " ORDER BY born DESC, host, queue_id LIMIT %" PRIu64, limit + 1);
	rc = ctl_rows_json(
	    db, sql.p, args, columns[kind][1] != NULL ? 2 : 1, ret_keys, err);
	mt_buf_done(&sql);
	return rc;
}

enum mt_rc
ctl_trail_find(struct mt_db *db, struct mt_str what, uint64_t limit,
    json_t **ret_keys, enum ctl_trail_kind *ret_kind, struct mt_err *err)
{
	json_t *keys = json_array();
	enum ctl_trail_kind kind;
	struct mt_buf key;
	enum mt_rc rc = MT_OK;

	mt_buf_init(&key, MT_MAX_MESSAGE_ID);
	for (kind = 0; kind < CTL_TRAIL_KINDS && json_array_size(keys) == 0;
	     kind++) {
		mt_buf_reset(&key);
		if (!ctl_trail_key(kind, what, &key) || mt_buf_over(&key) ||
		    !mt_utf8_clean(mt_buf_view(&key)))
			continue;
		json_decref(keys);
		keys = NULL;
		rc = find_by(db, kind, mt_buf_view(&key), limit, &keys, err);
		if (rc != MT_OK)
			break;
		*ret_kind = kind;
	}
	mt_buf_done(&key);
	if (rc == MT_OK)
		*ret_keys = keys;
	return rc;
}

/* DATETIME(6) as MariaDB reads it, from RFC 3339. */
static struct mt_str
sql_time(const json_t *key, char out[MT_TIME_LEN + 1])
{
	const char *text = json_string_value(json_object_get(key, "born"));
	int64_t at = 0;

	if (text != NULL && mt_time_read(mt_str(text), &at))
		mt_time_write(at, ' ', false, out);
	return mt_str(out);
}

static enum mt_rc
load_list(struct mt_db *db, const char *sql, const struct mt_str *key,
    json_t *trail, const char *name, struct mt_err *err)
{
	json_t *list = NULL;
	enum mt_rc rc;

	rc = ctl_rows_json(db, sql, key, 3, &list, err);
	if (rc == MT_OK)
		ctl_json_set(trail, name, list);
	return rc;
}

/* The hook's fields are an object within the trail; what is none stays text. */
static void
open_extra(json_t *trail)
{
	const char *text = json_string_value(json_object_get(trail, "extra"));
	json_t *extra;

	if (text == NULL)
		return;
	extra = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
	if (json_is_object(extra))
		ctl_json_set(trail, "extra", extra);
	else
		json_decref(extra);
}

enum mt_rc
ctl_trail_load(
    struct mt_db *db, const json_t *key, json_t **ret_trail, struct mt_err *err)
{
	char born[MT_TIME_LEN + 1] = "";
	const struct mt_str args[] = { sql_time(key, born),
		mt_str(json_string_value(json_object_get(key, "host"))),
		mt_str(json_string_value(json_object_get(key, "queue_id"))) };
	json_t *list = NULL, *trail;
	enum mt_rc rc;

	rc = ctl_rows_json(db,
	    "SELECT * FROM v_message "
	    "WHERE born = ? AND host = ? AND queue_id = ?",
	    args, 3, &list, err);
	if (rc != MT_OK)
		return rc;
	trail = json_array_size(list) > 0 ? json_array_get(list, 0) : NULL;
	/* A recipient may be stored before its message. */
	if (trail == NULL)
		trail = json_deep_copy(key);
	else
		json_incref(trail);
	json_decref(list);
	open_extra(trail);
	rc = load_list(db,
	    "SELECT rcpt, offered_at, rcpt_mode, rcpt_rule, display_first, "
	    "display_last FROM v_recipient "
	    "WHERE born = ? AND host = ? AND queue_id = ? "
	    "ORDER BY rcpt LIMIT 1000",
	    args, trail, "to", err);
	if (rc == MT_OK)
		rc = load_list(db,
		    "SELECT at, pixel_host, class, certainty, reasons, agent, "
		    "country, asn FROM v_open "
		    "WHERE born = ? AND host = ? AND queue_id = ? "
		    "ORDER BY at LIMIT 1000",
		    args, trail, "seen", err);
	if (rc != MT_OK) {
		json_decref(trail);
		return rc;
	}
	*ret_trail = trail;
	return MT_OK;
}
