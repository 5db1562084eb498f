/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>

#include "mail/address.h"
#include "mail/header.h"
#include "message.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/num.h"

#define HEAD_MAX 262144 /* of fields that say how a message is built */
#define FIELDS_MAX 262144 /* of all fields, for the hook */
#define RCPT_MAX 4194304 /* addresses of one message */
#define MARKS_MAX 4096 /* 80 marking headers; more is nonsense */
#define VALUE_MAX 131072 /* Postfix's header_size_limit is 102400 */

/* What is kept of each text; the event's bound, with room for escapes. */
static const size_t text_max[TEXTS] = {
	[TEXT_SENDER] = MT_MAX_ADDRESS + 2,
	[TEXT_USER] = MT_MAX_ADDRESS + 2,
	[TEXT_QUEUE_ID] = MT_MAX_QUEUE_ID + 2,
	[TEXT_MESSAGE_ID] = MT_MAX_MESSAGE_ID + 2,
	[TEXT_HEADER_FROM] = MT_MAX_ADDRESS + 2,
	[TEXT_SUBJECT] = MT_MAX_SUBJECT + 2,
	[TEXT_IN_REPLY_TO] = MT_MAX_MESSAGE_ID + 2,
	[TEXT_MAILER] = MT_MAX_TEXT + 2,
};

void
milter_client_init(struct milter_client *client)
{
	*client = (struct milter_client){ .ip = { .family = 0 } };
	mt_buf_init(&client->name, MT_MAX_HOST + 2);
	mt_buf_init(&client->helo, MT_MAX_HOST + 2);
	mt_buf_init(&client->daemon, MT_MAX_HOST + 2);
}

void
milter_client_done(struct milter_client *client)
{
	mt_buf_done(&client->name);
	mt_buf_done(&client->helo);
	mt_buf_done(&client->daemon);
}

void
milter_message_init(struct milter_message *m)
{
	size_t i;

	*m = (struct milter_message){ .site = NULL };
	for (i = 0; i < TEXTS; i++)
		mt_buf_init(&m->text[i], text_max[i]);
	mt_buf_init(&m->rcpts, RCPT_MAX);
	mt_buf_init(&m->head, HEAD_MAX);
	mt_buf_init(&m->fields, FIELDS_MAX);
	mt_buf_init(&m->marks, MARKS_MAX);
	milter_said_init(&m->said);
	mt_buf_init(&m->body, 0);
}

void
milter_message_drop_body(struct milter_message *m)
{
	mt_buf_done(&m->body);
	mt_buf_init(&m->body, 0);
	mt_markup_done(&m->markup);
	m->markup = (struct mt_markup){ .edits = NULL };
}

void
milter_message_done(struct milter_message *m)
{
	size_t i;

	milter_message_drop_body(m);
	mt_buf_done(&m->body);
	for (i = 0; i < TEXTS; i++)
		mt_buf_done(&m->text[i]);
	mt_buf_done(&m->rcpts);
	mt_buf_done(&m->head);
	mt_buf_done(&m->fields);
	mt_buf_done(&m->marks);
	milter_said_done(&m->said);
	mt_free(m->rcpt);
	mt_policy_unref(m->policy);
	milter_site_unref(m->site);
	*m = (struct milter_message){ .site = NULL };
}

void
milter_message_begin(struct milter_message *m, struct milter_site *site)
{
	milter_message_done(m);
	milter_message_init(m);
	m->site = site;
}

static void
put_text(struct milter_message *m, enum milter_text which, struct mt_str text)
{
	size_t max = text_max[which];

	mt_buf_reset(&m->text[which]);
	mt_buf_add(&m->text[which], text.p, text.n < max ? text.n : max);
	m->given[which] = true;
}

void
milter_message_text(
    struct milter_message *m, enum milter_text which, const char *text)
{
	if (text != NULL && text[0] != '\0')
		put_text(m, which, mt_str(text));
}

struct mt_str
milter_message_get(const struct milter_message *m, enum milter_text which)
{
	if (!m->given[which])
		return mt_str(NULL);
	return mt_buf_view(&m->text[which]);
}

struct mt_str
milter_message_notice(const struct milter_message *m)
{
	struct mt_str notice = m->decision.notice;

	if (notice.p == NULL)
		notice = m->site->base->options->notice;
	return notice.n > 0 ? notice : mt_str(NULL);
}

struct mt_str
milter_message_pixel_url(const struct milter_message *m)
{
	if (m->decision.pixel_url.n > 0)
		return m->decision.pixel_url;
	return m->site->base->options->pixel_url;
}

bool
milter_message_notice_plain(const struct milter_message *m)
{
	if (m->decision.notice_plain != MT_answer_absent)
		return m->decision.notice_plain == MT_answer_yes;
	return m->site->base->options->notice_plain == MT_answer_yes;
}

enum mt_quotes
milter_message_quoted(const struct milter_message *m)
{
	if (m->decision.quoted != MT_quotes_absent)
		return m->decision.quoted;
	return (enum mt_quotes)m->site->base->options->quoted;
}

void
milter_message_sender(struct milter_message *m, char **argv)
{
	struct mt_str word;
	uint64_t n;

	if (argv[0] == NULL)
		return;
	put_text(m, TEXT_SENDER, mt_address_strip(mt_str(argv[0])));
	for (argv++; *argv != NULL; argv++) {
		word = mt_str(*argv);
		if (word.n > 5 &&
		    mt_str_eqz_nocase(mt_str_n(word.p, 5), "SIZE=") &&
		    mt_num_read(
			mt_str_n(word.p + 5, word.n - 5), INT64_MAX, &n))
			m->declared = n;
	}
}

void
milter_message_rcpt(struct milter_message *m, struct mt_str address)
{
	address = mt_address_strip(address);
	m->rcpts_n++;
	if (m->rcpts_kept + 1 != m->rcpts_n ||
	    m->rcpts.n + address.n + 1 > RCPT_MAX)
		return;
	mt_buf_add(&m->rcpts, address.p, address.n);
	mt_buf_c(&m->rcpts, '\0');
	m->rcpts_kept++;
}

/* The identifier inside <>, or all there is. */
static struct mt_str
inside_brackets(struct mt_str s)
{
	struct mt_str head, rest, id, tail;

	if (mt_str_cut(s, '<', &head, &rest) &&
	    mt_str_cut(rest, '>', &id, &tail))
		return id;
	return mt_str_trim(s);
}

static void
take_request(struct milter_message *m, struct mt_str value)
{
	m->request =
	    mt_policy_request_join(m->request, mt_policy_request(value));
	m->requests++;
}

static bool
is_any(struct mt_str name, const char *a, const char *b)
{
	return mt_str_eqz_nocase(name, a) || mt_str_eqz_nocase(name, b);
}

/* The texts that the trail shows; of several fields the first counts. */
static void
take_text(struct milter_message *m, struct mt_str name, struct mt_str value)
{
	struct mt_buf from;

	if (mt_str_eqz_nocase(name, "Message-ID")) {
		if (!m->given[TEXT_MESSAGE_ID])
			put_text(m, TEXT_MESSAGE_ID, inside_brackets(value));
	} else if (mt_str_eqz_nocase(name, "In-Reply-To")) {
		if (!m->given[TEXT_IN_REPLY_TO])
			put_text(m, TEXT_IN_REPLY_TO, inside_brackets(value));
	} else if (mt_str_eqz_nocase(name, "Subject")) {
		if (!m->given[TEXT_SUBJECT])
			put_text(m, TEXT_SUBJECT, value);
	} else if (is_any(name, "User-Agent", "X-Mailer")) {
		if (!m->given[TEXT_MAILER])
			put_text(m, TEXT_MAILER, value);
	} else if (mt_str_eqz_nocase(name, "From")) {
		mt_buf_init(&from, MT_MAX_ADDRESS);
		if (!m->given[TEXT_HEADER_FROM] &&
		    mt_address_from(value, &from))
			put_text(m, TEXT_HEADER_FROM, mt_buf_view(&from));
		mt_buf_done(&from);
	}
}

static void
keep_field(struct milter_message *m, struct mt_str name, struct mt_str value)
{
	mt_buf_str(&m->head, name);
	mt_buf_c(&m->head, ':');
	mt_buf_str(&m->head, value);
	mt_buf_z(&m->head, "\r\n");
}

/* Of a field that has no room any more, and those behind it, none is kept. */
static void
keep_for_hook(struct milter_message *m, struct mt_str name, struct mt_str value)
{
	if (m->site->base->hook == NULL ||
	    !mt_buf_reserve(&m->fields, name.n + value.n + 2))
		return;
	mt_buf_str(&m->fields, name);
	mt_buf_c(&m->fields, '\0');
	mt_buf_str(&m->fields, value);
	mt_buf_c(&m->fields, '\0');
}

static bool
starts_nocase(struct mt_str s, const char *prefix)
{
	size_t n = strlen(prefix);

	return s.n >= n && mt_str_eqz_nocase(mt_str_n(s.p, n), prefix);
}

/* Postfix shows a fold as LF; on its way here it was CRLF. */
static size_t
folds(struct mt_str value)
{
	size_t i, n = 0;

	for (i = 0; i < value.n; i++)
		n += value.p[i] == '\n' && (i == 0 || value.p[i - 1] != '\r');
	return n;
}

void
milter_message_header(
    struct milter_message *m, struct mt_str name, struct mt_str value)
{
	struct mt_buf flat;

	m->size += name.n + value.n + 3 + folds(value);
	if (starts_nocase(name, "Content-") || starts_nocase(name, "ARC-") ||
	    is_any(name, "DKIM-Signature", "MIME-Version"))
		keep_field(m, name, value);
	if (starts_nocase(name, "ARC-") ||
	    mt_str_eqz_nocase(name, "DKIM-Signature"))
		m->others_sign = true;
	if (mt_str_eqz_nocase(name, REQUEST_HEADER))
		take_request(m, value);
	mt_buf_init(&flat, VALUE_MAX);
	mt_header_unfold(value, &flat);
	if (mt_str_eqz_nocase(name, MT_MARK_HEADER)) {
		mt_buf_str(&m->marks, mt_buf_view(&flat));
		mt_buf_c(&m->marks, '\n');
	}
	take_text(m, name, mt_buf_view(&flat));
	keep_for_hook(m, name, mt_buf_view(&flat));
	mt_buf_done(&flat);
}
