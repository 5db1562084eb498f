/* SPDX-License-Identifier: BSD-2-Clause */
#include "mail/received.h"

#include "mail/date.h"

/* The next word outside comments, without a ";" at its end. */
static struct mt_str
next_word(struct mt_str *rest)
{
	size_t i, from = 0;
	unsigned depth = 0;
	bool in = false;
	char c;

	for (i = 0; i < rest->n; i++) {
		c = rest->p[i];
		if (c == '\\')
			i++;
		if (in && (mt_is_space(c) || c == '(' || c == ';'))
			break;
		if (c == '(')
			depth++;
		else if (c == ')' && depth > 0)
			depth--;
		else if (depth == 0 && !in && !mt_is_space(c) && c != ';') {
			in = true;
			from = c == '\\' ? i - 1 : i;
		}
	}
	if (i > rest->n)
		i = rest->n;
	if (!in)
		from = i;
	*rest = mt_str_n(rest->p + i, rest->n - i);
	return mt_str_n(rest->p - (i - from), i - from);
}

void
mt_received_read(struct mt_str value, struct mt_received *ret_r)
{
	struct mt_received r = { .at = 0 };
	struct mt_str rest = value, word, date;

	if (mt_str_cut_last(value, ';', &rest, &date) &&
	    !mt_mail_date_read(date, &r.at))
		r.at = 0;
	while ((word = next_word(&rest)).n > 0) {
		if (r.by.p == NULL && mt_str_eqz_nocase(word, "by"))
			r.by = next_word(&rest);
		else if (r.id.p == NULL && r.by.p != NULL &&
		    mt_str_eqz_nocase(word, "id"))
			r.id = next_word(&rest);
	}
	*ret_r = r;
}

static struct mt_str
bare(struct mt_str host)
{
	if (host.n > 0 && host.p[host.n - 1] == '.')
		host.n--;
	return host;
}

bool
mt_host_among(struct mt_str host, struct mt_str names)
{
	struct mt_str name;

	host = bare(host);
	while (host.n > 0 && names.n > 0) {
		(void)mt_str_cut(names, ' ', &name, &names);
		if (mt_str_eq_nocase(host, bare(name)))
			return true;
	}
	return false;
}
