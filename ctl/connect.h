/* SPDX-License-Identifier: BSD-2-Clause */
/* Connections as the options say, with passwords from their files. */
#ifndef CTL_CONNECT_H
#define CTL_CONNECT_H

#include "base/buf.h"
#include "base/err.h"
#include "db/db.h"
#include "redis/stream.h"

#include "options.h"

/* "socket /run/mysqld/mysqld.sock" or "db.example:3306", for people. */
void ctl_db_place(const struct ctl_options *o, struct mt_buf *out);
MT_MUST_CHECK enum mt_rc ctl_db_open(
    const struct ctl_options *o, struct mt_db **ret_db, struct mt_err *err);

/* Every endpoint of the option redis; connections are made when needed. */
struct ctl_streams {
	struct mt_buf password; /* wiped by ctl_streams_close */
	struct mt_endpoint endpoints[MT_MAX_ENDPOINTS];
	struct mt_stream *streams[MT_MAX_ENDPOINTS];
	size_t n;
};

MT_MUST_CHECK enum mt_rc ctl_streams_open(
    const struct ctl_options *o, struct ctl_streams *ret_s, struct mt_err *err);
void ctl_streams_close(struct ctl_streams *s);

#endif
