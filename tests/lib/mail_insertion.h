/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What may have become of a decoded text: exactly one insertion, the expected
 * one, and quoted pixels (<img ...> with a token of ours) overwritten in their
 * place. All functions return NULL when that is so, else what is wrong.
 */
#ifndef MT_TESTS_MAIL_INSERTION_H
#define MT_TESTS_MAIL_INSERTION_H

#include <stdbool.h>

#include "base/str.h"

struct mail_change {
	struct mt_str was, is; /* decoded */
	const char *charset;
	struct mt_str url;
	struct mt_str notice; /* UTF-8; absent: none */
	bool coded; /* in base64 or quoted-printable: no line ends of ours */
	unsigned quoted; /* pixels that were overwritten */
};

/* HTML: notice and tag came in, as mt_tag_write makes them, and no more. */
const char *mail_html_changed(const struct mail_change *c);
/* Text: the notice's words came in, in their order, with white space. */
const char *mail_text_changed(const struct mail_change *c);
/* Is the token one of ours? Those with a Q first are. */
bool mail_is_ours(void *arg, struct mt_str token);

#endif
