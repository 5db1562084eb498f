/* SPDX-License-Identifier: BSD-2-Clause */
/* A reader of log lines, for cmocka tests: what came of the line just fed. */
#ifndef MT_TESTS_LIB_MAILLOG_SCENE_H
#define MT_TESTS_LIB_MAILLOG_SCENE_H

#include <stdbool.h>

#include "maillog_text.h"

#define MAILLOG_MAX_EVENTS 64 /* of a line */

struct maillog_scene {
	struct mt_maillog *log;
	struct mt_buf text; /* events, one a line */
	unsigned n;
	int64_t at[MAILLOG_MAX_EVENTS];
	uint64_t key[MAILLOG_MAX_EVENTS];
	enum mt_event id[MAILLOG_MAX_EVENTS];
	enum mt_rc answer; /* of the sink */
};

#define MAILLOG_OPTIONS(where, ...) \
	((struct mt_maillog_options){ \
	    .host = MAILLOG_HOST, .zone = (where), __VA_ARGS__ })

/* One refusal, as it stands behind stamp and host. */
#define MAILLOG_REJECT \
	"postfix/smtpd[1]: NOQUEUE: reject: RCPT from x[192.0.2.1]: 554 5.7.1 no; from=<a@b.example> to=<c@d.example> proto=SMTP helo=<x>"

void maillog_begin(
    struct maillog_scene *s, const struct mt_maillog_options *options);
void maillog_end(struct maillog_scene *s);
/* The sink of the scene, for who feeds by himself. */
enum mt_rc maillog_take(
    void *arg, enum mt_event id, const void *ev, struct mt_err *err);
/* Forget the last line's events and read this one, which must not fail. */
enum mt_maillog_kind maillog_feed(
    struct maillog_scene *s, struct mt_str line, int64_t now);
enum mt_maillog_kind maillog_feedz(
    struct maillog_scene *s, const char *line); /* at MAILLOG_NOW */
/* Does this stand in the last line's events? */
bool maillog_says(const struct maillog_scene *s, const char *text);
int64_t maillog_time(const char *text);

#endif
