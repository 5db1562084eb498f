/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What we put into HTML: the notice, when there is one, and the pixel's tag.
 * Plain ASCII in every case (other characters become entities), so it reads
 * the same in every superset of ASCII. Nothing in it hides anything by style:
 * some receivers take that for deceit. The image stands outside the flow
 * (position:absolute): in it, even one pixel keeps margins from collapsing, and
 * what follows moves by a line. Readers that drop the position show a block.
 */
#ifndef MT_MAIL_TAG_H
#define MT_MAIL_TAG_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/str.h"

#define MT_TAG_MAX 32768 /* the longest notice, all entities, and the tag */

/* Printable ASCII, not empty, and its tag fits into one line. */
bool mt_tag_url_valid(struct mt_str url);
/*
 * Append notice and tag. With an eol, no line of it is longer than 998 bytes
 * and none but the first begins with anything but a space, ">" or "<"; with
 * an empty eol it is one line.
 */
void mt_tag_write(struct mt_str url, struct mt_str notice, struct mt_str eol,
    struct mt_buf *out);

#endif
