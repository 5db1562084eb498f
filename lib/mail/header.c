/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>

#include "mail/header.h"

/* The line that begins at `at`, without its EOL; where the next one begins. */
static struct mt_str
line_at(struct mt_str s, size_t at, size_t *ret_next)
{
	const char *p = s.p + at;
	const char *eol = memchr(p, '\n', s.n - at);
	size_t n = eol != NULL ? (size_t)(eol - p) : s.n - at;

	*ret_next = at + n + (eol != NULL);
	if (eol != NULL && n > 0 && p[n - 1] == '\r')
		n--;
	return mt_str_n(p, n);
}

static bool
is_blank(struct mt_str line)
{
	return mt_str_trim(line).n == 0;
}

/* Take in the lines that continue the field; where its last line ends. */
static size_t
fold(struct mt_header_iter *it, struct mt_str line)
{
	size_t next, end = (size_t)(line.p - it->block.p) + line.n;

	while (it->at < it->block.n) {
		line = line_at(it->block, it->at, &next);
		if (line.n == 0 || (line.p[0] != ' ' && line.p[0] != '\t'))
			break;
		if (is_blank(line))
			it->blank = true;
		end = it->at + line.n;
		it->at = next;
	}
	return end;
}

/* The name before the colon: printable ASCII, white space only at its end. */
static bool
read_name(struct mt_str line, struct mt_header *h)
{
	struct mt_str name, value;
	size_t i, n;

	if (!mt_str_cut(line, ':', &name, &value))
		return false;
	n = name.n;
	while (n > 0 && (name.p[n - 1] == ' ' || name.p[n - 1] == '\t'))
		n--;
	for (i = 0; i < n; i++)
		if (name.p[i] <= ' ' || name.p[i] > '~')
			return false;
	h->name = mt_str_n(name.p, n);
	h->spaced = n < name.n;
	h->value = value;
	return n > 0;
}

bool
mt_header_next(struct mt_header_iter *it, struct mt_header *ret_header)
{
	struct mt_header h = { .at = 0 };
	struct mt_str line;
	size_t end;

	while (!it->ended && it->at < it->block.n) {
		h.at = it->at;
		line = line_at(it->block, it->at, &it->at);
		if (line.n == 0) {
			it->ended = true;
			return false;
		}
		if (h.at == 0 && mt_str_starts(line, "From "))
			continue;
		if (!read_name(line, &h)) {
			it->junk = true;
			continue;
		}
		end = fold(it, line);
		h.value.n = end - (size_t)(h.value.p - it->block.p);
		h.end = it->at;
		*ret_header = h;
		return true;
	}
	return false;
}

size_t
mt_header_end(struct mt_str s)
{
	const char *p = s.p, *end;

	if (s.n == 0)
		return 0;
	end = s.p + s.n;
	while (p < end) {
		if (*p == '\n')
			return (size_t)(p - s.p) + 1;
		if (*p == '\r' && end - p > 1 && p[1] == '\n')
			return (size_t)(p - s.p) + 2;
		if ((p = memchr(p, '\n', (size_t)(end - p))) == NULL)
			break;
		p++;
	}
	return s.n;
}

bool
mt_header_find(
    struct mt_str block, const char *name, struct mt_header *ret_header)
{
	struct mt_header_iter it = { .block = block };

	while (mt_header_next(&it, ret_header))
		if (mt_str_eqz_nocase(ret_header->name, name))
			return true;
	return false;
}

void
mt_header_unfold(struct mt_str value, struct mt_buf *out)
{
	size_t i, from;

	value = mt_str_trim(value);
	for (i = from = 0; i < value.n; i++) {
		if (value.p[i] != '\n' && value.p[i] != '\r')
			continue;
		mt_buf_add(out, value.p + from, i - from);
		from = i + 1;
	}
	mt_buf_add(out, value.p + from, value.n - from);
}
