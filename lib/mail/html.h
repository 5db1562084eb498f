/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Where a tag may be inserted into HTML, found as a browser's tokenizer reads
 * it: tags inside comments, conditional comments (both kinds), scripts,
 * styles, titles, text areas and attribute values are not tags. Bytes must be
 * a superset of ASCII. One pass, no copy, never fails.
 */
#ifndef MT_MAIL_HTML_H
#define MT_MAIL_HTML_H

#include <stddef.h>

#include "base/str.h"

/*
 * Before the last </body, else before the last </html, else after the last
 * byte that is not white space; never inside an element or comment that is
 * not closed, but before it. HTML of more than `unclipped` bytes: after the
 * first <body ...>, else after </head>, when there is one.
 */
size_t mt_html_point(struct mt_str html, size_t unclipped);
/*
 * Behind the tag at the start of html, which is "<" and a letter; 0 when it is
 * not closed.
 */
size_t mt_html_tag(struct mt_str html);

#endif
