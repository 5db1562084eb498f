/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A Lua state with limits, for the hook's files only: nobody else includes
 * lua.h.
 *
 * Memory is bounded by the allocator. Work is bounded by a number that each
 * instruction takes one of; library functions take as many as what they do is
 * worth (milter_state_charge), and so does memory. Since one instruction may
 * still be dear (comparing long texts), processor time has a limit as well.
 * Once a limit is met nothing in Lua runs on: pcall passes such errors on, and
 * there is neither xpcall nor a metatable whose functions would run then.
 */
#ifndef MILTER_HOOK_STATE_H
#define MILTER_HOOK_STATE_H

#include <lua.h>

#include "hook.h"

#define HOOK_FUNCTION "decide" /* what the file defines */
#define HOOK_WHERE 160 /* "hook:7: " */

enum over { OVER_NOTHING, OVER_WORK, OVER_TIME, OVER_MEMORY };

struct milter_state {
	lua_State *lua;
	const struct milter_options *options;
	size_t memory; /* bytes in use */
	unsigned refusals; /* of memory, for this message */
	int64_t left; /* of the work for this message */
	int64_t end_ns; /* of processor time for this message */
	enum over over;
	char where[HOOK_WHERE]; /* when memory was refused; may be empty */
	int chunk; /* registry: the file as a function */
	int meta; /* registry: metatable of environments */
	int methods; /* registry: metatable of messages */
	/* The message in work; NULL while the file is tried. */
	const struct milter_message *message;
	const struct milter_client *client;
};

/* Load the text; it has not run yet. */
MT_MUST_CHECK enum mt_rc milter_state_new(const struct milter_options *o,
    struct mt_str text, struct milter_state **ret_state, struct mt_err *err);
void milter_state_free(struct milter_state *state); /* NULL is fine */
/*
 * Run the file; then, given a message, its function: its answer is on top of
 * the stack, until milter_state_clear. MT_LIMIT: a limit was met.
 */
MT_MUST_CHECK enum mt_rc milter_state_run(struct milter_state *state,
    const struct milter_message *m, const struct milter_client *client,
    struct mt_err *err);
void milter_state_clear(struct milter_state *state);

/* For functions that Lua calls; these may raise Lua errors. */
void milter_state_attach(lua_State *lua, struct milter_state *state);
struct milter_state *milter_state_of(lua_State *lua);
void milter_state_charge(lua_State *lua, uint64_t work);
/* Leave with the error of the limit that was met. */
int milter_state_raise(lua_State *lua);

/* hook_library.c: set state->meta and state->methods. */
void milter_library_open(lua_State *lua);
/* hook_string.c: find, match, gmatch, gsub into the table on top. */
void milter_string_open(lua_State *lua);
/* hook_message.c: methods into the table on top; push the message. */
void milter_message_open(lua_State *lua);
void milter_message_push(lua_State *lua);
/* hook_answer.c: what the value on top of the stack says. Raises nothing. */
MT_MUST_CHECK enum mt_rc milter_answer_read(
    lua_State *lua, struct milter_said *said, struct mt_err *err);

#endif
