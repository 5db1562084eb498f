/* SPDX-License-Identifier: BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "maillog_scene.h"

#define MAX_TEXT 16777216

enum mt_rc
maillog_take(void *arg, enum mt_event id, const void *ev, struct mt_err *err)
{
	struct maillog_scene *s = arg;
	const struct mt_event_desc *d = &mt_events[id];
	size_t i;

	assert_true(s->n < MAILLOG_MAX_EVENTS);
	s->id[s->n] = id;
	for (i = 0; i < d->n; i++) {
		if (strcmp(d->fields[i].name, "at") == 0)
			s->at[s->n] =
			    *(const int64_t *)mt_field_at(&d->fields[i], ev);
		if (strcmp(d->fields[i].name, "line") == 0)
			s->key[s->n] =
			    *(const uint64_t *)mt_field_at(&d->fields[i], ev);
	}
	maillog_text(&s->text, id, ev);
	mt_buf_c(&s->text, '\n');
	s->n++;
	return s->answer == MT_OK ? MT_OK
				  : mt_fail(err, s->answer, "the sink is full");
}

void
maillog_begin(struct maillog_scene *s, const struct mt_maillog_options *options)
{
	struct mt_err err;

	*s = (struct maillog_scene){ 0 };
	mt_buf_init(&s->text, MAX_TEXT);
	assert_int_equal(mt_maillog_new(options, &s->log, &err), MT_OK);
}

void
maillog_end(struct maillog_scene *s)
{
	mt_buf_done(&s->text);
	mt_maillog_free(s->log);
}

enum mt_maillog_kind
maillog_feed(struct maillog_scene *s, struct mt_str line, int64_t now)
{
	enum mt_maillog_kind kind;
	struct mt_err err;

	s->n = 0;
	mt_buf_reset(&s->text);
	assert_int_equal(
	    mt_maillog_line(s->log, line, now, maillog_take, s, &kind, &err),
	    MT_OK);
	return kind;
}

enum mt_maillog_kind
maillog_feedz(struct maillog_scene *s, const char *line)
{
	return maillog_feed(s, mt_str(line), MAILLOG_NOW);
}

int64_t
maillog_time(const char *text)
{
	int64_t at;

	if (!mt_time_read(mt_str(text), &at))
		fail_msg("%s: no time", text);
	return at;
}

bool
maillog_says(const struct maillog_scene *s, const char *text)
{
	return strstr(s->text.p, text) != NULL;
}
