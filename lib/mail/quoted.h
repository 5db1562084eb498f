/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Pixels of ours in what a reply quotes: whoever opens the reply would fetch
 * them again, and be taken for the first reader. They are known by their
 * token, whatever host, proxy or attribute stands around it, and made to show
 * nothing: the tag <img ...> becomes <wbr ...> of the same length, which
 * displays nothing, moves no other byte, and does no harm where the tag stands
 * inside a comment. A tag with "<" or ">" inside stays.
 */
#ifndef MT_MAIL_QUOTED_H
#define MT_MAIL_QUOTED_H

#include <stdbool.h>
#include <stddef.h>

#include "base/limits.h"
#include "base/str.h"

struct mt_range {
	size_t from, to; /* to is behind the last byte */
};

struct mt_quoted_pixels {
	struct mt_range tag[MT_MAX_QUOTED]; /* in order, not overlapping */
	size_t n;
};

/*
 * Tags in HTML (a superset of ASCII) with .../i/<34 characters>.gif in them of
 * which is_ours says that it made them. Linear: at most MT_MAX_QUOTED such
 * texts are looked at, and no tag beyond MT_MAX_QUOTED_TAG bytes.
 */
void mt_quoted_find(struct mt_str html,
    bool (*is_ours)(void *arg, struct mt_str token), void *arg,
    struct mt_quoted_pixels *ret_pixels);
/*
 * What byte `at` of the decoded leaf becomes; c is what it was. *k is the
 * number of the tag that is looked at; for bytes in order it begins with 0.
 */
char mt_quoted_byte(
    const struct mt_quoted_pixels *pixels, size_t *k, size_t at, char c);

#endif
