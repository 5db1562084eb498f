/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Sessions that smtpd and postscreen end or refuse for how a client behaves.
 * What the client sent stands in some of these lines; it is left out: it may be
 * anything, such as an address that leaves no trace.
 */
#include "maillog/readers.h"
#include "maillog/scan.h"

/*
 * "too many errors after RCPT from name[addr]", "improper command pipelining
 * after EHLO from name[addr]: what it sent"
 */
bool
mt_read_misconduct(
    const struct mt_shape_line *line, unsigned word, struct mt_shaped *out)
{
	struct mt_ev_reject *ev =
	    mt_reject_begin(line, word, MT_judge_smtpd, out);
	struct mt_str s = line->text, what, stage, bytes;

	if (!mt_scan_past(&s, MT_LIT(" after "), &what) ||
	    !mt_scan_past(&s, MT_LIT(" from "), &stage) ||
	    !mt_scan_peer(&s, &ev->client_name, &ev->client) ||
	    (s.n > 0 && s.p[0] != ':'))
		return false;
	(void)mt_str_cut(stage, ' ', &stage, &bytes);
	ev->text = what;
	return mt_read_stage(stage, &ev->stage);
}

/* "warning: non-SMTP command from name[addr]: GET / HTTP/1.1" */
bool
mt_read_non_smtp(
    const struct mt_shape_line *line, unsigned word, struct mt_shaped *out)
{
	struct mt_ev_reject *ev =
	    mt_reject_begin(line, MT_action_hangup, MT_judge_smtpd, out);
	struct mt_str s = line->text;

	(void)word;
	return mt_scan_text(&s, MT_LIT("warning: ")) &&
	    mt_scan_past(&s, MT_LIT(" from "), &ev->text) &&
	    mt_scan_peer(&s, &ev->client_name, &ev->client) &&
	    mt_scan_text(&s, MT_LIT(":"));
}

/*
 * "warning: Connection rate limit exceeded: 31 from name[addr] for service
 * smtpd", "warning: Refusing STARTTLS request from name[addr] for service ..."
 */
bool
mt_read_limit(
    const struct mt_shape_line *line, unsigned word, struct mt_shaped *out)
{
	struct mt_ev_reject *ev =
	    mt_reject_begin(line, MT_action_reject, MT_judge_smtpd, out);
	struct mt_str s = line->text;

	ev->stage = word;
	return mt_scan_text(&s, MT_LIT("warning: ")) &&
	    mt_scan_past(&s, MT_LIT(" from "), &ev->text) &&
	    mt_scan_peer(&s, &ev->client_name, &ev->client) &&
	    mt_scan_text(&s, MT_LIT(" for service "));
}

/* "COMMAND TIME LIMIT from [addr]:port after CONNECT" */
bool
mt_read_screened_limit(
    const struct mt_shape_line *line, unsigned word, struct mt_shaped *out)
{
	struct mt_ev_reject *ev =
	    mt_reject_begin(line, MT_action_hangup, MT_judge_postscreen, out);
	struct mt_str s = line->text;

	(void)word;
	return mt_scan_past(&s, MT_LIT(" from "), &ev->text) &&
	    mt_scan_screened(&s, &ev->client) &&
	    mt_scan_text(&s, MT_LIT(" after ")) && mt_read_stage(s, &ev->stage);
}
