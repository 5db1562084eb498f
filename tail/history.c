/* SPDX-License-Identifier: BSD-2-Clause */
#include <math.h>
#include <string.h>

#include <jansson.h>

#include "base/num.h"
#include "base/utf8.h"
#include "history.h"
#include "mail/queue_id.h"

#define SECONDS_END 1e11 /* the year 5138 */
#define NUMBER_END 9007199254740992.0 /* 2^53: whole in a double */
#define SCORE_END 1e11 /* well within the twelve digits of mt_num_read_dec */

/* rspamd's local_addrs as it comes, and what is local anyway. */
static const char *const local[] = { "127.0.0.0/8", "::1/128", "10.0.0.0/8",
	"172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16", "fe80::/10",
	"fd00::/8" };

void
history_init(struct history *h)
{
	*h = (struct history){ .row = NULL };
	mt_buf_init(&h->packed, HISTORY_ROW_MAX);
	/* A byte may become five. */
	mt_buf_init(&h->mended, (size_t)HISTORY_ROW_MAX * 5);
	mt_buf_init(&h->thresholds, MT_MAX_TEXT);
	mt_buf_init(&h->symbols, MT_MAX_SYMBOLS);
}

void
history_done(struct history *h)
{
	unpack_done(&h->unpack);
	json_decref(h->row);
	h->row = NULL;
	mt_buf_done(&h->packed);
	mt_buf_done(&h->mended);
	mt_buf_done(&h->thresholds);
	mt_buf_done(&h->symbols);
}

/*
 * rspamd copies some bytes of messages as they are, and then its row is no JSON
 * (which is UTF-8). They become \xHH, as in every text of an event.
 */
static struct mt_str
mend(struct history *h, struct mt_str row)
{
	struct mt_str rest = row;
	size_t n;

	if (mt_utf8_clean(row))
		return row;
	mt_buf_reset(&h->mended);
	while (rest.n > 0) {
		n = mt_utf8_char(rest);
		if (n > 0 && rest.p[0] != '\0')
			mt_buf_add(&h->mended, rest.p, n);
		else
			mt_buf_printf(
			    &h->mended, "\\\\x%02x", (unsigned char)rest.p[0]);
		n = n > 0 ? n : 1;
		rest = mt_str_n(rest.p + n, rest.n - n);
	}
	return mt_buf_view(&h->mended);
}

static enum mt_rc
load(struct history *h, struct mt_str row, struct mt_err *err)
{
	json_error_t why;

	json_decref(h->row);
	h->row = NULL;
	if (unpack_is_packed(row)) {
		mt_buf_reset(&h->packed);
		if (unpack_text(&h->unpack, row, &h->packed, err) != MT_OK)
			return err->rc;
		row = mt_buf_view(&h->packed);
	}
	if (row.n > HISTORY_ROW_MAX)
		return mt_fail(
		    err, MT_LIMIT, "longer than %u bytes", HISTORY_ROW_MAX);
	row = mend(h, row);
	h->row = json_loadb(row.p, row.n, JSON_ALLOW_NUL, &why);
	if (h->row == NULL)
		return mt_fail(err, MT_FORMAT, "not JSON: %s", why.text);
	if (!json_is_object(h->row))
		return mt_fail(err, MT_FORMAT, "not an object");
	return MT_OK;
}

static struct mt_str
text(const json_t *value)
{
	if (!json_is_string(value))
		return mt_str(NULL);
	return mt_str_n(json_string_value(value), json_string_length(value));
}

/* A member's text; absent when it is `nothing`. */
static struct mt_str
known(const struct history *h, const char *name, const char *nothing)
{
	struct mt_str s = text(json_object_get(h->row, name));

	return mt_str_eqz(s, nothing) ? mt_str(NULL) : s;
}

static struct mt_str
not_empty(struct mt_str s)
{
	return s.n > 0 ? s : mt_str(NULL);
}

/* A member that is a number from least on and below end. */
static bool
number(const struct history *h, const char *name, double least, double end,
    double *ret)
{
	const json_t *value = json_object_get(h->row, name);
	double n;

	if (!json_is_number(value))
		return false;
	n = json_number_value(value);
	if (!(n >= least && n < end))
		return false;
	*ret = n;
	return true;
}

/* What every row has. */
static enum mt_rc
read_verdict(const struct history *h, struct mt_ev_scan *ev, struct mt_err *err)
{
	double n;

	if (!number(h, "unix_time", 1, SECONDS_END, &n))
		return mt_fail(err, MT_FORMAT, "unix_time: missing");
	ev->at = llround(n * 1e6);
	ev->action = text(json_object_get(h->row, "action"));
	if (ev->action.n == 0)
		return mt_fail(err, MT_FORMAT, "action: missing");
	if (!number(h, "score", -SCORE_END, SCORE_END, &n))
		return mt_fail(err, MT_FORMAT, "score: missing");
	ev->score = llround(n * 1000);
	if (number(h, "required_score", -SCORE_END, SCORE_END, &n))
		ev->required = llround(n * 1000);
	return MT_OK;
}

/* The first recipient that leaves a trace; false: there are, but none does. */
static bool
read_rcpts(const struct history *h, const struct history_who *who,
    struct mt_ev_scan *ev)
{
	const json_t *list = json_object_get(h->row, "rcpt_smtp");
	struct mt_str rcpt;
	size_t i;

	for (i = 0; i < json_array_size(list); i++) {
		rcpt = text(json_array_get(list, i));
		if (rcpt.n == 0 || mt_str_eqz(rcpt, "unknown"))
			continue;
		ev->nrcpt++;
		if (ev->rcpt.p == NULL &&
		    (who->ignores == NULL || !who->ignores(who->arg, rcpt)))
			ev->rcpt = rcpt;
	}
	return ev->nrcpt == 0 || ev->rcpt.p != NULL;
}

static unsigned
direction(const struct mt_ev_scan *ev)
{
	struct mt_net net;
	size_t i;

	if (ev->user.p != NULL)
		return MT_direction_outbound;
	if (ev->client.family == 0)
		return MT_direction_absent;
	for (i = 0; i < sizeof(local) / sizeof(local[0]); i++)
		if (mt_net_read(mt_str(local[i]), &net) &&
		    mt_net_has(&net, &ev->client))
			return MT_direction_outbound;
	return MT_direction_inbound;
}

static void
read_message(const struct history *h, struct mt_ev_scan *ev)
{
	double n;

	/* Its word for a message that rspamd broke off, in new releases. */
	ev->queue_id = known(h, "queue_id", "");
	if (!mt_queue_id_valid(ev->queue_id))
		ev->queue_id = MT_LIT("");
	ev->message_id = not_empty(known(h, "message-id", "undef"));
	ev->header_from = not_empty(known(h, "sender_mime", "unknown"));
	ev->subject = not_empty(known(h, "subject", "unknown"));
	ev->user = not_empty(known(h, "user", "unknown"));
	(void)mt_ip_read(known(h, "ip", "unknown"), &ev->client);
	if (number(h, "size", 0, NUMBER_END, &n))
		ev->size = (uint64_t)n;
	if (number(h, "time_real", 0, SECONDS_END, &n))
		ev->took_ms = (uint64_t)llround(n * 1e3);
	ev->direction = direction(ev);
}

static void
read_objects(struct history *h, struct mt_ev_scan *ev)
{
	const json_t *symbols = json_object_get(h->row, "symbols");
	const json_t *thresholds = json_object_get(h->row, "thresholds");

	mt_buf_reset(&h->symbols);
	mt_buf_reset(&h->thresholds);
	/* PHP writes an empty object as an empty list. */
	if (json_is_object(symbols) || json_is_array(symbols)) {
		history_symbols(symbols, &h->symbols);
		ev->symbols = mt_buf_view(&h->symbols);
	}
	if (json_is_object(thresholds)) {
		history_thresholds(thresholds, &h->thresholds);
		ev->thresholds = not_empty(mt_buf_view(&h->thresholds));
	}
}

static uint64_t
add_text(uint64_t hash, struct mt_str s)
{
	/* So that no two texts can be two others; absent is not empty. */
	hash = mt_str_hash(s.p == NULL ? MT_LIT("\1") : MT_LIT("\2"), hash);
	return mt_str_hash(s, hash);
}

static uint64_t
add_number(uint64_t hash, uint64_t n)
{
	char digits[MT_NUM_LEN];

	return add_text(
	    hash, mt_str_n(digits, (size_t)(mt_num_put(digits, n) - digits)));
}

/*
 * Of members that are the same whoever has written the JSON. rspamd's
 * controller makes 0.000648 of a fraction such as 0.000649, so these say
 * nothing here.
 */
static uint64_t
twin_of(const struct history *h, const struct mt_ev_scan *ev)
{
	const json_t *rcpts = json_object_get(h->row, "rcpt_smtp");
	uint64_t hash = MT_HASH;
	size_t i;

	hash = add_text(hash, ev->message_id);
	hash = add_text(hash, ev->action);
	hash = add_text(hash, ev->sender);
	hash = add_text(hash, ev->header_from);
	hash = add_text(hash, ev->subject);
	hash = add_text(hash, ev->user);
	hash = add_text(hash, known(h, "ip", "unknown"));
	for (i = 0; i < json_array_size(rcpts); i++)
		hash = add_text(hash, text(json_array_get(rcpts, i)));
	return add_number(hash, ev->size);
}

enum mt_rc
history_read(struct history *h, struct mt_str row, struct mt_str host,
    const struct history_who *who, struct mt_ev_scan *ret_ev,
    struct mt_err *err)
{
	struct mt_ev_scan ev = { .host = host };

	if (load(h, row, err) != MT_OK || read_verdict(h, &ev, err) != MT_OK)
		return err->rc;
	ev.sender = known(h, "sender_smtp", "unknown");
	if (!read_rcpts(h, who, &ev) ||
	    (who->ignores != NULL && ev.sender.n > 0 &&
		who->ignores(who->arg, ev.sender)))
		return mt_fail(err, MT_ABSENT, "leaves no trace");
	read_message(h, &ev);
	read_objects(h, &ev);
	ev.twin = twin_of(h, &ev);
	*ret_ev = ev;
	return MT_OK;
}
