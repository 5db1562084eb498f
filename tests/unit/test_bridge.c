/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The bridge when Lua has no memory: whichever of its allocations fails, the
 * call ends with an error of Lua's or an answer, nothing leaks (the sanitizers
 * watch) and the same call goes well afterwards. And the bridge across fork,
 * as rspamd does it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>
#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>

#include "../lib/spool_place.h"
#include "base/clock.h"
#include "policy/snapshot.h"
#include "token/keys.h"

#define MOST_FAILURES 5000

int luaopen_mailtrail_bridge(lua_State *lua);

struct memory {
	long left; /* allocations until one fails; negative: none does */
};

static void *
allocate(void *arg, void *p, size_t old, size_t n)
{
	struct memory *memory = arg;

	(void)old;
	if (n == 0) {
		free(p);
		return NULL;
	}
	if (memory->left == 0)
		return NULL;
	if (memory->left > 0)
		memory->left--;
	return realloc(p, n);
}

struct scene {
	struct place place;
	struct memory memory;
	lua_State *lua;
};

static void
set_path(lua_State *lua, const char *dir, const char *file, const char *name)
{
	(void)lua_pushfstring(lua, "%s%s", dir, file);
	lua_setglobal(lua, name);
}

static void
run(lua_State *lua, const char *text)
{
	if (luaL_dostring(lua, text) != 0)
		fail_msg("%s", lua_tostring(lua, -1));
	lua_settop(lua, 0);
}

static int
make_scene(void **state)
{
	static const struct mt_policy_rule rule = { .scope = MT_scope_domain,
		.subject = { "example.org", 11 },
		.kind = MT_kind_set,
		.mode = MT_mode_identified,
		.notice = { "We see it.", 10 } };
	const struct mt_policy_source source = { .rules = &rule, .rules_n = 1 };
	struct scene *s = calloc(1, sizeof(*s));
	char path[128];
	struct mt_err err;

	assert_non_null(s);
	s->place = new_place();
	s->memory.left = -1;
	s->lua = lua_newstate(allocate, &s->memory);
	luaL_openlibs(s->lua);
	lua_pushcfunction(s->lua, luaopen_mailtrail_bridge);
	lua_call(s->lua, 0, 1);
	lua_setglobal(s->lua, "bridge");
	(void)snprintf(path, sizeof(path), "%s/keys", s->place.dir);
	assert_int_equal(mt_keys_create(path, mt_clock_now(), &err), MT_OK);
	(void)snprintf(path, sizeof(path), "%s/policy", s->place.dir);
	assert_int_equal(mt_policy_write(path, &source, &err), MT_OK);
	set_path(s->lua, s->place.dir, "", "dir");
	run(s->lua,
	    "handle = assert(bridge.open{spool_dir = dir, host = 'mx',"
	    "  token_keys = dir .. '/keys', policy_snapshot = dir .. '/policy',"
	    "  pixel_url = 'https://open.example.org'})");
	*state = s;
	return 0;
}

static int
drop_scene(void **state)
{
	struct scene *s = *state;

	lua_close(s->lua);
	remove_place(&s->place);
	free(s);
	return 0;
}

/* Each is a function whose calls are given less and less memory. */
static const char *const calls[] = {
	"return function() return bridge.open{spool_dir = dir, host = 'x'} end",
	"return function() return bridge.events() end",
	"local t = {at = 1795876800, queue_id = '4abc', action = 'reject',"
	"  score = 1.5, required = 15, symbols = '{}', client = '192.0.2.1'}"
	"return function() return handle:put('scan', t) end",
	"local t = {{'mark', {at = 1795876800, queue_id = 'q', token = 'a',"
	"  mode = 'identified'}}, {'rcpt', {at = 1795876800, queue_id = 'q',"
	"  rcpt = 'a@b'}}}"
	"return function() return handle:put_all(t) end",
	"local m, r = {sender = 'a@example.org', submitted = true}, {'b@c', 'd@e'}"
	"return function() return handle:policy(m, r, {'yes'}) end",
	"return function() return handle:token('identified') end",
	"local t = handle:token('anonymous')"
	"return function() return handle:mark(t, 'a@b') end",
	"local m = 'Content-Type: text/html\\n\\n<body>x</body>\\n'"
	"local o = {url = 'https://x.example/', notice = 'We see', quoted = true}"
	"return function() return handle:markup(m, o) end",
};

static void
no_memory_is_no_crash(void **state)
{
	struct scene *s = *state;
	size_t i;
	long n;
	int rc;

	for (i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
		assert_int_equal(luaL_dostring(s->lua, calls[i]), 0);
		for (n = 0, rc = LUA_ERRMEM; n < MOST_FAILURES; n++) {
			lua_settop(s->lua, 1);
			lua_pushvalue(s->lua, 1);
			(void)lua_gc(s->lua, LUA_GCSTOP);
			s->memory.left = n;
			rc = lua_pcall(s->lua, 0, LUA_MULTRET, 0);
			s->memory.left = -1;
			(void)lua_gc(s->lua, LUA_GCRESTART);
			if (rc == LUA_OK && lua_type(s->lua, 2) != LUA_TNIL)
				break;
		}
		assert_int_equal(rc, LUA_OK);
		assert_true(n < MOST_FAILURES);
		lua_settop(s->lua, 0);
	}
}

/* A lock belongs to who opened the file: a child that used the parent's copy
 * would keep the parent's segment from being deleted. */
static void
each_process_has_a_spool_of_its_own(void **state)
{
	static const char put[] =
	    "assert(handle:put('rcpt', {at = 1795876800, queue_id = 'q',"
	    "  rcpt = 'a@b'}))"
	    "local own = 0 "
	    "for fd = 3, 60 do"
	    "  local f = io.open('/proc/self/fdinfo/' .. fd)"
	    "  if f then"
	    "    if f:read('a'):match('FLOCK%s+ADVISORY%s+READ%s+' .. pid .. ' ')"
	    "    then own = own + 1 end"
	    "    f:close()"
	    "  end "
	    "end "
	    "assert(own == 1, 'locks of its own: ' .. own)";
	struct scene *s = *state;
	int status = -1, i;
	pid_t child;

	for (i = 0; i < 3; i++) {
		lua_pushinteger(s->lua, getpid());
		lua_setglobal(s->lua, "pid");
		run(s->lua, put);
		child = fork();
		assert_true(child >= 0);
		if (child == 0) {
			lua_pushinteger(s->lua, getpid());
			lua_setglobal(s->lua, "pid");
			_exit(luaL_dostring(s->lua, put) ? 1 : 0);
		}
		assert_int_equal(waitpid(child, &status, 0), child);
		assert_int_equal(status, 0);
	}
}

/* A finalizer that closes the handle cannot reach one that is in use. */
static void
finalizers_cannot_close_what_is_used(void **state)
{
	struct scene *s = *state;

	run(s->lua,
	    "collectgarbage('generational') "
	    "for i = 1, 2000 do "
	    "  local h = assert(bridge.open{spool_dir = dir, host = 'mx',"
	    "    token_keys = dir .. '/keys', policy_snapshot = dir .. '/policy'})"
	    "  setmetatable({}, {__gc = function() h:close() end})"
	    "  for j = 1, 5 do "
	    "    h:policy({sender = 'a@example.org', submitted = true},"
	    "      {'x' .. j .. '@example.com'}, {'yes'})"
	    "    h:token('identified') h:markup('Content-Type: text/html\\n\\nx',"
	    "      {url = 'https://x.example/' .. j})"
	    "  end "
	    "end");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
		    no_memory_is_no_crash, make_scene, drop_scene),
		cmocka_unit_test_setup_teardown(
		    each_process_has_a_spool_of_its_own, make_scene,
		    drop_scene),
		cmocka_unit_test_setup_teardown(
		    finalizers_cannot_close_what_is_used, make_scene,
		    drop_scene),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
