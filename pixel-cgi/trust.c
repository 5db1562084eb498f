/* SPDX-License-Identifier: BSD-2-Clause */
#include "trust.h"

#include "base/log.h"
#include "base/mem.h"
#include "base/num.h"

#define NETWORKS_MAX 256
#define HOPS_MAX 32 /* of proxies we trust, one behind the other */

struct pixel_trust {
	size_t n;
	bool local; /* a proxy on a Unix socket: no address at all */
	struct mt_net nets[NETWORKS_MAX];
};

enum mt_rc
pixel_trust_read(
    struct mt_str networks, struct pixel_trust **ret_trust, struct mt_err *err)
{
	struct pixel_trust *trust = mt_alloc(sizeof(*trust));
	struct mt_str word, rest = networks;

	while (rest.n > 0) {
		(void)mt_str_cut(rest, ' ', &word, &rest);
		if (word.n == 0)
			continue;
		if (mt_str_eqz(word, "unix:")) {
			trust->local = true;
			continue;
		}
		if (trust->n == NETWORKS_MAX) {
			mt_free(trust);
			return mt_fail(err, MT_LIMIT,
			    "trusted_proxies: more than %d networks",
			    NETWORKS_MAX);
		}
		if (!mt_net_read(word, &trust->nets[trust->n])) {
			mt_free(trust);
			return mt_fail(err, MT_CONFIG,
			    "trusted_proxies: %s is no address or network",
			    mt_quote(word).s);
		}
		trust->n++;
	}
	*ret_trust = trust;
	return MT_OK;
}

void
pixel_trust_free(struct pixel_trust *trust)
{
	mt_free(trust);
}

static bool
trusted(const struct pixel_trust *trust, const struct mt_ip *ip)
{
	size_t i;

	for (i = 0; i < trust->n; i++)
		if (mt_net_has(&trust->nets[i], ip))
			return true;
	return false;
}

/* "192.0.2.1", "192.0.2.1:8080", "2001:db8::1", "[2001:db8::1]:8080". */
static bool
read_hop(struct mt_str s, struct mt_ip *ret_ip)
{
	struct mt_str host, port;
	uint64_t n;

	if (mt_ip_read(s, ret_ip))
		return true;
	if (s.n > 0 && s.p[0] == '[') {
		if (!mt_str_cut(mt_str_n(s.p + 1, s.n - 1), ']', &host, &port))
			return false;
		if (port.n > 0 &&
		    (port.p[0] != ':' ||
			!mt_num_read(
			    mt_str_n(port.p + 1, port.n - 1), 65535, &n)))
			return false;
		return mt_ip_read(host, ret_ip);
	}
	return mt_str_cut(s, ':', &host, &port) &&
	    mt_num_read(port, 65535, &n) && mt_ip_read(host, ret_ip);
}

struct mt_ip
pixel_client(const struct pixel_trust *trust, struct mt_str remote_addr,
    struct mt_str forwarded_for)
{
	const struct mt_ip nobody = { .family = 0 };
	struct mt_str hop, rest = forwarded_for;
	struct mt_ip ip = nobody;
	unsigned hops;

	if (!mt_ip_read(remote_addr, &ip)) {
		if (trust == NULL || !trust->local ||
		    !mt_str_eqz(remote_addr, "unix:"))
			return nobody;
	} else if (trust == NULL || !trusted(trust, &ip)) {
		return ip;
	}
	for (hops = 0; rest.n > 0 && hops < HOPS_MAX; hops++) {
		if (!mt_str_cut_last(rest, ',', &rest, &hop)) {
			hop = rest;
			rest = mt_str(NULL);
		}
		/* A trusted proxy wrote it, but not an address: not known. */
		if (!read_hop(mt_str_trim(hop), &ip))
			return nobody;
		if (!trusted(trust, &ip))
			return ip;
	}
	return ip;
}
