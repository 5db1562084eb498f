/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The hook's find, match, gmatch and gsub against those of the Lua library:
 * the same patterns and texts, chosen at random from a seed, and a table of
 * cases that chance would hardly meet.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include <lauxlib.h>
#include <lualib.h>

#include "hook_state.h"

#define ROUNDS 60000
#define PLENTY INT64_C(1000000000)

/* One text of results, or "error: ..."; both libraries run it. */
static const char runner[] =
    "local lib, name, s, p, arg = ...\n"
    "local function show(...)\n"
    "  local t = table.pack(...)\n"
    "  for i = 1, t.n do t[i] = math.type(t[i]) == 'integer'\n"
    "    and '#' .. t[i] or tostring(t[i]) end\n"
    "  return table.concat(t, '|')\n"
    "end\n"
    "local function run()\n"
    "  if name == 'gmatch' then\n"
    "    local out = {}\n"
    "    for a, b, c in lib.gmatch(s, p, arg) do\n"
    "      out[#out + 1] = show(a, b, c) end\n"
    "    return table.concat(out, ';')\n"
    "  end\n"
    "  return show(lib[name](s, p, arg))\n"
    "end\n"
    "local ok, text = pcall(run)\n"
    "return ok and text or 'error: ' .. text\n";

static lua_State *
open_both(struct milter_state *state)
{
	lua_State *lua = luaL_newstate();

	*state = (struct milter_state){ .lua = lua, .left = PLENTY };
	milter_state_attach(lua, state);
	luaL_openlibs(lua);
	lua_newtable(lua);
	milter_string_open(lua);
	lua_setglobal(lua, "ours");
	assert_int_equal(luaL_loadstring(lua, runner), LUA_OK);
	lua_setglobal(lua, "run");
	return lua;
}

struct call {
	const char *name;
	struct mt_str subject;
	struct mt_str pattern;
	const char *text; /* the argument behind it; NULL: number counts */
	int number;
};

/* The result stays on the stack. */
static const char *
run(lua_State *lua, const char *lib, const struct call *c)
{
	(void)lua_getglobal(lua, "run");
	(void)lua_getglobal(lua, lib);
	(void)lua_pushstring(lua, c->name);
	(void)lua_pushlstring(lua, c->subject.p, c->subject.n);
	(void)lua_pushlstring(lua, c->pattern.p, c->pattern.n);
	if (c->text != NULL)
		(void)lua_pushstring(lua, c->text);
	else
		lua_pushinteger(lua, c->number);
	lua_call(lua, 5, 1);
	return lua_tostring(lua, -1);
}

/*
 * Ours refuses a malformed pattern before it matches anything; the library
 * when it comes to the place, or never.
 */
static void
compare(lua_State *lua, struct milter_state *state, const struct call *c)
{
	const char *theirs, *ours;

	theirs = run(lua, "string", c);
	state->left = PLENTY;
	ours = run(lua, "ours", c);
	if (strcmp(theirs, ours) != 0 &&
	    (strncmp(ours, "error: ", 7) != 0 ||
		(strstr(ours, "malformed") == NULL &&
		    strstr(ours, "capture") == NULL &&
		    strstr(ours, "missing") == NULL)))
		fail_msg("%s('%.*s', '%.*s', %s%d): %s, not %s", c->name,
		    MT_STR_ARG(c->subject), MT_STR_ARG(c->pattern),
		    c->text != NULL ? c->text : "", c->number, ours, theirs);
	lua_settop(lua, 0);
}

static uint32_t
next(uint64_t *seed)
{
	*seed = *seed * UINT64_C(6364136223846793005) +
	    UINT64_C(1442695040888963407);
	return (uint32_t)(*seed >> 33);
}

static struct mt_str
choose(
    uint64_t *seed, const char *const *parts, size_t n, char *out, size_t count)
{
	size_t used = 0, k;
	const char *part;

	while (count-- > 0) {
		part = parts[next(seed) % n];
		k = strlen(part);
		memcpy(out + used, part, k);
		used += k;
	}
	return mt_str_n(out, used);
}

static void
random_patterns_match_as_in_the_library(void **unused)
{
	static const char *const names[] = { "find", "match", "gmatch",
		"gsub" };
	static const char *const subjects[] = { "a", "a", "b", "b", "ab", " ",
		"1", "(", ")", "%", "-", "]", "A", "\xe4", "." };
	static const char *const patterns[] = { "a", "b", "ab", ".", "%a", "%s",
		"%d", "%w", "%S", "%A", "%%", "[ab]", "[^a]", "[a-c1]",
		"[%s%d]", "[]]", "[^]-]", "*", "+", "-", "?", "*", "(", ")",
		"()", "(a)", "(.-)", "%1", "%2", "%b()", "%bab", "%f[%w]",
		"%f[^a]", "^", "$", "[", "]", "%", "1", " ", "\xe4" };
	static const char *const templates[] = { "", "x", "<%0>", "%1", "%2%1",
		"%%", "%" };
	struct milter_state state;
	lua_State *lua = open_both(&state);
	char subject[128], pattern[128];
	uint64_t seed = 42;
	struct call c;
	int i;

	(void)unused;
	for (i = 0; i < ROUNDS; i++) {
		c = (struct call){ .name = names[next(&seed) % 4] };
		c.subject = choose(&seed, subjects,
		    sizeof(subjects) / sizeof(subjects[0]), subject,
		    next(&seed) % 12);
		c.pattern = choose(&seed, patterns,
		    sizeof(patterns) / sizeof(patterns[0]), pattern,
		    next(&seed) % 7);
		c.number = (int)(next(&seed) % 9) - 4;
		if (strcmp(c.name, "gsub") == 0)
			c.text = templates[next(&seed) % 7];
		compare(lua, &state, &c);
	}
	lua_close(lua);
}

static void
particular_patterns_match_as_in_the_library(void **unused)
{
	static const struct call calls[] = {
		{ "find", { "a\0b\0c", 5 }, { "\0.", 2 }, NULL, 1 },
		{ "find", { "a\0b\0c", 5 }, { "[\0]b", 4 }, NULL, 1 },
		{ "match", { "key = value ", 12 },
		    { "^(%w+)%s*=%s*(.-)%s*$", 21 }, NULL, 1 },
		{ "match", { "aXbXc", 5 }, { "(.)X(.)X(.)", 11 }, NULL, 1 },
		{ "match", { "((a)(b))", 8 }, { "%b()", 4 }, NULL, 1 },
		{ "match", { "THE (quick) fox", 15 }, { "%f[%a]%a+%f[%A]", 15 },
		    NULL, 6 },
		{ "match", { "abab", 4 }, { "(ab)%1", 6 }, NULL, 1 },
		{ "match", { "2026-11-20", 10 }, { "(%d+)-(%d+)-(%d+)", 17 },
		    NULL, 1 },
		{ "gmatch", { "a,b,,c", 6 }, { "([^,]*)", 7 }, NULL, 1 },
		{ "gmatch", { "^a^a", 4 }, { "^a", 2 }, NULL, 1 },
		{ "gmatch", { "abc", 3 }, { "()", 2 }, NULL, 2 },
		{ "gsub", { "hello world", 11 }, { "o", 1 }, "0", 0 },
		{ "gsub", { "abc", 3 }, { "", 0 }, "-", 0 },
		{ "gsub", { "abc", 3 }, { "^a*", 3 }, "%0%0", 0 },
		{ "gsub", { "abc", 3 }, { "%w", 2 }, "%9", 0 },
		{ "gsub", { "x", 1 }, { "x", 1 }, "%z", 0 },
		{ "find", { "a+b", 3 }, { "a+b", 3 }, NULL, 1 },
		{ "find", { "", 0 }, { "", 0 }, NULL, 10 },
		{ "find", { "", 0 }, { "$", 1 }, NULL, 1 },
		{ "find", { "a$", 2 }, { "a$", 2 }, NULL, 1 },
		{ "find", { "a-z", 3 }, { "[a%-]+", 6 }, NULL, 1 },
		{ "find", { "x]", 2 }, { "[^x]]", 5 }, NULL, 1 },
	};
	struct milter_state state;
	lua_State *lua = open_both(&state);
	size_t i;

	(void)unused;
	for (i = 0; i < sizeof(calls) / sizeof(calls[0]); i++)
		compare(lua, &state, &calls[i]);
	lua_close(lua);
}

/* gsub with a function and with a table; no optional ones. */
static void
other_arguments_are_as_in_the_library(void **unused)
{
	static const char text[] =
	    "for _, lib in ipairs { string, ours } do\n"
	    "  assert(lib.gsub('$a $b $c', '%$(%w)',\n"
	    "    { a = 1, b = false }) == '1 $b $c')\n"
	    "  assert(lib.gsub('a1b2', '(%a)(%d)', function(x, y)\n"
	    "    return y .. x end) == '1a2b')\n"
	    "  assert(lib.gsub('abc', '%w', function() end) == 'abc')\n"
	    "  assert(select(2, lib.gsub('aaa', 'a', 'b', 2)) == 2)\n"
	    "  assert(lib.gsub(12, 1, 2) == '22')\n"
	    "  assert(not pcall(lib.gsub, 'a', 'a', function()\n"
	    "    return {} end))\n"
	    "  assert(not pcall(lib.gsub, 'a', 'a'))\n"
	    "  assert(lib.find('a.b', '.', 1, true) == 2)\n"
	    "  local n = 0\n"
	    "  for w in lib.gmatch('a b c', '%a') do n = n + 1 end\n"
	    "  assert(n == 3 and lib.match(' x', '%a') == 'x')\n"
	    "end";
	struct milter_state state;
	lua_State *lua = open_both(&state);

	(void)unused;
	if (luaL_dostring(lua, text))
		fail_msg("%s", lua_tostring(lua, -1));
	lua_close(lua);
}

static void
long_patterns_are_refused(void **unused)
{
	struct milter_state state;
	lua_State *lua = open_both(&state);

	(void)unused;
	assert_int_not_equal(
	    luaL_dostring(lua, "ours.match('a', ('.'):rep(129))"), LUA_OK);
	assert_non_null(
	    strstr(lua_tostring(lua, -1), "pattern of more than 128 items"));
	lua_close(lua);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(random_patterns_match_as_in_the_library),
		cmocka_unit_test(particular_patterns_match_as_in_the_library),
		cmocka_unit_test(other_arguments_are_as_in_the_library),
		cmocka_unit_test(long_patterns_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
