/* SPDX-License-Identifier: BSD-2-Clause */
/* What libmilter calls, registered for a server (once a process). */
#ifndef MILTER_CALLBACKS_H
#define MILTER_CALLBACKS_H

#include "base/err.h"

struct milter_server;

MT_MUST_CHECK enum mt_rc milter_callbacks_register(
    struct milter_server *server, struct mt_err *err);

#endif
