/* SPDX-License-Identifier: BSD-2-Clause */
#include <assert.h>
#include <string.h>

#include "base/limits.h"
#include "base/mem.h"
#include "mail/queue_id.h"
#include "maillog/readers.h"
#include "maillog/scan.h"
#include "maillog/shape.h"

#define SLOTS 32 /* by the first byte of a pattern, or of a text */
#define NAMES 256 /* a power of two, well above the number of programs */
#define PIECES 6 /* of a pattern, between its stars */
#define NONE UINT16_MAX

enum family { FAMILY_POSTFIX, FAMILY_ALONE };

struct process {
	const char *name;
	enum family family;
};

/* clang-format off */
static const struct process processes[] = {
#define PROCESS(id, text, kin) { .name = (text), .family = FAMILY_##kin },
#define SHAPE(id, processes, where, pattern, reader, word, doc)
#include "maillog/shapes.def"
#undef PROCESS
#undef SHAPE
};

#define P(id) (UINT64_C(1) << MT_PROCESS_##id)
#define OTHERS (P(dovecot) | P(netfilter) | P(fail2ban))
#define POSTFIX (((UINT64_C(1) << MT_PROCESS_N) - 1) & ~OTHERS)
#define QMGR (P(qmgr) | P(oqmgr) | P(nqmgr))
#define BOUNCE (P(bounce) | P(defer) | P(trace))
#define DELIVERY (P(smtp) | P(lmtp) | P(relay) | P(local) | P(virtual) | \
	P(pipe) | P(error) | P(retry) | P(discard))
#define HOUSEKEEPING (POSTFIX & ~(DELIVERY | QMGR | BOUNCE | P(smtpd) | \
	P(cleanup) | P(pickup) | P(qmqpd) | P(postsuper) | P(postscreen)))
#define QUEUED MT_SHAPE_QUEUED
#define UNQUEUED MT_SHAPE_UNQUEUED
#define ANYWHERE MT_SHAPE_ANYWHERE

const struct mt_shape mt_shapes[] = {
#define PROCESS(id, name, family)
#define SHAPE(id, programs, place, text, function, number, what) \
	{ .name = #id, \
		.processes = (programs), \
		.where = (place), \
		.pattern = { (text), sizeof(text) - 1 }, \
		.reader = (function), \
		.word = (number), \
		.doc = (what) },
#include "maillog/shapes.def"
#undef PROCESS
#undef SHAPE
};
/* clang-format on */
const size_t mt_shapes_n = sizeof(mt_shapes) / sizeof(mt_shapes[0]);

_Static_assert(MT_PROCESS_N < 64, "a program is a bit of 64");

/* A pattern, cut at its stars. */
struct pieces {
	struct mt_str text[PIECES];
	size_t n;
	bool open; /* it ends with a star */
};

/* A row in the list of those to be tried for a program and a first byte. */
struct step {
	uint16_t shape;
	uint16_t next;
};

struct mt_shape_index {
	uint8_t names[NAMES]; /* process + 1 */
	struct pieces *pieces; /* one a shape */
	uint16_t head[MT_PROCESS_N][2][SLOTS];
	struct step *steps;
	size_t n_steps;
};

static unsigned
name_slot(struct mt_str name)
{
	return ((unsigned)(unsigned char)name.p[0] * 7 +
		   (unsigned)(unsigned char)name.p[name.n - 1] * 31 +
		   (unsigned)name.n * 5) %
	    NAMES;
}

static void
index_names(struct mt_shape_index *index)
{
	unsigned i, slot;

	for (i = 0; i < MT_PROCESS_N; i++) {
		slot = name_slot(mt_str(processes[i].name));
		while (index->names[slot] != 0)
			slot = (slot + 1) % NAMES;
		index->names[slot] = (uint8_t)(i + 1);
	}
}

static void
cut_pattern(struct mt_str pattern, struct pieces *ret)
{
	struct mt_str head, tail;

	*ret = (struct pieces){ 0 };
	while (mt_str_cut(pattern, '*', &head, &tail)) {
		ret->text[ret->n++] = head;
		pattern = tail;
	}
	ret->open = pattern.n == 0 && ret->n > 0;
	if (!ret->open)
		ret->text[ret->n++] = pattern;
}

static unsigned
slot_of(char c)
{
	return (unsigned char)c % SLOTS;
}

/* Put a row in front of a list; rows come last first, the table's order. */
static void
add_step(struct mt_shape_index *index, uint16_t *head, size_t shape)
{
	uint16_t at = (uint16_t)index->n_steps++;

	index->steps[at] = (struct step){ (uint16_t)shape, *head };
	*head = at;
}

/* Lists that a row stands in. */
static size_t
count_steps(const struct mt_shape *s)
{
	size_t n = s->pattern.p[0] == '*' ? SLOTS : 1, programs = 0;
	unsigned process;

	for (process = 0; process < MT_PROCESS_N; process++)
		programs += s->processes >> process & 1;
	return n * programs * (s->where == MT_SHAPE_ANYWHERE ? 2 : 1);
}

/* A pattern that begins with a star may be in all slots. */
static void
index_slots(struct mt_shape_index *index, uint16_t heads[SLOTS], size_t shape)
{
	struct mt_str first = index->pieces[shape].text[0];
	unsigned slot;

	if (first.n > 0)
		add_step(index, &heads[slot_of(first.p[0])], shape);
	else
		for (slot = 0; slot < SLOTS; slot++)
			add_step(index, &heads[slot], shape);
}

static void
index_shape(struct mt_shape_index *index, size_t shape)
{
	const struct mt_shape *s = &mt_shapes[shape];
	unsigned process;

	cut_pattern(s->pattern, &index->pieces[shape]);
	for (process = 0; process < MT_PROCESS_N; process++) {
		if ((s->processes >> process & 1) == 0)
			continue;
		if (s->where != MT_SHAPE_QUEUED)
			index_slots(index, index->head[process][0], shape);
		if (s->where != MT_SHAPE_UNQUEUED)
			index_slots(index, index->head[process][1], shape);
	}
}

struct mt_shape_index *
mt_shape_index_new(void)
{
	struct mt_shape_index *index = mt_alloc(sizeof(*index));
	size_t i, n = 0;

	for (i = 0; i < mt_shapes_n; i++)
		n += count_steps(&mt_shapes[i]);
	assert(n < NONE);
	index->pieces = mt_alloc_array(mt_shapes_n, sizeof(*index->pieces));
	index->steps = mt_alloc_array(n, sizeof(*index->steps));
	memset(index->head, 0xff, sizeof(index->head));
	index_names(index);
	for (i = mt_shapes_n; i > 0; i--)
		index_shape(index, i - 1);
	return index;
}

void
mt_shape_index_free(struct mt_shape_index *index)
{
	if (index == NULL)
		return;
	mt_free(index->pieces);
	mt_free(index->steps);
	mt_free(index);
}

const char *
mt_process_name(enum mt_process process)
{
	return process < MT_PROCESS_N ? processes[process].name : "";
}

static enum mt_process
find_name(const struct mt_shape_index *index, struct mt_str name)
{
	unsigned slot = name_slot(name), process;

	for (; index->names[slot] != 0; slot = (slot + 1) % NAMES) {
		process = index->names[slot] - 1u;
		if (mt_str_eqz(name, processes[process].name))
			return (enum mt_process)process;
	}
	return MT_PROCESS_N;
}

enum mt_process
mt_process_of(const struct mt_shape_index *index, struct mt_str tag)
{
	struct mt_str instance, name;
	enum mt_process process;

	if (tag.n == 0)
		return MT_PROCESS_N;
	if (mt_str_cut_last(tag, '/', &instance, &name)) {
		if (name.n == 0 || instance.n == 0)
			return MT_PROCESS_N;
		process = find_name(index, name);
		return process < MT_PROCESS_N &&
			processes[process].family == FAMILY_POSTFIX
		    ? process
		    : MT_PROCESS_N;
	}
	/* fail2ban.actions, fail2ban.filter */
	(void)mt_str_cut(tag, '.', &name, &instance);
	if (name.n == 0)
		return MT_PROCESS_N;
	process = find_name(index, name);
	return process < MT_PROCESS_N &&
		processes[process].family == FAMILY_ALONE
	    ? process
	    : MT_PROCESS_N;
}

/* Behind "warning: " and its like; the text itself when there is none. */
static struct mt_str
behind_severity(struct mt_str text)
{
	static const struct mt_str severities[] = {
		{ "warning: ", 9 },
		{ "error: ", 7 },
		{ "fatal: ", 7 },
		{ "panic: ", 7 },
	};
	size_t i;

	for (i = 0; i < sizeof(severities) / sizeof(severities[0]); i++)
		if (mt_scan_text(&text, severities[i]))
			break;
	return text;
}

void
mt_shape_line_init(struct mt_shape_line *line, enum mt_process process,
    struct mt_str tag, struct mt_str text)
{
	struct mt_str behind, head;

	*line = (struct mt_shape_line){
		.process = process, .tag = tag, .text = text
	};
	if (process >= MT_PROCESS_N ||
	    processes[process].family != FAMILY_POSTFIX)
		return;
	behind = behind_severity(text);
	if (behind.n > MT_MAX_QUEUE_ID + 1)
		head = mt_str_n(behind.p, MT_MAX_QUEUE_ID + 1);
	else
		head = behind;
	if (!mt_scan_to(&head, ':', &head))
		return;
	if (mt_queue_id_valid(head))
		line->queue_id = head;
	else if (!mt_str_eqz(head, "NOQUEUE"))
		return;
	/* With a severity the text stays whole. */
	if (behind.p == text.p) {
		behind = mt_str_n(text.p + head.n + 1, text.n - head.n - 1);
		(void)mt_scan_text(&behind, MT_LIT(" "));
		line->text = behind;
	}
}

static bool
is_like(struct mt_str text, const struct pieces *p)
{
	size_t i;
	struct mt_str skipped;

	if (!mt_scan_text(&text, p->text[0]))
		return false;
	for (i = 1; i < p->n; i++) {
		if (i + 1 == p->n && !p->open)
			return text.n >= p->text[i].n &&
			    memcmp(text.p + text.n - p->text[i].n, p->text[i].p,
				p->text[i].n) == 0;
		if (!mt_scan_past(&text, p->text[i], &skipped))
			return false;
	}
	return p->open || text.n == 0;
}

static void
nothing(struct mt_shaped *out)
{
	out->id = MT_EV_N;
	out->n_about = 0;
}

const struct mt_shape *
mt_shape_read(const struct mt_shape_index *index,
    const struct mt_shape_line *line, struct mt_shaped *out)
{
	const struct mt_shape *s;
	uint16_t step;
	bool queued = line->queue_id.p != NULL;

	nothing(out);
	if (line->process >= MT_PROCESS_N)
		return NULL;
	step = index->head[line->process][queued]
			  [line->text.n > 0 ? slot_of(line->text.p[0]) : 0];
	for (; step != NONE; step = index->steps[step].next) {
		s = &mt_shapes[index->steps[step].shape];
		if (!is_like(
			line->text, &index->pieces[index->steps[step].shape]))
			continue;
		if (s->reader == NULL || s->reader(line, s->word, out))
			return s;
		/* What it had begun to say is not so. */
		nothing(out);
	}
	return NULL;
}

void
mt_shape_about(struct mt_shaped *out, struct mt_str address)
{
	if (address.p == NULL)
		return;
	/* Of too many the last two stay: those of the line's own end. */
	if (out->n_about == MT_SHAPE_ABOUT) {
		out->about[MT_SHAPE_ABOUT - 2] = out->about[MT_SHAPE_ABOUT - 1];
		out->n_about--;
	}
	out->about[out->n_about++] = address;
}
