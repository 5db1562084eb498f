/* SPDX-License-Identifier: BSD-2-Clause */
#include "mail/parts.h"

#include <string.h>

#include "mail/header.h"

/* A line that is a delimiter. */
struct delimiter {
	size_t at;
	size_t next; /* where the line after it begins */
	bool close;
};

static bool
match(struct mt_str line, struct mt_str boundary, bool *ret_close)
{
	struct mt_str rest;

	if (line.n < boundary.n + 2 || line.p[0] != '-' || line.p[1] != '-' ||
	    memcmp(line.p + 2, boundary.p, boundary.n) != 0)
		return false;
	rest = mt_str_n(line.p + 2 + boundary.n, line.n - 2 - boundary.n);
	while (rest.n > 0 && mt_is_space(rest.p[rest.n - 1]))
		rest.n--;
	*ret_close = mt_str_eqz(rest, "--");
	return rest.n == 0 || *ret_close;
}

/* The first delimiter; without one it stands, closing, at the end. */
static void
find(struct mt_str s, struct mt_str boundary, struct delimiter *ret_d)
{
	const char *eol;
	size_t at, next;

	for (at = 0; at < s.n; at = next) {
		eol = memchr(s.p + at, '\n', s.n - at);
		next = eol != NULL ? (size_t)(eol - s.p) + 1 : s.n;
		if (match(mt_str_n(s.p + at, next - at), boundary,
			&ret_d->close)) {
			ret_d->at = at;
			ret_d->next = next;
			return;
		}
	}
	*ret_d = (struct delimiter){ .at = s.n, .next = s.n, .close = true };
}

static struct mt_str
until(struct mt_str s, size_t at)
{
	if (at < s.n && at > 0 && s.p[at - 1] == '\n')
		at--;
	if (at < s.n && s.p[at] == '\n' && at > 0 && s.p[at - 1] == '\r')
		at--;
	return mt_str_n(s.p, at);
}

bool
mt_parts_next(struct mt_parts *it, struct mt_part *ret_part)
{
	struct delimiter d;
	struct mt_str part;
	size_t n;

	if (!it->inside && !it->closed) {
		find(it->rest, it->boundary, &d);
		it->rest = mt_str_n(it->rest.p + d.next, it->rest.n - d.next);
		it->inside = true;
		it->closed = d.close;
	}
	if (it->closed)
		return false;
	find(it->rest, it->boundary, &d);
	part = until(it->rest, d.at);
	n = mt_header_end(part);
	ret_part->head = mt_str_n(part.p, n);
	ret_part->body = mt_str_n(part.p + n, part.n - n);
	it->rest = mt_str_n(it->rest.p + d.next, it->rest.n - d.next);
	it->closed = d.close;
	return true;
}
