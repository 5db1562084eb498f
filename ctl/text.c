/* SPDX-License-Identifier: BSD-2-Clause */
#include <assert.h>
#include <inttypes.h>
#include <string.h>
#include <wchar.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "text.h"

#define CELL_MAX 8192
#define GAP 2

struct cell {
	char *text; /* owned */
	size_t n;
	size_t width;
	enum ctl_color paint;
	bool right;
};

struct ctl_table {
	size_t columns;
	struct cell *cells; /* owned */
	size_t n;
	size_t cap;
};

/* The code point of a valid character of n bytes. */
static uint32_t
code_point(const char *p, size_t n)
{
	static const unsigned char first[] = { 0, 0x7f, 0x1f, 0x0f, 0x07 };
	uint32_t c = (unsigned char)p[0] & first[n];
	size_t i;

	for (i = 1; i < n; i++)
		c = c << 6 | ((unsigned char)p[i] & 0x3f);
	return c;
}

static bool
harmful(uint32_t c)
{
	static const struct {
		uint32_t from, to;
	} ranges[] = {
		{ 0x00, 0x1f }, /* C0 */
		{ 0x7f, 0x9f }, /* DEL, C1 */
		{ 0xad, 0xad }, /* soft hyphen: not seen */
		{ 0x61c, 0x61c }, /* Arabic letter mark */
		{ 0x200b, 0x200f }, /* of no width, and direction marks */
		{ 0x2028, 0x202e }, /* separators, embeddings, overrides */
		{ 0x2060, 0x206f }, /* word joiner to digit shapes, isolates */
		{ 0xfeff, 0xfeff }, /* byte order mark */
		{ 0xfff9, 0xfffb }, /* interlinear */
		{ 0xe0000, 0xe007f }, /* tags */
	};
	size_t i;

	for (i = 0; i < sizeof(ranges) / sizeof(ranges[0]); i++)
		if (c >= ranges[i].from && c <= ranges[i].to)
			return true;
	return false;
}

void
ctl_clean(struct mt_str s, struct mt_buf *out)
{
	size_t i, n;

	while (s.n > 0) {
		n = mt_utf8_char(s);
		if (n == 0 || harmful(code_point(s.p, n))) {
			n = n == 0 ? 1 : n;
			for (i = 0; i < n; i++)
				mt_buf_printf(
				    out, "\\x%02x", (unsigned char)s.p[i]);
		} else {
			mt_buf_add(out, s.p, n);
		}
		s = mt_str_n(s.p + n, s.n - n);
	}
}

size_t
ctl_width(struct mt_str s)
{
	size_t n, width = 0;
	int w;

	while (s.n > 0) {
		n = mt_utf8_char(s);
		w = n == 0 ? 1 : wcwidth((wchar_t)code_point(s.p, n));
		width += w > 0 ? (size_t)w : 0;
		n += n == 0;
		s = mt_str_n(s.p + n, s.n - n);
	}
	return width;
}

void
ctl_paint(FILE *out, bool color, enum ctl_color paint, const char *text)
{
	static const char *const codes[] = { "", "1", "2", "32", "33", "31",
		"36" };

	if (color && paint != CTL_PLAIN)
		(void)fprintf(out, "\033[%sm%s\033[0m", codes[paint], text);
	else
		(void)fputs(text, out);
}

void
ctl_span(int64_t us, struct mt_buf *out)
{
	static const struct {
		int64_t s;
		const char *unit;
	} units[] = { { 86400, "d" }, { 3600, "h" }, { 60, "min" } };
	int64_t s = (us < 0 ? -us : us) / MT_SECOND;
	size_t i;

	for (i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		if (s < 2 * units[i].s)
			continue;
		mt_buf_printf(
		    out, "%" PRId64 " %s", s / units[i].s, units[i].unit);
		return;
	}
	mt_buf_printf(out, "%" PRId64 " s", s);
}

void
ctl_bytes(uint64_t n, struct mt_buf *out)
{
	static const char *const units[] = { "bytes", "KiB", "MiB", "GiB",
		"TiB" };
	uint64_t tenths;
	size_t i = 0;

	if (n < 1024) {
		mt_buf_printf(out, "%" PRIu64 " bytes", n);
		return;
	}
	for (tenths = n; tenths >= 1024 * 1024 && i < 3; i++)
		tenths /= 1024;
	tenths = tenths * 10 / 1024;
	mt_buf_printf(out, "%" PRIu64 ".%" PRIu64 " %s", tenths / 10,
	    tenths % 10, units[i + 1]);
}

struct ctl_table *
ctl_table_new(size_t columns)
{
	struct ctl_table *t = mt_alloc(sizeof(*t));

	t->columns = columns;
	return t;
}

void
ctl_table_free(struct ctl_table *t)
{
	size_t i;

	if (t == NULL)
		return;
	for (i = 0; i < t->n; i++)
		mt_free(t->cells[i].text);
	mt_free(t->cells);
	mt_free(t);
}

static struct cell *
add_cell(struct ctl_table *t, enum ctl_color paint, struct mt_str s)
{
	struct cell *cell;
	struct mt_buf clean;

	if (t->n == t->cap) {
		t->cap = t->cap == 0 ? 64 : t->cap * 2;
		t->cells = mt_realloc_array(t->cells, t->cap, sizeof(*cell));
	}
	mt_buf_init(&clean, CELL_MAX);
	ctl_clean(mt_utf8_cut(s, CELL_MAX / 4), &clean);
	cell = &t->cells[t->n++];
	*cell = (struct cell){ .paint = paint, .n = clean.n };
	cell->width = ctl_width(mt_buf_view(&clean));
	cell->text = mt_buf_take(&clean);
	return cell;
}

void
ctl_table_cell(struct ctl_table *t, enum ctl_color paint, struct mt_str s)
{
	(void)add_cell(t, paint, s);
}

void
ctl_table_cellz(struct ctl_table *t, enum ctl_color paint, const char *s)
{
	(void)add_cell(t, paint, mt_str(s));
}

void
ctl_table_num(struct ctl_table *t, uint64_t n)
{
	char text[24];

	(void)snprintf(text, sizeof(text), "%" PRIu64, n);
	add_cell(t, CTL_PLAIN, mt_str(text))->right = true;
}

void
ctl_table_head(struct ctl_table *t, const char *const *titles)
{
	size_t i;

	for (i = 0; i < t->columns; i++)
		ctl_table_cellz(t, CTL_BOLD, titles[i]);
}

size_t
ctl_table_rows(const struct ctl_table *t)
{
	return t->n / t->columns;
}

static size_t
widest(const struct ctl_table *t, size_t column)
{
	size_t i, width = 0;

	for (i = column; i < t->n; i += t->columns)
		if (t->cells[i].width > width)
			width = t->cells[i].width;
	return width;
}

static bool
last_text(const struct ctl_table *t, size_t at)
{
	size_t i;

	for (i = at + 1; i < t->n && i % t->columns != 0; i++)
		if (t->cells[i].n > 0)
			return false;
	return true;
}

void
ctl_table_print(
    const struct ctl_table *t, FILE *out, bool color, unsigned indent)
{
	size_t *widths = mt_alloc_array(t->columns, sizeof(*widths));
	const struct cell *cell;
	size_t i;
	int pad;

	assert(t->columns > 0);
	for (i = 0; i < t->columns; i++)
		widths[i] = widest(t, i);
	for (i = 0; i < t->n; i++) {
		cell = &t->cells[i];
		pad = (int)(widths[i % t->columns] - cell->width);
		if (i % t->columns == 0)
			(void)fprintf(out, "%*s", (int)indent, "");
		if (cell->right)
			(void)fprintf(out, "%*s", pad, "");
		ctl_paint(out, color, cell->paint, cell->text);
		if (!cell->right && !last_text(t, i))
			(void)fprintf(out, "%*s", pad, "");
		if ((i + 1) % t->columns == 0)
			(void)fputc('\n', out);
		else if (!last_text(t, i))
			(void)fprintf(out, "%*s", GAP, "");
	}
	mt_free(widths);
}
