/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A pattern, a NUL, and a subject, for the matcher of the milter's hook: it
 * ends within its steps, offsets are inside the subject, and when it came to
 * an end by itself, the first match is the one that Lua's own library finds.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <lauxlib.h>
#include <lualib.h>

#include "pattern.h"

#define STEPS 20000 /* so that Lua's matcher does not take for ever either */
#define LONGEST 512

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
wrong(const char *what)
{
	(void)fprintf(stderr, "%s\n", what);
	abort();
}

/* Lua's first match as offsets; false when it finds none, or an error. */
static bool
ask_lua(struct mt_str subject, struct mt_str pattern, size_t *ret_start,
    size_t *ret_end, bool *ret_bad)
{
	lua_State *lua = luaL_newstate();
	bool found = false;

	luaL_requiref(lua, LUA_STRLIBNAME, luaopen_string, 0);
	(void)lua_getfield(lua, -1, "find");
	(void)lua_pushlstring(lua, subject.p, subject.n);
	(void)lua_pushlstring(lua, pattern.p, pattern.n);
	*ret_bad = lua_pcall(lua, 2, 2, 0) != LUA_OK;
	if (!*ret_bad && lua_isinteger(lua, -2)) {
		found = true;
		*ret_start = (size_t)lua_tointeger(lua, -2) - 1;
		*ret_end = (size_t)lua_tointeger(lua, -1);
	}
	lua_close(lua);
	return found;
}

static void
compare(const struct milter_match *m, struct mt_str pattern, size_t start,
    size_t end)
{
	size_t lua_start = 0, lua_end = 0;
	bool bad, found;

	found = ask_lua(m->subject, pattern, &lua_start, &lua_end, &bad);
	/* Lua meets some errors only where it gets; ours come before. */
	if (bad)
		return;
	if (found != (end != PATTERN_NONE))
		wrong("one of the two finds something");
	if (found && (start != lua_start || end != lua_end))
		wrong("the two find different matches");
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct milter_pattern pattern;
	struct milter_match m = { .pattern = &pattern, .steps = STEPS };
	struct mt_str all = { (const char *)data, size }, text;
	size_t start = 0, end, i;
	struct mt_err err;

	if (size > LONGEST || !mt_str_cut(all, '\0', &text, &m.subject) ||
	    milter_pattern_read(text, true, &pattern, &err) != MT_OK)
		return 0;
	end = milter_match_find(&m, 0, &start);
	if (m.exhausted)
		return 0;
	if (end != PATTERN_NONE && (start > end || end > m.subject.n))
		wrong("a match outside the subject");
	for (i = 0; end != PATTERN_NONE && i < pattern.captures; i++)
		if (m.start[i] > m.subject.n ||
		    (m.end[i] != PATTERN_HERE &&
			(m.end[i] < m.start[i] || m.end[i] > m.subject.n)))
			wrong("a capture outside the subject");
	compare(&m, text, start, end);
	return 0;
}
