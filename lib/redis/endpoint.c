/* SPDX-License-Identifier: BSD-2-Clause */
#include <sys/un.h>

#include <string.h>

#include "base/log.h"
#include "base/num.h"
#include "base/sum.h"
#include "redis/redis.h"

static bool
copy(struct mt_str s, char *out, size_t size)
{
	if (s.n == 0 || s.n >= size)
		return false;
	memcpy(out, s.p, s.n);
	out[s.n] = '\0';
	return true;
}

static bool
read_address(struct mt_str s, struct mt_endpoint *e)
{
	struct mt_str host, port_text;
	uint64_t port;

	if (!mt_str_cut_last(s, ':', &host, &port_text) ||
	    !mt_num_read(port_text, 65535, &port) || port == 0)
		return false;
	if (host.n > 2 && host.p[0] == '[' && host.p[host.n - 1] == ']')
		host = mt_str_n(host.p + 1, host.n - 2);
	else if (memchr(host.p, ':', host.n) != NULL)
		return false;
	e->port = (unsigned)port;
	return copy(host, e->host, sizeof(e->host));
}

static enum mt_rc
read_endpoint(struct mt_str s, struct mt_endpoint *e, struct mt_err *err)
{
	struct sockaddr_un un;
	bool good;

	*e = (struct mt_endpoint){ .port = 0 };
	if (!mt_str_starts(s, "unix:"))
		good = read_address(s, e);
	else
		good = s.n > 5 && s.p[5] == '/' &&
		    copy(mt_str_n(s.p + 5, s.n - 5), e->host,
			sizeof(un.sun_path));
	if (!good || !copy(s, e->text, sizeof(e->text)))
		return mt_fail(err, MT_CONFIG,
		    "%s: not unix:/PATH or HOST:PORT", mt_quote(s).s);
	return MT_OK;
}

enum mt_rc
mt_endpoints_read(struct mt_str option, struct mt_endpoint *endpoints,
    size_t max, size_t *ret_n, struct mt_err *err)
{
	struct mt_str word, rest = mt_str_trim(option);
	size_t i, n = 0;

	while (rest.n > 0) {
		(void)mt_str_cut(rest, ' ', &word, &rest);
		rest = rest.p == NULL ? rest : mt_str_trim(rest);
		if (n == max)
			return mt_fail(
			    err, MT_CONFIG, "more than %zu endpoints", max);
		if (read_endpoint(word, &endpoints[n], err) != MT_OK)
			return err->rc;
		for (i = 0; i < n; i++)
			if (strcmp(endpoints[i].text, endpoints[n].text) == 0)
				return mt_fail(err, MT_CONFIG,
				    "%s: given twice", mt_quote(word).s);
		n++;
	}
	if (n == 0)
		return mt_fail(err, MT_CONFIG, "no endpoint");
	*ret_n = n;
	return MT_OK;
}

size_t
mt_endpoint_choose(const struct mt_pair *pairs, size_t n_pairs, size_t n)
{
	struct mt_str host = { NULL, 0 }, queue_id = { NULL, 0 };
	struct mt_str token = { NULL, 0 };
	uint32_t sum = 0;
	size_t i;

	if (n <= 1)
		return 0;
	for (i = 0; i < n_pairs; i++) {
		if (mt_str_eqz(pairs[i].name, "host"))
			host = pairs[i].value;
		else if (mt_str_eqz(pairs[i].name, "queue_id"))
			queue_id = pairs[i].value;
		else if (mt_str_eqz(pairs[i].name, "token"))
			token = pairs[i].value;
	}
	if (queue_id.n > 0) {
		sum = mt_sum(sum, host.p, host.n);
		sum = mt_sum(sum, queue_id.p, queue_id.n);
	} else {
		sum = mt_sum(sum, token.p, token.n);
	}
	return sum % n;
}
