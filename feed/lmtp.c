/* SPDX-License-Identifier: BSD-2-Clause */
#include "lmtp.h"

#include <string.h>

#define OUT_ENOUGH 16384 /* read no more commands before this is sent */

static void
say(struct lmtp *s, const char *reply)
{
	mt_buf_z(&s->out, reply);
	mt_buf_z(&s->out, "\r\n");
}

static void
forget_message(struct lmtp *s)
{
	s->mail = false;
	s->rcpts = 0;
	/* The memory of a long one goes, too. */
	mt_buf_done(&s->message);
	mt_buf_init(&s->message, s->message_max);
}

void
lmtp_init(struct lmtp *s, const char *host, size_t message_max, lmtp_take *take,
    void *arg)
{
	*s = (struct lmtp){ .host = host,
		.take = take,
		.arg = arg,
		.message_max = message_max };
	mt_buf_init(&s->line, LMTP_LINE);
	mt_buf_init(&s->message, message_max);
	mt_buf_init(&s->out, LMTP_OUT);
	mt_buf_printf(&s->out, "220 %s LMTP mailtrail-feed\r\n", host);
}

void
lmtp_done(struct lmtp *s)
{
	mt_buf_done(&s->line);
	mt_buf_done(&s->message);
	mt_buf_done(&s->out);
}

void
lmtp_end(struct lmtp *s, const char *reply)
{
	if (s->state != LMTP_OVER)
		say(s, reply);
	s->state = LMTP_OVER;
}

static void
do_lhlo(struct lmtp *s, struct mt_str arg)
{
	if (arg.n == 0) {
		say(s, "501 5.5.4 LHLO needs a name");
		return;
	}
	forget_message(s);
	s->greeted = true;
	mt_buf_printf(&s->out,
	    "250-%s\r\n250-PIPELINING\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n"
	    "250-SIZE\r\n250 ENHANCEDSTATUSCODES\r\n",
	    s->host);
}

/* "FROM:<path> parameters": the parameters; false when it is no path. */
static bool
cut_path(struct mt_str arg, const char *word, struct mt_str *ret_params)
{
	size_t n = strlen(word), i;
	bool quoted = false;

	if (arg.n < n || !mt_str_eqz_nocase(mt_str_n(arg.p, n), word))
		return false;
	arg = mt_str_trim(mt_str_n(arg.p + n, arg.n - n));
	if (arg.n < 2 || arg.p[0] != '<')
		return false;
	for (i = 1; i < arg.n; i++) {
		if (arg.p[i] == '\\' && quoted)
			i++;
		else if (arg.p[i] == '"')
			quoted = !quoted;
		else if (arg.p[i] == '>' && !quoted)
			break;
	}
	if (i >= arg.n)
		return false;
	*ret_params = mt_str_trim(mt_str_n(arg.p + i + 1, arg.n - i - 1));
	return i + 1 == arg.n || mt_is_space(arg.p[i + 1]);
}

/* Only those of extensions that were announced. */
static bool
good_params(struct mt_str params)
{
	static const char *const known[] = { "SIZE", "BODY", "SMTPUTF8" };
	struct mt_str param, name, value;
	size_t i;

	while (params.n > 0) {
		(void)mt_str_cut(params, ' ', &param, &params);
		(void)mt_str_cut(param, '=', &name, &value);
		for (i = 0; i < sizeof(known) / sizeof(known[0]); i++)
			if (mt_str_eqz_nocase(name, known[i]))
				break;
		if (param.n > 0 && i == sizeof(known) / sizeof(known[0]))
			return false;
	}
	return true;
}

static void
do_mail(struct lmtp *s, struct mt_str arg)
{
	struct mt_str params;

	if (!s->greeted || s->mail)
		say(s,
		    s->mail ? "503 5.5.1 there is a sender already"
			    : "503 5.5.1 LHLO first");
	else if (!cut_path(arg, "FROM:", &params))
		say(s, "501 5.5.4 MAIL FROM:<address>");
	else if (!good_params(params))
		say(s, "555 5.5.4 unknown parameter");
	else {
		s->mail = true;
		say(s, "250 2.1.0 ok");
	}
}

static void
do_rcpt(struct lmtp *s, struct mt_str arg)
{
	struct mt_str params;

	if (!s->mail)
		say(s, "503 5.5.1 MAIL first");
	else if (!cut_path(arg, "TO:", &params))
		say(s, "501 5.5.4 RCPT TO:<address>");
	else if (params.n > 0)
		say(s, "555 5.5.4 unknown parameter");
	else if (s->rcpts == LMTP_RCPTS)
		say(s, "452 4.5.3 too many recipients");
	else {
		s->rcpts++;
		say(s, "250 2.1.5 ok");
	}
}

static void
do_data(struct lmtp *s, struct mt_str arg)
{
	if (arg.n > 0) {
		say(s, "501 5.5.4 DATA has no argument");
	} else if (s->rcpts == 0) {
		say(s, "503 5.5.1 no recipients");
	} else {
		s->state = LMTP_DATA;
		s->dot = DOT_LINE;
		say(s, "354 go on, end with a dot");
	}
}

static void
do_rset(struct lmtp *s, struct mt_str arg)
{
	(void)arg;
	forget_message(s);
	say(s, "250 2.0.0 ok");
}

static void
do_noop(struct lmtp *s, struct mt_str arg)
{
	(void)arg;
	say(s, "250 2.0.0 ok");
}

static void
do_vrfy(struct lmtp *s, struct mt_str arg)
{
	(void)arg;
	say(s, "252 2.5.2 any address will do");
}

static void
do_quit(struct lmtp *s, struct mt_str arg)
{
	(void)arg;
	lmtp_end(s, "221 2.0.0 bye");
}

static void
do_helo(struct lmtp *s, struct mt_str arg)
{
	(void)arg;
	say(s, "500 5.5.1 this is LMTP: LHLO");
}

static const struct {
	const char *verb;
	void (*run)(struct lmtp *s, struct mt_str arg);
} commands[] = {
	{ "LHLO", do_lhlo },
	{ "MAIL", do_mail },
	{ "RCPT", do_rcpt },
	{ "DATA", do_data },
	{ "RSET", do_rset },
	{ "NOOP", do_noop },
	{ "VRFY", do_vrfy },
	{ "QUIT", do_quit },
	{ "HELO", do_helo },
	{ "EHLO", do_helo },
};

static void
command(struct lmtp *s, struct mt_str line)
{
	struct mt_str verb, arg;
	size_t i;

	(void)mt_str_cut(line, ' ', &verb, &arg);
	for (i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		if (mt_str_eqz_nocase(mt_str_trim(verb), commands[i].verb)) {
			commands[i].run(s, mt_str_trim(arg));
			return;
		}
	say(s, "500 5.5.2 unknown command");
}

/* Bytes of a command line; how many were taken. */
static size_t
input_line(struct lmtp *s, const char *p, size_t n)
{
	const char *eol = memchr(p, '\n', n);
	size_t taken = eol != NULL ? (size_t)(eol - p) + 1 : n;
	struct mt_str line;

	if (s->state == LMTP_COMMAND)
		mt_buf_add(&s->line, p, taken);
	if (mt_buf_over(&s->line)) {
		mt_buf_reset(&s->line);
		s->state = LMTP_SKIP;
	}
	if (eol == NULL)
		return taken;
	line = mt_buf_view(&s->line);
	if (s->state == LMTP_SKIP) {
		s->state = LMTP_COMMAND;
		say(s, "500 5.5.2 line too long");
	} else if (line.n < 2 || line.p[line.n - 2] != '\r') {
		say(s, "500 5.5.2 lines end with CR LF");
	} else {
		line.n -= 2;
		command(s, line);
	}
	mt_buf_reset(&s->line);
	return taken;
}

/* The start of a message is kept. */
static void
keep(struct lmtp *s, const char *p, size_t n)
{
	size_t room = s->message.max - s->message.n;

	mt_buf_add(&s->message, p, n < room ? n : room);
}

static void
end_message(struct lmtp *s)
{
	struct mt_buf reply;
	unsigned i;

	mt_buf_init(&reply, LMTP_REPLY);
	s->take(s->arg, mt_buf_view(&s->message), &reply);
	for (i = 0; i < s->rcpts; i++)
		say(s, reply.p);
	mt_buf_done(&reply);
	s->state = LMTP_COMMAND;
	forget_message(s);
}

/* The next state of the line end and dot. */
static enum lmtp_dot
next_dot(enum lmtp_dot dot, char c)
{
	if (dot == DOT_LINE && c == '.')
		return DOT_DOT;
	if (c == '\r')
		return dot == DOT_DOT ? DOT_DOT_CR : DOT_CR;
	if (c == '\n' && (dot == DOT_CR || dot == DOT_DOT_CR))
		return DOT_LINE;
	return DOT_TEXT;
}

static size_t
input_data(struct lmtp *s, const char *p, size_t n)
{
	enum lmtp_dot dot;
	const char *cr;
	size_t i, plain;

	for (i = 0; i < n; i++) {
		dot = s->dot;
		/* Most bytes are text up to the next CR. */
		if (dot == DOT_TEXT) {
			cr = memchr(p + i, '\r', n - i);
			plain = cr != NULL ? (size_t)(cr - p) - i : n - i;
			keep(s, p + i, plain);
			i += plain;
			if (i == n)
				break;
		}
		s->dot = next_dot(dot, p[i]);
		if (dot == DOT_DOT_CR && s->dot == DOT_LINE) {
			end_message(s);
			return i + 1;
		}
		/* The dot that doubles another is not part of it. */
		if (dot == DOT_DOT_CR)
			keep(s, "\r", 1);
		if (s->dot != DOT_DOT && s->dot != DOT_DOT_CR)
			keep(s, p + i, 1);
	}
	return n;
}

size_t
lmtp_input(struct lmtp *s, const char *p, size_t n)
{
	size_t at = 0;

	while (at < n && s->state != LMTP_OVER && s->out.n < OUT_ENOUGH)
		at += s->state == LMTP_DATA ? input_data(s, p + at, n - at)
					    : input_line(s, p + at, n - at);
	return at;
}
