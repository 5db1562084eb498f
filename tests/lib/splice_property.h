/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What must hold for an insertion into any leaf that decodes, at any place:
 *
 *   - the edit stays inside the leaf;
 *   - a slow decoder of the test reads the leaf as lib/mail does, and the
 *     edited leaf as the original plus the text at that very place (with spaces
 *     before its last byte where it was stretched, and line ends around it
 *     where a line would have got too long);
 *   - no line is longer than the encoding allows, unless one was before.
 *
 * Input: two bytes for the place, one of flags, one for the text's length, and
 * the leaf; as it is, or (a flag) as content that is encoded here first, in
 * lines of any length, so that most inputs decode.
 */
#ifndef MT_TESTS_SPLICE_PROPERTY_H
#define MT_TESTS_SPLICE_PROPERTY_H

#include <stddef.h>
#include <stdint.h>

#include "base/words.h"

/* Ends the program, with a word on why, when something does not hold. */
void splice_property(
    enum mt_encoding encoding, const uint8_t *data, size_t size);

#endif
