/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdlib.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/utf8.h"
#include "json.h"

json_t *
ctl_json_str(struct mt_str s)
{
	struct mt_buf clean;
	json_t *value;

	if (s.p == NULL)
		return json_null();
	if (mt_utf8_clean(s))
		return json_stringn(s.p, s.n);
	mt_buf_init(&clean, 4 * s.n + 1);
	mt_utf8_escape(&clean, s);
	value = json_stringn(clean.p, clean.n);
	mt_buf_done(&clean);
	return value;
}

json_t *
ctl_json_time(int64_t at)
{
	char text[MT_TIME_LEN + 1];

	if (at == 0)
		return json_null();
	mt_time_write(at, 'T', true, text);
	return json_string(text);
}

json_t *
ctl_json_num(uint64_t n)
{
	return json_integer(n > INT64_MAX ? INT64_MAX : (json_int_t)n);
}

json_t *
ctl_json_dec(struct mt_str text)
{
	json_t *value = json_loadb(text.p, text.n, JSON_DECODE_ANY, NULL);

	return json_is_number(value) ? value : ctl_json_str(text);
}

const char *
ctl_json_text(const json_t *object, const char *name)
{
	return json_string_value(json_object_get(object, name));
}

uint64_t
ctl_json_count(const json_t *object, const char *name)
{
	return (uint64_t)json_integer_value(json_object_get(object, name));
}

void
ctl_json_set(json_t *object, const char *name, json_t *value)
{
	/* Fails only without memory, and then nothing of ours goes on. */
	if (json_object_set_new(object, name, value) != 0)
		abort();
}

void
ctl_json_print(json_t *value, FILE *out)
{
	if (json_dumpf(value, out,
		JSON_INDENT(2) | JSON_ENCODE_ANY | JSON_REAL_PRECISION(15)) ==
	    0)
		(void)fputc('\n', out);
	json_decref(value);
}
