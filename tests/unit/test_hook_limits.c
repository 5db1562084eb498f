/* SPDX-License-Identifier: BSD-2-Clause */
/* What a Lua hook cannot reach, and the limits that end it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "hook_scene.h"

static void
nothing_dangerous_is_there(void **unused)
{
	static const struct hook_case cases[] = {
		{ "no such globals",
		    DECIDE("for _, n in ipairs { 'io', 'os', 'debug',\n"
			   "'package', 'coroutine', 'require', 'load',\n"
			   "'loadfile', 'loadstring', 'dofile', 'xpcall',\n"
			   "'collectgarbage', 'print', 'setmetatable',\n"
			   "'getmetatable', 'rawset', 'rawget', 'warn' } do\n"
			   "assert(_G[n] == nil, n) end\n"
			   "assert(string.dump == nil)\n"
			   "assert(table.move == nil)\n"
			   "assert(math.randomseed == nil)"),
		    MT_OK, "" },
		{ "what is there",
		    DECIDE("for _, n in ipairs { 'assert', 'error', 'ipairs',\n"
			   "'next', 'pairs', 'pcall', 'select', 'tonumber',\n"
			   "'tostring', 'type', 'log', 'string', 'table',\n"
			   "'math', 'utf8' } do assert(_G[n], n) end\n"
			   "assert(('a-b'):upper() == 'A-B')\n"
			   "assert(table.concat({ 1, 2 }, ',') == '1,2')\n"
			   "assert(utf8.len('\xc3\xa4') == 1)\n"
			   "assert(math.max(1, 2) == 2)\n"
			   "assert(select('#', table.unpack({ 1, 2 })) == 2)\n"
			   "local t = { 3, 1, 2 } table.sort(t)\n"
			   "assert(t[1] == 1 and t[3] == 3)"),
		    MT_OK, "" },
		{ "libraries are sealed", DECIDE("string.x = 1"), MT_FORMAT,
		    "hook.lua:2: the libraries cannot be changed" },
		{ "by functions, too", DECIDE("table.insert(string, 1)"),
		    MT_FORMAT, "the libraries cannot be changed" },
		{ "texts are sealed", DECIDE("('').x = 1"), MT_FORMAT,
		    "attempt to index a string value" },
		{ "bytecode", "\x1bLuaT", MT_FORMAT,
		    "attempt to load a binary chunk" },
	};

	(void)unused;
	CHECK(cases);
}

static const struct hook_case limits[] = {
	{ "loop", DECIDE("while true do end"), MT_LIMIT,
	    "hook.lua:2: takes more than hook_instructions, 1000000" },
	{ "loop at the top", "while true do end", MT_LIMIT,
	    "hook.lua:1: takes more than hook_instructions" },
	{ "loop in pcall",
	    DECIDE("while true do\n"
		   "pcall(function() while true do end end)\nend"),
	    MT_LIMIT, "takes more than hook_instructions" },
	{ "pcall as its function",
	    DECIDE("pcall(pcall, pcall, function()\n"
		   "while true do end end) while true do end"),
	    MT_LIMIT, "takes more than hook_instructions" },
	{ "recursion",
	    DECIDE("local function f() return 1 + f() end\n"
		   "return f()"),
	    MT_LIMIT, "hook.lua:2: needs more than hook_memory" },
	{ "recursion through the libraries",
	    DECIDE("local function f(x) return (x:gsub('x', f)) end\n"
		   "return f('x')"),
	    MT_FORMAT, "hook.lua: C stack overflow" },
	{ "recursion through pcall",
	    DECIDE("local function f() return pcall(f) end\n"
		   "assert(f()) error('as deep as it goes')"),
	    MT_FORMAT, "as deep as it goes" },
	{ "endless tail calls",
	    DECIDE("local function f() return f() end return f()"), MT_LIMIT,
	    "takes more than hook_instructions" },
	{ "memory bomb", DECIDE("return ('x'):rep(99999):rep(99)"), MT_LIMIT,
	    "hook.lua:2: needs more than hook_memory, 4194304" },
	{ "memory bomb in pcall",
	    DECIDE("local t = {}\nwhile true do\n"
		   "pcall(function()\n"
		   "t[#t + 1] = ('x'):rep(100000) .. #t end)\nend"),
	    MT_LIMIT, "hook.lua:5: needs more than hook_memory" },
	{ "memory bit by bit",
	    DECIDE("local t = {}\n"
		   "while true do t[#t + 1] = { #t } end"),
	    MT_LIMIT, "hook.lua:3: needs more than hook_memory" },
	{ "memory doubled",
	    DECIDE("local s = 'x'\nwhile true do s = s .. s end"), MT_LIMIT,
	    "hook.lua:3: needs more than hook_memory" },
	{ "always at the brim",
	    DECIDE("local t = {}\nfor i = 1, 38 do\n"
		   "t[i] = ('x'):rep(100000) .. i end\n"
		   "while true do t[1] = ('y'):rep(90000) end"),
	    MT_LIMIT, "more than hook_" },
	{ "repeat nothing", DECIDE("return (''):rep(1 << 60)"), MT_LIMIT,
	    "takes more than hook_instructions" },
	{ "concat of no list", DECIDE("table.concat({}, '', 1, 1 << 60)"),
	    MT_LIMIT, "takes more than hook_instructions" },
	{ "unpack of no list", DECIDE("table.unpack({}, 1, 1 << 60)"), MT_LIMIT,
	    "takes more than hook_instructions" },
	{ "insert in front",
	    DECIDE("local t = {}\n"
		   "while true do table.insert(t, 1, 1) end"),
	    MT_LIMIT, "takes more than hook_instructions" },
	{ "sort long texts",
	    DECIDE("local t, s = {}, ('x'):rep(1000000)\n"
		   "for i = 1, 10000 do t[i] = s end table.sort(t)"),
	    MT_LIMIT, "takes more than hook_instructions" },
	{ "compare long texts",
	    DECIDE("local a = ('x'):rep(1000000) .. 'a'\n"
		   "local b, n = ('x'):rep(1000000) .. 'b', 0\n"
		   "while true do if a < b then n = n + 1 end end"),
	    MT_LIMIT, "takes longer than hook_time_ms, 1000 ms" },
	{ "find, exponential",
	    DECIDE("return ('a'):rep(60):find(('a?'):rep(60) ..\n"
		   "('a'):rep(61))"),
	    MT_LIMIT, "hook.lua:2: takes more than hook_instr" },
	{ "match, to the tenth",
	    DECIDE("pcall(string.match, ('a'):rep(900),\n"
		   "('a*'):rep(10) .. 'b')"),
	    MT_LIMIT, "takes more than hook_instructions" },
	{ "gmatch",
	    DECIDE("for x in (('a'):rep(900)):gmatch(\n"
		   "'.-.-.-.-b') do end"),
	    MT_LIMIT, "takes more than hook_instructions" },
	{ "gsub", DECIDE("return ('a'):rep(900):gsub('.-.-.-b', '')"), MT_LIMIT,
	    "takes more than hook_instructions" },
	{ "find, plain and quadratic elsewhere",
	    DECIDE("local s = ('a'):rep(1000000)\n"
		   "assert(not s:find(('a'):rep(300000) .. 'b', 1,\n"
		   "true))"),
	    MT_OK, "" },
	{ "ordinary patterns pass",
	    DECIDE("local s = (' '):rep(900) .. ('x '):rep(40000)\n"
		   "local t = s:gsub('^%s+', ''):gsub('%s+$', '')\n"
		   "assert(#t == 79999)\n"
		   "assert(s:match('^%s*(.-)%s*$') == t)"),
	    MT_OK, "" },
};

static void
limits_cannot_be_caught_or_slept_through(void **unused)
{
	(void)unused;
	CHECK(limits);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_dangerous_is_there),
		cmocka_unit_test(limits_cannot_be_caught_or_slept_through),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
