/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Signals that end the milter: SIGTERM, SIGINT, SIGHUP. libmilter has a thread
 * of its own that waits for them; when it gets one, it serves nobody any more,
 * messages in work are lost to us, and its end can take five seconds. That
 * thread calls sigwait(3), which here is ours and never returns, so that the
 * signals are left to the main thread.
 */
#ifndef MILTER_SIGNALS_H
#define MILTER_SIGNALS_H

#include "base/err.h"

/* Called by the main thread, before there are others. */
MT_MUST_CHECK enum mt_rc milter_signals_init(struct mt_err *err);
/* Readable from the first such signal on. */
int milter_signals_fd(void);

#endif
