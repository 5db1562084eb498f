/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Secrets come from files only, which systemd's LoadCredential= fills; never
 * from a command line or the option file itself.
 */
#ifndef MT_CONF_SECRET_H
#define MT_CONF_SECRET_H

#include "base/buf.h"
#include "base/err.h"

/*
 * Read a secret file of at most MT_MAX_SECRET bytes into out (initialised
 * here; wipe it with mt_secret_done), without its last line end. MT_CONFIG
 * when it is missing, unreadable, empty, or open to everybody (mode & 007).
 */
MT_MUST_CHECK enum mt_rc mt_secret_read(
    const char *path, struct mt_buf *out, struct mt_err *err);
/*
 * The same for an option, whose file may have changed since it was read: out
 * was initialised, and what it holds is wiped. *ret_text borrows from it, and
 * is absent when the option names no file.
 */
MT_MUST_CHECK enum mt_rc mt_secret_option(struct mt_str path,
    struct mt_buf *out, struct mt_str *ret_text, struct mt_err *err);
void mt_secret_done(struct mt_buf *secret);

#endif
