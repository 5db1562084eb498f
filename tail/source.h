/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A source: one log, its reader, the events that wait to be appended, and what
 * is particular to its kind behind a table of functions. Lines go through
 * source_line, one by one, in their order. So do rows of rspamd's history.
 */
#ifndef TAIL_SOURCE_H
#define TAIL_SOURCE_H

#include <poll.h>

#include "maillog/maillog.h"
#include "tail.h"

#define SOURCE_FDS 8 /* most descriptors one source waits for */

struct source_kind {
	const char *prefix; /* of its words in the option log */
	enum mt_frame frame; /* of its lines; 0: each line says */
	bool remembers; /* it needs the state */
	bool loses; /* nobody waits for it: what has no room is lost */
	/* saved: what was remembered of it, or NULL. */
	enum mt_rc (*open)(struct source *s,
	    const struct mt_tailed_source *saved, struct mt_err *err);
	void (*close)(struct source *s); /* also half open */
	/* Read some lines; true: there may be more at once. */
	bool (*work)(struct source *s);
	/* All that was read is recorded; may be NULL. */
	void (*recorded)(struct source *s);
	/* Where it stands, for the state; may be NULL. */
	void (*save)(struct source *s, struct mt_tailed_source *out);
	/* What it waits for, at most SOURCE_FDS; may be NULL. */
	size_t (*fds)(struct source *s, struct pollfd *out);
	/* When to work although nothing happened; 0: never; may be NULL. */
	int64_t (*deadline_ms)(const struct source *s);
};

struct history;

struct source {
	struct tail *tail;
	const struct source_kind *kind;
	char *name; /* owned; the word */
	const char *what; /* the word without the prefix */
	struct mt_maillog *log; /* owned */
	/* Owned; of rspamd's history: rows of it are read instead of lines. */
	struct history *history;
	struct mt_spool_batch batch;
	bool moved; /* lines were read that are not recorded */
	bool ended; /* there will never be more */
	struct mt_tailed_counts counts;
	uint64_t told; /* unknown lines, when last told of */
	struct mt_trouble trouble;
	void *own; /* the kind's */
};

extern const struct source_kind file_kind, stdin_kind, socket_kind, redis_kind,
    api_kind;

/* file.c: a watch_said; arg is the struct tail. */
void file_said(void *arg, const char *dir, const char *name);
/* api.c: are all options there that it needs? */
MT_MUST_CHECK enum mt_rc api_options(
    const struct tail_options *o, struct mt_err *err);

/* MT_CONFIG: it names no source. */
MT_MUST_CHECK enum mt_rc source_kind_of(struct mt_str word,
    const struct source_kind **ret_kind, struct mt_err *err);
MT_MUST_CHECK enum mt_rc source_new(struct tail *t, struct mt_str word,
    struct source **ret_source, struct mt_err *err);
void source_free(struct source *s); /* NULL is fine */
/* Another reader, as the options now say. */
MT_MUST_CHECK enum mt_rc source_read_anew(struct source *s, struct mt_err *err);

/* now: as mt_maillog_line has it. As mt_maillog_again: where to begin again. */
unsigned source_line(struct source *s, struct mt_str line, int64_t now);
/* Append what waits; false: there is no room, and the batch is kept. */
bool source_record(struct source *s);
void source_save(struct source *s, struct mt_tailed_source *out);
/* Something is wrong with it, and it is tried again; logged when due. */
void source_fails(struct source *s, const struct mt_err *err);
void source_works(struct source *s);
/* Something is missing, which is said aloud. */
void source_gap(struct source *s, const char *fmt, ...) MT_PRINTF(2, 3);
/* Tell of unknown lines since the last time. */
void source_tell(struct source *s);

#endif
