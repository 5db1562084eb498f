/* SPDX-License-Identifier: BSD-2-Clause */
/* What a person may have meant by a word that is none. */
#ifndef CTL_NEAREST_H
#define CTL_NEAREST_H

#include <stddef.h>

/* Letters to add, drop, change or swap with the next; words of 31 at most. */
size_t ctl_distance(const char *a, const char *b);
/*
 * The index of the word nearest to `word`, or of the only one that begins with
 * it; n when none is near enough to be worth asking about.
 */
size_t ctl_nearest(const char *word, const char *const *words, size_t n);

#endif
