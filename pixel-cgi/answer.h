/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The answer: for every GET the same bytes, for every HEAD the same without
 * the image, for everything else the same refusal. Nothing else goes in, so
 * nothing can be learned from it. The image is a transparent GIF of 1x1 that
 * old decoders take too: palette, clear code, end of information.
 */
#ifndef PIXEL_ANSWER_H
#define PIXEL_ANSWER_H

#include "base/str.h"
#include "hit.h"

#define PIXEL_GIF_LEN 43

/* CGI header and body. */
struct mt_str pixel_answer(enum pixel_method method);

#endif
