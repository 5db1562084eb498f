/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The milter's Lua hook without a milter: what it may answer, what it cannot
 * reach, which limits end it, and that threads share nothing.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "hook_state.h"
#include "message.h"

#define LONGEST_MS 10000 /* of any case, under a sanitizer too */
#define THREADS 8
#define ROUNDS 200
#define RENDERED 4096

/* A message of Alice's, decided, and what it hangs on. */
struct scene {
	struct milter_options options;
	struct milter_base base;
	struct milter_site site;
	struct milter_client client;
	struct milter_message m;
};

static void
put_header(struct scene *s, const char *name, const char *value)
{
	milter_message_header(&s->m, mt_str(name), mt_str(value));
}

static void
set_scene(struct scene *s, struct milter_hook *hook)
{
	char sender[] = "<alice@example.org>", size[] = "SIZE=4321";
	char *argv[] = { sender, size, NULL };

	*s = (struct scene){ .base.refs = 1 };
	s->options.hook = MT_LIT("hook.lua");
	s->options.hook_instructions = 1000000;
	s->options.hook_time_ms = 1000;
	s->options.hook_memory = 4194304;
	s->options.quoted = MT_quotes_remove;
	s->options.notice = MT_LIT("Seen.");
	s->base.options = &s->options;
	s->base.hook = hook;
	s->site.base = &s->base;
	s->site.refs = 1000000; /* never freed */
	milter_client_init(&s->client);
	(void)mt_ip_read(MT_LIT("192.0.2.7"), &s->client.ip);
	mt_buf_z(&s->client.helo, "client.example");
	milter_message_init(&s->m);
	milter_message_begin(&s->m, &s->site);
	milter_message_sender(&s->m, argv);
	milter_message_rcpt(&s->m, MT_LIT("<bob@example.com>"));
	milter_message_rcpt(&s->m, MT_LIT("<ben@example.com>"));
	milter_message_text(&s->m, TEXT_QUEUE_ID, "4jWQqq1YRQz1cQdJ");
	milter_message_text(&s->m, TEXT_USER, "alice@example.org");
	put_header(s, "Received", " from a");
	put_header(s, "Subject", " Sp\xc3\xa4te\n Post ");
	put_header(s, "received", " from b");
	s->m.rcpt = mt_alloc_array(2, sizeof(s->m.rcpt[0]));
	s->m.rcpt[0].address = mt_str("bob@example.com");
	s->m.rcpt[1].address = mt_str("ben@example.com");
	s->m.submitted = true;
	s->m.request = MT_request_yes;
	s->m.decision.mode = MT_mode_identified;
	s->m.decision.level = MT_level_domain;
	s->m.decision.rule = MT_LIT("example.org");
}

static void
strike_scene(struct scene *s)
{
	milter_message_done(&s->m);
	milter_client_done(&s->client);
}

/* A hook whose text is this; only its presence counts for a scene. */
static struct milter_hook *
any_hook(void)
{
	static char mark;

	return (struct milter_hook *)(void *)&mark;
}

static void
render(const struct milter_said *said, char *out)
{
	(void)snprintf(out, RENDERED, "%s%s%s%.*s%s%s%s%.*s",
	    mt_words_mode[said->mode], said->sets ? " set" : "",
	    said->noticed ? " notice=" : "",
	    MT_STR_ARG(mt_buf_view(&said->notice)),
	    said->notice_plain == MT_answer_yes	     ? " plain"
		: said->notice_plain == MT_answer_no ? " not-plain"
						     : "",
	    said->quoted != MT_quotes_absent ? " quoted=" : "",
	    mt_words_quotes[said->quoted],
	    MT_STR_ARG(mt_buf_view(&said->extra)));
}

/* Load, run and read an answer; the answer, or the error, as a text. */
static enum mt_rc
try(struct scene *s, struct mt_str text, char *out)
{
	struct milter_state *state = NULL;
	struct milter_said said;
	struct mt_err err = { .rc = MT_OK };
	enum mt_rc rc;

	milter_said_init(&said);
	rc = milter_state_new(&s->options, text, &state, &err);
	if (rc == MT_OK)
		rc = milter_state_run(state, &s->m, &s->client, &err);
	if (rc == MT_OK)
		rc = milter_answer_read(state->lua, &said, &err);
	if (rc == MT_OK)
		render(&said, out);
	else
		(void)snprintf(out, RENDERED, "%s", err.msg);
	milter_said_done(&said);
	milter_state_free(state);
	return rc;
}

struct answer {
	const char *name;
	const char *lua;
	enum mt_rc rc;
	const char *want; /* contained in the answer or error */
};

#define DECIDE(body) "function decide(m)\n" body "\nend"

static void
check(const struct answer *c, size_t n)
{
	char got[RENDERED];
	struct scene s;
	int64_t begun;
	enum mt_rc rc;

	for (; n > 0; n--, c++) {
		set_scene(&s, any_hook());
		begun = mt_clock_mono_ms();
		rc = try(&s, mt_str(c->lua), got);
		if (rc != c->rc || strstr(got, c->want) == NULL)
			fail_msg("%s: %s: %s", c->name, mt_rc_name(rc), got);
		if (mt_clock_mono_ms() - begun > LONGEST_MS)
			fail_msg("%s: took too long", c->name);
		strike_scene(&s);
	}
}

#define CHECK(table) check(table, sizeof(table) / sizeof((table)[0]))

static void
answers_are_read_or_refused_by_name(void **unused)
{
	static const struct answer cases[] = {
		{ "nothing", DECIDE(""), MT_OK, "" },
		{ "nil", DECIDE("return nil"), MT_OK, "" },
		{ "empty", DECIDE("return {}"), MT_OK, "" },
		{ "more than one", DECIDE("return nil, 5"), MT_OK, "" },
		{ "mode", DECIDE("return { mode = 'anonymous' }"), MT_OK,
		    "anonymous" },
		{ "set", DECIDE("return { mode = 'off', set = true }"), MT_OK,
		    "off set" },
		{ "all",
		    DECIDE("return { mode = 'identified', set = false,\n"
			   "notice = 'W\xc3\xa4r', notice_plain = true,\n"
			   "quoted = 'leave', extra = { a = 1 } }"),
		    MT_OK,
		    "identified notice=W\xc3\xa4r plain quoted=leave"
		    "{\"a\":1}" },
		{ "no notice",
		    DECIDE("return { notice = '', notice_plain = false }"),
		    MT_OK, " notice= not-plain" },
		{ "extra of all types",
		    DECIDE("return { extra = { b = true, n = -3, f = 0.1,\n"
			   "t = 'say \"\xc3\xa4\"\\n' } }"),
		    MT_OK,
		    "{\"b\":true,\"f\":0.1,\"n\":-3,"
		    "\"t\":\"say \\\"\xc3\xa4\\\"\\n\"}" },
		{ "no extra", DECIDE("return { extra = {} }"), MT_OK, "" },
		{ "a number", DECIDE("return 5"), MT_FORMAT,
		    "the answer is a number, not a table or nil" },
		{ "false", DECIDE("return false"), MT_FORMAT,
		    "the answer is a boolean, not a table or nil" },
		{ "unknown key", DECIDE("return { modus = 'off' }"), MT_FORMAT,
		    "the answer: nothing is called 'modus'" },
		{ "a list", DECIDE("return { 'off' }"), MT_FORMAT,
		    "the answer: nothing is called number" },
		{ "unknown mode", DECIDE("return { mode = 'on' }"), MT_FORMAT,
		    "the answer: mode: no such word: 'on'" },
		{ "mode of a number", DECIDE("return { mode = 1 }"), MT_FORMAT,
		    "the answer: mode: is a number, not a text" },
		{ "set alone", DECIDE("return { set = true }"), MT_FORMAT,
		    "the answer: set: has no mode to set" },
		{ "set of a text",
		    DECIDE("return { mode = 'off', set = 'yes' }"), MT_FORMAT,
		    "the answer: set: is a string, not a boolean" },
		{ "notice of false", DECIDE("return { notice = false }"),
		    MT_FORMAT, "notice: is a boolean, not a text" },
		{ "long notice", DECIDE("return { notice = ('x'):rep(2001) }"),
		    MT_FORMAT, "notice: is longer than 2000 bytes" },
		{ "unclean notice", DECIDE("return { notice = '\\xff' }"),
		    MT_FORMAT, "notice: is not clean UTF-8" },
		{ "notice with NUL", DECIDE("return { notice = '\\0' }"),
		    MT_FORMAT, "notice: is not clean UTF-8" },
		{ "plain of a text", DECIDE("return { notice_plain = 'no' }"),
		    MT_FORMAT, "notice_plain: is a string, not a boolean" },
		{ "unknown quoted", DECIDE("return { quoted = 'keep' }"),
		    MT_FORMAT, "quoted: no such word: 'keep'" },
		{ "extra of a text", DECIDE("return { extra = 'a' }"),
		    MT_FORMAT, "extra: is a string, not a table" },
		{ "extra list", DECIDE("return { extra = { 'a' } }"), MT_FORMAT,
		    "extra: a name is a number, not a text" },
		{ "extra without a name",
		    DECIDE("return { extra = { [''] = 1 } }"), MT_FORMAT,
		    "extra: name '' is not clean UTF-8 of 1 to 64 bytes" },
		{ "extra of a table", DECIDE("return { extra = { a = {} } }"),
		    MT_FORMAT,
		    "extra: 'a': is a table, not a text, number or boolean" },
		{ "extra of no number",
		    DECIDE("return { extra = { a = 0/0 } }"), MT_FORMAT,
		    "extra: 'a': is no finite number" },
		{ "unclean extra", DECIDE("return { extra = { a = '\\xe4' } }"),
		    MT_FORMAT, "extra: 'a': is not clean UTF-8" },
		{ "long extra",
		    DECIDE("local x = ('x'):rep(600)\n"
			   "return { extra = { a = x, b = x } }"),
		    MT_FORMAT, "extra: is longer than 1000 bytes of JSON" },
		{ "many extras",
		    DECIDE("local e = {}\n"
			   "for i = 1, 51 do e['n' .. i] = i end\n"
			   "return { extra = e }"),
		    MT_FORMAT, "extra: more than 50 names" },
	};

	(void)unused;
	CHECK(cases);
}

static void
the_message_is_seen(void **unused)
{
	static const struct answer cases[] = {
		{ "envelope",
		    DECIDE("assert(m.sender == 'alice@example.org')\n"
			   "assert(m.user == 'alice@example.org')\n"
			   "assert(#m.recipients == 2)\n"
			   "assert(m.recipients[1] == 'bob@example.com')\n"
			   "assert(m.recipients[2] == 'ben@example.com')\n"
			   "assert(m.client == '192.0.2.7')\n"
			   "assert(m.client_name == nil)\n"
			   "assert(m.helo == 'client.example')\n"
			   "assert(m.daemon == nil and m.submitted)\n"
			   "assert(m.queue_id == '4jWQqq1YRQz1cQdJ')\n"
			   "assert(m.size == 61, m.size)\n"
			   "assert(m.declared == 4321)"),
		    MT_OK, "" },
		{ "policy",
		    DECIDE("assert(m.request == 'yes')\n"
			   "assert(m.mode == 'identified')\n"
			   "assert(m.level == 'domain')\n"
			   "assert(m.rule == 'example.org')\n"
			   "assert(m.notice == 'Seen.')\n"
			   "assert(m.notice_plain == false)\n"
			   "assert(m.quoted == 'remove')\n"
			   "assert(m.pixel_url == nil)"),
		    MT_OK, "" },
		{ "headers",
		    DECIDE("assert(m:header('subject') == "
			   "'Sp\xc3\xa4te Post')\n"
			   "assert(m:header('To') == nil)\n"
			   "assert(m:header('RECEIVED') == 'from a')\n"
			   "local r = m:headers('received')\n"
			   "assert(#r == 2 and r[2] == 'from b')\n"
			   "assert(#m:headers('To') == 0)\n"
			   "local all = m:headers()\n"
			   "assert(#all == 3 and not m.headers_cut)\n"
			   "assert(all[2].name == 'Subject')\n"
			   "assert(all[3].name == 'received')\n"
			   "assert(all[3].value == 'from b')"),
		    MT_OK, "" },
		{ "no colon", DECIDE("return m.header('To')"), MT_FORMAT,
		    "hook.lua:2: call it with a colon: message:header" },
		{ "what it changes is its own",
		    DECIDE("m.recipients[1] = nil m.mode = 'off'"), MT_OK, "" },
	};

	(void)unused;
	CHECK(cases);
}

static void
headers_are_bounded_and_kept_for_hooks_only(void **unused)
{
	static const char lua[] = DECIDE("assert(m.headers_cut)\n"
					 "assert(#m:headers('X-Long') == 2)\n"
					 "assert(m:header('To') == nil)");
	char *value = mt_alloc(100001), got[RENDERED];
	struct scene s;
	int i;

	(void)unused;
	memset(value, 'x', 100000);
	set_scene(&s, any_hook());
	for (i = 0; i < 3; i++)
		put_header(&s, "X-Long", value);
	put_header(&s, "To", "behind it");
	if (try(&s, MT_LIT(lua), got) != MT_OK)
		fail_msg("%s", got);
	strike_scene(&s);
	set_scene(&s, NULL);
	assert_int_equal(s.m.fields.n, 0);
	strike_scene(&s);
	mt_free(value);
}

static void
errors_say_where(void **unused)
{
	static const struct answer cases[] = {
		{ "syntax", "function decide(m)\nreturn {{\nend", MT_FORMAT,
		    "hook.lua:3: unexpected symbol near 'end'" },
		{ "no function", "x = 1", MT_FORMAT,
		    "hook.lua: defines no function decide" },
		{ "at the top", "\nlocal x = nil + 1", MT_FORMAT,
		    "hook.lua:2: attempt to perform arithmetic" },
		{ "in it", DECIDE("local x = m.none.none"), MT_FORMAT,
		    "hook.lua:2: attempt to index a nil value" },
		{ "raised", DECIDE("error('no such day')"), MT_FORMAT,
		    "hook.lua:2: no such day" },
		{ "no text", DECIDE("error({})"), MT_FORMAT,
		    "raised an error that is no text" },
		{ "of a library", DECIDE("return ('x'):rep({})"), MT_FORMAT,
		    "hook.lua:2: bad argument #1 to 'rep'" },
		{ "of a pattern", DECIDE("return ('x'):find('[a')"), MT_FORMAT,
		    "hook.lua:2: malformed pattern (missing ']')" },
		{ "caught",
		    DECIDE("local ok, e = pcall(error, 'x', 0)\n"
			   "assert(not ok and e == 'x')\n"
			   "return { mode = 'off' }"),
		    MT_OK, "off" },
		{ "pcall gives results",
		    DECIDE("local a, b, c = pcall(function() return 1, 2 end)\n"
			   "assert(a == true and b == 1 and c == 2)"),
		    MT_OK, "" },
	};

	(void)unused;
	CHECK(cases);
}

static void
nothing_dangerous_is_there(void **unused)
{
	static const struct answer cases[] = {
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

static void
limits_cannot_be_caught_or_slept_through(void **unused)
{
	static const struct answer cases[] = {
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
		{ "endless tail calls",
		    DECIDE("local function f() return f() end return f()"),
		    MT_LIMIT, "takes more than hook_instructions" },
		{ "memory bomb", DECIDE("return ('x'):rep(99999):rep(99)"),
		    MT_LIMIT,
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
		    DECIDE("local s = 'x'\nwhile true do s = s .. s end"),
		    MT_LIMIT, "hook.lua:3: needs more than hook_memory" },
		{ "always at the brim",
		    DECIDE("local t = {}\nfor i = 1, 38 do\n"
			   "t[i] = ('x'):rep(100000) .. i end\n"
			   "while true do t[1] = ('y'):rep(90000) end"),
		    MT_LIMIT, "more than hook_" },
		{ "repeat nothing", DECIDE("return (''):rep(1 << 60)"),
		    MT_LIMIT, "takes more than hook_instructions" },
		{ "concat of no list",
		    DECIDE("table.concat({}, '', 1, 1 << 60)"), MT_LIMIT,
		    "takes more than hook_instructions" },
		{ "unpack of no list", DECIDE("table.unpack({}, 1, 1 << 60)"),
		    MT_LIMIT, "takes more than hook_instructions" },
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
		{ "gsub", DECIDE("return ('a'):rep(900):gsub('.-.-.-b', '')"),
		    MT_LIMIT, "takes more than hook_instructions" },
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

	(void)unused;
	CHECK(cases);
}

/* A file that would count, in every way a file can keep something. */
static void
nothing_is_kept_from_message_to_message(void **unused)
{
	static const char lua[] =
	    "local n, seen = 0, {}\n"
	    "count = (count or 0) + 1\n"
	    "function decide(m)\n"
	    "n = n + 1 total = (total or 0) + 1\n"
	    "assert(not seen[1]) seen[1] = true\n"
	    "return { extra = { n = n, total = total, count = count } }\nend";
	struct milter_state *state = NULL;
	struct milter_said said;
	struct mt_err err;
	struct scene s;
	int i;

	(void)unused;
	set_scene(&s, any_hook());
	if (milter_state_new(&s.options, MT_LIT(lua), &state, &err) != MT_OK)
		fail_msg("%s", err.msg);
	for (i = 0; i < 1000; i++) {
		milter_said_init(&said);
		if (milter_state_run(state, &s.m, &s.client, &err) != MT_OK ||
		    milter_answer_read(state->lua, &said, &err) != MT_OK)
			fail_msg("%s", err.msg);
		assert_string_equal(
		    said.extra.p, "{\"count\":1,\"n\":1,\"total\":1}");
		milter_said_done(&said);
		milter_state_clear(state);
	}
	assert_true(state->memory < 200000);
	milter_state_free(state);
	strike_scene(&s);
}

struct worker {
	struct milter_hook *hook;
	int number;
	int wrong;
};

static void *
work(void *arg)
{
	struct worker *w = arg;
	char want[64], value[32];
	struct scene s;
	int i;

	for (i = 0; i < ROUNDS; i++) {
		set_scene(&s, w->hook);
		(void)snprintf(value, sizeof(value), " %d.%d", w->number, i);
		put_header(&s, "X-Number", value);
		if (i % 50 == 7)
			put_header(&s, "X-Fail", "yes");
		(void)snprintf(
		    want, sizeof(want), "{\"number\":\"%s\"}", value + 1);
		if (milter_hook_ask(w->hook, &s.m, &s.client, &s.m.said) !=
		    (i % 50 == 7 ? MT_hook_failed : MT_hook_done))
			w->wrong++;
		else if (i % 50 != 7 && strcmp(s.m.said.extra.p, want) != 0)
			w->wrong++;
		strike_scene(&s);
	}
	return NULL;
}

static void
threads_share_a_hook_and_nothing_else(void **unused)
{
	static const char lua[] =
	    "function decide(m)\n"
	    "assert(not before) before = true\n"
	    "if m:header('X-Fail') then error('as asked') end\n"
	    "return { extra = { number = m:header('X-Number') } }\nend";
	char path[] = "/tmp/mt-hook-XXXXXX";
	struct worker workers[THREADS];
	pthread_t threads[THREADS];
	struct milter_hook *hook = NULL;
	struct mt_err err;
	struct scene s;
	size_t i;
	int fd = mkstemp(path);

	(void)unused;
	assert_true(fd >= 0);
	assert_int_equal(
	    write(fd, lua, sizeof(lua) - 1), (ssize_t)sizeof(lua) - 1);
	assert_int_equal(close(fd), 0);
	set_scene(&s, NULL);
	s.options.hook = mt_str(path);
	if (milter_hook_new(&s.options, &hook, &err) != MT_OK)
		fail_msg("%s", err.msg);
	assert_int_equal(unlink(path), 0);
	for (i = 0; i < THREADS; i++) {
		workers[i] = (struct worker){ hook, (int)i, 0 };
		assert_int_equal(
		    pthread_create(&threads[i], NULL, work, &workers[i]), 0);
	}
	for (i = 0; i < THREADS; i++) {
		assert_int_equal(pthread_join(threads[i], NULL), 0);
		assert_int_equal(workers[i].wrong, 0);
	}
	milter_hook_free(hook);
	strike_scene(&s);
}

static void
files_that_cannot_be_used_are_named(void **unused)
{
	struct milter_hook *hook = NULL;
	struct mt_err err;
	struct scene s;

	(void)unused;
	set_scene(&s, NULL);
	s.options.hook = MT_LIT("/nonexistent/hook.lua");
	assert_int_equal(milter_hook_new(&s.options, &hook, &err), MT_CONFIG);
	assert_string_equal(err.msg,
	    "hook: /nonexistent/hook.lua: cannot be read: No such file or "
	    "directory");
	s.options.hook = MT_LIT("/tmp");
	assert_int_equal(milter_hook_new(&s.options, &hook, &err), MT_CONFIG);
	assert_string_equal(err.msg, "hook: /tmp: is no file");
	strike_scene(&s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(answers_are_read_or_refused_by_name),
		cmocka_unit_test(the_message_is_seen),
		cmocka_unit_test(headers_are_bounded_and_kept_for_hooks_only),
		cmocka_unit_test(errors_say_where),
		cmocka_unit_test(nothing_dangerous_is_there),
		cmocka_unit_test(limits_cannot_be_caught_or_slept_through),
		cmocka_unit_test(nothing_is_kept_from_message_to_message),
		cmocka_unit_test(threads_share_a_hook_and_nothing_else),
		cmocka_unit_test(files_that_cannot_be_used_are_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
