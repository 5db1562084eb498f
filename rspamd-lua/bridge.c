/* SPDX-License-Identifier: BSD-2-Clause */
#include "bridge.h"

#include <lauxlib.h>

#define EXPORTED __attribute__((visibility("default")))

EXPORTED int luaopen_mailtrail_bridge(lua_State *lua);

int
bridge_fail(lua_State *lua, const struct mt_err *err)
{
	lua_pushnil(lua);
	(void)lua_pushstring(lua, err->msg);
	return 2;
}

int
bridge_answer(lua_State *lua, int upvalue, void *arg, int results)
{
	lua_pushvalue(lua, lua_upvalueindex(upvalue));
	lua_pushlightuserdata(lua, arg);
	if (lua_pcall(lua, 1, results, 0) == 0)
		return results;
	lua_pushnil(lua);
	lua_insert(lua, -2);
	return 2;
}

void
bridge_set_text(lua_State *lua, const char *name, struct mt_str text)
{
	if (text.p == NULL)
		return;
	(void)lua_pushlstring(lua, text.p, text.n);
	lua_setfield(lua, -2, name);
}

void
bridge_set_number(lua_State *lua, const char *name, uint64_t n)
{
	/* Lua 5.4 shows integers as such; elsewhere they may be narrow. */
	if (n <= INT32_MAX)
		lua_pushinteger(lua, (lua_Integer)n);
	else
		lua_pushnumber(lua, (lua_Number)n);
	lua_setfield(lua, -2, name);
}

void
bridge_set_boolean(lua_State *lua, const char *name, bool value)
{
	lua_pushboolean(lua, value);
	lua_setfield(lua, -2, name);
}

/* Each function has the handles' metatable and what pushes its answer. */
struct function {
	const char *name;
	lua_CFunction call;
	lua_CFunction push;
};

static const struct function of_module[] = {
	{ "open", bridge_open, NULL },
	{ "events", bridge_events, NULL },
	{ "markup", bridge_markup, bridge_markup_push },
};

static const struct function of_handle[] = {
	{ "put", bridge_put, NULL },
	{ "put_all", bridge_put_all, NULL },
	{ "policy", bridge_policy, bridge_policy_push },
	{ "token", bridge_token, NULL },
	{ "mark", bridge_mark, NULL },
	{ "marked", bridge_marked, NULL },
	{ "markup", bridge_markup, bridge_markup_push },
	{ "close", bridge_close, NULL },
};

/* Into the table on top; the metatable is at index meta. */
static void
add(lua_State *lua, int meta, const struct function *f, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++) {
		lua_pushvalue(lua, meta);
		if (f[i].push != NULL)
			lua_pushcfunction(lua, f[i].push);
		else
			lua_pushnil(lua);
		lua_pushcclosure(lua, f[i].call, 2);
		lua_setfield(lua, -2, f[i].name);
	}
}

int
luaopen_mailtrail_bridge(lua_State *lua)
{
	int meta;

	lua_newtable(lua);
	meta = lua_gettop(lua);
	lua_newtable(lua);
	add(lua, meta, of_handle, sizeof(of_handle) / sizeof(of_handle[0]));
	lua_setfield(lua, meta, "__index");
	lua_pushvalue(lua, meta);
	lua_pushnil(lua);
	lua_pushcclosure(lua, bridge_close, 2);
	lua_setfield(lua, meta, "__gc");
	/* Nobody exchanges it. */
	(void)lua_pushstring(lua, BRIDGE_HANDLE);
	lua_setfield(lua, meta, "__metatable");
	lua_newtable(lua);
	add(lua, meta, of_module, sizeof(of_module) / sizeof(of_module[0]));
	return 1;
}
