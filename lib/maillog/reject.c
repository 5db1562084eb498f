/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Refusals and what else restrictions, milters and checks say. All end in
 *
 *     ...; from=<sender> to=<recipient> proto=ESMTP helo=<name>
 *
 * and before that stands text which strangers may have had a hand in (a
 * policy's explanation, a header, a quoted local part). So every place where
 * that end could begin is tried; when more than one reads well up to the end of
 * the line, nobody can tell which is Postfix's, and none is taken.
 */
#include <string.h>

#include "base/num.h"
#include "maillog/readers.h"
#include "maillog/scan.h"

enum style {
	STYLE_PLAIN, /* smtpd, milters */
	STYLE_COMMAS, /* postscreen: ", " between fields */
	STYLE_REASON /* cleanup's checks: ": reason" may follow */
};

struct tail {
	struct mt_str sender, rcpt, proto, helo, user;
	struct mt_str reason;
};

static void
skip_comma(struct mt_str *s, enum style style)
{
	if (style == STYLE_COMMAS)
		(void)mt_scan_text(s, MT_LIT(","));
}

/* "sasl_username=<alice>" or without brackets, up to the next of its kind. */
static struct mt_str
take_sasl(struct mt_str *s)
{
	const char *next = mt_scan_find(*s, MT_LIT(" sasl_"));
	struct mt_str value =
	    next == NULL ? *s : mt_str_n(s->p, (size_t)(next - s->p));

	*s = mt_str_n(s->p + value.n, s->n - value.n);
	if (value.n >= 2 && value.p[0] == '<' && value.p[value.n - 1] == '>')
		value = mt_str_n(value.p + 1, value.n - 2);
	return value;
}

/* What may follow the last field; true when that is all. */
static bool
read_suffix(struct mt_str s, enum style style, struct tail *t)
{
	if (mt_scan_text(&s, MT_LIT(" sasl_method=")))
		(void)take_sasl(&s);
	if (mt_scan_text(&s, MT_LIT(" sasl_username=")))
		t->user = take_sasl(&s);
	if (mt_scan_text(&s, MT_LIT(" sasl_sender=")))
		(void)take_sasl(&s);
	if (s.n > 0 && style == STYLE_REASON &&
	    mt_scan_text(&s, MT_LIT(": "))) {
		t->reason = s;
		return true;
	}
	return s.n == 0;
}

/*
 * Behind " helo=<". smtpd takes spaces, brackets, quotes and semicolons out of
 * a HELO: what holds them is none, and no end of a line. postscreen does not,
 * but writes nothing behind it.
 */
static bool
read_helo(struct mt_str s, enum style style, struct tail *t)
{
	size_t i;

	if (style == STYLE_COMMAS) {
		if (s.n == 0 || s.p[s.n - 1] != '>')
			return false;
		t->helo = mt_str_n(s.p, s.n - 1);
		return true;
	}
	if (!mt_scan_to(&s, '>', &t->helo))
		return false;
	for (i = 0; i < t->helo.n; i++)
		if (t->helo.p[i] == '\0' ||
		    strchr(" <;\"", t->helo.p[i]) != NULL)
			return false;
	return read_suffix(s, style, t);
}

/* Behind the semicolon, to the end of the line. */
static bool
read_tail(struct mt_str s, enum style style, struct tail *t)
{
	struct mt_str word;

	*t = (struct tail){ 0 };
	if (mt_scan_text(&s, MT_LIT(" from="))) {
		if (!mt_scan_address(&s, &t->sender))
			return false;
		skip_comma(&s, style);
	}
	if (mt_scan_text(&s, MT_LIT(" to="))) {
		if (!mt_scan_address(&s, &t->rcpt))
			return false;
		skip_comma(&s, style);
	}
	if (mt_scan_text(&s, MT_LIT(" proto="))) {
		word = s;
		while (s.n > 0 && (mt_is_alpha(s.p[0]) || mt_is_digit(s.p[0])))
			s = mt_str_n(s.p + 1, s.n - 1);
		t->proto = mt_str_n(word.p, word.n - s.n);
		skip_comma(&s, style);
	}
	if (mt_scan_text(&s, MT_LIT(" helo=<")))
		return read_helo(s, style, t);
	return read_suffix(s, style, t);
}

/*
 * Split a text at its tail: *ret_text is what stands before it, or all of it
 * when no tail, or more than one, can be found.
 */
static void
cut_tail(struct mt_str s, enum style style, struct mt_shaped *out,
    struct mt_str *ret_text, struct tail *ret_tail)
{
	struct mt_str rest = s, skipped;
	struct tail t;
	unsigned n = 0;

	*ret_text = s;
	*ret_tail = (struct tail){ 0 };
	while (mt_scan_to(&rest, ';', &skipped)) {
		if (!read_tail(rest, style, &t))
			continue;
		mt_shape_about(out, t.sender);
		mt_shape_about(out, t.rcpt);
		if (n++ > 0)
			continue;
		*ret_tail = t;
		*ret_text = mt_str_n(s.p, (size_t)(rest.p - s.p) - 1);
	}
	if (n > 1) {
		*ret_text = s;
		*ret_tail = (struct tail){ 0 };
	}
}

/* "554 5.7.1 text", and milters' "5.7.1 text". */
static void
read_reply(struct mt_str s, struct mt_ev_reject *ev)
{
	struct mt_str dsn;
	uint64_t a, b, c;

	if (s.n >= 3 && (s.n == 3 || s.p[3] == ' ' || s.p[3] == '-') &&
	    mt_num_read(mt_str_n(s.p, 3), 999, &ev->code)) {
		s = mt_str_n(s.p + 3, s.n - 3);
		if (s.n > 0)
			s = mt_str_n(s.p + 1, s.n - 1);
	}
	dsn = s;
	if (mt_scan_number(&s, 5, &a) && mt_scan_text(&s, MT_LIT(".")) &&
	    mt_scan_number(&s, 999, &b) && mt_scan_text(&s, MT_LIT(".")) &&
	    mt_scan_number(&s, 999, &c) &&
	    (s.n == 0 || mt_scan_text(&s, MT_LIT(" "))))
		ev->dsn = mt_str_trim(mt_str_n(dsn.p, dsn.n - s.n));
	else
		s = dsn;
	ev->text = s;
}

struct mt_ev_reject *
mt_reject_begin(const struct mt_shape_line *line, unsigned action,
    enum mt_judge judge, struct mt_shaped *out)
{
	out->ev.reject = (struct mt_ev_reject){
		.queue_id = line->queue_id, .action = action, .judge = judge
	};
	out->id = MT_EV_reject;
	return &out->ev.reject;
}

static void
put_tail(const struct tail *t, struct mt_ev_reject *ev)
{
	ev->sender = t->sender;
	ev->rcpt = t->rcpt;
	ev->proto = t->proto;
	ev->helo = t->helo;
	ev->user = t->user;
}

bool
mt_read_stage(struct mt_str s, unsigned *ret_stage)
{
	static const struct {
		const char *name;
		enum mt_stage stage;
	} stages[] = { { "CONNECT", MT_stage_connect },
		{ "HELO", MT_stage_helo }, { "EHLO", MT_stage_helo },
		{ "HELO/EHLO", MT_stage_helo }, { "MAIL", MT_stage_mail },
		{ "RCPT", MT_stage_rcpt }, { "DATA", MT_stage_data },
		{ "BDAT", MT_stage_data }, { "END-OF-MESSAGE", MT_stage_eom },
		{ "VRFY", MT_stage_vrfy }, { "ETRN", MT_stage_etrn },
		{ "AUTH", MT_stage_auth }, { "STARTTLS", MT_stage_starttls } };
	size_t i;

	for (i = 0; i < sizeof(stages) / sizeof(stages[0]); i++)
		if (mt_str_eqz(s, stages[i].name)) {
			*ret_stage = stages[i].stage;
			return true;
		}
	for (i = 0; i < s.n; i++)
		if (!mt_is_alpha(s.p[i]) && s.p[i] != '-' && s.p[i] != '/')
			return false;
	*ret_stage = MT_stage_unknown;
	return s.n > 0;
}

/* "<action>: RCPT from name[addr]: 554 5.7.1 text; from=<..." */
static bool
read_staged(const struct mt_shape_line *line, struct mt_shaped *out,
    struct mt_ev_reject *ev)
{
	struct mt_str s = line->text, stage, text;
	struct tail t;

	if (!mt_scan_past(&s, MT_LIT(": "), &stage) ||
	    !mt_scan_past(&s, MT_LIT(" from "), &stage) ||
	    !mt_read_stage(stage, &ev->stage) ||
	    !mt_scan_peer(&s, &ev->client_name, &ev->client) ||
	    !mt_scan_text(&s, MT_LIT(": ")))
		return false;
	cut_tail(s, STYLE_PLAIN, out, &text, &t);
	put_tail(&t, ev);
	read_reply(text, ev);
	return true;
}

bool
mt_read_refusal(
    const struct mt_shape_line *line, unsigned word, struct mt_shaped *out)
{
	return read_staged(
	    line, out, mt_reject_begin(line, word, MT_judge_smtpd, out));
}

bool
mt_read_milter(
    const struct mt_shape_line *line, unsigned word, struct mt_shaped *out)
{
	return read_staged(
	    line, out, mt_reject_begin(line, word, MT_judge_milter, out));
}

/* "proxy-reject: END-OF-MESSAGE: 550 text; from=<..." */
bool
mt_read_proxy_refusal(
    const struct mt_shape_line *line, unsigned word, struct mt_shaped *out)
{
	struct mt_ev_reject *ev =
	    mt_reject_begin(line, MT_action_reject, MT_judge_proxy, out);
	struct mt_str s = line->text, stage, text;
	struct tail t;

	(void)word;
	if (!mt_scan_text(&s, MT_LIT("proxy-reject: ")) ||
	    !mt_scan_past(&s, MT_LIT(": "), &stage) ||
	    !mt_read_stage(stage, &ev->stage))
		return false;
	cut_tail(s, STYLE_PLAIN, out, &text, &t);
	put_tail(&t, ev);
	read_reply(text, ev);
	return true;
}

bool
mt_scan_screened(struct mt_str *s, struct mt_ip *ret_ip)
{
	struct mt_str rest = *s, address;
	uint64_t port;

	if (!mt_scan_text(&rest, MT_LIT("[")) ||
	    !mt_scan_to(&rest, ']', &address) || !mt_ip_read(address, ret_ip))
		return false;
	if (mt_scan_text(&rest, MT_LIT(":")) &&
	    !mt_scan_number(&rest, 65535, &port))
		return false;
	*s = rest;
	return true;
}

bool
mt_read_postscreen(
    const struct mt_shape_line *line, unsigned word, struct mt_shaped *out)
{
	struct mt_ev_reject *ev =
	    mt_reject_begin(line, MT_action_reject, MT_judge_postscreen, out);
	struct mt_str s = line->text, stage, text;
	struct tail t;

	(void)word;
	if (!mt_scan_text(&s, MT_LIT("reject: ")) ||
	    !mt_scan_past(&s, MT_LIT(" from "), &stage) ||
	    !mt_read_stage(stage, &ev->stage) ||
	    !mt_scan_screened(&s, &ev->client) ||
	    !mt_scan_text(&s, MT_LIT(": ")))
		return false;
	cut_tail(s, STYLE_COMMAS, out, &text, &t);
	put_tail(&t, ev);
	read_reply(text, ev);
	return true;
}

/*
 * "header Subject: hello from name[addr]": the origin is at the end, behind
 * the last " from ". False when there is none.
 */
static bool
cut_origin(struct mt_str *s, struct mt_ev_reject *ev)
{
	static const struct mt_str from = { " from ", 6 };
	struct mt_str rest = *s, origin, skipped;
	const char *at = NULL;

	while (mt_scan_past(&rest, from, &skipped))
		at = rest.p;
	if (at == NULL)
		return false;
	origin = mt_str_n(at, (size_t)(s->p + s->n - at));
	if (!mt_scan_peer(&origin, &ev->client_name, &ev->client)) {
		if (!mt_scan_text(&origin, MT_LIT("local")))
			(void)mt_scan_text(&origin, MT_LIT("unknown"));
	}
	if (origin.n > 0)
		return false;
	*s = mt_str_n(s->p, (size_t)(at - s->p) - from.n);
	return true;
}

/* What the check looked at, and where the line goes on. */
static bool
take_class(struct mt_str *s, enum mt_judge *ret_judge)
{
	if (mt_scan_text(s, MT_LIT("header ")))
		*ret_judge = MT_judge_header;
	else if (mt_scan_text(s, MT_LIT("body ")) ||
	    mt_scan_text(s, MT_LIT("content ")))
		*ret_judge = MT_judge_body;
	else if (mt_scan_text(s, MT_LIT("mime-error ")))
		*ret_judge = MT_judge_mime;
	else
		return false;
	return true;
}

/* Behind the class: "Subject: hello from name[addr]; from=<...: reason" */
static void
read_content(struct mt_str s, struct mt_shaped *out, struct mt_ev_reject *ev)
{
	struct mt_str text;
	struct tail t;

	cut_tail(s, STYLE_REASON, out, &text, &t);
	put_tail(&t, ev);
	if (t.reason.p != NULL)
		read_reply(t.reason, ev);
	if (text.n < s.n)
		(void)cut_origin(&text, ev);
	ev->text = text;
}

/* "<action>: header Subject: hello from name[addr]; from=<..." */
bool
mt_read_check(
    const struct mt_shape_line *line, unsigned word, struct mt_shaped *out)
{
	struct mt_str s = line->text, action;
	enum mt_judge judge;

	if (!mt_scan_past(&s, MT_LIT(": "), &action) || !take_class(&s, &judge))
		return false;
	read_content(s, out, mt_reject_begin(line, word, judge, out));
	return true;
}

/* "milter-header-reject: header X-Spam: yes from name[addr]; from=<..." */
bool
mt_read_milter_check(
    const struct mt_shape_line *line, unsigned word, struct mt_shaped *out)
{
	struct mt_str s = line->text, action;
	enum mt_judge judge;
	unsigned deed;

	(void)word;
	if (!mt_scan_text(&s, MT_LIT("milter-header-")) ||
	    !mt_scan_past(&s, MT_LIT(": "), &action) || !take_class(&s, &judge))
		return false;
	deed = mt_str_eqz(action, "warning")
	    ? MT_action_warn
	    : mt_word_find(mt_words_action, action);
	if (deed == MT_action_absent)
		return false;
	read_content(
	    s, out, mt_reject_begin(line, deed, MT_judge_milter_header, out));
	return true;
}
