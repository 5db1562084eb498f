/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Whatever Lua hands to the bridge, every function answers: it raises nothing,
 * and where the answer begins with nil a reason follows. The input is a list
 * of calls: a function, and values of all kinds as its arguments. Names of
 * events, fields and words are among the texts, so that calls get far.
 */
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include <lua.h>
#include <lauxlib.h>

#include "base/words.h"
#include "event/event.h"

#define DEPTH 4
#define ARGUMENTS 5
#define PAIRS 40

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int luaopen_mailtrail_bridge(lua_State *lua);

struct input {
	const uint8_t *p;
	size_t n;
};

static const char *const texts[] = {
	"", "yes", "off", "identified", "https://open.example.org/i/x.gif",
	"2026-11-20T16:41:37.123456Z", "192.0.2.1", "2001:db8::1", "-1.5",
	"18446744073709551615", "4g", "alice@example.org", "/nonexistent",
	"\xff\0\x80",
	"Content-Type: text/html\r\n\r\n<html><body>x</body></html>\r\n",
	"Content-Type: multipart/related; boundary=b\n\n--b\nContent-Type: text/html\n\n<p>y\n--b--\n"
};
static const char *const names[] = { "host", "spool_dir", "spool_max",
	"spool_segment", "spool_sync", "token_keys", "policy_snapshot",
	"pixel_url", "log_personal", "sender", "user", "submitted", "url",
	"notice", "notice_plain", "quoted", "marked", "resigned", "max" };
static const char *const functions[] = { "open", "events", "markup", "put",
	"put_all", "policy", "token", "mark", "marked", "markup", "close" };
#define COUNT(list) (sizeof(list) / sizeof((list)[0]))
#define OF_MODULE 3 /* the first functions are the module's */

static unsigned
byte(struct input *in)
{
	if (in->n == 0)
		return 0;
	in->n--;
	return *in->p++;
}

static void
push_number(lua_State *lua, struct input *in)
{
	double d = 0;
	size_t i;
	uint64_t bits = 0;

	switch (byte(in) % 4) {
	case 0:
		lua_pushinteger(lua, (lua_Integer)byte(in));
		return;
	case 1:
		lua_pushnumber(lua, 1795876800.25);
		return;
	default:
		for (i = 0; i < sizeof(bits); i++)
			bits = bits << 8 | byte(in);
		memcpy(&d, &bits, sizeof(d));
		if ((bits & 1) != 0)
			lua_pushinteger(lua, (lua_Integer)bits);
		else
			lua_pushnumber(lua, d);
	}
}

static void
push_text(lua_State *lua, struct input *in)
{
	const struct mt_event_desc *desc = &mt_events[byte(in) % MT_EV_N];
	unsigned which = byte(in), set;
	size_t n;

	switch (which % 6) {
	case 0:
		(void)lua_pushstring(lua, desc->name);
		return;
	case 1:
		(void)lua_pushstring(
		    lua, desc->fields[byte(in) % desc->n].name);
		return;
	case 2:
		for (set = byte(in) % 8; set > 0; set--)
			if (mt_words_all[set].name == NULL)
				set = 1;
		(void)lua_pushstring(lua, mt_words_all[set].texts[1]);
		return;
	case 3:
		(void)lua_pushstring(lua, names[byte(in) % COUNT(names)]);
		return;
	case 4:
		(void)lua_pushstring(lua, texts[byte(in) % COUNT(texts)]);
		return;
	default:
		n = byte(in);
		if (n > in->n)
			n = in->n;
		(void)lua_pushlstring(lua, (const char *)in->p, n);
		in->p += n;
		in->n -= n;
	}
}

static void push_value(lua_State *lua, struct input *in, unsigned depth);

/* A table for an event, with fields that it has, or any table. */
static void
push_table(lua_State *lua, struct input *in, unsigned depth)
{
	const struct mt_event_desc *desc = &mt_events[byte(in) % MT_EV_N];
	unsigned kind = byte(in) % 3, n = byte(in) % PAIRS, i;

	lua_newtable(lua);
	for (i = 1; i <= n && in->n > 0; i++) {
		if (kind == 0) {
			push_value(lua, in, depth + 1);
			lua_rawseti(lua, -2, (lua_Integer)i);
			continue;
		}
		if (kind == 1)
			(void)lua_pushstring(
			    lua, desc->fields[byte(in) % desc->n].name);
		else
			push_text(lua, in);
		push_value(lua, in, depth + 1);
		lua_rawset(lua, -3);
	}
}

static void
push_value(lua_State *lua, struct input *in, unsigned depth)
{
	switch (byte(in) % 10) {
	case 0:
		lua_pushnil(lua);
		return;
	case 1:
		lua_pushboolean(lua, byte(in) % 2);
		return;
	case 2:
	case 3:
		push_number(lua, in);
		return;
	case 4:
	case 5:
		push_text(lua, in);
		return;
	case 6:
		(void)lua_newuserdatauv(lua, 8, 0);
		return;
	case 7:
		(void)lua_getglobal(
		    lua, byte(in) % 2 == 0 ? "bridge" : "handle");
		return;
	default:
		if (depth < DEPTH)
			push_table(lua, in, depth);
		else
			lua_pushlightuserdata(lua, lua);
	}
}

static void
check_answer(lua_State *lua, int results)
{
	if (results == 0 || lua_type(lua, 1) != LUA_TNIL)
		return;
	assert(results >= 2);
	assert(
	    lua_type(lua, 2) == LUA_TSTRING || lua_type(lua, 2) == LUA_TTABLE);
}

static void
call(lua_State *lua, struct input *in)
{
	size_t which = byte(in) % COUNT(functions);
	unsigned n = byte(in) % ARGUMENTS, i;

	(void)lua_getglobal(lua, which < OF_MODULE ? "bridge" : "handle");
	(void)lua_getfield(lua, -1, functions[which]);
	lua_remove(lua, 1);
	if (which >= OF_MODULE && byte(in) % 16 != 0)
		(void)lua_getglobal(lua, "handle");
	for (i = 0; i < n; i++)
		push_value(lua, in, 0);
	assert(lua_pcall(lua, lua_gettop(lua) - 1, LUA_MULTRET, 0) == LUA_OK);
	check_answer(lua, lua_gettop(lua));
	lua_settop(lua, 0);
}

/* A handle whose spool, keys and policy are nowhere. */
static void
open_handle(lua_State *lua)
{
	lua_pushcfunction(lua, luaopen_mailtrail_bridge);
	lua_call(lua, 0, 1);
	(void)lua_getfield(lua, -1, "open");
	lua_newtable(lua);
	(void)lua_pushstring(lua, "/nonexistent/spool");
	lua_setfield(lua, -2, "spool_dir");
	(void)lua_pushstring(lua, "/nonexistent/keys");
	lua_setfield(lua, -2, "token_keys");
	(void)lua_pushstring(lua, "/nonexistent/policy");
	lua_setfield(lua, -2, "policy_snapshot");
	lua_call(lua, 1, 1);
	assert(lua_type(lua, -1) == LUA_TUSERDATA);
	lua_setglobal(lua, "handle");
	lua_setglobal(lua, "bridge");
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = { data, size };
	lua_State *lua = luaL_newstate();

	open_handle(lua);
	while (in.n > 0)
		call(lua, &in);
	lua_close(lua);
	return 0;
}
