/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>

#include "base/mem.h"
#include "html_reader.h"

enum state {
	DATA,
	TAG_OPEN,
	END_TAG_OPEN,
	TAG_NAME,
	BEFORE_NAME,
	NAME,
	AFTER_NAME,
	BEFORE_VALUE,
	DOUBLE_QUOTED,
	SINGLE_QUOTED,
	UNQUOTED,
	AFTER_VALUE,
	SELF_CLOSING,
	BOGUS_COMMENT, /* also DOCTYPE and CDATA: to the next ">" */
	DECLARATION, /* after "<!" */
	COMMENT_START,
	COMMENT_START_DASH,
	COMMENT,
	COMMENT_DASH,
	COMMENT_DASHES,
	COMMENT_BANG,
	RAW, /* RCDATA and RAWTEXT: to the end tag */
	PLAINTEXT,
	SCRIPT,
	SCRIPT_LESS,
	ESCAPE_START,
	ESCAPE_START_DASH,
	ESCAPED,
	ESCAPED_DASH,
	ESCAPED_DASHES,
	ESCAPED_LESS,
	DOUBLE_START,
	DOUBLE,
	DOUBLE_DASH,
	DOUBLE_DASHES,
	DOUBLE_LESS,
	DOUBLE_END
};

#define MAX_NAME 16

struct reader {
	struct mt_str h;
	size_t i; /* of the byte being read */
	enum state state;
	bool again; /* the state wants the byte given to the next one */
	size_t begin; /* of the token being read */
	bool ends; /* it is an end tag */
	char name[MAX_NAME + 1]; /* its name, cut */
	size_t name_n;
	char last[MAX_NAME + 1]; /* of the raw element that is open */
	size_t raw; /* where that begins, when its end tag is the token */
	struct html_reading *out;
};

static bool
is_white(char c)
{
	return c != '\0' && strchr("\t\n\f\r ", c) != NULL;
}

static bool
is_name_end(char c)
{
	return is_white(c) || c == '/' || c == '>';
}

static bool
is_letter(char c)
{
	return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

static bool
follows(const struct reader *r, size_t at, const char *lower)
{
	size_t n = strlen(lower), k;

	if (r->h.n - at < n)
		return false;
	for (k = 0; k < n; k++)
		if (mt_lower(r->h.p[at + k]) != lower[k])
			return false;
	return true;
}

static void
add_name(struct reader *r, char c)
{
	if (r->name_n <= MAX_NAME)
		r->name[r->name_n] = c != '\0' ? mt_lower(c) : '?';
	if (r->name_n < MAX_NAME)
		r->name_n++;
	else
		r->name[0] = '?'; /* too long for all that matter */
	r->name[r->name_n] = '\0';
}

static enum state
give_to(struct reader *r, enum state next)
{
	r->again = true;
	return next;
}

static bool
is_one_of(const char *name, const char *const *list)
{
	for (; *list != NULL; list++)
		if (strcmp(name, *list) == 0)
			return true;
	return false;
}

/* What a start tag makes of the text after it. */
static enum state
after_start(struct reader *r)
{
	static const char *const raw[] = { "title", "textarea", "style", "xmp",
		"iframe", "noembed", "noframes", NULL };

	memcpy(r->last, r->name, sizeof(r->last));
	if (is_one_of(r->name, raw))
		return RAW;
	if (strcmp(r->name, "script") == 0)
		return SCRIPT;
	return strcmp(r->name, "plaintext") == 0 ? PLAINTEXT : DATA;
}

/* The ">" of a tag or comment. */
static enum state
emit(struct reader *r)
{
	struct html_reading *o = r->out;
	size_t end = r->i + 1;

	o->edge[r->begin] = true;
	o->edge[end] = true;
	if (!r->ends) {
		if (strcmp(r->name, "body") == 0 &&
		    o->body_start == HTML_NOWHERE)
			o->body_start = end;
		return after_start(r);
	}
	if (strcmp(r->name, "body") == 0)
		o->body_end = r->begin;
	else if (strcmp(r->name, "html") == 0)
		o->html_end = r->begin;
	else if (strcmp(r->name, "head") == 0 && o->head_end == HTML_NOWHERE)
		o->head_end = end;
	return DATA;
}

static enum state
emit_comment(struct reader *r)
{
	r->out->edge[r->begin] = true;
	r->out->edge[r->i + 1] = true;
	return DATA;
}

static enum state
begin(struct reader *r, enum state next)
{
	r->begin = r->i;
	r->raw = HTML_NOWHERE;
	r->ends = false;
	r->name_n = 0;
	r->name[0] = '\0';
	return next;
}

static enum state
open_tag(struct reader *r, char c)
{
	switch ((int)r->state) {
	case DATA:
		return c == '<' ? begin(r, TAG_OPEN) : DATA;
	case TAG_OPEN:
		if (c == '!')
			return DECLARATION;
		if (c == '/')
			return END_TAG_OPEN;
		if (c == '?')
			return give_to(r, BOGUS_COMMENT);
		return give_to(r, is_letter(c) ? TAG_NAME : DATA);
	case END_TAG_OPEN:
		r->ends = true;
		if (is_letter(c))
			return give_to(r, TAG_NAME);
		return c == '>' ? emit_comment(r) : give_to(r, BOGUS_COMMENT);
	case TAG_NAME:
		if (is_name_end(c))
			return give_to(r, BEFORE_NAME);
		add_name(r, c);
		return TAG_NAME;
	default: /* DECLARATION */
		if (c == '-' && follows(r, r->i, "--")) {
			r->i++;
			return COMMENT_START;
		}
		return give_to(r, BOGUS_COMMENT);
	}
}

static enum state
attribute_name(struct reader *r, char c)
{
	switch ((int)r->state) {
	case BEFORE_NAME:
		if (is_white(c))
			return BEFORE_NAME;
		if (c == '/' || c == '>')
			return give_to(r, AFTER_NAME);
		return NAME; /* "=" as well */
	case NAME:
		if (is_name_end(c))
			return give_to(r, AFTER_NAME);
		return c == '=' ? BEFORE_VALUE : NAME;
	case AFTER_NAME:
		if (is_white(c))
			return AFTER_NAME;
		if (c == '/')
			return SELF_CLOSING;
		if (c == '=')
			return BEFORE_VALUE;
		return c == '>' ? emit(r) : give_to(r, NAME);
	default: /* SELF_CLOSING */
		return c == '>' ? emit(r) : give_to(r, BEFORE_NAME);
	}
}

static enum state
attribute_value(struct reader *r, char c)
{
	switch ((int)r->state) {
	case BEFORE_VALUE:
		if (is_white(c))
			return BEFORE_VALUE;
		if (c == '"')
			return DOUBLE_QUOTED;
		if (c == '\'')
			return SINGLE_QUOTED;
		return c == '>' ? emit(r) : give_to(r, UNQUOTED);
	case DOUBLE_QUOTED:
		return c == '"' ? AFTER_VALUE : DOUBLE_QUOTED;
	case SINGLE_QUOTED:
		return c == '\'' ? AFTER_VALUE : SINGLE_QUOTED;
	case UNQUOTED:
		if (is_white(c))
			return BEFORE_NAME;
		return c == '>' ? emit(r) : UNQUOTED;
	default: /* AFTER_VALUE */
		if (c == '/')
			return SELF_CLOSING;
		return c == '>' ? emit(r) : give_to(r, BEFORE_NAME);
	}
}

static enum state
comment(struct reader *r, char c)
{
	switch ((int)r->state) {
	case BOGUS_COMMENT:
		return c == '>' ? emit_comment(r) : BOGUS_COMMENT;
	case COMMENT_START:
		if (c == '-')
			return COMMENT_START_DASH;
		return c == '>' ? emit_comment(r) : give_to(r, COMMENT);
	case COMMENT_START_DASH:
		if (c == '-')
			return COMMENT_DASHES;
		return c == '>' ? emit_comment(r) : give_to(r, COMMENT);
	case COMMENT:
		return c == '-' ? COMMENT_DASH : COMMENT;
	case COMMENT_DASH:
		return c == '-' ? COMMENT_DASHES : give_to(r, COMMENT);
	case COMMENT_DASHES:
		if (c == '>')
			return emit_comment(r);
		if (c == '!')
			return COMMENT_BANG;
		return c == '-' ? COMMENT_DASHES : give_to(r, COMMENT);
	default: /* COMMENT_BANG */
		if (c == '-')
			return COMMENT_DASH;
		return c == '>' ? emit_comment(r) : give_to(r, COMMENT);
	}
}

/* Does the raw element's end tag begin at this "<"? Then read it. */
static bool
closes(struct reader *r)
{
	size_t after = r->i + 2 + strlen(r->last), raw = r->begin;

	if (!follows(r, r->i, "</") || !follows(r, r->i + 2, r->last) ||
	    after >= r->h.n || !is_name_end(r->h.p[after]))
		return false;
	(void)begin(r, DATA);
	r->raw = raw;
	r->ends = true;
	memcpy(r->name, r->last, sizeof(r->name));
	r->i = after - 1;
	return true;
}

static enum state
raw(struct reader *r, char c)
{
	if (r->state == PLAINTEXT)
		return PLAINTEXT;
	return c == '<' && closes(r) ? BEFORE_NAME : RAW;
}

static enum state
script(struct reader *r, char c)
{
	switch ((int)r->state) {
	case SCRIPT:
		if (c != '<')
			return SCRIPT;
		return closes(r) ? BEFORE_NAME : SCRIPT_LESS;
	case SCRIPT_LESS:
		return c == '!' ? ESCAPE_START : give_to(r, SCRIPT);
	case ESCAPE_START:
		return c == '-' ? ESCAPE_START_DASH : give_to(r, SCRIPT);
	case ESCAPE_START_DASH:
		return c == '-' ? ESCAPED_DASHES : give_to(r, SCRIPT);
	case ESCAPED:
	case ESCAPED_DASH:
	case ESCAPED_DASHES:
		if (c == '<')
			return closes(r) ? BEFORE_NAME : ESCAPED_LESS;
		if (c == '>' && r->state == ESCAPED_DASHES)
			return SCRIPT;
		if (c != '-')
			return ESCAPED;
		return r->state == ESCAPED ? ESCAPED_DASH : ESCAPED_DASHES;
	default: /* ESCAPED_LESS */
		r->name_n = 0;
		return give_to(r, is_letter(c) ? DOUBLE_START : ESCAPED);
	}
}

/* A name inside an escaped script: is it "script", and ended? */
static enum state
double_name(struct reader *r, char c, enum state yes, enum state no)
{
	if (is_name_end(c))
		return r->name_n == 6 && memcmp(r->name, "script", 6) == 0 ? yes
									   : no;
	if (!is_letter(c))
		return give_to(r, no);
	add_name(r, c);
	return r->state;
}

static enum state
twice_escaped(struct reader *r, char c)
{
	switch ((int)r->state) {
	case DOUBLE_START:
		return double_name(r, c, DOUBLE, ESCAPED);
	case DOUBLE_END:
		return double_name(r, c, ESCAPED, DOUBLE);
	case DOUBLE_LESS:
		r->name_n = 0;
		return c == '/' ? DOUBLE_END : give_to(r, DOUBLE);
	default:
		if (c == '<')
			return DOUBLE_LESS;
		if (c == '>' && r->state == DOUBLE_DASHES)
			return SCRIPT;
		if (c != '-')
			return DOUBLE;
		return r->state == DOUBLE ? DOUBLE_DASH : DOUBLE_DASHES;
	}
}

static enum state
step(struct reader *r, char c)
{
	if (r->state <= TAG_NAME || r->state == DECLARATION)
		return open_tag(r, c);
	if (r->state <= AFTER_NAME || r->state == SELF_CLOSING)
		return attribute_name(r, c);
	if (r->state <= AFTER_VALUE)
		return attribute_value(r, c);
	if (r->state <= COMMENT_BANG)
		return comment(r, c);
	if (r->state <= PLAINTEXT)
		return raw(r, c);
	return r->state <= ESCAPED_LESS ? script(r, c) : twice_escaped(r, c);
}

void
html_read(struct mt_str html, struct html_reading *ret_reading)
{
	struct reader r = { .h = html, .out = ret_reading };
	size_t from;

	*ret_reading = (struct html_reading){ .open = NULL };
	ret_reading->open =
	    mt_alloc_array(html.n + 1, sizeof(*ret_reading->open));
	ret_reading->edge =
	    mt_alloc_array(html.n + 1, sizeof(*ret_reading->edge));
	memset(ret_reading->open, 0, html.n + 1);
	memset(ret_reading->edge, 0, html.n + 1);
	ret_reading->body_start = ret_reading->head_end = HTML_NOWHERE;
	ret_reading->body_end = ret_reading->html_end = HTML_NOWHERE;
	ret_reading->unclosed = HTML_NOWHERE;
	for (r.i = 0; r.i < html.n; r.i++) {
		ret_reading->open[r.i] = r.state == DATA;
		ret_reading->conditional = ret_reading->conditional ||
		    follows(&r, r.i, "[if") || follows(&r, r.i, "[endif");
		from = r.i;
		do {
			r.again = false;
			r.state = step(&r, html.p[from]);
			/* After a "<" that is text. */
			if (r.again && r.state == DATA)
				ret_reading->open[from] = true;
		} while (r.again);
	}
	/* A "<" at the very end is text, whatever follows it. */
	ret_reading->open[html.n] = r.state == DATA || r.state == TAG_OPEN;
	if (!ret_reading->open[html.n])
		ret_reading->unclosed = r.raw != HTML_NOWHERE ? r.raw : r.begin;
}

void
html_reading_done(struct html_reading *r)
{
	mt_free(r->open);
	mt_free(r->edge);
}
