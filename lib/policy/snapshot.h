/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The policy snapshot: every rule and consent in one file, so that a milter
 * needs no database. The builder writes it beside its place, syncs it and
 * renames it. A reader takes a private copy (so that a file cut short in place
 * cannot hurt it), validates all of it once, and refuses what is torn, flipped
 * or of a newer version. A snapshot is immutable, shared by threads and
 * counted; the texts of what a lookup finds live as long as the reference.
 *
 * The file, little-endian, offsets from its start:
 *
 *      0  8  magic "MTPOLICY"
 *      8  4  version (1)          12  4  entries
 *     16  8  size of the file     24  8  created (µs UTC)
 *     32  8  hash seed            40  4  slots, a power of two
 *     44  4  offset of the texts
 *     48     slots of 4 bytes: 0 is free, else entry number + 1; probing is
 *            linear and ends at a free slot, which there always is
 *      .     entries of 32 bytes: hash (4); scope, kind, mode, more (1
 *            each; a consent has only the last); offsets of subject, notice
 *            and pixel URL (4 each; 0 is absent); their lengths (4 each)
 *      .     texts
 *   size-4   CRC-32 of all before it
 *
 * more is a consent's state, and in a rule two words in bits, notice_plain
 * (1-0) and quoted (3-2). Older snapshots have 0 there, which is both absent;
 * a reader from before there were these words refuses a rule that has one.
 */
#ifndef MT_POLICY_SNAPSHOT_H
#define MT_POLICY_SNAPSHOT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"
#include "base/words.h"

struct mt_policy; /* a snapshot */
struct mt_policy_watch; /* a path, and the newest good snapshot there */

/*
 * Subjects by scope: global "*"; domain "example.org" or "*"; mailbox and
 * recipient an address, "@example.org" or "*"; consent an address or
 * "@example.org". Any case; snapshots hold them in lower case.
 */
struct mt_policy_rule {
	enum mt_scope scope;
	struct mt_str subject;
	enum mt_kind kind;
	enum mt_mode mode;
	/* absent: as the level above; empty: none. Of recipients: cascade.h */
	struct mt_str notice;
	struct mt_str pixel_url; /* absent: as the level above */
	/* Both absent: as the level above. Rules for recipients have neither.
	 */
	enum mt_answer notice_plain; /* the notice in text/plain, too */
	enum mt_quotes quoted;
};

struct mt_policy_consent {
	struct mt_str subject;
	enum mt_consent state;
};

struct mt_policy_source {
	const struct mt_policy_rule *rules;
	size_t rules_n;
	const struct mt_policy_consent *consents;
	size_t consents_n;
	int64_t created; /* 0: now */
};

/* The bytes of a snapshot. MT_CONFIG names the rule that is wrong. */
MT_MUST_CHECK enum mt_rc mt_policy_build(const struct mt_policy_source *source,
    struct mt_buf *out, struct mt_err *err);
/* Build, and put in the place of path at once or not at all; mode 0640, the
 * directory's group. */
MT_MUST_CHECK enum mt_rc mt_policy_write(const char *path,
    const struct mt_policy_source *source, struct mt_err *err);

/* MT_ABSENT: no such file. MT_FORMAT, MT_LIMIT: refused. */
MT_MUST_CHECK enum mt_rc mt_policy_open(
    const char *path, struct mt_policy **ret_policy, struct mt_err *err);
/* The same from bytes, which are copied. */
MT_MUST_CHECK enum mt_rc mt_policy_parse(
    struct mt_str bytes, struct mt_policy **ret_policy, struct mt_err *err);
struct mt_policy *mt_policy_ref(struct mt_policy *policy);
void mt_policy_unref(struct mt_policy *policy); /* NULL is fine */
int64_t mt_policy_created(const struct mt_policy *policy);
size_t mt_policy_count(const struct mt_policy *policy); /* rules, consents */

/* Exactly this subject, which is in lower case. */
bool mt_policy_find_rule(const struct mt_policy *policy, enum mt_scope scope,
    struct mt_str subject, struct mt_policy_rule *ret_rule);
/* What was said for exactly this subject; absent when nothing was. */
enum mt_consent mt_policy_find_consent(
    const struct mt_policy *policy, struct mt_str subject);

/*
 * A watch may be used by any number of threads. It asks the file system at
 * most once a second whether there is another file.
 */
struct mt_policy_watch *mt_policy_watch_new(const char *path);
void mt_policy_watch_free(struct mt_policy_watch *watch); /* NULL is fine */
/*
 * A reference to the newest good snapshot, NULL when there never was one.
 * err->rc is MT_OK unless this very call found a file that it had to refuse
 * (or none): then it says why, once a change, and the old one is kept.
 * MT_SYSTEM: it could not be read for now; said once a second until it can.
 */
struct mt_policy *mt_policy_watch_get(
    struct mt_policy_watch *watch, struct mt_err *err);
/* Look again at the next get, whatever the clock says. */
void mt_policy_watch_again(struct mt_policy_watch *watch);

#endif
