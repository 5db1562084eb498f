/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What dead.c and server.c need of a stream beyond its public face. For this
 * room only.
 */
#ifndef MT_REDIS_PEER_H
#define MT_REDIS_PEER_H

#include "redis/link.h"
#include "redis/stream.h"

struct mt_link *mt_stream_link(struct mt_stream *s);
struct mt_str mt_stream_key(const struct mt_stream *s);
struct mt_str mt_stream_group(const struct mt_stream *s);
/* Connected, or about to be, and no answer to a read in the way. */
MT_MUST_CHECK enum mt_rc mt_stream_ready(
    struct mt_stream *s, struct mt_err *err);
/* Wait for the next answer; a refusal is an error. */
MT_MUST_CHECK enum mt_rc mt_stream_answer(
    struct mt_stream *s, struct mt_node **ret_node, struct mt_err *err);

#endif
