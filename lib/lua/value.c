/* SPDX-License-Identifier: BSD-2-Clause */
#include "lua/value.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#include <lua.h>

#include "base/clock.h"
#include "base/log.h"

/* Times below are seconds, from here on microseconds: the year 5138, 1970. */
#define SECONDS_BELOW 1e11
#define THOUSANDTHS_MAX 1e15 /* mt_num_read_dec: twelve digits */
#define NUMBER_END 18446744073709551616.0 /* 2^64 */
#define INTEGER_END 4611686018427387904.0 /* 2^62: safe to convert */

struct mt_str
mt_lua_text(lua_State *lua, int index)
{
	struct mt_str s = { NULL, 0 };

	/* Of a number it would make a text, in place. */
	if (lua_type(lua, index) == LUA_TSTRING)
		s.p = lua_tolstring(lua, index, &s.n);
	return s;
}

/* What a person would call it, since words and addresses are texts in Lua. */
static const char *
wanted(enum mt_type type)
{
	switch (type) {
	case MT_BOOL:
		return "boolean";
	case MT_IP:
	case MT_STR:
	case MT_ENUM:
		return "text";
	case MT_NUM:
	case MT_SIZE:
	case MT_DEC:
	case MT_TIME:
		break;
	}
	return mt_type_name(type);
}

static enum mt_rc
wrong_type(
    lua_State *lua, int index, const struct mt_field *f, struct mt_err *err)
{
	return mt_fail(err, MT_FORMAT, "%s: is a %s, not a %s", f->name,
	    lua_typename(lua, lua_type(lua, index)), wanted(f->type));
}

/* A whole number; Lua 5.4's integers keep all their digits. */
static bool
whole(lua_State *lua, int index, uint64_t *ret_n)
{
	double d = (double)lua_tonumber(lua, index);
	lua_Integer n;

	if (!(d >= 0 && d < NUMBER_END) || floor(d) != d)
		return false;
	*ret_n = (uint64_t)d;
	if (sizeof(n) == sizeof(uint64_t) && d < INTEGER_END) {
		n = lua_tointeger(lua, index);
		if ((double)n == d)
			*ret_n = (uint64_t)n;
	}
	return true;
}

static enum mt_rc
read_count(lua_State *lua, int index, const struct mt_field *f, void *at,
    struct mt_err *err)
{
	uint64_t n = 0;

	if (!whole(lua, index, &n))
		return mt_fail(
		    err, MT_FORMAT, "%s: no whole number from 0 on", f->name);
	if (f->max > 0 && n > f->max)
		return mt_fail(
		    err, MT_LIMIT, "%s: larger than %" PRIu64, f->name, f->max);
	memcpy(at, &n, sizeof(n));
	return MT_OK;
}

static enum mt_rc
read_decimal(lua_State *lua, int index, const struct mt_field *f, void *at,
    struct mt_err *err)
{
	double d = (double)lua_tonumber(lua, index) * 1000;
	int64_t n;

	if (!(d > -THOUSANDTHS_MAX && d < THOUSANDTHS_MAX))
		return mt_fail(err, MT_FORMAT,
		    "%s: no number of at most "
		    "twelve digits",
		    f->name);
	n = llround(d);
	memcpy(at, &n, sizeof(n));
	return MT_OK;
}

static enum mt_rc
read_time(lua_State *lua, int index, const struct mt_field *f, void *at,
    struct mt_err *err)
{
	double d = (double)lua_tonumber(lua, index);
	int64_t n;

	if (d < SECONDS_BELOW)
		d *= (double)MT_SECOND;
	if (!(d > 0 && d <= (double)MT_TIME_MAX))
		return mt_fail(err, MT_FORMAT, "%s: no time", f->name);
	n = llround(d);
	memcpy(at, &n, sizeof(n));
	return MT_OK;
}

static enum mt_rc
read_number(lua_State *lua, int index, const struct mt_field *f, void *at,
    struct mt_err *err)
{
	switch (f->type) {
	case MT_NUM:
	case MT_SIZE:
		return read_count(lua, index, f, at, err);
	case MT_DEC:
		return read_decimal(lua, index, f, at, err);
	case MT_TIME:
		return read_time(lua, index, f, at, err);
	case MT_BOOL:
	case MT_IP:
	case MT_STR:
	case MT_ENUM:
		break;
	}
	return wrong_type(lua, index, f, err);
}

static enum mt_rc
read_text(lua_State *lua, int index, const struct mt_field *f, void *row,
    struct mt_err *err)
{
	struct mt_str text = mt_lua_text(lua, index);

	if (f->type == MT_BOOL)
		return wrong_type(lua, index, f, err);
	if (f->type == MT_ENUM && mt_word_find(f->words, text) == 0)
		return mt_fail(err, MT_FORMAT, "%s: no such word: %s", f->name,
		    mt_quote(text).s);
	if (f->type != MT_STR)
		return mt_field_read(f, text, row, err);
	memcpy((char *)row + f->off, &text, sizeof(text));
	return MT_OK;
}

enum mt_rc
mt_lua_value_read(lua_State *lua, int index, const struct mt_field *f,
    void *row, struct mt_err *err)
{
	void *at = (char *)row + f->off;
	bool yes;

	switch (lua_type(lua, index)) {
	case LUA_TNUMBER:
		return read_number(lua, index, f, at, err);
	case LUA_TSTRING:
		return read_text(lua, index, f, row, err);
	case LUA_TBOOLEAN:
		if (f->type != MT_BOOL)
			return wrong_type(lua, index, f, err);
		yes = lua_toboolean(lua, index) != 0;
		memcpy(at, &yes, sizeof(yes));
		return MT_OK;
	default:
		return wrong_type(lua, index, f, err);
	}
}

enum mt_rc
mt_lua_pair_read(lua_State *lua, const struct mt_field *fields, size_t n,
    void *row, bool *seen, struct mt_err *err)
{
	struct mt_str name = mt_lua_text(lua, -2);
	size_t i;

	for (i = 0; i < n; i++) {
		if (name.p == NULL || !mt_str_eqz(name, fields[i].name))
			continue;
		seen[i] = true;
		return mt_lua_value_read(lua, -1, &fields[i], row, err);
	}
	return mt_fail(err, MT_FORMAT, "nothing is called %s",
	    name.p != NULL ? mt_quote(name).s
			   : lua_typename(lua, lua_type(lua, -2)));
}

enum mt_rc
mt_lua_table_read(lua_State *lua, int index, const struct mt_field *fields,
    size_t n, void *row, bool *seen, struct mt_err *err)
{
	int top = lua_gettop(lua);
	enum mt_rc rc = MT_OK;

	if (lua_type(lua, index) != LUA_TTABLE)
		return mt_fail(err, MT_FORMAT, "is a %s, not a table",
		    lua_typename(lua, lua_type(lua, index)));
	/* Room for the pair was there before the function was called. */
	lua_pushvalue(lua, index);
	lua_pushnil(lua);
	while (rc == MT_OK && lua_next(lua, -2) != 0) {
		rc = mt_lua_pair_read(lua, fields, n, row, seen, err);
		lua_pop(lua, 1);
	}
	lua_settop(lua, top);
	return rc;
}
