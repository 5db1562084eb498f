/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Values of Lua into C structs that fields describe (base/field.h): what the
 * milter's hook answers, and what the bridge is given. One source for the ABIs
 * of Lua 5.1 (LuaJIT) and 5.4.
 *
 * Nothing here allocates in Lua, runs anything there or raises: so texts may
 * be borrowed, for as long as the table that holds them is neither changed nor
 * collected, and no protected call is needed.
 *
 *   field      from a Lua value
 *   BOOL       a boolean
 *   NUM, SIZE  a whole number from 0 on, or its text
 *   DEC        a number, or its text
 *   TIME       seconds or microseconds since 1970, or text (clock.h)
 *   IP         text
 *   STR        text, of any length and any bytes: bounds are the caller's
 *   ENUM       text, one of the words
 */
#ifndef MT_LUA_VALUE_H
#define MT_LUA_VALUE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "base/field.h"
#include "base/str.h"

struct lua_State;

/* The text at index; absent when it is none (a number is none). */
struct mt_str mt_lua_text(struct lua_State *lua, int index);
/* Read the value at index into the member that f describes. */
MT_MUST_CHECK enum mt_rc mt_lua_value_read(struct lua_State *lua, int index,
    const struct mt_field *f, void *row, struct mt_err *err);
/*
 * The pair on top of the stack, name below value, into the struct that n
 * fields describe; seen[i] says which were given. A name that is none of
 * theirs is an error.
 */
MT_MUST_CHECK enum mt_rc mt_lua_pair_read(struct lua_State *lua,
    const struct mt_field *fields, size_t n, void *row, bool *seen,
    struct mt_err *err);
/* All pairs of the table at index. Needs three free places on the stack. */
MT_MUST_CHECK enum mt_rc mt_lua_table_read(struct lua_State *lua, int index,
    const struct mt_field *fields, size_t n, void *row, bool *seen,
    struct mt_err *err);

#endif
