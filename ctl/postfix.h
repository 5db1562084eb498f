/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Postfix's list of milters, as `postconf` prints it: entries with commas or
 * spaces between; an entry is a socket, or "{ socket, name = value, ... }".
 */
#ifndef CTL_POSTFIX_H
#define CTL_POSTFIX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/str.h"

struct ctl_milter {
	struct mt_str socket; /* "unix:mailtrail/milter.sock" */
	struct mt_str connect_timeout; /* absent: Postfix's general one */
	struct mt_str command_timeout;
	struct mt_str content_timeout;
	struct mt_str default_action;
};

/* Texts are borrowed; false when there are more than max or it is damaged. */
bool ctl_milters_read(
    struct mt_str list, struct ctl_milter *milters, size_t max, size_t *ret_n);
/* "30s", "5m", "1h", "2d", "1w" or "30" as seconds. */
bool ctl_postfix_time(struct mt_str text, uint64_t *ret_seconds);
/* The path of "unix:PATH" or "local:PATH"; absent for other sockets. */
struct mt_str ctl_milter_path(const struct ctl_milter *milter);
/* Does this look like one that signs: rspamd, OpenDKIM, dkimpy? */
bool ctl_milter_signs(const struct ctl_milter *milter);
/*
 * The path a daemon of Postfix comes to: in the chroot, or from the queue
 * directory, which is where daemons live. Appends to out.
 */

void ctl_milter_real_path(struct mt_str path, struct mt_str queue_dir,
    bool chroot, struct mt_buf *out);

#endif
