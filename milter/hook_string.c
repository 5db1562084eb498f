/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * find, match, gmatch and gsub of Lua 5.4, over our own matcher: every step of
 * a match is one of the instructions that the hook has.
 */
#include "hook_state.h"

#include <string.h>

#include <lauxlib.h>

#include "pattern.h"

static struct mt_str
text_at(lua_State *lua, int index)
{
	struct mt_str s;

	s.p = luaL_checklstring(lua, index, &s.n);
	return s;
}

static void
read_pattern(lua_State *lua, struct mt_str text, bool anchors,
    struct milter_pattern *ret_pattern)
{
	struct mt_err err;

	milter_state_charge(lua, 1 + text.n);
	if (milter_pattern_read(text, anchors, ret_pattern, &err) != MT_OK)
		(void)luaL_error(lua, "%s", err.msg);
}

static void
begin_match(lua_State *lua, const struct milter_pattern *pattern,
    struct mt_str subject, struct milter_match *ret_match)
{
	struct milter_state *state = milter_state_of(lua);

	ret_match->pattern = pattern;
	ret_match->subject = subject;
	ret_match->steps = state->left > 0 ? (uint64_t)state->left : 0;
	ret_match->exhausted = false;
}

/* Take what was used; raises when that was all. */
static void
settle(lua_State *lua, const struct milter_match *match)
{
	struct milter_state *state = milter_state_of(lua);

	state->left = (int64_t)match->steps;
	if (match->exhausted)
		milter_state_charge(lua, UINT64_MAX);
}

/* Where argument index says to begin, from 0; may be behind the end. */
static size_t
start_at(lua_State *lua, int index, size_t n)
{
	lua_Integer i = luaL_optinteger(lua, index, 1);

	if (i > 0)
		return (size_t)i - 1;
	if (i == 0 || i < -(lua_Integer)n)
		return 0;
	return n - (size_t)-i;
}

static void
push_capture(lua_State *lua, const struct milter_match *match, unsigned i)
{
	size_t start = match->start[i], end = match->end[i];

	if (end == PATTERN_HERE)
		lua_pushinteger(lua, (lua_Integer)start + 1);
	else
		(void)lua_pushlstring(
		    lua, match->subject.p + start, end - start);
}

/* All captures; without any the whole match, if that is wanted. */
static int
push_captures(lua_State *lua, const struct milter_match *match, size_t start,
    size_t end, bool whole)
{
	unsigned i, n = match->pattern->captures;

	if (n == 0 && whole) {
		(void)lua_pushlstring(
		    lua, match->subject.p + start, end - start);
		return 1;
	}
	luaL_checkstack(lua, (int)n, "too many captures");
	for (i = 0; i < n; i++)
		push_capture(lua, match, i);
	return (int)n;
}

static int
find_plain(
    lua_State *lua, struct mt_str subject, struct mt_str text, size_t from)
{
	const char *found;

	milter_state_charge(lua, (subject.n - from + text.n) / 16);
	found = memmem(subject.p + from, subject.n - from, text.p, text.n);
	if (found == NULL) {
		lua_pushnil(lua);
		return 1;
	}
	lua_pushinteger(lua, found - subject.p + 1);
	lua_pushinteger(lua, found - subject.p + (lua_Integer)text.n);
	return 2;
}

static int
find_or_match(lua_State *lua, bool find)
{
	struct mt_str subject = text_at(lua, 1), text = text_at(lua, 2);
	size_t from = start_at(lua, 3, subject.n), start = 0, end;
	struct milter_pattern pattern;
	struct milter_match match;

	if (from > subject.n) {
		lua_pushnil(lua);
		return 1;
	}
	if (find && (lua_toboolean(lua, 4) || milter_pattern_plain(text)))
		return find_plain(lua, subject, text, from);
	read_pattern(lua, text, true, &pattern);
	begin_match(lua, &pattern, subject, &match);
	end = milter_match_find(&match, from, &start);
	settle(lua, &match);
	if (end == PATTERN_NONE) {
		lua_pushnil(lua);
		return 1;
	}
	if (!find)
		return push_captures(lua, &match, start, end, true);
	lua_pushinteger(lua, (lua_Integer)start + 1);
	lua_pushinteger(lua, (lua_Integer)end);
	return 2 + push_captures(lua, &match, start, end, false);
}

static int
string_find(lua_State *lua)
{
	return find_or_match(lua, true);
}

static int
string_match(lua_State *lua)
{
	return find_or_match(lua, false);
}

/* Between two calls of gmatch's iterator. */
struct walk {
	size_t at;
	size_t last; /* where the match before ended */
	struct milter_pattern pattern;
};

static int
next_match(lua_State *lua)
{
	struct walk *walk = lua_touserdata(lua, lua_upvalueindex(2));
	struct mt_str subject = text_at(lua, lua_upvalueindex(1));
	struct milter_match match;
	size_t end = PATTERN_NONE, at;

	begin_match(lua, &walk->pattern, subject, &match);
	for (at = walk->at; at <= subject.n && !match.exhausted; at++) {
		end = milter_match_at(&match, at);
		if (end != PATTERN_NONE && end != walk->last)
			break;
		end = PATTERN_NONE;
	}
	settle(lua, &match);
	if (end == PATTERN_NONE) {
		walk->at = subject.n + 1;
		return 0;
	}
	walk->at = walk->last = end;
	return push_captures(lua, &match, at, end, true);
}

static int
string_gmatch(lua_State *lua)
{
	struct mt_str subject = text_at(lua, 1), text = text_at(lua, 2);
	size_t from = start_at(lua, 3, subject.n);
	struct walk *walk;

	lua_pushvalue(lua, 1);
	walk = lua_newuserdatauv(lua, sizeof(*walk), 0);
	walk->at = from;
	walk->last = PATTERN_NONE;
	read_pattern(lua, text, false, &walk->pattern);
	lua_pushcclosure(lua, next_match, 2);
	return 1;
}

/* A text with %0 to %9 in it. */
static void
add_template(lua_State *lua, luaL_Buffer *out, const struct milter_match *match,
    size_t start, size_t end)
{
	struct mt_str t = text_at(lua, 3);
	size_t i;

	milter_state_charge(lua, t.n / 8);
	for (i = 0; i < t.n; i++) {
		if (t.p[i] != '%') {
			luaL_addchar(out, t.p[i]);
			continue;
		}
		if (++i == t.n || (t.p[i] != '%' && !mt_is_digit(t.p[i]))) {
			(void)luaL_error(
			    lua, "invalid use of '%%' in replacement string");
		} else if (t.p[i] == '%') {
			luaL_addchar(out, '%');
		} else if (t.p[i] == '0' ||
		    (t.p[i] == '1' && match->pattern->captures == 0)) {
			luaL_addlstring(
			    out, match->subject.p + start, end - start);
		} else if ((unsigned)(t.p[i] - '1') >=
		    match->pattern->captures) {
			(void)luaL_error(lua,
			    "invalid capture index %%%d in replacement string",
			    t.p[i] - '0');
		} else {
			push_capture(lua, match, (unsigned)(t.p[i] - '1'));
			luaL_addvalue(out);
		}
	}
}

/* A function's or a table's answer; nil and false leave the match. */
static void
add_answer(lua_State *lua, luaL_Buffer *out, const struct milter_match *match,
    size_t start, size_t end)
{
	int n;

	if (lua_type(lua, 3) == LUA_TTABLE) {
		if (match->pattern->captures > 0)
			push_capture(lua, match, 0);
		else
			(void)lua_pushlstring(
			    lua, match->subject.p + start, end - start);
		(void)lua_gettable(lua, 3);
	} else {
		lua_pushvalue(lua, 3);
		n = push_captures(lua, match, start, end, true);
		lua_call(lua, n, 1);
	}
	if (!lua_toboolean(lua, -1)) {
		lua_pop(lua, 1);
		luaL_addlstring(out, match->subject.p + start, end - start);
	} else if (!lua_isstring(lua, -1)) {
		(void)luaL_error(lua, "invalid replacement value (a %s)",
		    luaL_typename(lua, -1));
	} else {
		luaL_addvalue(out);
	}
}

static size_t
match_next(lua_State *lua, struct milter_match *match, size_t at)
{
	size_t end;

	begin_match(lua, match->pattern, match->subject, match);
	end = milter_match_at(match, at);
	settle(lua, match);
	return end;
}

static int
string_gsub(lua_State *lua)
{
	struct mt_str subject = text_at(lua, 1), text = text_at(lua, 2);
	int type = lua_type(lua, 3);
	lua_Integer n = 0,
		    most = luaL_optinteger(lua, 4, (lua_Integer)subject.n + 1);
	size_t at = 0, last = PATTERN_NONE, end;
	struct milter_pattern pattern;
	struct milter_match match = { .pattern = &pattern, .subject = subject };
	luaL_Buffer out;

	luaL_argexpected(lua,
	    type == LUA_TNUMBER || type == LUA_TSTRING ||
		type == LUA_TFUNCTION || type == LUA_TTABLE,
	    3, "string/function/table");
	read_pattern(lua, text, true, &pattern);
	luaL_buffinit(lua, &out);
	while (n < most) {
		end = match_next(lua, &match, at);
		if (end != PATTERN_NONE && end != last) {
			n++;
			if (type == LUA_TNUMBER || type == LUA_TSTRING)
				add_template(lua, &out, &match, at, end);
			else
				add_answer(lua, &out, &match, at, end);
			at = last = end;
		} else if (at < subject.n) {
			luaL_addchar(&out, subject.p[at]);
			at++;
		} else {
			break;
		}
		if (pattern.anchored)
			break;
	}
	luaL_addlstring(&out, subject.p + at, subject.n - at);
	luaL_pushresult(&out);
	lua_pushinteger(lua, n);
	return 2;
}

void
milter_string_open(lua_State *lua)
{
	static const luaL_Reg functions[] = {
		{ "find", string_find },
		{ "match", string_match },
		{ "gmatch", string_gmatch },
		{ "gsub", string_gsub },
		{ NULL, NULL },
	};

	luaL_setfuncs(lua, functions, 0);
}
