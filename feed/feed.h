/* SPDX-License-Identifier: BSD-2-Clause */
/* mailtrail-feed: one thread, which waits for LMTP clients and for IMAP. */
#ifndef FEED_FEED_H
#define FEED_FEED_H

#include "conf/conf.h"

enum mt_rc feed_setup(
    struct mt_conf *conf, void **ret_state, struct mt_err *err);
enum mt_rc feed_run(void *state, struct mt_err *err);
void feed_done(void *state);

#endif
