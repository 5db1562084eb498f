/* SPDX-License-Identifier: BSD-2-Clause */
#include <inttypes.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "window.h"

#define LINES 500 /* read at once, before they are recorded */

void
window_open(
    struct source *s, struct window *w, const struct mt_tailed_source *saved)
{
	if (saved == NULL || saved->n_seen == 0)
		return;
	memcpy(w->seen.hash, saved->seen, sizeof(w->seen.hash));
	w->seen.n = saved->n_seen;
	w->seen.back = saved->back;
	w->recorded = w->seen;
	s->counts.last = saved->counts.last;
	/* The spool may lack what was recorded just before. */
	w->again = s->tail->rebooted;
}

/* How many of the remembered stand at i; all that could is enough. */
static size_t
matches(const struct seen *seen, const uint64_t *hashes, size_t n, size_t i)
{
	size_t j;

	for (j = 0; j < seen->n && i + j < n; j++)
		if (hashes[i + j] != seen->hash[j])
			return 0;
	return j;
}

/*
 * How many are newer than what was seen last; n: that is not there. *ret_sure:
 * no older ones are needed to tell. Who has seen less than can be remembered
 * has seen all there was, up to the list's end.
 */
static size_t
find(const struct seen *seen, const uint64_t *hashes, size_t n, bool all,
    bool *ret_sure)
{
	size_t i, m, first = n;

	*ret_sure = all;
	for (i = 0; i < n; i++) {
		if ((m = matches(seen, hashes, n, i)) == 0)
			continue;
		if (m == MT_TAILED_SEEN) {
			*ret_sure = true;
			return i;
		}
		if (all && i + m == n)
			return i;
		first = first == n ? i : first;
	}
	return first;
}

static void
push(struct seen *seen, uint64_t hash)
{
	memmove(&seen->hash[1], &seen->hash[0],
	    (MT_TAILED_SEEN - 1) * sizeof(seen->hash[0]));
	seen->hash[0] = hash;
	if (seen->n < MT_TAILED_SEEN)
		seen->n++;
}

/* What is there at the very first look may not be asked for. */
static bool
is_skipped(const struct source *s, const struct window *w)
{
	return s->tail->options->from == MT_from_last && !w->begun;
}

/* A list never read before is read, or only remembered. */
static void
begin(struct source *s, struct window *w, size_t n)
{
	size_t i;

	w->left = n;
	w->known = 0;
	if (!is_skipped(s, w))
		return;
	for (i = n; i-- > 0;)
		push(&w->seen, mt_str_hash(w->elements[i], MT_HASH));
	w->left = 0;
	w->seen.back = 0;
	s->moved = n > 0;
}

static void
say_missing(struct source *s)
{
	char at[MT_TIME_LEN + 1] = "an unknown time";

	if (s->counts.last > 0)
		mt_time_write((int64_t)s->counts.last, 'T', true, at);
	source_gap(s,
	    "what was read last is not in the list any more: lines after %s "
	    "are missing",
	    at);
}

enum window_found
window_take(struct source *s, struct window *w, const struct mt_str *elements,
    size_t n, bool all)
{
	uint64_t *hashes;
	size_t i, newer;
	bool sure;

	w->elements = elements;
	if (w->seen.n == 0 && !all && !is_skipped(s, w))
		return WINDOW_MORE;
	if (w->seen.n == 0) {
		begin(s, w, n);
		w->begun = true;
		return WINDOW_READY;
	}
	if (w->again && !all)
		return WINDOW_MORE;
	hashes = mt_alloc_array(n + 1, sizeof(*hashes));
	for (i = 0; i < n; i++)
		hashes[i] = mt_str_hash(elements[i], MT_HASH);
	newer = find(&w->seen, hashes, n, all, &sure);
	mt_free(hashes);
	if (!sure || (!w->begun && !all && w->seen.back > n - newer))
		return WINDOW_MORE;
	w->left = newer;
	w->known = 0;
	if (newer == n && n > 0)
		say_missing(s);
	/* Ordinals count from the first line of a moment. */
	if (w->again)
		w->known = n - newer;
	else if (!w->begun)
		w->known = w->seen.back < n - newer ? w->seen.back : n - newer;
	w->left += w->known;
	w->begun = true;
	w->again = false;
	return WINDOW_READY;
}

bool
window_work(struct source *s, struct window *w)
{
	struct mt_str element;
	unsigned again, i;

	for (i = 0; i < LINES && w->left > 0; i++) {
		element = w->elements[--w->left];
		again = source_line(s, element, mt_clock_now());
		w->next = (again & MT_MAILLOG_NEXT) != 0 ? 1 : w->next + 1;
		w->seen.back++;
		if ((again & MT_MAILLOG_GOOD) != 0)
			w->seen.back = w->next;
		if (w->known > 0)
			w->known--;
		else
			push(&w->seen, mt_str_hash(element, MT_HASH));
	}
	return w->left > 0;
}

void
window_recorded(struct window *w)
{
	w->recorded = w->seen;
}

void
window_save(const struct window *w, struct mt_tailed_source *out)
{
	memcpy(out->seen, w->recorded.hash, sizeof(out->seen));
	out->n_seen = w->recorded.n;
	out->back = w->recorded.back;
}
