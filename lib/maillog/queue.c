/* SPDX-License-Identifier: BSD-2-Clause */
/* Steps in the life of a queue file. */
#include <string.h>

#include "base/num.h"
#include "mail/queue_id.h"
#include "maillog/readers.h"
#include "maillog/scan.h"

static struct mt_ev_queue *
begin(const struct mt_shape_line *line, unsigned step, struct mt_shaped *out)
{
	out->ev.queue =
	    (struct mt_ev_queue){ .queue_id = line->queue_id, .step = step };
	out->id = MT_EV_queue;
	return &out->ev.queue;
}

static struct mt_str
valid_id(struct mt_str id)
{
	return mt_queue_id_valid(id) ? id : mt_str(NULL);
}

/*
 * The value in front, up to ", " and the next of the names that smtpd writes
 * in this order, or to the end: a login may hold commas.
 */
static struct mt_str
take_value(struct mt_str *s)
{
	static const struct mt_str next[] = { { ", sasl_username=", 16 },
		{ ", sasl_sender=", 14 }, { ", orig_queue_id=", 16 },
		{ ", orig_client=", 14 } };
	const char *first = s->p + s->n, *at;
	struct mt_str value;
	size_t i;

	for (i = 0; i < sizeof(next) / sizeof(next[0]); i++) {
		at = mt_scan_find(*s, next[i]);
		if (at != NULL && at < first)
			first = at;
	}
	value = mt_str_n(s->p, (size_t)(first - s->p));
	*s = mt_str_n(first, s->n - value.n);
	return value;
}

bool
mt_read_client(
    const struct mt_shape_line *line, unsigned word, struct mt_shaped *out)
{
	struct mt_str s = line->text, name;
	struct mt_ev_queue *ev = begin(line, MT_step_client, out);

	(void)word;
	if (!mt_scan_text(&s, MT_LIT("client=")) ||
	    !mt_scan_peer(&s, &ev->client_name, &ev->client))
		return false;
	if (mt_scan_text(&s, MT_LIT(", sasl_method=")))
		ev->method = take_value(&s);
	if (mt_scan_text(&s, MT_LIT(", sasl_username=")))
		ev->user = take_value(&s);
	if (mt_scan_text(&s, MT_LIT(", sasl_sender=")))
		(void)take_value(&s);
	if (mt_scan_text(&s, MT_LIT(", orig_queue_id=")))
		ev->other = valid_id(take_value(&s));
	/* Who the client was at the filter's other side. */
	if (mt_scan_text(&s, MT_LIT(", orig_client=")) &&
	    mt_scan_to(&s, '[', &name))
		ev->text = mt_str_n(name.p, name.n + 1 + s.n);
	return true;
}

bool
mt_read_pickup(
    const struct mt_shape_line *line, unsigned word, struct mt_shaped *out)
{
	struct mt_str s = line->text;
	struct mt_ev_queue *ev = begin(line, MT_step_pickup, out);

	(void)word;
	if (!mt_scan_text(&s, MT_LIT("uid=")) ||
	    !mt_scan_to(&s, ' ', &ev->uid) ||
	    !mt_scan_text(&s, MT_LIT("from=")) ||
	    !mt_scan_address(&s, &ev->sender))
		return false;
	if (mt_scan_text(&s, MT_LIT(" orig_id=")))
		ev->other = valid_id(s);
	mt_shape_about(out, ev->sender);
	return true;
}

bool
mt_read_message_id(
    const struct mt_shape_line *line, unsigned word, struct mt_shaped *out)
{
	struct mt_str s = line->text;
	struct mt_ev_queue *ev = begin(line, MT_step_message_id, out);

	(void)word;
	if (!mt_scan_text(&s, MT_LIT("message-id=")))
		return false;
	if (s.n >= 2 && s.p[0] == '<' && s.p[s.n - 1] == '>')
		s = mt_str_n(s.p + 1, s.n - 2);
	ev->message_id = s;
	return true;
}

bool
mt_read_active(
    const struct mt_shape_line *line, unsigned word, struct mt_shaped *out)
{
	struct mt_str s = line->text;
	struct mt_ev_queue *ev = begin(line, MT_step_active, out);

	(void)word;
	if (!mt_scan_text(&s, MT_LIT("from=")) ||
	    !mt_scan_address(&s, &ev->sender) ||
	    !mt_scan_text(&s, MT_LIT(", size=")) ||
	    !mt_scan_number(&s, INT64_MAX, &ev->size))
		return false;
	if (mt_scan_text(&s, MT_LIT(", nrcpt=")))
		(void)mt_scan_number(&s, 1000000, &ev->nrcpt);
	mt_shape_about(out, ev->sender);
	return true;
}

/*
 * "from=<a@b>, status=expired, returned to sender", as the row's pattern has it
 * from end to end: what is between is the sender, whatever brackets it has.
 */
bool
mt_read_returned(
    const struct mt_shape_line *line, unsigned word, struct mt_shaped *out)
{
	struct mt_str end = word == MT_step_expired
	    ? MT_LIT(">, status=expired, returned to sender")
	    : MT_LIT(">, status=force-expired, returned to sender");
	struct mt_str s = line->text;
	struct mt_ev_queue *ev = begin(line, word, out);

	if (!mt_scan_text(&s, MT_LIT("from=<")) || s.n < end.n ||
	    s.p[s.n - end.n] != '>')
		return false;
	ev->sender = mt_str_n(s.p, s.n - end.n);
	mt_shape_about(out, ev->sender);
	return true;
}

bool
mt_read_step(
    const struct mt_shape_line *line, unsigned word, struct mt_shaped *out)
{
	(void)begin(line, word, out);
	return true;
}

bool
mt_read_notified(
    const struct mt_shape_line *line, unsigned word, struct mt_shaped *out)
{
	struct mt_str s = line->text, what;
	struct mt_ev_queue *ev = begin(line, word, out);

	if (!mt_scan_past(&s, MT_LIT(" notification: "), &what))
		return false;
	ev->other = valid_id(s);
	return true;
}

/* "lost connection after DATA (123 bytes) from name[addr]" */
bool
mt_read_lost(
    const struct mt_shape_line *line, unsigned word, struct mt_shaped *out)
{
	static const struct mt_str ways[] = { { "lost connection after ", 22 },
		{ "timeout after ", 14 }, { "too many errors after ", 22 },
		{ "hangup after ", 13 } };
	struct mt_str s = line->text, command;
	struct mt_ev_queue *ev = begin(line, MT_step_lost, out);
	size_t i;

	(void)word;
	for (i = 0; i < sizeof(ways) / sizeof(ways[0]); i++)
		if (mt_scan_text(&s, ways[i]))
			break;
	if (i == sizeof(ways) / sizeof(ways[0]) ||
	    !mt_scan_past(&s, MT_LIT(" from "), &command) ||
	    !mt_scan_peer(&s, &ev->client_name, &ev->client) || s.n > 0)
		return false;
	ev->text = mt_str_n(
	    line->text.p, (size_t)(command.p + command.n - line->text.p));
	return true;
}

/* "proxy-accept: END-OF-MESSAGE: 250 2.0.0 Ok: queued as X; from=<..." */
bool
mt_read_proxied(
    const struct mt_shape_line *line, unsigned word, struct mt_shaped *out)
{
	struct mt_str s = line->text, stage, reply;
	struct mt_ev_queue *ev = begin(line, MT_step_proxied, out);

	(void)word;
	if (!mt_scan_text(&s, MT_LIT("proxy-accept: ")) ||
	    !mt_scan_past(&s, MT_LIT(": "), &stage))
		return false;
	if (!mt_scan_past(&s, MT_LIT("; from=<"), &reply))
		reply = s;
	ev->other = mt_read_queued_as(reply);
	ev->text = reply;
	return true;
}
