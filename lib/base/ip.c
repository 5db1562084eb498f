/* SPDX-License-Identifier: BSD-2-Clause */
#include <arpa/inet.h>
#include <string.h>

#include "base/ip.h"
#include "base/num.h"

bool
mt_ip_read(struct mt_str s, struct mt_ip *ret_ip)
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };
	struct mt_ip ip = { 0 };
	char text[MT_IP_LEN];

	if (mt_str_starts(s, "IPv6:"))
		s = mt_str_n(s.p + 5, s.n - 5);
	if (s.n == 0 || s.n >= sizeof(text) || memchr(s.p, '\0', s.n) != NULL)
		return false;
	memcpy(text, s.p, s.n);
	text[s.n] = '\0';
	if (inet_pton(AF_INET, text, ip.b) == 1) {
		ip.family = 4;
	} else if (inet_pton(AF_INET6, text, ip.b) == 1) {
		ip.family = 6;
		if (memcmp(ip.b, mapped, sizeof(mapped)) == 0) {
			ip.family = 4;
			memmove(ip.b, ip.b + 12, 4);
			memset(ip.b + 4, 0, 12);
		}
	} else {
		return false;
	}
	*ret_ip = ip;
	return true;
}

void
mt_ip_write(const struct mt_ip *ip, char *out)
{
	size_t i;

	for (i = 0; ip->family == 4 && i < 4; i++) {
		if (i > 0)
			*out++ = '.';
		out = mt_num_put(out, ip->b[i]);
	}
	*out = '\0';
	if (ip->family == 6)
		(void)inet_ntop(AF_INET6, ip->b, out, MT_IP_LEN);
}

bool
mt_ip_eq(const struct mt_ip *a, const struct mt_ip *b)
{
	return a->family == b->family && memcmp(a->b, b->b, sizeof(a->b)) == 0;
}

static unsigned
family_bits(const struct mt_ip *ip)
{
	return ip->family == 4 ? 32 : 128;
}

struct mt_ip
mt_ip_prefix(const struct mt_ip *ip, unsigned bits)
{
	struct mt_ip out = *ip;
	size_t whole = bits / 8;

	if (whole >= sizeof(out.b))
		return out;
	out.b[whole] &= (uint8_t)(0xff00 >> bits % 8);
	memset(out.b + whole + 1, 0, sizeof(out.b) - whole - 1);
	return out;
}

bool
mt_net_read(struct mt_str s, struct mt_net *ret_net)
{
	struct mt_str address, length;
	struct mt_net net;
	uint64_t bits;

	(void)mt_str_cut(s, '/', &address, &length);
	if (!mt_ip_read(address, &net.ip))
		return false;
	bits = family_bits(&net.ip);
	if (length.p != NULL && !mt_num_read(length, bits, &bits))
		return false;
	net.bits = (unsigned)bits;
	net.ip = mt_ip_prefix(&net.ip, net.bits);
	*ret_net = net;
	return true;
}

bool
mt_net_has(const struct mt_net *net, const struct mt_ip *ip)
{
	struct mt_ip prefix;

	if (ip->family != net->ip.family)
		return false;
	prefix = mt_ip_prefix(ip, net->bits);
	return mt_ip_eq(&prefix, &net->ip);
}
