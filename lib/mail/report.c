/* SPDX-License-Identifier: BSD-2-Clause */
#include "mail/report.h"

#include <assert.h>
#include <string.h>

#include "base/mem.h"
#include "mail/address.h"
#include "mail/date.h"
#include "mail/entity.h"
#include "mail/header.h"
#include "mail/parts.h"
#include "mail/queue_id.h"
#include "mail/received.h"
#include "mail/splice.h"
#include "mail/status.h"
#include "mail/text.h"

#define MAX_TYPE 128 /* "message/global-delivery-status" */
#define FIRST_RCPTS 4

/* What a part of a report is. */
enum role { OTHER, DELIVERY, FEEDBACK, RETURNED };

static const struct {
	const char *type;
	enum role role;
} roles[] = {
	{ "message/delivery-status", DELIVERY },
	{ "message/global-delivery-status", DELIVERY },
	{ "message/feedback-report", FEEDBACK },
	{ "message/rfc822", RETURNED },
	{ "message/global", RETURNED },
	{ "message/global-headers", RETURNED },
	{ "message/rfc822-headers", RETURNED },
	{ "text/rfc822-headers", RETURNED },
};

/* Looking for the report in a message. */
struct search {
	struct mt_part status, returned; /* of the report; body.p NULL: none */
	enum role kind;
	unsigned parts; /* looked at */
	bool damaged; /* a multipart/report that says it is one of ours */
	bool foreign; /* one of another kind */
	bool over; /* a limit was met */
};

/* The media type of a header block, in lower case. */
static struct mt_str
read_type(struct mt_str head, struct mt_header *ret_field, struct mt_buf *type)
{
	mt_buf_reset(type);
	if (!mt_header_find(head, "Content-Type", ret_field) ||
	    !mt_header_word(ret_field->value, type))
		return mt_str(NULL);
	return mt_buf_view(type);
}

static enum role
read_role(struct mt_str head)
{
	struct mt_header field;
	enum role role = OTHER;
	struct mt_buf buf;
	struct mt_str type;
	size_t i;

	mt_buf_init(&buf, MAX_TYPE);
	type = read_type(head, &field, &buf);
	for (i = 0; i < sizeof(roles) / sizeof(roles[0]); i++)
		if (mt_str_eqz(type, roles[i].type))
			role = roles[i].role;
	mt_buf_done(&buf);
	return role;
}

/* One without a status part: does it say that it had to have one? */
static void
note_kind(struct search *s, struct mt_str head)
{
	struct mt_header field;
	struct mt_buf type;

	mt_buf_init(&type, MAX_TYPE);
	if (read_type(head, &field, &type).p != NULL) {
		mt_buf_reset(&type);
		(void)mt_header_param(field.value, "report-type", &type);
	}
	if (mt_str_eqz_nocase(mt_buf_view(&type), "delivery-status") ||
	    mt_str_eqz_nocase(mt_buf_view(&type), "feedback-report"))
		s->damaged = true;
	else
		s->foreign = true;
	mt_buf_done(&type);
}

/* The parts of a multipart/report; true when it has a status part. */
static bool
read_parts(struct search *s, struct mt_parts it)
{
	struct mt_part part;
	enum role role;

	while (mt_parts_next(&it, &part)) {
		if (++s->parts > MT_MAX_MIME_PARTS) {
			s->over = true;
			break;
		}
		role = read_role(part.head);
		if (role == RETURNED && s->status.body.p != NULL &&
		    s->returned.body.p == NULL)
			s->returned = part;
		if ((role == DELIVERY || role == FEEDBACK) &&
		    s->status.body.p == NULL) {
			s->status = part;
			s->kind = role;
		}
	}
	return s->status.body.p != NULL;
}

/* The first report in an entity, from the outside in. */
static bool
find_report(
    struct search *s, struct mt_str head, struct mt_str body, unsigned depth)
{
	struct mt_parts it = { .rest = body };
	struct mt_entity e;
	struct mt_part part;

	mt_entity_read(head, &e);
	if (!e.multi)
		return false;
	it.boundary = mt_str(e.boundary);
	if (it.boundary.n == 0 || depth == MT_MAX_MIME_DEPTH) {
		s->over = s->over || depth == MT_MAX_MIME_DEPTH;
		if (e.kind == MT_ENTITY_REPORT)
			note_kind(s, head);
		return false;
	}
	if (e.kind == MT_ENTITY_REPORT) {
		if (read_parts(s, it))
			return true;
		note_kind(s, head);
	}
	while (!s->over && mt_parts_next(&it, &part)) {
		if (++s->parts > MT_MAX_MIME_PARTS)
			s->over = true;
		else if (find_report(s, part.head, part.body, depth + 1))
			return true;
	}
	return false;
}

/* The content of a part: of the message, or of out. */
static enum mt_rc
decode(const struct mt_part *part, struct mt_str *ret_text, struct mt_buf *out,
    struct mt_err *err)
{
	struct mt_entity e;

	mt_entity_read(part->head, &e);
	*ret_text = part->body;
	if (!mt_encoding_coded(e.encoding))
		return MT_OK;
	if (mt_transfer_decode(e.encoding, part->body, out) != MT_OK)
		return mt_fail(err, MT_FORMAT, "status part: damaged %s",
		    mt_words_encoding[e.encoding]);
	*ret_text = mt_buf_view(out);
	return MT_OK;
}

/* Fields that are looked for in a block, by their place in a table. */
enum field {
	REPORTING_MTA,
	ENVELOPE_ID,
	ARRIVAL_DATE,
	FINAL_RECIPIENT,
	ORIGINAL_RECIPIENT,
	ACTION,
	STATUS,
	REMOTE_MTA,
	DIAGNOSTIC_CODE,
	ORIGINAL_MESSAGE_ID,
	FEEDBACK_TYPE,
	USER_AGENT,
	MAIL_FROM,
	SOURCE_IP,
	REPORTED_DOMAIN,
	QUEUE_ID, /* these two have no fixed name */
	SENDER,
	FIELDS_N
};

static const char *const names[FIELDS_N] = { "Reporting-MTA",
	"Original-Envelope-Id", "Arrival-Date", "Final-Recipient",
	"Original-Recipient", "Action", "Status", "Remote-MTA",
	"Diagnostic-Code", "X-Original-Message-ID", "Feedback-Type",
	"User-Agent", "Original-Mail-From", "Source-IP", "Reported-Domain",
	"X-*-Queue-ID", "X-*-Sender" };

struct block {
	struct mt_str value[FIELDS_N]; /* raw; absent: not there */
};

/* A "*" in the pattern stands for Postfix's mail_name. */
static bool
is_name(struct mt_str name, const char *pattern)
{
	const char *star = strchr(pattern, '*');
	struct mt_str head, tail;

	if (star == NULL)
		return mt_str_eqz_nocase(name, pattern);
	head = mt_str_n(pattern, (size_t)(star - pattern));
	tail = mt_str(star + 1);
	return name.n > head.n + tail.n &&
	    mt_str_eq_nocase(mt_str_n(name.p, head.n), head) &&
	    mt_str_eq_nocase(mt_str_n(name.p + name.n - tail.n, tail.n), tail);
}

/* The next block of fields with one that we know; false at the end. */
static bool
next_block(struct mt_str *rest, struct block *ret_block)
{
	struct mt_header_iter it;
	struct mt_header h;
	bool known = false;
	size_t i;

	while (!known && rest->n > 0) {
		it = (struct mt_header_iter){ .block = *rest };
		*ret_block = (struct block){ .value = { { NULL, 0 } } };
		while (mt_header_next(&it, &h))
			for (i = 0; i < FIELDS_N; i++)
				if (ret_block->value[i].p == NULL &&
				    is_name(h.name, names[i])) {
					ret_block->value[i] = h.value;
					known = true;
				}
		*rest = mt_str_n(rest->p + it.at, rest->n - it.at);
	}
	return known;
}

static enum mt_rc
add_rcpt(struct mt_report *r, const struct mt_report_rcpt *rcpt, size_t *cap,
    struct mt_err *err)
{
	if (r->n == MT_MAX_REPORT_RCPT)
		return mt_fail(err, MT_LIMIT, "more than %d recipients",
		    MT_MAX_REPORT_RCPT);
	if (r->n == *cap) {
		*cap = *cap > 0 ? 2 * *cap : FIRST_RCPTS;
		r->rcpts = mt_realloc_array(r->rcpts, *cap, sizeof(*r->rcpts));
	}
	r->rcpts[r->n++] = *rcpt;
	return MT_OK;
}

/* What a first block says of the message, of either kind of report. */
static void
read_message(struct mt_report *r, const struct block *b)
{
	r->reporter = mt_status_mta(b->value[REPORTING_MTA], &r->text);
	r->envelope_id = mt_status_text(b->value[ENVELOPE_ID], &r->text);
	r->arrived = mt_status_text(b->value[ARRIVAL_DATE], &r->text);
	r->reporter_id = mt_status_text(b->value[QUEUE_ID], &r->text);
	if (b->value[SENDER].p != NULL)
		r->sender = mt_status_address(b->value[SENDER], &r->text);
	r->message_id =
	    mt_status_message_id(b->value[ORIGINAL_MESSAGE_ID], &r->text);
}

/* A block that speaks of a recipient; it may be the first one, too. */
static enum mt_rc
read_rcpt(struct mt_report *r, const struct block *b, size_t *cap,
    bool *ret_passed, struct mt_err *err)
{
	struct mt_report_rcpt rcpt = { .kind = MT_notice_absent };
	struct mt_str word;

	word = mt_status_word(b->value[ACTION], &r->text);
	rcpt.dsn = mt_status_code(b->value[STATUS], &r->text);
	rcpt.kind = mt_status_action(word, rcpt.dsn);
	if (rcpt.kind == MT_notice_absent) {
		*ret_passed = true;
		return MT_OK;
	}
	rcpt.rcpt = mt_status_address(b->value[FINAL_RECIPIENT], &r->text);
	rcpt.orig_to =
	    mt_status_address(b->value[ORIGINAL_RECIPIENT], &r->text);
	rcpt.remote = mt_status_mta(b->value[REMOTE_MTA], &r->text);
	rcpt.text = mt_status_diagnostic(b->value[DIAGNOSTIC_CODE], &r->text);
	if (r->message_id.p == NULL)
		r->message_id = mt_status_message_id(
		    b->value[ORIGINAL_MESSAGE_ID], &r->text);
	return add_rcpt(r, &rcpt, cap, err);
}

static enum mt_rc
read_delivery(struct mt_report *r, struct mt_err *err)
{
	struct mt_str rest = r->status;
	bool first = true, passed = false;
	struct block b;
	size_t cap = 0;

	for (; next_block(&rest, &b); first = false) {
		if (first)
			read_message(r, &b);
		if (b.value[FINAL_RECIPIENT].p == NULL &&
		    b.value[ORIGINAL_RECIPIENT].p == NULL)
			continue;
		if (read_rcpt(r, &b, &cap, &passed, err) != MT_OK)
			return err->rc;
	}
	if (r->n == 0)
		return mt_fail(err, MT_FORMAT,
		    passed ? "says of no recipient what was done"
			   : "names no recipient");
	return MT_OK;
}

/* Types that are no complaint of the recipient's. */
static bool
is_complaint(struct mt_str type)
{
	return !mt_str_eqz(type, "not-spam") &&
	    !mt_str_eqz(type, "auth-failure");
}

static enum mt_rc
read_feedback(struct mt_report *r, struct mt_err *err)
{
	struct mt_report_rcpt rcpt = { .kind = MT_notice_complaint };
	struct mt_header_iter it = { .block = r->status };
	struct mt_str rest = r->status;
	struct mt_header h;
	struct block b;
	size_t cap = 0;

	if (!next_block(&rest, &b) || b.value[FEEDBACK_TYPE].p == NULL)
		return mt_fail(err, MT_FORMAT, "has no Feedback-Type");
	read_message(r, &b);
	r->feedback = mt_status_word(b.value[FEEDBACK_TYPE], &r->text);
	r->agent = mt_status_text(b.value[USER_AGENT], &r->text);
	r->source = mt_status_text(b.value[SOURCE_IP], &r->text);
	r->domain = mt_status_text(b.value[REPORTED_DOMAIN], &r->text);
	if (b.value[MAIL_FROM].p != NULL)
		r->sender = mt_status_address(b.value[MAIL_FROM], &r->text);
	if (!is_complaint(r->feedback))
		rcpt.kind = MT_notice_other;
	it.block.n = (size_t)(rest.p - r->status.p);
	while (mt_header_next(&it, &h)) {
		if (!mt_str_eqz_nocase(h.name, "Original-Rcpt-To"))
			continue;
		rcpt.rcpt = mt_status_address(h.value, &r->text);
		if (add_rcpt(r, &rcpt, &cap, err) != MT_OK)
			return err->rc;
	}
	rcpt.rcpt = mt_str(NULL);
	return r->n > 0 ? MT_OK : add_rcpt(r, &rcpt, &cap, err);
}

/*
 * The returned header, decoded. What is coded is cut to a piece that holds a
 * header and has whole quanta or lines; a damaged one is no header.
 */
static struct mt_str
returned_header(struct mt_report *r, const struct mt_part *part)
{
	struct mt_part piece = *part;
	struct mt_str text;
	struct mt_err err;
	const char *eol;

	if (part->body.p == NULL)
		return MT_LIT("");
	if (piece.body.n > MT_MAX_REPORT_HEADER) {
		piece.body.n = MT_MAX_REPORT_HEADER;
		eol = memrchr(piece.body.p, '\n', piece.body.n);
		if (eol != NULL)
			piece.body.n = (size_t)(eol - piece.body.p) + 1;
	}
	if (decode(&piece, &text, &r->header, &err) != MT_OK)
		return MT_LIT("");
	text.n = mt_header_end(text);
	return text;
}

/* The queue id that one of our hosts gave the message last. */
static void
take_received(struct mt_report *r, struct mt_str value, struct mt_str ours)
{
	struct mt_received hop;

	mt_received_read(value, &hop);
	if (r->queue_id.p == NULL && mt_host_among(hop.by, ours) &&
	    mt_queue_id_valid(hop.id))
		r->queue_id = mt_status_text(hop.id, &r->text);
}

static void
read_returned(struct mt_report *r, struct mt_str block, struct mt_str ours)
{
	struct mt_header_iter it = { .block = block };
	struct mt_str path = mt_str(NULL);
	bool seen_id = false;
	struct mt_header h;
	size_t from;

	if (mt_host_among(r->reporter, ours) &&
	    mt_queue_id_valid(r->reporter_id))
		r->queue_id = r->reporter_id;
	while (mt_header_next(&it, &h)) {
		if (mt_str_eqz_nocase(h.name, "Received")) {
			take_received(r, h.value, ours);
		} else if (mt_str_eqz_nocase(h.name, "Return-Path") &&
		    path.p == NULL) {
			path = mt_status_address(h.value, &r->text);
		} else if (mt_str_eqz_nocase(h.name, "Message-ID") &&
		    !seen_id) {
			seen_id = true;
			r->message_id = mt_status_message_id(h.value, &r->text);
		} else if (mt_str_eqz_nocase(h.name, "From") &&
		    r->from.p == NULL) {
			r->from = mt_status_text(h.value, &r->text);
		} else if (mt_str_eqz_nocase(h.name, "To") && r->to.p == NULL) {
			r->to = mt_status_text(h.value, &r->text);
		}
	}
	if (r->sender.p == NULL)
		r->sender = path;
	from = r->text.n;
	if (r->sender.p == NULL && mt_address_from(r->from, &r->text))
		r->sender = mt_str_n(r->text.p + from, r->text.n - from);
}

/* The report as a message: its header. */
static void
read_head(struct mt_report *r, struct mt_str head, struct mt_str ours)
{
	struct mt_header_iter it = { .block = head };
	int64_t top = 0, own = 0, date = 0;
	struct mt_received hop;
	struct mt_header h;

	while (mt_header_next(&it, &h)) {
		if (mt_str_eqz_nocase(h.name, "Received")) {
			mt_received_read(h.value, &hop);
			top = top != 0 ? top : hop.at;
			if (hop.at != 0 && mt_host_among(hop.by, ours))
				own = hop.at;
		} else if (mt_str_eqz_nocase(h.name, "Message-ID") &&
		    r->id.p == NULL) {
			r->id = mt_status_message_id(h.value, &r->text);
		} else if (mt_str_eqz_nocase(h.name, "Date") &&
		    r->date.p == NULL) {
			r->date = mt_status_text(h.value, &r->text);
			if (!mt_mail_date_read(r->date, &date))
				date = 0;
		}
	}
	r->at = own != 0 ? own : top != 0 ? top : date;
}

static enum mt_rc
find(struct search *s, struct mt_str head, struct mt_str body,
    struct mt_err *err)
{
	if (find_report(s, head, body, 0))
		return MT_OK;
	if (s->over)
		return mt_fail(err, MT_LIMIT, "too many parts, or too deep");
	if (s->damaged)
		return mt_fail(err, MT_FORMAT, "has no status part");
	return mt_fail(err, MT_ABSENT,
	    s->foreign ? "not a report of delivery or feedback"
		       : "not a report");
}

enum mt_rc
mt_report_read(struct mt_str message, struct mt_str ours,
    struct mt_report *ret_report, struct mt_err *err)
{
	size_t n = mt_header_end(message);
	struct mt_str head = mt_str_n(message.p, n), returned;
	struct mt_str body = mt_str_n(message.p + n, message.n - n);
	struct mt_report r = { .rcpts = NULL };
	struct search s = { .kind = OTHER };
	enum mt_rc rc;

	if (find(&s, head, body, err) != MT_OK)
		return err->rc;
	r.kind = s.kind == FEEDBACK ? MT_REPORT_FEEDBACK : MT_REPORT_DELIVERY;
	mt_buf_init(&r.decoded, message.n);
	mt_buf_init(&r.header, message.n);
	mt_buf_init(&r.text, 4 * message.n + 64);
	if ((rc = decode(&s.status, &r.status, &r.decoded, err)) != MT_OK)
		goto fail;
	returned = returned_header(&r, &s.returned);
	/* Each field is kept in full at most twice; see status.h. */
	(void)mt_buf_reserve(
	    &r.text, 2 * (head.n + r.status.n + returned.n) + 1);
	n = r.text.cap;
	read_head(&r, head, ours);
	rc = r.kind == MT_REPORT_FEEDBACK ? read_feedback(&r, err)
					  : read_delivery(&r, err);
	if (rc != MT_OK)
		goto fail;
	read_returned(&r, returned, ours);
	assert(r.text.cap == n); /* else the views are stale */
	*ret_report = r;
	return MT_OK;
fail:
	mt_report_done(&r);
	return rc;
}

void
mt_report_done(struct mt_report *report)
{
	mt_free(report->rcpts);
	mt_buf_done(&report->text);
	mt_buf_done(&report->decoded);
	mt_buf_done(&report->header);
}

/* The line ends, and blanks before them, are not part of it. */
static void
add_lines(struct mt_str s, struct mt_buf *out)
{
	struct mt_str line;

	while (s.n > 0) {
		(void)mt_str_cut(s, '\n', &line, &s);
		while (line.n > 0 && mt_is_space(line.p[line.n - 1]))
			line.n--;
		mt_buf_str(out, line);
		mt_buf_c(out, '\n');
	}
}

void
mt_report_identity(const struct mt_report *report, struct mt_buf *out)
{
	mt_buf_z(out, report->kind == MT_REPORT_FEEDBACK ? "f\n" : "d\n");
	mt_buf_str(out, report->id);
	mt_buf_c(out, '\n');
	mt_buf_str(out, report->date);
	mt_buf_c(out, '\n');
	mt_buf_str(out, report->message_id);
	mt_buf_c(out, '\n');
	add_lines(report->status, out);
}
