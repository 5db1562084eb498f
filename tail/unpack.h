/* SPDX-License-Identifier: BSD-2-Clause */
/* Texts that zstd (RFC 8878) has packed, one frame each. */
#ifndef TAIL_UNPACK_H
#define TAIL_UNPACK_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/err.h"

struct ZSTD_DCtx_s;

struct unpack {
	struct ZSTD_DCtx_s *zstd; /* owned; NULL: not needed yet */
};

void unpack_done(struct unpack *u);
/* Does it begin as a frame does? Text never does. */
bool unpack_is_packed(struct mt_str s);
/*
 * Append what is packed in s. MT_FORMAT: it is damaged, cut off, or more than a
 * frame. MT_LIMIT: more than out takes.
 */
MT_MUST_CHECK enum mt_rc unpack_text(
    struct unpack *u, struct mt_str s, struct mt_buf *out, struct mt_err *err);

#endif
