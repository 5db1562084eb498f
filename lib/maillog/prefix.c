/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>

#include "maillog/flat.h"
#include "maillog/prefix.h"
#include "maillog/scan.h"

#define UTF8_BOM "\xef\xbb\xbf"

static bool
is_digits(struct mt_str s)
{
	size_t i;

	for (i = 0; i < s.n; i++)
		if (!mt_is_digit(s.p[i]))
			return false;
	return s.n > 0;
}

static void
skip_spaces(struct mt_str *s)
{
	size_t n = 0;

	while (n < s->n && s->p[n] == ' ')
		n++;
	*s = mt_str_n(s->p + n, s->n - n);
}

/* "last message repeated 3 times" of syslogd, "message repeated 3 times: [
 * ...]" of rsyslog. */
static void
read_repeats(struct mt_prefix *p)
{
	struct mt_str s = p->text;
	uint64_t n;

	(void)mt_scan_text(&s, MT_LIT("last "));
	if (!mt_scan_text(&s, MT_LIT("message repeated ")) ||
	    !mt_scan_number(&s, UINT32_MAX, &n) || n == 0 ||
	    !mt_scan_text(&s, MT_LIT(" times")))
		return;
	if (n > MT_MAILLOG_REPEATS)
		n = MT_MAILLOG_REPEATS;
	if (s.n == 0) {
		p->tag = p->pid = p->text = mt_str(NULL);
		p->repeats = (unsigned)n;
	} else if (mt_scan_text(&s, MT_LIT(": [ ")) && s.n > 0 &&
	    s.p[s.n - 1] == ']') {
		p->text = mt_str_n(s.p, s.n - 1);
		p->repeats = (unsigned)n;
	}
}

/* Solaris: "[ID 197553 mail.info] " before the text. */
static void
skip_id(struct mt_str *text)
{
	struct mt_str s = *text, id;

	if (mt_scan_text(&s, MT_LIT("[ID ")) && mt_scan_to(&s, ']', &id) &&
	    mt_scan_text(&s, MT_LIT(" ")))
		*text = s;
}

/* "postfix/smtp[12]: text"; spaces may stand before the bracket (fail2ban). */
static bool
read_tag(struct mt_str s, struct mt_prefix *p)
{
	struct mt_str pid;
	size_t n = 0;

	while (n < s.n && s.p[n] != ':' && s.p[n] != '[' && s.p[n] != ' ')
		n++;
	if (n == 0)
		return false;
	p->tag = mt_str_n(s.p, n);
	s = mt_str_n(s.p + n, s.n - n);
	skip_spaces(&s);
	if (mt_scan_text(&s, MT_LIT("["))) {
		if (!mt_scan_to(&s, ']', &pid) || !is_digits(pid))
			return false;
		p->pid = pid;
	}
	if (!mt_scan_text(&s, MT_LIT(":")))
		return false;
	(void)mt_scan_text(&s, MT_LIT(" "));
	p->text = s;
	if (s.n > 0 && s.p[0] == '[')
		skip_id(&p->text);
	if (s.n > 0 && (s.p[0] == 'm' || s.p[0] == 'l'))
		read_repeats(p);
	return true;
}

/* What follows the time in syslog's and RFC 3339's frames: "host tag: text". */
static bool
read_rest(struct mt_str s, struct mt_prefix *p)
{
	struct mt_str host, rest;
	char last;

	skip_spaces(&s);
	rest = s;
	if (!mt_scan_to(&rest, ' ', &host) || host.n == 0)
		return false;
	last = host.p[host.n - 1];
	if (last == ':') /* no host: that was the tag */
		return read_tag(s, p);
	p->host = host;
	if (rest.n > 0 && (rest.p[0] == 'l' || rest.p[0] == 'm')) {
		p->text = rest;
		read_repeats(p);
		if (p->repeats > 0 && p->text.p == NULL)
			return true;
	}
	return read_tag(rest, p);
}

/* A token up to a space; "-" is nil and absent. */
static bool
read_nilable(struct mt_str *s, struct mt_str *ret_token)
{
	if (!mt_scan_to(s, ' ', ret_token) || ret_token->n == 0)
		return false;
	if (mt_str_eqz(*ret_token, "-"))
		*ret_token = mt_str(NULL);
	return true;
}

/* RFC 5424 6.3: "-", or elements in brackets whose values are quoted. */
static bool
skip_data(struct mt_str *s)
{
	bool quoted = false, inside = false;
	size_t i;

	if (mt_scan_text(s, MT_LIT("-")))
		return true;
	for (i = 0; i < s->n; i++) {
		char c = s->p[i];

		if (quoted && c == '\\')
			i++;
		else if (c == '"' && inside)
			quoted = !quoted;
		else if (!quoted && c == '[')
			inside = true;
		else if (!quoted && c == ']')
			inside = false;
		else if (!inside)
			break;
	}
	if (i == 0 || i > s->n || inside)
		return false;
	*s = mt_str_n(s->p + i, s->n - i);
	return true;
}

/* What follows "<22>1 ". */
static bool
read_rfc5424(struct mt_when *when, struct mt_str s, struct mt_prefix *p)
{
	struct mt_str id;

	if (!mt_when_rfc3339(when, &s, &p->at) ||
	    !mt_scan_text(&s, MT_LIT(" ")) || !read_nilable(&s, &p->host) ||
	    !read_nilable(&s, &p->tag) || p->tag.p == NULL ||
	    !read_nilable(&s, &p->pid) || !read_nilable(&s, &id) ||
	    !skip_data(&s))
		return false;
	if (p->pid.p != NULL && !is_digits(p->pid))
		p->pid = mt_str(NULL);
	(void)mt_scan_text(&s, MT_LIT(" "));
	(void)mt_scan_text(&s, MT_LIT(UTF8_BOM));
	p->text = s;
	read_repeats(p);
	return true;
}

/* The members of a JSON frame, as they stand. */
struct members {
	struct mt_str time, realtime, host, program, identifier, syslog_pid;
	struct mt_str pid, message, journal_message, priority;
};

static void
keep_member(struct members *m, struct mt_str name, struct mt_str value)
{
	static const struct {
		const char *name;
		size_t off;
	} wanted[] = {
#define M(name, member) { name, offsetof(struct members, member) }
		M("MESSAGE", journal_message), M("message", message),
		M("time", time), M("program", program), M("priority", priority),
		M("_PID", pid), M("SYSLOG_PID", syslog_pid),
		M("SYSLOG_IDENTIFIER", identifier), M("_HOSTNAME", host),
		M("__REALTIME_TIMESTAMP", realtime)
#undef M
	};
	size_t i;

	for (i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++)
		if (mt_str_eqz(name, wanted[i].name)) {
			memcpy(
			    (char *)m + wanted[i].off, &value, sizeof(value));
			return;
		}
}

/* The text of a member that may be missing. */
static struct mt_str
member_text(struct mt_str value, struct mt_buf *buf)
{
	struct mt_str text;

	if (value.p == NULL || !mt_flat_text(value, buf, &text))
		return mt_str(NULL);
	return text;
}

static bool
read_journal(const struct members *m, struct mt_buf *buf, struct mt_prefix *p)
{
	struct mt_str us = member_text(m->realtime, buf);
	uint64_t at;

	if (!mt_scan_number(&us, INT64_MAX, &at) || us.n > 0 || at == 0)
		return false;
	p->at = (int64_t)at;
	p->host = member_text(m->host, buf);
	p->tag = member_text(m->identifier, buf);
	p->pid =
	    member_text(m->syslog_pid.p != NULL ? m->syslog_pid : m->pid, buf);
	if (p->pid.p != NULL && !is_digits(p->pid))
		p->pid = mt_str(NULL);
	return mt_flat_text(m->journal_message, buf, &p->text);
}

/* Lists of mailcow's own programs have no program; netfilter's is the one with
 * a priority. */
static bool
read_mailcow(const struct members *m, struct mt_buf *buf, struct mt_prefix *p)
{
	if (!mt_when_seconds(member_text(m->time, buf), &p->at) ||
	    !mt_flat_text(m->message, buf, &p->text))
		return false;
	p->tag = member_text(m->program, buf);
	if (p->tag.p == NULL)
		p->tag = m->priority.p != NULL ? MT_LIT("netfilter")
					       : MT_LIT("mailcow");
	return true;
}

static bool
read_json(struct mt_str line, enum mt_frame frame, struct mt_buf *buf,
    struct mt_prefix *p)
{
	struct mt_flat flat = { .rest = line };
	struct members m = { 0 };
	struct mt_str name, value;
	bool good;

	/* Nothing decoded is longer than it was: buf never moves. */
	if (!mt_buf_reserve(buf, line.n))
		return false;
	while (mt_flat_next(&flat, &name, &value))
		keep_member(&m, name, value);
	if (!flat.whole)
		return false;
	if (m.journal_message.p != NULL)
		good = frame != MT_frame_mailcow && read_journal(&m, buf, p);
	else
		good = frame != MT_frame_journal && m.message.p != NULL &&
		    read_mailcow(&m, buf, p);
	if (!good)
		return false;
	if (p->tag.p == NULL)
		p->tag = MT_LIT("");
	read_repeats(p);
	return true;
}

static bool
wants(enum mt_frame frame, enum mt_frame is)
{
	return frame == MT_frame_absent || frame == is;
}

/* "<22>" of a line that comes from a socket. */
static bool
skip_priority(struct mt_str *s)
{
	struct mt_str rest = *s;
	uint64_t priority;

	if (!mt_scan_text(&rest, MT_LIT("<")) ||
	    !mt_scan_number(&rest, 191, &priority) ||
	    !mt_scan_text(&rest, MT_LIT(">")))
		return false;
	*s = rest;
	return true;
}

bool
mt_prefix_read(struct mt_when *when, struct mt_buf *buf, enum mt_frame frame,
    struct mt_str line, int64_t now, struct mt_prefix *ret_prefix)
{
	struct mt_prefix p = { 0 };
	struct mt_str s = line;
	bool good = false;

	while (s.n > 0 && (s.p[s.n - 1] == '\r' || s.p[s.n - 1] == '\n'))
		s.n--;
	mt_buf_reset(buf);
	if (s.n > 0 && s.p[0] == '{') {
		if (frame == MT_frame_absent || frame == MT_frame_journal ||
		    frame == MT_frame_mailcow)
			good = read_json(s, frame, buf, &p);
	} else if (skip_priority(&s) && mt_scan_text(&s, MT_LIT("1 "))) {
		good =
		    wants(frame, MT_frame_rfc5424) && read_rfc5424(when, s, &p);
	} else if ((wants(frame, MT_frame_syslog) &&
		       mt_when_classic(when, &s, now, &p.at)) ||
	    (wants(frame, MT_frame_rfc3339) &&
		mt_when_rfc3339(when, &s, &p.at))) {
		good = read_rest(s, &p);
	} else if (wants(frame, MT_frame_fail2ban) &&
	    mt_when_comma(when, &s, now, &p.at)) {
		skip_spaces(&s);
		good = read_tag(s, &p);
	}
	if (good)
		*ret_prefix = p;
	return good;
}
