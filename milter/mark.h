/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The end of a message: markup, and the changes that are asked of the mail
 * server. They leave together with the answer (wire.h), or not at all.
 */
#ifndef MILTER_MARK_H
#define MILTER_MARK_H

#include <libmilter/mfapi.h>

#include "message.h"

/* Sets reason, and marked and token when it was marked. */
void milter_mark(struct milter_message *m);
/* Hold the changes back for the answer. On failure reason is `failed`. */
void milter_apply(SMFICTX *ctx, struct milter_message *m, bool leading_space);

/* Take the mark back; other changes stay. Before the answer. */
void milter_unmark(SMFICTX *ctx, struct milter_message *m, bool leading_space);

#endif
