/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Rows that are no longer right, since what was seen later tells the lives of a
 * short queue id apart otherwise, or since an offer names a recipient as it was
 * written.
 */
#ifndef COLLECTOR_WRONG_H
#define COLLECTOR_WRONG_H

#include "gather.h"
#include "life.h"
#include "query.h"

/* A life whose rows are to be made anew, or are to go. */
struct wrong_life {
	const struct target *target;
	int64_t born;
	bool gone;
};

struct wrong {
	struct query *query; /* borrowed */
	struct wrong_life *lives;
	size_t n, cap;
};

void wrong_init(struct wrong *w, struct query *query);
void wrong_done(struct wrong *w);
void wrong_begin(struct wrong *w);
/*
 * Rows that stand where lives begin no longer go; and when there are several
 * lives, anything may have moved from one to another.
 */
void wrong_find(struct wrong *w, const struct target *target,
    const struct known *known, size_t n_known, const struct life *lives,
    size_t n);
/* Delete or empty the rows of those that were found. */
MT_MUST_CHECK enum mt_rc wrong_undo(struct wrong *w, struct mt_err *err);
/*
 * Delete recipients that only the log named, under their key, until the offer
 * came and named them as they were written.
 */
MT_MUST_CHECK enum mt_rc wrong_drop_renamed(
    struct wrong *w, const struct gathered *g, struct mt_err *err);

#endif
