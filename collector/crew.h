/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The writers of one configuration: the first works in the caller's thread,
 * each other in its own, woken when the first is behind (writer.h).
 */
#ifndef COLLECTOR_CREW_H
#define COLLECTOR_CREW_H

#include "conf/conf.h"

#define CREW_MOST 8

struct crew;

/* Errors: as writer_new of the first; conf is shared. */
MT_MUST_CHECK enum mt_rc crew_new(
    struct mt_conf *conf, struct crew **ret_crew, struct mt_err *err);
/* Waits until the others have done what they have in hand. NULL is fine. */
void crew_free(struct crew *c);
/* Have the others begin, when no other crew is at work. */
MT_MUST_CHECK enum mt_rc crew_start(struct crew *c, struct mt_err *err);
/* A turn of the first writer, and what is due now and then. */
MT_MUST_CHECK enum mt_rc crew_turn(struct crew *c, struct mt_err *err);
/* Wait for the next turn, a reload or the stop. */
void crew_sleep(const struct crew *c);
/* What made another writer ask for the stop, when one did. */
MT_MUST_CHECK enum mt_rc crew_end(struct crew *c, struct mt_err *err);

#endif
