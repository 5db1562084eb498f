/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One message as the mail server tells it, from MAIL to its end or abort, and
 * the connection it came over. What strangers say is bounded here: texts by
 * the event's bounds, headers by HEAD_MAX, recipients by RCPT_MAX, the body by
 * options. A connection is used by one thread at a time.
 */
#ifndef MILTER_MESSAGE_H
#define MILTER_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/ip.h"
#include "hook.h"
#include "mail/markup.h"
#include "policy/cascade.h"
#include "site.h"
#include "token/token.h"

#define REQUEST_HEADER "X-Mailtrail-Open"

struct milter_client {
	struct mt_ip ip;
	struct mt_buf name; /* empty: not verified */
	struct mt_buf helo;
	struct mt_buf daemon;
};

enum milter_text {
	TEXT_SENDER,
	TEXT_USER,
	TEXT_QUEUE_ID,
	TEXT_MESSAGE_ID,
	TEXT_HEADER_FROM,
	TEXT_SUBJECT,
	TEXT_IN_REPLY_TO,
	TEXT_MAILER,
	TEXTS
};

struct milter_message {
	struct milter_site *site; /* a reference; NULL: no message */
	struct mt_buf text[TEXTS];
	bool given[TEXTS];
	uint64_t declared; /* SIZE= of MAIL FROM; 0: none */
	uint64_t size; /* bytes seen of header and body */
	bool skipped; /* there is more of the body than was seen */

	struct mt_buf rcpts; /* addresses, each followed by NUL */
	size_t rcpts_n; /* all */
	size_t rcpts_kept; /* those that had room */

	struct mt_buf head; /* the fields markup asks for */
	struct mt_buf fields; /* for the hook: name NUL value NUL, ... */
	struct mt_buf marks; /* values of marking headers, one a line */
	enum mt_request request; /* most restrictive of all */
	unsigned requests; /* fields to remove */
	bool others_sign; /* a DKIM or ARC signature came with it */

	bool submitted;
	bool ignored; /* it leaves no trace */
	struct mt_policy *policy; /* a reference */
	struct mt_policy_result decision; /* borrows from policy, rcpt */
	struct mt_policy_rcpt *rcpt; /* rcpts_kept, owned; borrow from rcpts */
	enum mt_hook hook; /* absent: none is configured */
	struct milter_said said; /* by the hook; decision borrows from it */
	enum mt_reason reason; /* absent: the body is wanted */

	struct mt_buf body;
	size_t charged; /* of the memory all messages share */
	struct mt_markup markup;
	bool marked;
	struct mt_token token;
};

void milter_client_init(struct milter_client *client);
void milter_client_done(struct milter_client *client);

void milter_message_init(struct milter_message *m);
void milter_message_done(struct milter_message *m);
/* Forget the message that was; begin one when site is given (taken over). */
void milter_message_begin(struct milter_message *m, struct milter_site *site);
/* MAIL FROM's arguments; address may stand in <>. */
void milter_message_sender(struct milter_message *m, char **argv);
void milter_message_rcpt(struct milter_message *m, struct mt_str address);
/* value as it is: with the white space after the colon, and folds. */
void milter_message_header(
    struct milter_message *m, struct mt_str name, struct mt_str value);
void milter_message_text(
    struct milter_message *m, enum milter_text which, const char *text);
/* Absent when it was not given. */
struct mt_str milter_message_get(
    const struct milter_message *m, enum milter_text which);
/* What was decided, or else the option; of the notice: absent when none. */
struct mt_str milter_message_notice(const struct milter_message *m);
struct mt_str milter_message_pixel_url(const struct milter_message *m);
bool milter_message_notice_plain(const struct milter_message *m);
enum mt_quotes milter_message_quoted(const struct milter_message *m);
/* The body's memory goes back. */
void milter_message_drop_body(struct milter_message *m);

/* At the end of the header: policy, and whether the body is wanted. */
void milter_decide(struct milter_message *m, const struct milter_client *client,
    bool can_edit);
/*
 * Append the offer, its mark and its recipients. False when the spool did not
 * take offer and mark: nobody could ever tell what an open of it means.
 */
bool milter_record(
    struct milter_message *m, const struct milter_client *client, int64_t at);

#endif
