/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Any bytes as a header block and as a structured value:
 *
 *   - the fields come in order, do not overlap, and with the lines that are
 *     none cover the block up to the empty line, which is where a slow reader
 *     of the test sees it; a field goes on as long as lines begin with a space;
 *   - an unfolded value is the value without line ends; type words and
 *     parameters are the same of both, and are not changed by one more
 *     parameter behind them;
 *   - a parameter that is written quoted, or as RFC 2231 has it, whole or in
 *     sections, is read as the bytes that were written.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "mail/header.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *const names[] = { "boundary", "charset", "filename", "name",
	"start", NULL };

static void
give_up(const char *wrong, struct mt_str s)
{
	(void)fprintf(stderr, "%s: '%.*s'\n", wrong, (int)s.n, s.p);
	abort();
}

static bool
is_fold(char c)
{
	return c == ' ' || c == '\t';
}

/* Where the first empty line ends, found line by line; s.n without one. */
static size_t
slow_end(struct mt_str s)
{
	struct mt_str line, rest = s;

	while (mt_str_cut(rest, '\n', &line, &rest))
		if (line.n == 0 || (line.n == 1 && line.p[0] == '\r'))
			return (size_t)(rest.p - s.p);
	return s.n;
}

/* Lines between fields: none of them is one. */
static void
check_gap(struct mt_str block, size_t from, size_t to)
{
	struct mt_str line, rest = mt_str_n(block.p + from, to - from);
	size_t i;

	if (from > 0 && from < to && block.p[from - 1] != '\n')
		give_up("a gap begins inside a line", rest);
	while (rest.n > 0) {
		(void)mt_str_cut(rest, '\n', &line, &rest);
		if (line.p == block.p && mt_str_starts(line, "From "))
			continue;
		for (i = 0; i < line.n && line.p[i] > ' ' && line.p[i] <= '~' &&
		     line.p[i] != ':';
		     i++)
			;
		if (i > 0 && i < line.n && line.p[i] == ':')
			give_up("a field was passed over", line);
	}
}

static void
check_field(struct mt_str block, const struct mt_header *h, size_t end)
{
	struct mt_str raw, line;
	size_t at;

	if (h->at >= h->end || h->end > end)
		give_up("a field outside the header", block);
	raw = mt_str_n(block.p + h->at, h->end - h->at);
	if (h->name.p != raw.p || h->name.n == 0 || h->value.p < raw.p ||
	    h->value.p + h->value.n > raw.p + raw.n)
		give_up("name or value outside the field", raw);
	if (h->value.n > 0 && h->value.p[h->value.n - 1] == '\n')
		give_up("the value ends in a line end", raw);
	if (raw.p + raw.n - (h->value.p + h->value.n) > 2)
		give_up("the value lacks bytes", raw);
	(void)mt_str_cut(raw, '\n', &line, &raw);
	for (; raw.n > 0; (void)mt_str_cut(raw, '\n', &line, &raw))
		if (!is_fold(raw.p[0]))
			give_up("a line that continues nothing", raw);
	at = h->end;
	if (at < end && is_fold(block.p[at]))
		give_up("the field goes on", block);
}

static enum mt_param
read_param(struct mt_str value, const char *name, struct mt_buf *out)
{
	enum mt_param got;

	mt_buf_reset(out);
	got = mt_header_param(value, name, out);
	if (got != MT_PARAM_OK && out->n > 0)
		give_up("bytes of a parameter that is none", value);
	return got;
}

/* Both values say the same. */
static void
check_same(struct mt_str a, struct mt_str b)
{
	struct mt_buf x, y;
	size_t i;
	bool has;

	mt_buf_init(&x, 200);
	mt_buf_init(&y, 200);
	has = mt_header_word(a, &x);
	if (mt_header_word(b, &y) != has ||
	    (has && !mt_str_eq(mt_buf_view(&x), mt_buf_view(&y))))
		give_up("another word", a);
	for (i = 0; names[i] != NULL; i++)
		if (read_param(a, names[i], &x) !=
			read_param(b, names[i], &y) ||
		    !mt_str_eq(mt_buf_view(&x), mt_buf_view(&y)))
			give_up("another parameter", a);
	mt_buf_done(&x);
	mt_buf_done(&y);
}

/* Is each line end CRLF or LF with a fold behind, and nothing escaped? */
static bool
is_tame(struct mt_str s)
{
	size_t i;

	for (i = 0; i < s.n; i++)
		if (s.p[i] == '\\' ||
		    (s.p[i] == '\r' && (i + 1 == s.n || s.p[i + 1] != '\n')) ||
		    (s.p[i] == '\n' && (i + 1 == s.n || !is_fold(s.p[i + 1]))))
			return false;
	return true;
}

static void
check_value(struct mt_str value)
{
	struct mt_buf flat, slow;
	struct mt_str line, trimmed = mt_str_trim(value);
	size_t i;

	mt_buf_init(&flat, value.n + 64);
	mt_buf_init(&slow, value.n + 64);
	mt_header_unfold(value, &flat);
	for (i = 0; i < trimmed.n; i++)
		if (trimmed.p[i] != '\r' && trimmed.p[i] != '\n')
			mt_buf_c(&slow, trimmed.p[i]);
	line = mt_buf_view(&flat);
	if (!mt_str_eq(line, mt_buf_view(&slow)))
		give_up("not unfolded", value);
	if (is_tame(value)) {
		check_same(value, line);
		mt_buf_z(&flat, "; x-more=1");
		check_same(value, mt_buf_view(&flat));
	}
	mt_buf_done(&flat);
	mt_buf_done(&slow);
}

static void
check_block(struct mt_str block)
{
	struct mt_header_iter it = { .block = block };
	struct mt_header h, found;
	size_t end = slow_end(block), at = 0;

	if (mt_header_end(block) != end)
		give_up("the header ends elsewhere", block);
	while (mt_header_next(&it, &h)) {
		if (h.at < at)
			give_up("fields overlap", block);
		check_gap(block, at, h.at);
		check_field(block, &h, end);
		check_value(h.value);
		if (at == 0 && mt_str_eqz_nocase(h.name, "Content-Type") &&
		    (!mt_header_find(block, "content-type", &found) ||
			found.at != h.at))
			give_up("the field is not found", block);
		at = h.end;
	}
	check_gap(block, at, it.at);
	if (it.at != end || (it.ended && end == 0))
		give_up("the fields end elsewhere", block);
}

/* Quoted: only these need an escape; line ends cannot be written. */
static void
write_quoted(struct mt_str bytes, struct mt_buf *out)
{
	size_t i;

	mt_buf_z(out, "a/b (c; name=no); name=\"");
	for (i = 0; i < bytes.n; i++) {
		if (bytes.p[i] == '"' || bytes.p[i] == '\\')
			mt_buf_c(out, '\\');
		mt_buf_c(out, bytes.p[i]);
	}
	mt_buf_z(out, "\"; other=x");
}

static void
write_coded(struct mt_str bytes, size_t piece, struct mt_buf *out)
{
	unsigned section = 0;
	size_t i;

	mt_buf_z(out, "a/b;name*");
	if (piece < bytes.n)
		mt_buf_z(out, "0*");
	mt_buf_z(out, "=utf-8'en'");
	for (i = 0; i < bytes.n; i++) {
		if (piece < bytes.n && i > 0 && i % piece == 0)
			mt_buf_printf(out, ";\r\n name*%u*=", ++section);
		mt_buf_printf(
		    out, "%%%02X", (unsigned)(unsigned char)bytes.p[i]);
	}
}

static void
check_written(struct mt_str bytes)
{
	struct mt_buf value, got;
	size_t i, piece;

	mt_buf_init(&value, 24 * bytes.n + 200);
	mt_buf_init(&got, 8 * bytes.n + 200);
	for (i = 0; i < bytes.n; i++)
		if (bytes.p[i] == '\r' || bytes.p[i] == '\n')
			break;
	if (i == bytes.n) {
		write_quoted(bytes, &value);
		if (read_param(mt_buf_view(&value), "name", &got) !=
			MT_PARAM_OK ||
		    !mt_str_eq(mt_buf_view(&got), bytes))
			give_up("quoted, but not read", mt_buf_view(&value));
	}
	for (piece = bytes.n / 90 + 1; piece <= bytes.n; piece = 3 * piece) {
		mt_buf_reset(&value);
		write_coded(bytes, piece, &value);
		if (read_param(mt_buf_view(&value), "name", &got) !=
			MT_PARAM_OK ||
		    !mt_str_eq(mt_buf_view(&got), bytes))
			give_up("coded, but not read", mt_buf_view(&value));
	}
	mt_buf_done(&value);
	mt_buf_done(&got);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct mt_str s = mt_str_n((const char *)data, size);

	check_block(s);
	check_value(s);
	if (s.n > 64) /* a name as long as they come */
		s.n = 64;
	check_written(s);
	return 0;
}
