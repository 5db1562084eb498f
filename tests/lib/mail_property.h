/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What must hold for the markup of any message, whoever wrote it:
 *
 *   - refused: no edit, the message comes out as it went in;
 *   - marked: one edit; all bytes outside the leaf are the same; the decoded
 *     leaf is what it was plus one insertion, which holds the tag; structure,
 *     leaf, encoding are found again where they were; no line of the leaf is
 *     longer than its encoding allows, unless it was before;
 *   - the marked message can be marked again, at the same leaf.
 */
#ifndef MT_TESTS_MAIL_PROPERTY_H
#define MT_TESTS_MAIL_PROPERTY_H

#include "base/str.h"
#include "mail/markup.h"

#define MAIL_PROPERTY_URL \
	"https://t.example.org/i/AbCd-EfGh_IjKlMnOpQrStUvWxYz012345.gif"

/* Header and body of a whole message, with URL and notice to mark it. */
struct mt_markup_in mail_input(struct mt_str message, struct mt_str notice);
/* NULL when all holds for m, which was made of in; else what does not. */
const char *mail_property(
    const struct mt_markup_in *in, const struct mt_markup *m);

#endif
