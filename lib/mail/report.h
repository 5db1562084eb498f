/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reports on mail that come as mail, in multipart/report (RFC 6522): delivery
 * status notifications (RFC 3464, RFC 6533) and feedback reports (RFC 5965).
 * Bounces in no such form are not guessed at: they are no reports.
 *
 * Anybody can send a report that says anything. What is read here is what the
 * report claims; it proves nothing.
 *
 * The report is the first one found in the message or in multiparts in it, not
 * in messages in it. What it is follows from its status part, since many leave
 * out report-type. Transfer encodings, which RFC 3464 forbids and some write,
 * are decoded. Texts are unfolded, without comments where the field has words,
 * and absent where the report does not say; they are bytes as they came.
 */
#ifndef MT_MAIL_REPORT_H
#define MT_MAIL_REPORT_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/limits.h"
#include "base/str.h"
#include "base/words.h"

enum mt_report_kind { MT_REPORT_DELIVERY, MT_REPORT_FEEDBACK };

struct mt_report_rcpt {
	enum mt_notice kind;
	struct mt_str rcpt; /* Final-Recipient; Original-Rcpt-To */
	struct mt_str orig_to; /* Original-Recipient */
	struct mt_str dsn; /* Status: "5.1.1" */
	struct mt_str remote; /* Remote-MTA, without its type */
	struct mt_str text; /* Diagnostic-Code, without "smtp;" */
};

struct mt_report {
	enum mt_report_kind kind;
	/* Of the report as a message. */
	struct mt_str id; /* Message-ID, without angle brackets */
	struct mt_str date; /* Date, as written */
	/*
	 * When it arrived: by the lowest Received field of ours, else by the
	 * topmost, else by Date; 0 when none of them says. So it is the same
	 * each time the same report is read, wherever it was kept meanwhile.
	 */
	int64_t at;
	/* Of the message reported on, as the status part says. */
	struct mt_str reporter; /* Reporting-MTA, without its type */
	struct mt_str reporter_id; /* X-Postfix-Queue-ID and its like: its */
	struct mt_str envelope_id; /* Original-Envelope-Id */
	struct mt_str sender; /* envelope sender, else From; may be empty */
	struct mt_str arrived; /* Arrival-Date, as written */
	struct mt_str feedback; /* Feedback-Type, lower case */
	struct mt_str agent; /* User-Agent of a complaint */
	struct mt_str source; /* Source-IP of a complaint */
	struct mt_str domain; /* Reported-Domain of a complaint */
	/* As the returned header, or else the status part, says. */
	struct mt_str message_id; /* without angle brackets */
	struct mt_str from, to; /* as written */
	/* Queue id that a host of ours gave it, when the report says. */
	struct mt_str queue_id;
	struct mt_report_rcpt *rcpts; /* owned; at least one */
	size_t n;
	struct mt_str status; /* the status part, decoded */
	struct mt_buf text, decoded, header; /* owned: where texts stand */
};

/*
 * Read a message. names are those of our mail host in Received and
 * Reporting-MTA fields, one space apart. MT_ABSENT: not a report. MT_FORMAT: a
 * report, but damaged. MT_LIMIT: more than MT_MAX_REPORT_RCPT recipients, or
 * too deep. The texts borrow from the message, too. On success, and only then,
 * the caller ends with mt_report_done().
 */
MT_MUST_CHECK enum mt_rc mt_report_read(struct mt_str message,
    struct mt_str names, struct mt_report *ret_report, struct mt_err *err);
void mt_report_done(struct mt_report *report);
/*
 * Append what makes the report this one and no other: its kind, Message-ID,
 * Date, status part without line ends and blanks before them (relays change
 * those), and the Message-ID it is about.
 */
void mt_report_identity(const struct mt_report *report, struct mt_buf *out);

#endif
