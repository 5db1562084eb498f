/* SPDX-License-Identifier: BSD-2-Clause */
/* The parts of `mailtrail track` that only look. */
#ifndef CTL_TRACK_H
#define CTL_TRACK_H

#include "ctl.h"

extern const struct ctl_cmd ctl_track_show;
extern const struct ctl_cmd ctl_track_explain;

#endif
