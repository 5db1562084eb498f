/* SPDX-License-Identifier: BSD-2-Clause */
#include <inttypes.h>
#include <string.h>

#include "base/num.h"
#include "base/utf8.h"
#include "event/event.h"

/* What is put behind a key text that had to be cut: "~" and 16 digits. */
#define CUT_MARK 17
/* Bytes that most events fit in. */
#define USUAL 896
#define LENGTH 2 /* bytes of a text's length */

/* clang-format off */
#define ANY 0, NULL
#define MAX(n) (n), NULL
#define WORDS(set) 0, mt_words_##set
#define EVENT(name, version, doc) \
	static const struct mt_field fields_##name[] = {
#define FIELD(event, field, kind, bound, flag, text) \
	{ .name = #field, \
		.type = MT_##kind, \
		.flags = (flag), \
		.off = offsetof(struct mt_ev_##event, field), \
		FIELD_BOUND(bound), \
		.doc = (text) },
#define FIELD_BOUND(...) FIELD_BOUND2(__VA_ARGS__)
#define FIELD_BOUND2(most, table) .max = (most), .words = (table)
#define END(name) };
#include "event/events.def"
#undef EVENT
#undef FIELD
#undef END

const struct mt_event_desc mt_events[MT_EV_N] = {
#define EVENT(id, ver, text) \
	{ .name = #id, \
		.version = (ver), \
		.version_text = #ver, \
		.doc = (text), \
		.fields = fields_##id, \
		.n = sizeof(fields_##id) / sizeof(fields_##id[0]), \
		.size = sizeof(struct mt_ev_##id) },
#define FIELD(event, field, kind, bound, flag, text)
#define END(name)
#include "event/events.def"
#undef EVENT
#undef FIELD
#undef END
};
/* clang-format on */

enum mt_event
mt_event_find(struct mt_str name)
{
	unsigned i;

	for (i = 0; i < MT_EV_N; i++)
		if (mt_str_eqz(name, mt_events[i].name))
			break;
	return (enum mt_event)i;
}

static void
put_length(char *at, size_t n)
{
	at[0] = (char)(n & 0xff);
	at[1] = (char)(n >> 8);
}

/* A pair's name, and room for its value's length. */
static void
begin_pair(struct mt_buf *out, const char *text)
{
	const struct mt_str name = mt_str(text);
	char *p;

	/* One look at the ceiling for all. */
	if (!mt_buf_reserve(out, LENGTH + name.n + LENGTH))
		return;
	p = out->p + out->n;
	put_length(p, name.n);
	memcpy(p + LENGTH, name.p, name.n);
	put_length(p + LENGTH + name.n, 0);
	out->n += LENGTH + name.n + LENGTH;
	out->p[out->n] = '\0';
}

/* The value is what was appended since out had value_at bytes. */
static void
end_pair(struct mt_buf *out, size_t value_at)
{
	if (!mt_buf_over(out))
		put_length(out->p + value_at - LENGTH, out->n - value_at);
}

static void
add_pair(struct mt_buf *out, const char *name, const char *value)
{
	size_t value_at;

	begin_pair(out, name);
	value_at = out->n;
	mt_buf_z(out, value);
	end_pair(out, value_at);
}

/* A text as decode will accept it: escaped, and cut to its bound. */
static void
write_text(const struct mt_field *f, struct mt_str s, struct mt_buf *out)
{
	struct mt_buf escaped;
	struct mt_str cut;

	if (s.n <= f->max && mt_utf8_clean(s)) {
		mt_buf_str(out, s);
		return;
	}
	/* Four bytes an escape; what is far above the bound is cut first. */
	mt_buf_init(&escaped, f->max * 4 + 16);
	mt_utf8_escape(&escaped, mt_str_n(s.p, s.n < f->max ? s.n : f->max));
	cut = mt_buf_view(&escaped);
	if ((f->flags & MT_KEY) == 0) {
		mt_buf_str(out, mt_utf8_cut(cut, f->max));
	} else if (s.n <= f->max && cut.n <= f->max) {
		mt_buf_str(out, cut);
	} else {
		mt_buf_str(out, mt_utf8_cut(cut, f->max - CUT_MARK));
		mt_buf_printf(out, "~%016" PRIx64, mt_str_hash(s, MT_HASH));
	}
	mt_buf_done(&escaped);
}

static void
write_field(const struct mt_field *f, const void *ev, struct mt_buf *out)
{
	size_t value_at;

	begin_pair(out, f->name);
	value_at = out->n;
	if (f->type == MT_STR)
		write_text(f, *(const struct mt_str *)mt_field_at(f, ev), out);
	else
		mt_field_write(f, ev, out);
	end_pair(out, value_at);
}

enum mt_rc
mt_event_encode(
    enum mt_event id, const void *ev, struct mt_buf *out, struct mt_err *err)
{
	const struct mt_event_desc *desc = &mt_events[id];
	size_t i;

	/* Most events fit at once; memory grows in one step, not in many. */
	if (out->max - out->n >= USUAL)
		(void)mt_buf_reserve(out, USUAL);
	add_pair(out, "v", desc->version_text);
	add_pair(out, "t", desc->name);
	for (i = 0; i < desc->n; i++)
		if (!mt_field_absent(&desc->fields[i], ev))
			write_field(&desc->fields[i], ev, out);
	if (mt_buf_over(out))
		return mt_fail(err, MT_LIMIT, "%s: longer than %zu bytes",
		    desc->name, out->max);
	return MT_OK;
}

static bool
take_text(struct mt_str *rest, struct mt_str *ret)
{
	size_t n;

	if (rest->n < 2)
		return false;
	n = (size_t)(unsigned char)rest->p[0] |
	    (size_t)(unsigned char)rest->p[1] << 8;
	if (rest->n - 2 < n)
		return false;
	*ret = mt_str_n(rest->p + 2, n);
	*rest = mt_str_n(rest->p + 2 + n, rest->n - 2 - n);
	return true;
}

enum mt_rc
mt_event_split(struct mt_str payload, struct mt_pair *pairs, size_t max,
    size_t *ret_n, struct mt_err *err)
{
	size_t n = 0;

	while (payload.n > 0) {
		if (n == max)
			return mt_fail(
			    err, MT_LIMIT, "more than %zu fields", max);
		if (!take_text(&payload, &pairs[n].name) ||
		    !take_text(&payload, &pairs[n].value))
			return mt_fail(
			    err, MT_FORMAT, "event ends within a field");
		n++;
	}
	*ret_n = n;
	return MT_OK;
}

static enum mt_rc
read_head(const struct mt_pair *pairs, size_t n, enum mt_event *ret_id,
    struct mt_err *err)
{
	uint64_t version;
	enum mt_event id;

	if (n < 2 || !mt_str_eqz(pairs[0].name, "v") ||
	    !mt_str_eqz(pairs[1].name, "t"))
		return mt_fail(err, MT_FORMAT,
		    "does not begin with the fields 'v' and 't'");
	if (!mt_num_read(pairs[0].value, UINT32_MAX, &version) || version == 0)
		return mt_fail(err, MT_FORMAT, "v: not a version");
	id = mt_event_find(pairs[1].value);
	if (id == MT_EV_N)
		return mt_fail(err, MT_FORMAT, "unknown event type");
	if (version > mt_events[id].version)
		return mt_fail(err, MT_FORMAT,
		    "%s: version %" PRIu64 " is newer than ours (%u)",
		    mt_events[id].name, version, mt_events[id].version);
	*ret_id = id;
	return MT_OK;
}

/* The field of a name; `next` is where writers of our version have it. */
static size_t
find_field(const struct mt_event_desc *desc, size_t next, struct mt_str name)
{
	size_t i;

	for (i = next; i < desc->n; i++)
		if (mt_str_eqz(name, desc->fields[i].name))
			return i;
	for (i = 0; i < next; i++)
		if (mt_str_eqz(name, desc->fields[i].name))
			return i;
	return desc->n;
}

static enum mt_rc
read_fields(const struct mt_event_desc *desc, const struct mt_pair *pairs,
    size_t n, void *ev, struct mt_err *err)
{
	bool seen[MT_MAX_FIELDS] = { false };
	size_t i, at, next = 0;

	for (i = 2; i < n; i++) {
		at = find_field(desc, next, pairs[i].name);
		if (at == desc->n)
			continue; /* a newer writer's */
		if (seen[at])
			return mt_fail(err, MT_FORMAT, "%s: given twice",
			    desc->fields[at].name);
		seen[at] = true;
		next = at + 1;
		if (mt_field_read(&desc->fields[at], pairs[i].value, ev, err) !=
		    MT_OK)
			return err->rc;
	}
	for (i = 0; i < desc->n; i++)
		if (!seen[i] && (desc->fields[i].flags & (MT_REQ | MT_KEY)))
			return mt_fail(err, MT_FORMAT, "%s: missing",
			    desc->fields[i].name);
	return MT_OK;
}

enum mt_rc
mt_event_decode(const struct mt_pair *pairs, size_t n, enum mt_event *ret_id,
    union mt_event_any *ret_ev, struct mt_err *err)
{
	const struct mt_event_desc *desc;
	enum mt_event id;

	if (read_head(pairs, n, &id, err) != MT_OK)
		return err->rc;
	desc = &mt_events[id];
	memset(ret_ev, 0, sizeof(*ret_ev));
	if (read_fields(desc, pairs, n, ret_ev, err) != MT_OK) {
		mt_err_in(err, "%s", desc->name);
		return err->rc;
	}
	*ret_id = id;
	return MT_OK;
}
