/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * IP addresses and networks. All-zero is absent. IPv4 in IPv6 clothes
 * (::ffff:192.0.2.1) is read as IPv4; a leading "IPv6:" (RFC 5321 literals) is
 * accepted.
 */
#ifndef MT_BASE_IP_H
#define MT_BASE_IP_H

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

#define MT_IP_LEN 46 /* text and NUL */

struct mt_ip {
	uint8_t family; /* 0 absent, 4, 6 */
	uint8_t b[16]; /* network order; IPv4 uses the first four */
};

struct mt_net {
	struct mt_ip ip; /* host bits are zero */
	unsigned bits;
};

bool mt_ip_read(struct mt_str s, struct mt_ip *ret_ip);
void mt_ip_write(const struct mt_ip *ip, char *out); /* MT_IP_LEN bytes */
bool mt_ip_eq(const struct mt_ip *a, const struct mt_ip *b);
/* "192.0.2.0/24", "2001:db8::/32" or a bare address. */
bool mt_net_read(struct mt_str s, struct mt_net *ret_net);
bool mt_net_has(const struct mt_net *net, const struct mt_ip *ip);
/* The address with all but the first bits cleared. */
struct mt_ip mt_ip_prefix(const struct mt_ip *ip, unsigned bits);

#endif
