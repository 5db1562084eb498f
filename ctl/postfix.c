/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>

#include "base/buf.h"
#include "base/num.h"
#include "postfix.h"

static bool
is_gap(char c)
{
	return c == ',' || mt_is_space(c);
}

static void
read_setting(struct mt_str text, struct ctl_milter *m)
{
	const struct {
		const char *name;
		struct mt_str *member;
	} settings[] = {
		{ "connect_timeout", &m->connect_timeout },
		{ "command_timeout", &m->command_timeout },
		{ "content_timeout", &m->content_timeout },
		{ "default_action", &m->default_action },
	};
	struct mt_str name, value;
	size_t i;

	if (!mt_str_cut(text, '=', &name, &value))
		return;
	for (i = 0; i < sizeof(settings) / sizeof(settings[0]); i++)
		if (mt_str_eqz(mt_str_trim(name), settings[i].name))
			*settings[i].member = mt_str_trim(value);
}

/* What stands between braces: the socket, and settings after commas. */
static bool
read_group(struct mt_str text, struct ctl_milter *m)
{
	struct mt_str part, rest = mt_str_trim(text);
	size_t i = 0;

	/* The socket ends at a comma or space; settings may have spaces. */
	while (i < rest.n && !is_gap(rest.p[i]))
		i++;
	m->socket = mt_str_n(rest.p, i);
	rest = mt_str_n(rest.p + i, rest.n - i);
	while (rest.n > 0) {
		(void)mt_str_cut(rest, ',', &part, &rest);
		read_setting(part, m);
	}
	return m->socket.n > 0;
}

bool
ctl_milters_read(
    struct mt_str list, struct ctl_milter *milters, size_t max, size_t *ret_n)
{
	const char *end;
	size_t i, n = 0;

	for (;;) {
		while (list.n > 0 && is_gap(list.p[0]))
			list = mt_str_n(list.p + 1, list.n - 1);
		if (list.n == 0)
			break;
		if (n == max)
			return false;
		milters[n] = (struct ctl_milter){ .socket = { NULL, 0 } };
		if (list.p[0] == '{') {
			end = memchr(list.p, '}', list.n);
			if (end == NULL ||
			    !read_group(mt_str_n(list.p + 1,
					    (size_t)(end - list.p) - 1),
				&milters[n]))
				return false;
			i = (size_t)(end - list.p) + 1;
		} else {
			for (i = 0; i < list.n && !is_gap(list.p[i]); i++)
				;
			milters[n].socket = mt_str_n(list.p, i);
		}
		n++;
		list = mt_str_n(list.p + i, list.n - i);
	}
	*ret_n = n;
	return true;
}

bool
ctl_postfix_time(struct mt_str text, uint64_t *ret_seconds)
{
	static const struct {
		char unit;
		uint64_t seconds;
	} units[] = { { 's', 1 }, { 'm', 60 }, { 'h', 3600 }, { 'd', 86400 },
		{ 'w', 604800 } };
	uint64_t n, unit = 1;
	size_t i;

	text = mt_str_trim(text);
	for (i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		if (text.n == 0 || text.p[text.n - 1] != units[i].unit)
			continue;
		unit = units[i].seconds;
		text.n--;
		break;
	}
	if (!mt_num_read(text, 1000000000, &n))
		return false;
	*ret_seconds = n * unit;
	return true;
}

struct mt_str
ctl_milter_path(const struct ctl_milter *milter)
{
	struct mt_str kind, path;

	if (mt_str_cut(milter->socket, ':', &kind, &path) &&
	    (mt_str_eqz(kind, "unix") || mt_str_eqz(kind, "local")))
		return path;
	return mt_str(NULL);
}

bool
ctl_milter_signs(const struct ctl_milter *milter)
{
	static const char *const signs[] = { "rspamd", ":11332", "dkim",
		":8891", ":12301", "arc" };
	size_t i;

	for (i = 0; i < sizeof(signs) / sizeof(signs[0]); i++)
		if (memmem(milter->socket.p, milter->socket.n, signs[i],
			strlen(signs[i])) != NULL)
			return true;
	return false;
}

void
ctl_milter_real_path(struct mt_str path, struct mt_str queue_dir, bool chroot,
    struct mt_buf *out)
{
	bool absolute = path.n > 0 && path.p[0] == '/';

	if (!absolute || chroot)
		mt_buf_str(out, queue_dir);
	if (!absolute)
		mt_buf_c(out, '/');
	mt_buf_str(out, path);
}
