/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The shapes that the texts of log lines have, and what is read from them:
 * rows of shapes.def, one a shape, tried in that order. A row is found by
 * program, by whether a queue id stands in front, and by its pattern; then its
 * reader must agree, which reads from left to right and refuses whatever is
 * not exactly as the program writes it. What strangers put into a line (a HELO,
 * a subject, a reply) is never looked at as if it were the program's.
 */
#ifndef MT_MAILLOG_SHAPE_H
#define MT_MAILLOG_SHAPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"
#include "event/event.h"

/* Programs whose lines we know. */
/* clang-format off */
enum mt_process {
#define PROCESS(id, name, family) MT_PROCESS_##id,
#define SHAPE(id, processes, where, pattern, reader, word, doc)
#include "maillog/shapes.def"
#undef PROCESS
#undef SHAPE
	MT_PROCESS_N
};
/* clang-format on */

/* A line's text, and what stands around it. */
struct mt_shape_line {
	enum mt_process process;
	struct mt_str tag; /* without process id */
	struct mt_str queue_id; /* valid, or absent */
	struct mt_str text; /* behind the queue id or NOQUEUE */
};

#define MT_SHAPE_ABOUT 16

/* What a line says. */
struct mt_shaped {
	enum mt_event id; /* MT_EV_N: nothing that we keep */
	union mt_event_any ev; /* time, host, key and tag are not filled in */
	/* Envelope addresses that the line is about, or may be. */
	struct mt_str about[MT_SHAPE_ABOUT];
	size_t n_about;
};

/* False: the line is not of this shape after all. word: the row's. */
typedef bool mt_shape_reader(
    const struct mt_shape_line *line, unsigned word, struct mt_shaped *out);

enum mt_shape_where {
	MT_SHAPE_QUEUED, /* behind a queue id */
	MT_SHAPE_UNQUEUED, /* without one, or behind NOQUEUE */
	MT_SHAPE_ANYWHERE
};

struct mt_shape {
	const char *name;
	uint64_t processes; /* bits of enum mt_process */
	struct mt_str pattern; /* "*" stands for any text */
	mt_shape_reader *reader; /* NULL: silent */
	const char *doc;
	enum mt_shape_where where;
	unsigned word; /* for the reader: a step, an action */
};
extern const struct mt_shape mt_shapes[];
extern const size_t mt_shapes_n;

/* Where to look for a line's row; made from the table. */
struct mt_shape_index;
struct mt_shape_index *mt_shape_index_new(void);
void mt_shape_index_free(struct mt_shape_index *index);

/* The program of a tag; MT_PROCESS_N: none of ours. */
enum mt_process mt_process_of(
    const struct mt_shape_index *index, struct mt_str tag);
const char *mt_process_name(enum mt_process process);
/* The tag's text, split: queue id, and what is behind it. */
void mt_shape_line_init(struct mt_shape_line *line, enum mt_process process,
    struct mt_str tag, struct mt_str text);
/* The line's row, and what it says; NULL: it has none. */
const struct mt_shape *mt_shape_read(const struct mt_shape_index *index,
    const struct mt_shape_line *line, struct mt_shaped *out);

#endif
