/* SPDX-License-Identifier: BSD-2-Clause */
#include "hook_state.h"

#include <string.h>

#include <lauxlib.h>
#include <lualib.h>

#include "base/log.h"
#include "message.h"

/*
 * What the file has to work with. Not here: io, os, debug, package and
 * coroutine; load, loadfile, dofile and require; collectgarbage; metatables
 * and what goes past them (a __gc or __close would run while an error is on
 * its way, and the metatable of texts would outlive the message); xpcall,
 * whose handler runs where no instruction is counted; string.dump, pack and
 * unpack; table.move; math.randomseed.
 *
 * Functions whose one call may take long are charged for it beforehand.
 */
enum cost {
	FREE,
	TEXT, /* by the length of the first argument */
	REPEAT, /* by the second argument */
	LIST, /* by the length of the list */
	LIST_2, /* or by the range from the second argument to the third */
	LIST_3, /* or by the range from the third argument to the fourth */
	SORT
};

struct offer {
	const char *name;
	enum cost cost;
};

#define BYTES_A_STEP 16
#define TIMES_A_STEP 64 /* what is repeated is memory, and paid as that */
#define DEEP 20 /* comparisons of one item while lists are sorted */
#define LOG_S 1

static const struct offer base_offers[] = {
	{ "assert", FREE },
	{ "error", FREE },
	{ "ipairs", FREE },
	{ "next", FREE },
	{ "pairs", FREE },
	{ "select", FREE },
	{ "tonumber", TEXT },
	{ "tostring", FREE },
	{ "type", FREE },
	{ NULL, FREE },
};
static const struct offer string_offers[] = {
	{ "byte", FREE },
	{ "char", FREE },
	{ "format", TEXT },
	{ "len", FREE },
	{ "lower", TEXT },
	{ "rep", REPEAT },
	{ "reverse", TEXT },
	{ "sub", FREE },
	{ "upper", TEXT },
	{ NULL, FREE },
};
static const struct offer table_offers[] = {
	{ "concat", LIST_3 },
	{ "insert", LIST },
	{ "pack", FREE },
	{ "remove", LIST },
	{ "sort", SORT },
	{ "unpack", LIST_2 },
	{ NULL, FREE },
};
static const struct offer utf8_offers[] = {
	{ "char", FREE },
	{ "charpattern", FREE },
	{ "codepoint", TEXT },
	{ "codes", FREE },
	{ "len", TEXT },
	{ "offset", TEXT },
	{ NULL, FREE },
};

static uint64_t
text_cost(lua_State *lua)
{
	return lua_type(lua, 1) == LUA_TSTRING
	    ? lua_rawlen(lua, 1) / BYTES_A_STEP
	    : 0;
}

static uint64_t
repeat_cost(lua_State *lua)
{
	lua_Integer n = lua_tointeger(lua, 2);

	return n > 0 ? (uint64_t)n / TIMES_A_STEP : 0;
}

static uint64_t
list_cost(lua_State *lua)
{
	return lua_type(lua, 1) == LUA_TTABLE ? lua_rawlen(lua, 1) : 0;
}

static uint64_t
range_cost(lua_State *lua, int first)
{
	lua_Integer from = lua_tointeger(lua, first);
	lua_Integer to = lua_tointeger(lua, first + 1);
	uint64_t n = list_cost(lua), range;

	range = to > from ? (uint64_t)to - (uint64_t)from : 0;
	return range > n ? range : n;
}

/* Comparing long texts takes long, although the list be short. */
static uint64_t
sort_cost(lua_State *lua)
{
	lua_Integer i, n;
	uint64_t longest = 0;

	if (lua_type(lua, 1) != LUA_TTABLE)
		return 0;
	n = (lua_Integer)lua_rawlen(lua, 1);
	milter_state_charge(lua, (uint64_t)n);
	for (i = 1; i <= n; i++) {
		if (lua_rawgeti(lua, 1, i) == LUA_TSTRING &&
		    lua_rawlen(lua, -1) > longest)
			longest = lua_rawlen(lua, -1);
		lua_pop(lua, 1);
	}
	return (uint64_t)n * DEEP * (1 + longest / BYTES_A_STEP);
}

static uint64_t
cost_of(lua_State *lua, enum cost cost)
{
	switch (cost) {
	case TEXT:
		return text_cost(lua);
	case REPEAT: /* of the empty text, too, which takes no memory */
		return repeat_cost(lua);
	case LIST:
		return list_cost(lua);
	case LIST_2:
		return range_cost(lua, 2);
	case LIST_3:
		return range_cost(lua, 3);
	case SORT:
		return sort_cost(lua);
	case FREE:
		break;
	}
	return 0;
}

static int
charged(lua_State *lua)
{
	lua_CFunction function = lua_tocfunction(lua, lua_upvalueindex(1));
	enum cost cost = (enum cost)lua_tointeger(lua, lua_upvalueindex(2));

	milter_state_charge(lua, cost_of(lua, cost));
	return function(lua);
}

/* Errors of our limits are not the file's to catch. */
static int
protected_call(lua_State *lua)
{
	struct milter_state *state = milter_state_of(lua);
	int status;

	luaL_checkany(lua, 1);
	lua_pushboolean(lua, 1);
	lua_insert(lua, 1);
	status = lua_pcall(lua, lua_gettop(lua) - 2, LUA_MULTRET, 0);
	if (status == LUA_ERRMEM && state->over == OVER_NOTHING)
		state->over = OVER_MEMORY;
	if (state->over != OVER_NOTHING)
		return status == LUA_OK ? milter_state_raise(lua)
					: lua_error(lua);
	if (status != LUA_OK) {
		lua_pushboolean(lua, 0);
		lua_replace(lua, 1);
	}
	return lua_gettop(lua);
}

static int
log_text(lua_State *lua)
{
	const struct milter_message *m = milter_state_of(lua)->message;
	struct mt_str text, id = { NULL, 0 };

	text.p = luaL_checklstring(lua, 1, &text.n);
	if (m != NULL)
		id = milter_message_get(m, TEXT_QUEUE_ID);
	mt_log_every(LOG_S, MT_LOG_INFO, "hook: log %s queue_id=%s",
	    mt_quote(text).s, mt_quote(id).s);
	return 0;
}

static int
refuse_change(lua_State *lua)
{
	return luaL_error(lua, "the libraries cannot be changed");
}

/* From the table on top, into the table below it; the former goes. */
static void
pick(lua_State *lua, const struct offer *offers)
{
	size_t i;

	for (i = 0; offers[i].name != NULL; i++) {
		(void)lua_getfield(lua, -1, offers[i].name);
		if (offers[i].cost != FREE) {
			lua_pushinteger(lua, offers[i].cost);
			lua_pushcclosure(lua, charged, 2);
		}
		lua_setfield(lua, -3, offers[i].name);
	}
	lua_pop(lua, 1);
}

/*
 * The library on top, under a name in the table below it: an empty table that
 * shows the library and refuses changes.
 */
static void
seal(lua_State *lua, const char *name)
{
	lua_newtable(lua);
	lua_createtable(lua, 0, 2);
	lua_pushvalue(lua, -3);
	lua_setfield(lua, -2, "__index");
	lua_pushcfunction(lua, refuse_change);
	lua_setfield(lua, -2, "__newindex");
	(void)lua_setmetatable(lua, -2);
	lua_setfield(lua, -3, name);
	lua_pop(lua, 1);
}

static void
open_base(lua_State *lua)
{
	luaL_requiref(lua, LUA_GNAME, luaopen_base, 0);
	pick(lua, base_offers);
	lua_pushcfunction(lua, protected_call);
	lua_setfield(lua, -2, "pcall");
	lua_pushcfunction(lua, log_text);
	lua_setfield(lua, -2, "log");
}

static void
open_string(lua_State *lua)
{
	lua_newtable(lua);
	luaL_requiref(lua, LUA_STRLIBNAME, luaopen_string, 0);
	pick(lua, string_offers);
	milter_string_open(lua);
	/* For text:upper() and the like. */
	lua_pushliteral(lua, "");
	(void)lua_getmetatable(lua, -1);
	lua_pushvalue(lua, -3);
	lua_setfield(lua, -2, "__index");
	lua_pop(lua, 2);
	seal(lua, LUA_STRLIBNAME);
}

static void
open_math(lua_State *lua)
{
	luaL_requiref(lua, LUA_MATHLIBNAME, luaopen_math, 0);
	lua_pushnil(lua);
	lua_setfield(lua, -2, "randomseed");
	seal(lua, LUA_MATHLIBNAME);
}

void
milter_library_open(lua_State *lua)
{
	struct milter_state *state = milter_state_of(lua);

	lua_newtable(lua);
	open_base(lua);
	open_string(lua);
	open_math(lua);
	lua_newtable(lua);
	luaL_requiref(lua, LUA_TABLIBNAME, luaopen_table, 0);
	pick(lua, table_offers);
	seal(lua, LUA_TABLIBNAME);
	lua_newtable(lua);
	luaL_requiref(lua, LUA_UTF8LIBNAME, luaopen_utf8, 0);
	pick(lua, utf8_offers);
	seal(lua, LUA_UTF8LIBNAME);
	/* Environments show all this, and take what the file defines. */
	lua_createtable(lua, 0, 1);
	lua_insert(lua, -2);
	lua_setfield(lua, -2, "__index");
	state->meta = luaL_ref(lua, LUA_REGISTRYINDEX);
	lua_newtable(lua);
	lua_newtable(lua);
	milter_message_open(lua);
	lua_setfield(lua, -2, "__index");
	state->methods = luaL_ref(lua, LUA_REGISTRYINDEX);
}
