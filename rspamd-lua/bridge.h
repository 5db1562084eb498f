/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The bridge: mailtrail_bridge.so, a Lua module for rspamd's Lua (LuaJIT, the
 * ABI of Lua 5.1) and for Lua 5.4, from one source. docs/rspamd.md says what
 * it offers.
 *
 * It lives in other people's processes. So: no network, no fsync, no lock that
 * waits. What goes wrong is an answer, nil and a text; the only error that is
 * raised is Lua's own, when it has no memory for that answer. A function first
 * reads what it was given, in ways that let Lua neither allocate nor run
 * anything (lua/value.h): so texts may be borrowed from Lua, and no
 * finalizer can close a handle that is in use. Then it works, and then it
 * answers; what it must release even when Lua has no memory left is released
 * around a protected call (bridge_answer).
 *
 * rspamd makes handles before it forks its workers. What holds files, the
 * spool, is therefore each process's own, opened when it is first used.
 */
#ifndef RSPAMD_LUA_BRIDGE_H
#define RSPAMD_LUA_BRIDGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <lua.h>

#include "base/err.h"
#include "base/field.h"
#include "base/str.h"
#include "policy/snapshot.h"
#include "spool/spool.h"
#include "token/keys.h"

#define BRIDGE_HANDLE "mailtrail.bridge" /* name of the metatable */

struct bridge_options {
#define OPT(name, type, bound, def, flags, doc) MT_CTYPE_##type name;
#include "bridge.def"
#undef OPT
};

struct bridge {
	char *host; /* owned */
	struct mt_spool_options place; /* dir: owned, in spool_dir */
	char *spool_dir; /* owned */
	struct mt_spool *spool; /* owned; NULL: not opened yet */
	pid_t pid; /* whose spool it is */
	struct mt_policy_watch *watch; /* owned */
	char *keys_path; /* owned */
	struct mt_keys
	    *keys; /* a reference; NULL: not read yet, or unreadable */
	int64_t keys_at_ms; /* when the file was looked at */
	struct mt_err keys_err; /* what it said then */
	char *pixel_url; /* owned; NULL: none */
};

/* bridge_options.c: read a Lua table; texts borrow from it. */
MT_MUST_CHECK enum mt_rc bridge_options_read(lua_State *lua, int index,
    struct bridge_options *ret_options, struct mt_err *err);

/* bridge_handle.c: of a handle that is open. */
struct mt_spool *bridge_spool(struct bridge *b, struct mt_err *err);
/* A reference, or NULL and why; the file is looked at once a second. */
struct mt_keys *bridge_keys(struct bridge *b, struct mt_err *err);
/* The handle at index, NULL and why when it is none, or closed. */
struct bridge *bridge_at(lua_State *lua, int index, struct mt_err *err);
/* bridge.open(options) */
int bridge_open(lua_State *lua);
int bridge_close(lua_State *lua);

/* nil and the error's text. */
int bridge_fail(lua_State *lua, const struct mt_err *err);
/*
 * Call push(lua) with lightuserdata arg as its argument, protected: what it
 * returns, results values, is the answer; when Lua has no memory, nil and a
 * text. push is the calling function's upvalue.
 */
int bridge_answer(lua_State *lua, int upvalue, void *arg, int results);
void bridge_set_text(lua_State *lua, const char *name, struct mt_str text);
void bridge_set_number(lua_State *lua, const char *name, uint64_t n);
void bridge_set_boolean(lua_State *lua, const char *name, bool value);

/* Lua functions: bridge_put.c, bridge_policy.c, bridge_token.c,
 * bridge_markup.c */
int bridge_put(lua_State *lua);
int bridge_put_all(lua_State *lua);
int bridge_events(lua_State *lua);
int bridge_policy(lua_State *lua);
int bridge_policy_push(lua_State *lua);
int bridge_token(lua_State *lua);
int bridge_mark(lua_State *lua);
int bridge_marked(lua_State *lua);
int bridge_markup(lua_State *lua);
int bridge_markup_push(lua_State *lua);

#endif
