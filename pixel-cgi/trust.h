/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Who the client is. REMOTE_ADDR, unless that is a proxy we trust: then the
 * right-most hop of X-Forwarded-For that is not. What stands further left was
 * written by strangers and is never looked at.
 */
#ifndef PIXEL_TRUST_H
#define PIXEL_TRUST_H

#include "base/err.h"
#include "base/ip.h"
#include "base/str.h"

struct pixel_trust;

/* Networks one space apart; absent: nobody is trusted. */
MT_MUST_CHECK enum mt_rc pixel_trust_read(
    struct mt_str networks, struct pixel_trust **ret_trust, struct mt_err *err);
void pixel_trust_free(struct pixel_trust *trust); /* NULL is fine */
/* Absent when it cannot be told. trust may be NULL. */
struct mt_ip pixel_client(const struct pixel_trust *trust,
    struct mt_str remote_addr, struct mt_str forwarded_for);

#endif
