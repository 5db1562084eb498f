/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sd_notify(3)'s protocol: one datagram to $NOTIFY_SOCKET. Does nothing when
 * systemd did not start us; a failure is of no consequence.
 */
#ifndef MT_PROG_SYSTEMD_H
#define MT_PROG_SYSTEMD_H

void mt_systemd_notify(const char *state);

#endif
