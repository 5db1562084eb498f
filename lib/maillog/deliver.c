/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * "to=<...>, orig_to=<...>, relay=..., delay=..., status=sent (...)": fields
 * from left to right, and as text what stands between the first parenthesis
 * behind the status and the last of the line, whatever it holds.
 */
#include "base/num.h"
#include "mail/queue_id.h"
#include "maillog/readers.h"
#include "maillog/scan.h"

/* "0.05" and "1.2", as milliseconds. */
static uint64_t
milliseconds(struct mt_str s)
{
	int64_t ms;

	return mt_num_read_dec(s, &ms) && ms > 0 ? (uint64_t)ms : 0;
}

/* "a/b/c/d" */
static void
read_delays(struct mt_str s, struct mt_ev_deliver *ev)
{
	struct mt_str a, b, c;

	if (!mt_scan_to(&s, '/', &a) || !mt_scan_to(&s, '/', &b) ||
	    !mt_scan_to(&s, '/', &c))
		return;
	ev->delay_before = milliseconds(a);
	ev->delay_queue = milliseconds(b);
	ev->delay_connect = milliseconds(c);
	ev->delay_send = milliseconds(s);
}

/* "mx.example.org[192.0.2.1]:25", "host[private/lmtp]", "none", "local" */
static void
read_relay(struct mt_str s, struct mt_ev_deliver *ev)
{
	struct mt_str name, address;

	ev->relay = s;
	if (!mt_scan_to(&s, '[', &name) || !mt_scan_to(&s, ']', &address))
		return;
	ev->relay_name = name;
	if (mt_ip_read(address, &ev->relay_address) &&
	    mt_scan_text(&s, MT_LIT(":")))
		(void)mt_num_read(s, 65535, &ev->relay_port);
}

static void
read_field(struct mt_str name, struct mt_str value, struct mt_ev_deliver *ev)
{
	if (mt_str_eqz(name, "relay"))
		read_relay(value, ev);
	else if (mt_str_eqz(name, "delay"))
		ev->delay = milliseconds(value);
	else if (mt_str_eqz(name, "delays"))
		read_delays(value, ev);
	else if (mt_str_eqz(name, "dsn"))
		ev->dsn = value;
	else if (mt_str_eqz(name, "conn_use"))
		(void)mt_num_read(value, UINT32_MAX, &ev->conn_use);
	else if (mt_str_eqz(name, "tls"))
		ev->tls = value;
}

static unsigned
read_outcome(struct mt_str word)
{
	static const struct {
		const char *text;
		enum mt_outcome outcome;
	} others[] = {
		{ "SOFTBOUNCE", MT_outcome_softbounce },
		/* verify(8) was away when its probe ended. */
		{ "deliverable-but-not-cached", MT_outcome_deliverable },
		{ "undeliverable-but-not-cached", MT_outcome_undeliverable },
	};
	unsigned outcome = mt_word_find(mt_words_outcome, word);
	size_t i;

	for (i = 0; outcome == 0 && i < sizeof(others) / sizeof(others[0]); i++)
		if (mt_str_eqz(word, others[i].text))
			outcome = others[i].outcome;
	return outcome;
}

static bool
is_id_character(char c)
{
	return mt_is_digit(c) || mt_is_alpha(c);
}

/* The queue id at the front, with no more of a word behind it. */
static struct mt_str
whole_id(struct mt_str s)
{
	size_t n = 0;

	while (n < s.n && is_id_character(s.p[n]))
		n++;
	return mt_queue_id_valid(mt_str_n(s.p, n)) ? mt_str_n(s.p, n)
						   : mt_str(NULL);
}

struct mt_str
mt_read_queued_as(struct mt_str reply)
{
	struct mt_str skipped, id = mt_str(NULL);

	/* A filter's reply holds the next one's: the last counts. */
	while (mt_scan_past(&reply, MT_LIT("queued as "), &skipped))
		id = whole_id(reply);
	return id;
}

static bool
read_code(struct mt_str s, uint64_t *ret_code)
{
	return s.n > 3 && (s.p[3] == ' ' || s.p[3] == '-') &&
	    mt_num_read(mt_str_n(s.p, 3), 999, ret_code);
}

/* What the other side replied: at the front, or behind "host X said: ". */
static void
read_reply(struct mt_str text, struct mt_ev_deliver *ev)
{
	struct mt_str host, said = text;

	if (read_code(text, &ev->code))
		return;
	(void)mt_scan_text(&said, MT_LIT("delivery temporarily suspended: "));
	if (!mt_scan_text(&said, MT_LIT("host ")) ||
	    !mt_scan_to(&said, ']', &host))
		return;
	if (mt_scan_text(&said, MT_LIT(" said: ")) ||
	    mt_scan_text(&said, MT_LIT(" refused to talk to me: ")))
		(void)read_code(said, &ev->code);
}

/* Behind "status=". */
static bool
read_status(struct mt_str s, struct mt_ev_deliver *ev)
{
	struct mt_str word = s, text;
	bool whole;

	if (!mt_scan_to(&s, ' ', &word)) {
		/* No text: an old Postfix, or cut right there. */
		ev->outcome = read_outcome(word);
		return ev->outcome != MT_outcome_absent;
	}
	ev->outcome = read_outcome(word);
	if (ev->outcome == MT_outcome_absent)
		return false;
	if (!mt_scan_text(&s, MT_LIT("(")))
		return true;
	/* Cut by the logger: an id at the end may be half of one. */
	whole = s.n > 0 && s.p[s.n - 1] == ')';
	text = mt_str_n(s.p, whole ? s.n - 1 : s.n);
	ev->text = text;
	read_reply(text, ev);
	if (!whole)
		return true;
	if (mt_scan_text(&text, MT_LIT("forwarded as ")))
		ev->next = whole_id(text);
	else if (ev->outcome == MT_outcome_sent)
		ev->next = mt_read_queued_as(text);
	return true;
}

bool
mt_read_deliver(
    const struct mt_shape_line *line, unsigned word, struct mt_shaped *out)
{
	struct mt_ev_deliver *ev = &out->ev.deliver;
	struct mt_str s = line->text, name, value;

	(void)word;
	*ev = (struct mt_ev_deliver){ .queue_id = line->queue_id };
	if (!mt_scan_text(&s, MT_LIT("to=")) ||
	    !mt_scan_address(&s, &ev->rcpt) || !mt_scan_text(&s, MT_LIT(", ")))
		return false;
	if (mt_scan_text(&s, MT_LIT("orig_to=")) &&
	    (!mt_scan_address(&s, &ev->orig_to) ||
		!mt_scan_text(&s, MT_LIT(", "))))
		return false;
	while (!mt_scan_text(&s, MT_LIT("status=")))
		if (!mt_scan_to(&s, '=', &name) ||
		    !mt_scan_past(&s, MT_LIT(", "), &value))
			return false;
		else
			read_field(name, value, ev);
	if (!read_status(s, ev))
		return false;
	mt_shape_about(out, ev->rcpt);
	mt_shape_about(out, ev->orig_to);
	out->id = MT_EV_deliver;
	return true;
}
