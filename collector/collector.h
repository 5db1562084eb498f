/* SPDX-License-Identifier: BSD-2-Clause */
/* The program's three acts (prog/program.h). */
#ifndef COLLECTOR_COLLECTOR_H
#define COLLECTOR_COLLECTOR_H

#include "conf/conf.h"

MT_MUST_CHECK enum mt_rc collector_setup(
    struct mt_conf *conf, void **ret_state, struct mt_err *err);
MT_MUST_CHECK enum mt_rc collector_run(void *state, struct mt_err *err);
void collector_done(void *state);

#endif
