/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Lines of mail logs, read into events. Pure: no I/O, no clock of its own, the
 * same lines always give the same events. A reader belongs to one source (a
 * file and its rotated predecessors, a socket, a Redis list) and is given its
 * lines in the order in which they were logged. docs/maillog.md says it for
 * people.
 *
 * A line is read in two steps. maillog/prefix.h finds time, host, tag and text
 * in whatever frame the line comes in (mt_words_frame); maillog/shape.h finds
 * in maillog/shapes.def the one shape that the text has for its program. A line
 * of a program we know that has none of its shapes is unknown: counted by
 * program, never guessed at.
 *
 * Times: classic syslog has neither year nor zone. Year: the one that makes the
 * line latest without being more than a day after `now`, so that December's
 * lines read in January are last year's. Zone: the system's (TZ), or the
 * option's; of an hour that occurs twice in autumn, the first until the
 * source's own order says otherwise (a step back of more than five seconds); of
 * one that does not exist in spring, as mktime(3) has it. With the option
 * `zone`, TZ is another for the moment in which a new minute is looked up: no
 * other thread may use local time or the environment then.
 *
 * Ordinals: the key field `line` is a hash of tag, process id and text
 * (maillog/twins.h) plus the number of equal lines before it at the same time
 * (the log's own resolution). A reader that begins in the midst of a source
 * must begin at the first line of some moment (see mt_maillog_again), and then
 * makes the same keys as before.
 *
 * A line that says that the one before came again is as many events as it says,
 * at its own time; up to a thousand (MT_MAILLOG_REPEATS).
 */
#ifndef MT_MAILLOG_MAILLOG_H
#define MT_MAILLOG_MAILLOG_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/str.h"
#include "base/words.h"
#include "event/event.h"

struct mt_maillog;

/* Is an address on the list of those that leave no trace? */
typedef bool mt_maillog_ignores(void *arg, struct mt_str address);

struct mt_maillog_options {
	struct mt_str host; /* of events; not empty; copied */
	bool host_of_line; /* take the host that the line names, if it does */
	bool keep_lines; /* make `line` events, too */
	enum mt_frame frame; /* 0: find out from each line */
	const char *zone; /* of times without one, as TZ has it; NULL: TZ */
	mt_maillog_ignores *ignores; /* may be NULL */
	void *ignores_arg;
};

/* What a line was. */
enum mt_maillog_kind {
	MT_MAILLOG_EVENT, /* of a known shape; it made at least one event */
	MT_MAILLOG_SILENT, /* of a known shape that says nothing we keep */
	MT_MAILLOG_IGNORED, /* about an address that leaves no trace */
	/* Of a program we know, of no shape we know. Behind a queue id it is
	 * kept as a line like any other. */
	MT_MAILLOG_UNKNOWN,
	MT_MAILLOG_FOREIGN, /* of another program */
	MT_MAILLOG_DAMAGED /* no log line: no time, no tag, not JSON */
};

/* An event made from a line; its texts live until the next line. */
typedef enum mt_rc mt_maillog_sink(
    void *arg, enum mt_event id, const void *ev, struct mt_err *err);

MT_MUST_CHECK enum mt_rc mt_maillog_new(
    const struct mt_maillog_options *options, struct mt_maillog **ret_log,
    struct mt_err *err);
void mt_maillog_free(struct mt_maillog *log); /* NULL is fine */

/*
 * One line, without its line end; whatever its length and bytes. `now` is when
 * it was read (or, for an old file, when the file was last written). Fails only
 * with what the sink returned; the line may then be given again, and has the
 * same keys.
 */
MT_MUST_CHECK enum mt_rc mt_maillog_line(struct mt_maillog *log,
    struct mt_str line, int64_t now, mt_maillog_sink *sink, void *arg,
    enum mt_maillog_kind *ret_kind, struct mt_err *err);

/* The time of the last line that had one; 0: none yet. */
int64_t mt_maillog_at(const struct mt_maillog *log);
/*
 * Did the last line begin a new moment? (Its time differs from that of the line
 * before, and it does not say that that line came again.)
 */
bool mt_maillog_moment(const struct mt_maillog *log);
/*
 * Where reading may begin again, should it end here: at the first line of a
 * moment, but not while something before it still waits for its queue id
 * (maillog/early.h). Both at once, as a rule:
 */
enum mt_maillog_again {
	MT_MAILLOG_NEXT = 1, /* at the last line, once that is good */
	MT_MAILLOG_GOOD = 2 /* from now on at the one that was NEXT last */
};
unsigned mt_maillog_again(const struct mt_maillog *log);

/* Unknown lines by program, for reports: calls back for each, most first. */
typedef void mt_maillog_count(
    void *arg, struct mt_str program, uint64_t lines, struct mt_str sample);
void mt_maillog_unknown(
    const struct mt_maillog *log, mt_maillog_count *count, void *arg);

#endif
