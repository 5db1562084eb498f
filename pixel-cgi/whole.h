/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Does a whole FastCGI request stand in these bytes? A thread is given a
 * connection only then, so that peers which send slowly, or stop, hold none.
 * FastCGI specification 1.0, sections 3.3 (records) and 5 (their order).
 */
#ifndef PIXEL_WHOLE_H
#define PIXEL_WHOLE_H

#include <stdbool.h>

#include "base/str.h"

/*
 * True also for what never becomes one: the library has to refuse it. Bytes
 * that come later do not make it false. (A peer that sends single bytes fills
 * the socket's buffer with a few hundred of them, and stays alone with that.)
 */
bool pixel_whole(struct mt_str bytes);

#endif
