/* SPDX-License-Identifier: BSD-2-Clause */
/* The release, and the commit when it is not exactly that release. */
#ifndef MT_PROG_VERSION_H
#define MT_PROG_VERSION_H

extern const char mt_version[];

#endif
