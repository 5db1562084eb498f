/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A small text file that a program keeps for its next start: lines, the last of
 * which is "end <CRC-32 of the lines above>", replaced as a whole by rename.
 * Who reads it sees the old text or the new one, never half of one; damage is
 * MT_FORMAT and for the caller to make good.
 */
#ifndef MT_SPOOL_KEEP_H
#define MT_SPOOL_KEEP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

/*
 * Append the lines, without the last one, to text, whose ceiling is the
 * file's. MT_ABSENT: there is no such file. *ret_at: when it was written.
 */
MT_MUST_CHECK enum mt_rc mt_keep_read(int dir_fd, const char *name,
    struct mt_buf *text, int64_t *ret_at, struct mt_err *err);
/*
 * text ends with a line end, and gets its last line here. sync: it is on the
 * disk itself when this returns.
 */
MT_MUST_CHECK enum mt_rc mt_keep_write(int dir_fd, const char *name,
    struct mt_buf *text, bool sync, struct mt_err *err);

/* Exactly n hexadecimal digits, at most 16. */
bool mt_keep_hex(struct mt_str s, uint64_t *ret_n);
/* Cut a line at its spaces: how many words; more than max count as max + 1. */
size_t mt_keep_words(struct mt_str line, struct mt_str *words, size_t max);

#endif
