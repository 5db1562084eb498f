/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>

#include "base/num.h"
#include "maillog/scan.h"

static void
drop(struct mt_str *s, size_t n)
{
	s->p += n;
	s->n -= n;
}

bool
mt_scan_text(struct mt_str *s, struct mt_str text)
{
	if (s->n < text.n || memcmp(s->p, text.p, text.n) != 0)
		return false;
	drop(s, text.n);
	return true;
}

bool
mt_scan_to(struct mt_str *s, char c, struct mt_str *ret_head)
{
	const char *at = s->n > 0 ? memchr(s->p, c, s->n) : NULL;

	struct mt_str head;

	if (at == NULL)
		return false;
	head = mt_str_n(s->p, (size_t)(at - s->p));
	drop(s, head.n + 1);
	*ret_head = head; /* which may be s: all but the head is dropped */
	return true;
}

const char *
mt_scan_find(struct mt_str s, struct mt_str text)
{
	return s.n < text.n ? NULL : memmem(s.p, s.n, text.p, text.n);
}

bool
mt_scan_past(struct mt_str *s, struct mt_str text, struct mt_str *ret_head)
{
	const char *at = mt_scan_find(*s, text);

	if (at == NULL)
		return false;
	*ret_head = mt_str_n(s->p, (size_t)(at - s->p));
	drop(s, ret_head->n + text.n);
	return true;
}

bool
mt_scan_number(struct mt_str *s, uint64_t max, uint64_t *ret_n)
{
	size_t n = 0;

	while (n < s->n && mt_is_digit(s->p[n]))
		n++;
	if (!mt_num_read(mt_str_n(s->p, n), max, ret_n))
		return false;
	drop(s, n);
	return true;
}

/* The index behind the quoted text that begins at s, 0 when it has no end. */
static size_t
quoted_end(struct mt_str s)
{
	size_t i;

	for (i = 1; i < s.n; i++) {
		if (s.p[i] == '\\')
			i++;
		else if (s.p[i] == '"')
			return i + 1;
	}
	return 0;
}

bool
mt_scan_address(struct mt_str *s, struct mt_str *ret_address)
{
	struct mt_str rest = *s;
	const char *end;
	size_t quoted = 0;

	if (rest.n == 0 || rest.p[0] != '<')
		return false;
	drop(&rest, 1);
	if (rest.n > 0 && rest.p[0] == '"')
		quoted = quoted_end(rest);
	if (rest.n == quoted)
		return false;
	end = memchr(rest.p + quoted, '>', rest.n - quoted);
	if (end == NULL)
		return false;
	*ret_address = mt_str_n(rest.p, (size_t)(end - rest.p));
	drop(&rest, ret_address->n + 1);
	*s = rest;
	return true;
}

bool
mt_scan_peer(struct mt_str *s, struct mt_str *ret_name, struct mt_ip *ret_ip)
{
	struct mt_str rest = *s, name, address;
	struct mt_ip ip = { 0 };
	uint64_t port;

	if (!mt_scan_to(&rest, '[', &name) || name.n == 0 ||
	    memchr(name.p, ' ', name.n) != NULL ||
	    memchr(name.p, ']', name.n) != NULL ||
	    !mt_scan_to(&rest, ']', &address))
		return false;
	if (!mt_ip_read(address, &ip) && !mt_str_eqz(address, "unknown"))
		return false;
	if (rest.n > 1 && rest.p[0] == ':' && mt_is_digit(rest.p[1])) {
		drop(&rest, 1);
		if (!mt_scan_number(&rest, 65535, &port))
			return false;
	}
	*ret_name = mt_str_eqz(name, "unknown") ? mt_str(NULL) : name;
	*ret_ip = ip;
	*s = rest;
	return true;
}
