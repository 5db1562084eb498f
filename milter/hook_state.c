/* SPDX-License-Identifier: BSD-2-Clause */
#include "hook_state.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include <lauxlib.h>

#include "base/mem.h"

#define CHUNK "hook" /* the file's name in Lua, which cuts long paths */
#define TICK 1000 /* instructions between two looks at the limits */
#define REFUSALS 32 /* each costs a whole collection */
#define BYTES_A_STEP 64 /* of memory, for the work of one instruction */

/* What stands in the space that Lua keeps for us. */
struct link {
	struct milter_state *state;
};

static void tick(lua_State *lua, lua_Debug *ar);

void
milter_state_attach(lua_State *lua, struct milter_state *state)
{
	const struct link link = { state };

	memcpy(lua_getextraspace(lua), &link, sizeof(link));
}

struct milter_state *
milter_state_of(lua_State *lua)
{
	struct link link;

	memcpy(&link, lua_getextraspace(lua), sizeof(link));
	return link.state;
}

/* From here on every instruction raises. May be called at any moment. */
static void
stop(struct milter_state *state, enum over over)
{
	if (state->over == OVER_NOTHING)
		state->over = over;
	if (state->lua != NULL)
		lua_sethook(state->lua, tick, LUA_MASKCOUNT, 1);
}

/* Where in the file we are: only looks, so that the allocator may ask. */
static void
note_where(struct milter_state *state)
{
	lua_Debug ar;
	int level;

	for (level = 0;
	     state->lua != NULL && lua_getstack(state->lua, level, &ar) != 0;
	     level++) {
		if (lua_getinfo(state->lua, "Sl", &ar) == 0 ||
		    ar.currentline < 0)
			continue;
		(void)snprintf(state->where, sizeof(state->where),
		    "%s:%d: ", ar.short_src, ar.currentline);
		return;
	}
}

/* Lua collects its garbage and asks once more before it gives up. */
static bool
may_grow(struct milter_state *state, size_t n)
{
	if (state->over == OVER_MEMORY)
		return false;
	if (state->memory + n > state->options->hook_memory) {
		note_where(state);
		if (++state->refusals > REFUSALS)
			stop(state, OVER_MEMORY);
		return false;
	}
	state->left -= (int64_t)(n / BYTES_A_STEP);
	if (state->left < 0)
		stop(state, OVER_WORK);
	return true;
}

static void *
allocate(void *arg, void *p, size_t old, size_t n)
{
	struct milter_state *state = arg;

	if (p == NULL)
		old = 0; /* else it tells a type */
	if (n == 0) {
		state->memory -= old;
		mt_free(p);
		return NULL;
	}
	if (n > old && !may_grow(state, n - old))
		return NULL;
	state->memory = state->memory - old + n;
	return mt_realloc_array(p, n, 1);
}

static int64_t
processor_ns(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
	return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

static void
limit_text(const struct milter_state *state, char *out, size_t n)
{
	const struct milter_options *o = state->options;

	if (state->over == OVER_MEMORY)
		(void)snprintf(out, n,
		    "needs more than hook_memory, %llu bytes",
		    (unsigned long long)o->hook_memory);
	else if (state->over == OVER_TIME)
		(void)snprintf(out, n,
		    "takes longer than hook_time_ms, %llu ms",
		    (unsigned long long)o->hook_time_ms);
	else
		(void)snprintf(out, n,
		    "takes more than hook_instructions, %llu",
		    (unsigned long long)o->hook_instructions);
}

static void
tick(lua_State *lua, lua_Debug *ar)
{
	struct milter_state *state = milter_state_of(lua);
	char text[128];

	state->left -= TICK;
	if (state->over == OVER_NOTHING && state->left < 0)
		stop(state, OVER_WORK);
	if (state->over == OVER_NOTHING && processor_ns() >= state->end_ns)
		stop(state, OVER_TIME);
	if (state->over == OVER_NOTHING)
		return;
	limit_text(state, text, sizeof(text));
	(void)lua_getinfo(lua, "Sl", ar);
	(void)lua_pushfstring(
	    lua, "%s:%d: %s", ar->short_src, ar->currentline, text);
	(void)lua_error(lua);
}

int
milter_state_raise(lua_State *lua)
{
	char text[128];

	limit_text(milter_state_of(lua), text, sizeof(text));
	return luaL_error(lua, "%s", text);
}

void
milter_state_charge(lua_State *lua, uint64_t work)
{
	struct milter_state *state = milter_state_of(lua);

	if (state->over == OVER_NOTHING && state->left >= 0 &&
	    work <= (uint64_t)state->left) {
		state->left -= (int64_t)work;
		return;
	}
	stop(state, OVER_WORK);
	(void)milter_state_raise(lua);
}

/* A new message: all limits begin anew. */
static void
begin(struct milter_state *state)
{
	const struct milter_options *o = state->options;

	state->left = (int64_t)o->hook_instructions;
	state->end_ns = processor_ns() + (int64_t)o->hook_time_ms * 1000000;
	state->over = OVER_NOTHING;
	state->refusals = 0;
	state->where[0] = '\0';
	if (state->lua != NULL)
		lua_sethook(state->lua, tick, LUA_MASKCOUNT, TICK);
}

/* The error that lua_pcall left on the stack. */
static enum mt_rc
take_error(struct milter_state *state, int status, struct mt_err *err)
{
	struct mt_str path = state->options->hook;
	const char *what = "raised an error that is no text";
	char text[128 + HOOK_WHERE];
	size_t n;

	if (status == LUA_ERRMEM || state->over == OVER_MEMORY) {
		state->over = OVER_MEMORY;
		(void)snprintf(text, sizeof(text), "%s", state->where);
		n = strlen(text);
		limit_text(state, text + n, sizeof(text) - n);
		what = text;
	} else if (lua_type(state->lua, -1) == LUA_TSTRING) {
		what = lua_tostring(state->lua, -1);
	}
	mt_err_put(err, state->over == OVER_NOTHING ? MT_FORMAT : MT_LIMIT, 0,
	    "%s", what);
	/* "hook:7: ..." becomes "/etc/mailtrail/hook.lua:7: ..." */
	n = strlen(CHUNK ":");
	if (strncmp(what, CHUNK ":", n) == 0)
		mt_err_put(
		    err, err->rc, 0, "%.*s:%s", MT_STR_ARG(path), what + n);
	else
		mt_err_in(err, "%.*s", MT_STR_ARG(path));
	return err->rc;
}

static int
open_state(lua_State *lua)
{
	struct milter_state *state = milter_state_of(lua);
	const struct mt_str *text = lua_touserdata(lua, 1);

	milter_library_open(lua);
	if (luaL_loadbufferx(lua, text->p, text->n, "=" CHUNK, "t") != LUA_OK)
		return lua_error(lua);
	state->chunk = luaL_ref(lua, LUA_REGISTRYINDEX);
	return 0;
}

enum mt_rc
milter_state_new(const struct milter_options *o, struct mt_str text,
    struct milter_state **ret_state, struct mt_err *err)
{
	struct milter_state *state = mt_alloc(sizeof(*state));
	int status = LUA_ERRMEM;

	state->options = o;
	begin(state);
	state->lua = lua_newstate(allocate, state);
	if (state->lua != NULL) {
		milter_state_attach(state->lua, state);
		lua_pushcfunction(state->lua, open_state);
		lua_pushlightuserdata(state->lua, &text);
		status = lua_pcall(state->lua, 1, 0, 0);
	}
	if (status != LUA_OK) {
		(void)take_error(state, status, err);
		milter_state_free(state);
		return err->rc;
	}
	*ret_state = state;
	return MT_OK;
}

void
milter_state_free(struct milter_state *state)
{
	if (state == NULL)
		return;
	if (state->lua != NULL)
		lua_close(state->lua);
	mt_free(state);
}

/* The file in a fresh environment, then its function about the message. */
static int
run(lua_State *lua)
{
	struct milter_state *state = milter_state_of(lua);

	(void)lua_rawgeti(lua, LUA_REGISTRYINDEX, state->chunk);
	lua_createtable(lua, 0, 8);
	(void)lua_rawgeti(lua, LUA_REGISTRYINDEX, state->meta);
	(void)lua_setmetatable(lua, -2);
	lua_pushvalue(lua, -1);
	lua_setfield(lua, -2, "_G");
	lua_pushvalue(lua, -1);
	(void)lua_setupvalue(lua, -3, 1); /* _ENV */
	lua_pushvalue(lua, -2);
	lua_call(lua, 0, 0);
	lua_pushliteral(lua, HOOK_FUNCTION);
	if (lua_rawget(lua, -2) != LUA_TFUNCTION) {
		lua_pushliteral(lua, "defines no function " HOOK_FUNCTION);
		return lua_error(lua);
	}
	if (state->message == NULL)
		return 0;
	milter_message_push(lua);
	lua_call(lua, 1, 1);
	return 1;
}

enum mt_rc
milter_state_run(struct milter_state *state, const struct milter_message *m,
    const struct milter_client *client, struct mt_err *err)
{
	int status;

	begin(state);
	state->message = m;
	state->client = client;
	lua_pushcfunction(state->lua, run);
	status = lua_pcall(state->lua, 0, m != NULL ? 1 : 0, 0);
	state->message = NULL;
	state->client = NULL;
	if (status == LUA_OK)
		return MT_OK;
	(void)take_error(state, status, err);
	lua_settop(state->lua, 0);
	return err->rc;
}

void
milter_state_clear(struct milter_state *state)
{
	lua_settop(state->lua, 0);
}
