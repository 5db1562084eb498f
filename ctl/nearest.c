/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdint.h>
#include <string.h>

#include "nearest.h"

#define WORD_MAX 31

static size_t
least(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* Damerau's distance, as far as swaps of neighbours go. */
size_t
ctl_distance(const char *a, const char *b)
{
	size_t d[WORD_MAX + 1][WORD_MAX + 1] = { { 0 } };
	size_t na = strlen(a), nb = strlen(b), i, j;

	if (na > WORD_MAX || nb > WORD_MAX)
		return SIZE_MAX;
	for (i = 0; i <= na; i++)
		d[i][0] = i;
	for (j = 0; j <= nb; j++)
		d[0][j] = j;
	for (i = 1; i <= na; i++) {
		for (j = 1; j <= nb; j++) {
			d[i][j] = least(d[i - 1][j], d[i][j - 1]) + 1;
			d[i][j] = least(
			    d[i][j], d[i - 1][j - 1] + (a[i - 1] != b[j - 1]));
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] &&
			    a[i - 2] == b[j - 1])
				d[i][j] = least(d[i][j], d[i - 2][j - 2] + 1);
		}
	}
	return d[na][nb];
}

static size_t
only_beginning(const char *word, const char *const *words, size_t n)
{
	size_t i, found = n, len = strlen(word);

	if (len == 0)
		return n;
	for (i = 0; i < n; i++) {
		if (strncmp(word, words[i], len) != 0)
			continue;
		if (found != n)
			return n;
		found = i;
	}
	return found;
}

size_t
ctl_nearest(const char *word, const char *const *words, size_t n)
{
	size_t best = only_beginning(word, words, n), far, i, distance;

	if (best != n)
		return best;
	/* A quarter of the letters may be wrong, and one more. */
	far = 1 + strlen(word) / 4;
	for (i = 0; i < n; i++) {
		distance = ctl_distance(word, words[i]);
		if (distance <= far && distance < strlen(words[i])) {
			best = i;
			far = distance - (distance > 0);
		}
	}
	return best;
}
