/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What must hold for the markup of any message, whoever wrote it:
 *
 *   - refused: no edit, the message comes out as it went in;
 *   - marked: all bytes outside the leaf are the same; the decoded leaf, read
 *     in its character set, is what it was plus exactly notice and tag, but for
 *     pixels of ours in it, which are overwritten byte for byte; structure,
 *     leaf, encoding are found again where they were; no line of the leaf is
 *     longer than its encoding allows, unless it was before;
 *   - with a notice in text/plain, the same holds of that leaf, where the
 *     notice's words came in;
 *   - the marked message can be marked again, at the same leaf.
 */
#ifndef MT_TESTS_MAIL_PROPERTY_H
#define MT_TESTS_MAIL_PROPERTY_H

#include "base/str.h"
#include "mail/markup.h"

#define MAIL_PROPERTY_URL \
	"https://t.example.org/i/AbCd-EfGh_IjKlMnOpQrStUvWxYz012345.gif"

/*
 * Header and body of a whole message, with all that is needed to mark it: URL,
 * notice (absent: none; else also in text/plain), tokens of mail_is_ours.
 */
struct mt_markup_in mail_input(struct mt_str message, struct mt_str notice);
/* NULL when all holds for m, which was made of in; else what does not. */
const char *mail_property(
    const struct mt_markup_in *in, const struct mt_markup *m);

#endif
