/* SPDX-License-Identifier: BSD-2-Clause */
#include <zstd.h>

#include "unpack.h"

/* A small frame may ask for a large window; no row of ours is so long. */
#define WINDOW_LOG_MAX 23
#define PIECE 16384

static const char magic[4] = { '\x28', '\xb5', '\x2f', '\xfd' };

void
unpack_done(struct unpack *u)
{
	(void)ZSTD_freeDCtx(u->zstd);
	u->zstd = NULL;
}

bool
unpack_is_packed(struct mt_str s)
{
	return s.n >= sizeof(magic) &&
	    mt_str_eq(
		mt_str_n(s.p, sizeof(magic)), mt_str_n(magic, sizeof(magic)));
}

static enum mt_rc
begin(struct unpack *u, struct mt_err *err)
{
	if (u->zstd == NULL)
		u->zstd = ZSTD_createDCtx();
	if (u->zstd == NULL ||
	    ZSTD_isError(
		ZSTD_DCtx_reset(u->zstd, ZSTD_reset_session_and_parameters)) ||
	    ZSTD_isError(ZSTD_DCtx_setParameter(
		u->zstd, ZSTD_d_windowLogMax, WINDOW_LOG_MAX)))
		return mt_fail(err, MT_SYSTEM, "zstd cannot begin");
	return MT_OK;
}

enum mt_rc
unpack_text(
    struct unpack *u, struct mt_str s, struct mt_buf *out, struct mt_err *err)
{
	ZSTD_inBuffer in = { .src = s.p, .size = s.n };
	size_t room, left = 1;

	if (begin(u, err) != MT_OK)
		return err->rc;
	while (left > 0) {
		room = out->max - out->n < PIECE ? out->max - out->n : PIECE;
		if (room == 0)
			return mt_fail(err, MT_LIMIT,
			    "longer than %zu bytes, unpacked", out->max);
		if (!mt_buf_reserve(out, room))
			return mt_fail(err, MT_LIMIT, "too long, unpacked");
		ZSTD_outBuffer piece = { .dst = out->p + out->n, .size = room };
		left = ZSTD_decompressStream(u->zstd, &piece, &in);
		if (ZSTD_isError(left))
			return mt_fail(err, MT_FORMAT, "zstd: %s",
			    ZSTD_getErrorName(left));
		out->n += piece.pos;
		out->p[out->n] = '\0';
		if (left > 0 && in.pos == in.size && piece.pos < room)
			return mt_fail(err, MT_FORMAT, "zstd: cut off");
	}
	if (in.pos < in.size)
		return mt_fail(
		    err, MT_FORMAT, "zstd: something behind its end");
	return MT_OK;
}
