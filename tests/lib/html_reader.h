/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A slow reader of HTML: the tokenizer of the WHATWG standard (13.2.5), state
 * by state and byte by byte, with the switches to raw text that its tree
 * construction makes in a body. It shares nothing with lib/mail/html.c and
 * says of each place between two bytes whether markup that begins there is
 * read as markup.
 */
#ifndef MT_TESTS_HTML_READER_H
#define MT_TESTS_HTML_READER_H

#include <stdbool.h>
#include <stddef.h>

#include "base/str.h"

#define HTML_NOWHERE ((size_t)-1)

struct html_reading {
	bool *open; /* owned; n + 1 places: may markup begin here? */
	bool *edge; /* owned; a tag or comment begins or ends here */
	size_t body_start; /* after the first <body ...> */
	size_t head_end; /* after the first </head> */
	size_t body_end; /* of the last </body> */
	size_t html_end; /* of the last </html> */
	size_t unclosed; /* where what the end cuts off begins */
	bool conditional; /* it holds "[if" or "[endif" */
};

void html_read(struct mt_str html, struct html_reading *ret_reading);
void html_reading_done(struct html_reading *r);

#endif
