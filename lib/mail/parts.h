/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The parts of a multipart, one after the other, as RFC 2046 5.1 divides it.
 * For reading only, and lenient: a part that no delimiter ends, goes to the
 * end. (What may be changed is found by mime.h, which distrusts everything.)
 * Borrows, copies nothing, never fails.
 *
 *     struct mt_parts it = { .rest = body, .boundary = mt_str(e.boundary) };
 *     struct mt_part part;
 *     while (mt_parts_next(&it, &part)) ...
 */
#ifndef MT_MAIL_PARTS_H
#define MT_MAIL_PARTS_H

#include <stdbool.h>

#include "base/str.h"

struct mt_part {
	struct mt_str head; /* with its empty line, if it has one */
	struct mt_str body; /* without the line end before the delimiter */
};

struct mt_parts {
	struct mt_str rest;
	struct mt_str boundary; /* not empty */
	bool inside; /* rest begins behind an open delimiter */
	bool closed;
};

bool mt_parts_next(struct mt_parts *it, struct mt_part *ret_part);

#endif
