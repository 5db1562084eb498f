/* SPDX-License-Identifier: BSD-2-Clause */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "history.h"
#include "prog/program.h"
#include "source.h"

/* Unlike lines that are told of, the most frequent programs first. */
#define TOLD_MAX 5

static const struct source_kind *const kinds[] = { &file_kind, &stdin_kind,
	&socket_kind, &redis_kind, &api_kind };

enum mt_rc
source_kind_of(
    struct mt_str word, const struct source_kind **ret_kind, struct mt_err *err)
{
	size_t i, n;

	for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		n = strlen(kinds[i]->prefix);
		if (!mt_str_starts(word, kinds[i]->prefix))
			continue;
		/* "-" is all of its word; a file's "/" is part of its path. */
		if (kinds[i] == &stdin_kind ? word.n != n : word.n <= n)
			break;
		if (kinds[i] == &socket_kind && word.p[n] != '/')
			break;
		*ret_kind = kinds[i];
		return MT_OK;
	}
	return mt_fail(err, MT_CONFIG,
	    "%s: not /PATH, -, unixgram:/PATH, redis:KEY or mailcow:NAME",
	    mt_quote(word).s);
}

/* rspamd's history, by the names that mailcow and rspamd itself give it. */
static bool
is_history(const struct source *s)
{
	if (s->kind == &api_kind)
		return strcmp(s->what, "rspamd-history") == 0;
	return s->kind == &redis_kind &&
	    mt_str_starts(mt_str(s->what), "rs_history");
}

static bool
ignores(void *arg, struct mt_str address)
{
	const struct tail *t = arg;

	return mt_ignore_has(t->ignore, address);
}

enum mt_rc
source_read_anew(struct source *s, struct mt_err *err)
{
	struct tail *t = s->tail;
	const struct mt_maillog_options options = {
		.host = mt_program_host(t->options->host),
		.host_of_line = t->options->host_of_line,
		.keep_lines = t->options->keep_lines,
		.frame = s->kind->frame,
		.zone = t->zone,
		.ignores = t->ignore != NULL ? ignores : NULL,
		.ignores_arg = t,
	};
	struct mt_maillog *log;

	if (mt_maillog_new(&options, &log, err) != MT_OK)
		return err->rc;
	mt_maillog_free(s->log);
	s->log = log;
	s->told = 0;
	return MT_OK;
}

enum mt_rc
source_new(struct tail *t, struct mt_str word, struct source **ret_source,
    struct mt_err *err)
{
	const struct source_kind *kind;
	struct source *s;

	if (source_kind_of(word, &kind, err) != MT_OK)
		return err->rc;
	s = mt_alloc(sizeof(*s));
	s->tail = t;
	s->kind = kind;
	s->name = mt_str_dup(word);
	s->what = kind == &file_kind ? s->name : s->name + strlen(kind->prefix);
	if (is_history(s)) {
		s->history = mt_alloc(sizeof(*s->history));
		history_init(s->history);
	}
	mt_spool_batch_init(&s->batch);
	mt_trouble_init(&s->trouble);
	if (source_read_anew(s, err) != MT_OK ||
	    kind->open(s, mt_tailed_find(&t->before, s->name), err) != MT_OK) {
		source_free(s);
		return err->rc;
	}
	*ret_source = s;
	return MT_OK;
}

void
source_free(struct source *s)
{
	if (s == NULL)
		return;
	s->kind->close(s);
	mt_maillog_free(s->log);
	if (s->history != NULL)
		history_done(s->history);
	mt_free(s->history);
	mt_spool_batch_done(&s->batch);
	mt_trouble_done(&s->trouble);
	mt_free(s->name);
	mt_free(s);
}

static enum mt_rc
take_event(void *arg, enum mt_event id, const void *ev, struct mt_err *err)
{
	struct source *s = arg;

	/* What is too long by itself is counted as lost by the spool. */
	if (mt_spool_batch_add(&s->batch, id, ev, err) != MT_OK)
		mt_log_every(60, MT_LOG_WARNING, "%s: %s; leaving it out",
		    s->name, err->msg);
	else
		s->counts.events++;
	return MT_OK;
}

static void
count(struct mt_tailed_counts *c, enum mt_maillog_kind kind)
{
	c->lines++;
	switch (kind) {
	case MT_MAILLOG_SILENT:
		c->silent++;
		break;
	case MT_MAILLOG_IGNORED:
		c->ignored++;
		break;
	case MT_MAILLOG_UNKNOWN:
		c->unknown++;
		break;
	case MT_MAILLOG_FOREIGN:
		c->foreign++;
		break;
	case MT_MAILLOG_DAMAGED:
		c->damaged++;
		break;
	case MT_MAILLOG_EVENT:
	default:
		break;
	}
}

/* Each is a moment by itself: its key needs no neighbours. */
static unsigned
take_row(struct source *s, struct mt_str row)
{
	struct tail *t = s->tail;
	const struct history_who who = {
		.ignores = t->ignore != NULL ? ignores : NULL,
		.arg = t,
	};
	struct mt_ev_scan ev;
	struct mt_err err;
	enum mt_rc rc;

	rc = history_read(s->history, row, mt_program_host(t->options->host),
	    &who, &ev, &err);
	if (rc == MT_OK) {
		(void)take_event(s, MT_EV_scan, &ev, &err);
		s->counts.last = (uint64_t)ev.at;
		count(&s->counts, MT_MAILLOG_EVENT);
	} else if (rc == MT_ABSENT) {
		count(&s->counts, MT_MAILLOG_IGNORED);
	} else {
		mt_log_every(60, MT_LOG_WARNING, "%s: %s; leaving the row out",
		    s->name, err.msg);
		count(&s->counts, MT_MAILLOG_DAMAGED);
	}
	return MT_MAILLOG_NEXT | MT_MAILLOG_GOOD;
}

unsigned
source_line(struct source *s, struct mt_str line, int64_t now)
{
	enum mt_maillog_kind kind = MT_MAILLOG_DAMAGED;
	struct mt_err err;

	s->moved = true;
	if (line.n == 0)
		return 0;
	if (s->history != NULL)
		return take_row(s, line);
	if (mt_maillog_line(s->log, line, now, take_event, s, &kind, &err) !=
	    MT_OK)
		mt_log_every(60, MT_LOG_WARNING, "%s: %s; leaving the line out",
		    s->name, err.msg);
	count(&s->counts, kind);
	s->counts.last = (uint64_t)mt_maillog_at(s->log);
	return mt_maillog_again(s->log);
}

static bool
append(struct source *s)
{
	struct tail *t = s->tail;
	struct mt_err err;
	enum mt_rc rc;

	if (s->batch.n == 0 && s->batch.refused == 0)
		return true;
	rc = s->kind->loses ? mt_spool_commit(t->spool, &s->batch, &err)
			    : mt_spool_try(t->spool, &s->batch, &err);
	if (rc == MT_OK) {
		mt_trouble_good(&t->spool_trouble);
		return true;
	}
	if (mt_trouble_on(&t->spool_trouble, (int)rc))
		mt_log(MT_LOG_WARNING, "%s; %s", err.msg,
		    s->kind->loses ? "counting what comes as lost"
				   : "waiting, the log keeps what is to come");
	return s->kind->loses;
}

bool
source_record(struct source *s)
{
	if (!s->moved)
		return true;
	if (!append(s))
		return false;
	s->moved = false;
	if (s->kind->recorded != NULL)
		s->kind->recorded(s);
	s->tail->unsaved = true;
	return true;
}

static void
keep_unknown(
    void *arg, struct mt_str program, uint64_t lines, struct mt_str sample)
{
	struct mt_tailed_source *out = arg;
	struct mt_tailed_unknown *u = &out->unknown[out->n_unknown];
	size_t i, n = program.n;

	(void)sample;
	if (out->n_unknown == MT_TAILED_UNKNOWN || n == 0)
		return;
	n = n < sizeof(u->program) ? n : sizeof(u->program) - 1;
	for (i = 0; i < n; i++)
		u->program[i] = mt_is_space(program.p[i]) ? '_' : program.p[i];
	u->program[n] = '\0';
	u->lines = lines;
	out->n_unknown++;
}

void
source_save(struct source *s, struct mt_tailed_source *out)
{
	out->counts = s->counts;
	mt_maillog_unknown(s->log, keep_unknown, out);
	if (s->kind->save != NULL)
		s->kind->save(s, out);
}

void
source_fails(struct source *s, const struct mt_err *err)
{
	if (mt_trouble_on(&s->trouble, err->sys != 0 ? err->sys : (int)err->rc))
		mt_log(MT_LOG_WARNING, "%s; trying again", err->msg);
}

void
source_works(struct source *s)
{
	mt_trouble_good(&s->trouble);
}

void
source_gap(struct source *s, const char *fmt, ...)
{
	char text[1024];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	s->counts.gaps++;
	s->tail->unsaved = true;
	mt_log(MT_LOG_ERR, "%s: %s", s->name, text);
}

struct telling {
	struct mt_buf text;
	size_t n;
};

static void
tell(void *arg, struct mt_str program, uint64_t lines, struct mt_str sample)
{
	struct telling *t = arg;

	if (t->n++ >= TOLD_MAX)
		return;
	mt_buf_printf(&t->text, "%s %" PRIu64 " of %s, such as: %s",
	    t->n > 1 ? ";" : "", lines, mt_quote(program).s,
	    mt_quote(sample).s);
}

void
source_tell(struct source *s)
{
	struct telling t = { .n = 0 };

	if (s->counts.unknown == s->told)
		return;
	mt_buf_init(&t.text, 8192);
	mt_maillog_unknown(s->log, tell, &t);
	mt_log(MT_LOG_WARNING, "%s: lines not understood:%s%s", s->name,
	    t.text.p, t.n > TOLD_MAX ? "; and of other programs" : "");
	mt_buf_done(&t.text);
	s->told = s->counts.unknown;
}
