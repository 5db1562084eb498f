/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What mailtrail-tail remembers across a restart and tells whoever asks, in the
 * file tail.state of its state_dir (spool/keep.h). Words, one space apart:
 *
 *     mailtrail-tail 1
 *     boot <kernel's boot id>
 *     since <when the program was started, µs UTC>
 *     source <name, as in the option log>
 *     place <dev> <inode> <offset> <until> <bytes checked> <CRC-32 of those>
 *     safe <the same>
 *     seen <lines back to the moment's first> <hashes, the newest first>
 *     count <lines> <events> <silent> <ignored> <unknown> <foreign> <damaged>
 *           <cut> <gaps> <bytes behind> <time of the last line, µs UTC>
 *     unknown <lines> <program>
 *
 * All below a `source` is about it; hashes are 16 hexadecimal digits. place is
 * where reading begins again: all before it is in the spool, and it is the
 * first line of a moment, so that what is read twice gets the same keys, and
 * nothing before it is needed to read on (mt_maillog_again). safe
 * is an earlier one of those, some seconds old: after a power loss the spool
 * may lack what place counts on.
 */
#ifndef MT_SPOOL_TAILED_H
#define MT_SPOOL_TAILED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "spool/state.h"

#define MT_TAILED_SEEN 64 /* hashes of one source */
#define MT_TAILED_UNKNOWN 8 /* programs of one source */

/*
 * A place in a file, which is known again by the last bytes that were read of
 * it: an inode may be another file's soon.
 */
struct mt_place {
	uint64_t dev;
	uint64_t ino;
	uint64_t offset;
	uint64_t until; /* the file was read up to here, offset or more */
	uint64_t checked; /* that many bytes before that */
	uint64_t sum; /* have this CRC-32 */
};

/* Since the program was started, but for the last two. */
struct mt_tailed_counts {
	uint64_t lines;
	uint64_t events;
	uint64_t silent; /* lines, of a shape that says nothing we keep */
	uint64_t ignored; /* about an address that leaves no trace */
	uint64_t unknown;
	uint64_t foreign;
	uint64_t damaged;
	uint64_t cut; /* lines longer than our limit */
	uint64_t gaps; /* places where lines are known to be missing */
	uint64_t behind; /* bytes there are, and are not read yet */
	uint64_t last; /* time of the last line, µs UTC; 0: none */
};

struct mt_tailed_unknown {
	uint64_t lines;
	char program[64];
};

struct mt_tailed_source {
	char *name; /* owned */
	bool placed;
	struct mt_place place;
	struct mt_place safe;
	uint64_t back;
	uint64_t seen[MT_TAILED_SEEN];
	size_t n_seen;
	struct mt_tailed_counts counts;
	struct mt_tailed_unknown unknown[MT_TAILED_UNKNOWN];
	size_t n_unknown;
};

struct mt_tailed {
	char boot[MT_BOOT_ID + 1]; /* filled in by mt_tailed_write */
	int64_t at; /* when it was written (from the file's time) */
	int64_t since;
	struct mt_tailed_source *sources; /* owned */
	size_t n;
};

#define MT_TAILED_LOCK "tail.lock" /* held (flock) while the program runs */

/* Is a mailtrail-tail at work there? Looks for its lock. */
bool mt_tailed_served(int dir_fd);
/* MT_ABSENT: no state. MT_FORMAT: damaged. */
MT_MUST_CHECK enum mt_rc mt_tailed_read(
    int dir_fd, struct mt_tailed *ret_tailed, struct mt_err *err);
MT_MUST_CHECK enum mt_rc mt_tailed_write(
    int dir_fd, const struct mt_tailed *tailed, struct mt_err *err);
void mt_tailed_done(struct mt_tailed *tailed);
/* Valid until the next one is added. */
struct mt_tailed_source *mt_tailed_add(
    struct mt_tailed *tailed, const char *name);
struct mt_tailed_source *mt_tailed_find(
    const struct mt_tailed *tailed, const char *name); /* or NULL */

#endif
