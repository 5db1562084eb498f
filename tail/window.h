/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Lists that grow at their newest end, lose their oldest and have no cursor:
 * where in what was fetched of one does the new begin? The last elements seen
 * are remembered by hash, and looked for as a sequence, since lines of one
 * second without a pid may be equal.
 */
#ifndef TAIL_WINDOW_H
#define TAIL_WINDOW_H

#include "source.h"

struct seen {
	uint64_t hash[MT_TAILED_SEEN]; /* the newest first */
	size_t n;
	uint64_t back; /* lines since the place to begin again, with its first
			*/
};

struct window {
	struct seen seen, recorded;
	uint64_t next; /* as back, of the next place (mt_maillog_again) */
	bool begun; /* something was looked for already */
	bool again; /* all of the list is to be read again */
	const struct mt_str *elements; /* borrowed; the newest first */
	size_t left; /* elements[left - 1] is the next line */
	size_t known; /* of those, that were seen and are only read again */
};

enum window_found {
	WINDOW_READY, /* left is set */
	WINDOW_MORE /* older ones are needed to tell */
};

void window_open(
    struct source *s, struct window *w, const struct mt_tailed_source *saved);
/*
 * What was fetched: n elements, which must live until window_work has had
 * them. all: the list has no others.
 */
enum window_found window_take(struct source *s, struct window *w,
    const struct mt_str *elements, size_t n, bool all);
/* Read some lines of it; true: there are more. */
bool window_work(struct source *s, struct window *w);
void window_recorded(struct window *w);
void window_save(const struct window *w, struct mt_tailed_source *out);

#endif
