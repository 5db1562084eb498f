/* SPDX-License-Identifier: BSD-2-Clause */
/* The parts of a trail as text: what trail_text.c puts one below the other. */
#ifndef CTL_TRAIL_SHOW_H
#define CTL_TRAIL_SHOW_H

#include <jansson.h>

#include "base/buf.h"
#include "text.h"

#define CTL_SHOWN 100 /* rows of one list; --json has all */
#define CTL_CELL_MAX 8192

/* before, text, after; nothing when there is no text. */
void ctl_add(struct mt_buf *out, const char *before, const char *text,
    const char *after);
enum ctl_color ctl_status_color(const char *status);
/* A row of a time line: when, what, and more about it. */
void ctl_event(struct ctl_table *t, const char *at, const char *what,
    enum ctl_color paint, const char *detail);

/* "no action, 1.5 of 15 (BAYES_HAM -3, ...)": rspamd's last verdict. */
void ctl_add_verdict(const json_t *trail, struct mt_buf *out);
enum ctl_color ctl_verdict_color(const json_t *trail);

/* Opens, as rows of a time line. */
void ctl_show_seen(const json_t *seen, struct ctl_table *t);
void ctl_show_recipients(const json_t *trail, bool color, FILE *out);
/* Steps, refusals and reports that are about the message as a whole. */
void ctl_show_queue(const json_t *trail, bool color, FILE *out);
void ctl_show_chain(const json_t *trail, bool color, FILE *out);
void ctl_show_lines(const json_t *trail, bool color, FILE *out);

#endif
