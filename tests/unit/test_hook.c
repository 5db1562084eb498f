/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The milter's Lua hook without a milter: what it sees and may answer, and
 * that messages and threads share nothing.
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

#include "base/mem.h"
#include "hook_scene.h"

#define THREADS 8
#define ROUNDS 200

static const struct hook_case answers[] = {
	{ "nothing", DECIDE(""), MT_OK, "" },
	{ "nil", DECIDE("return nil"), MT_OK, "" },
	{ "empty", DECIDE("return {}"), MT_OK, "" },
	{ "more than one", DECIDE("return nil, 5"), MT_OK, "" },
	{ "mode", DECIDE("return { mode = 'anonymous' }"), MT_OK, "anonymous" },
	{ "set", DECIDE("return { mode = 'off', set = true }"), MT_OK,
	    "off set" },
	{ "all",
	    DECIDE("return { mode = 'identified', set = false,\n"
		   "notice = 'W\xc3\xa4r', notice_plain = true,\n"
		   "quoted = 'leave', extra = { a = 1 } }"),
	    MT_OK,
	    "identified notice=W\xc3\xa4r plain quoted=leave"
	    "{\"a\":1}" },
	{ "no notice", DECIDE("return { notice = '', notice_plain = false }"),
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
	{ "set of a text", DECIDE("return { mode = 'off', set = 'yes' }"),
	    MT_FORMAT, "the answer: set: is a string, not a boolean" },
	{ "notice of false", DECIDE("return { notice = false }"), MT_FORMAT,
	    "notice: is a boolean, not a text" },
	{ "long notice", DECIDE("return { notice = ('x'):rep(2001) }"),
	    MT_FORMAT, "notice: is longer than 2000 bytes" },
	{ "unclean notice", DECIDE("return { notice = '\\xff' }"), MT_FORMAT,
	    "notice: is not clean UTF-8" },
	{ "notice with NUL", DECIDE("return { notice = '\\0' }"), MT_FORMAT,
	    "notice: is not clean UTF-8" },
	{ "plain of a text", DECIDE("return { notice_plain = 'no' }"),
	    MT_FORMAT, "notice_plain: is a string, not a boolean" },
	{ "unknown quoted", DECIDE("return { quoted = 'keep' }"), MT_FORMAT,
	    "quoted: no such word: 'keep'" },
	{ "extra of a text", DECIDE("return { extra = 'a' }"), MT_FORMAT,
	    "extra: is a string, not a table" },
	{ "extra list", DECIDE("return { extra = { 'a' } }"), MT_FORMAT,
	    "extra: a name is a number, not a text" },
	{ "extra without a name", DECIDE("return { extra = { [''] = 1 } }"),
	    MT_FORMAT, "extra: name '' is not clean UTF-8 of 1 to 64 bytes" },
	{ "extra of a table", DECIDE("return { extra = { a = {} } }"),
	    MT_FORMAT,
	    "extra: 'a': is a table, not a text, number or boolean" },
	{ "extra of no number", DECIDE("return { extra = { a = 0/0 } }"),
	    MT_FORMAT, "extra: 'a': is no finite number" },
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

static void
answers_are_read_or_refused_by_name(void **unused)
{
	(void)unused;
	CHECK(answers);
}

static void
the_message_is_seen(void **unused)
{
	static const struct hook_case cases[] = {
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
	set_scene(&s, true);
	for (i = 0; i < 3; i++)
		put_header(&s, "X-Long", value);
	put_header(&s, "To", "behind it");
	if (try_hook(&s, MT_LIT(lua), got) != MT_OK)
		fail_msg("%s", got);
	strike_scene(&s);
	set_scene(&s, false);
	assert_int_equal(s.m.fields.n, 0);
	strike_scene(&s);
	mt_free(value);
}

static void
errors_say_where(void **unused)
{
	static const struct hook_case cases[] = {
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
	set_scene(&s, true);
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
	enum mt_hook got;
	struct scene s;
	int i;

	for (i = 0; i < ROUNDS; i++) {
		set_scene(&s, true);
		(void)snprintf(value, sizeof(value), " %d.%d", w->number, i);
		put_header(&s, "X-Number", value);
		if (i % 50 == 7)
			put_header(&s, "X-Fail", "yes");
		(void)snprintf(
		    want, sizeof(want), "{\"number\":\"%s\"}", value + 1);
		got = milter_hook_ask(w->hook, &s.m, &s.client, &s.m.said);
		if (i % 50 == 7)
			w->wrong += got != MT_hook_failed;
		else
			w->wrong += got != MT_hook_done ||
			    strcmp(s.m.said.extra.p, want) != 0;
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
	set_scene(&s, false);
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
	set_scene(&s, false);
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
		cmocka_unit_test(nothing_is_kept_from_message_to_message),
		cmocka_unit_test(threads_share_a_hook_and_nothing_else),
		cmocka_unit_test(files_that_cannot_be_used_are_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
