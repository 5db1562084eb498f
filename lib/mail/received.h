/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Received fields (RFC 5321 4.4), as far as they tell under which queue id a
 * host took a message, and when:
 *
 *     from a.example (a.example [192.0.2.1])
 *         by mx.example.org (Postfix) with ESMTPS id 4dG2kQ2mzCzGd4
 *         for <bob@example.org>; Fri, 21 Nov 1997 09:55:06 -0600
 */
#ifndef MT_MAIL_RECEIVED_H
#define MT_MAIL_RECEIVED_H

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

struct mt_received {
	struct mt_str by; /* borrowed, as the next; absent when not said */
	struct mt_str id;
	int64_t at; /* 0: not said */
};

void mt_received_read(struct mt_str value, struct mt_received *ret_r);
/* Is the host one of names, which stand one space apart? */
bool mt_host_among(struct mt_str host, struct mt_str names);

#endif
