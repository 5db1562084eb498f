/* SPDX-License-Identifier: BSD-2-Clause */
#include "bridge.h"

#include <stddef.h>

#include "base/mem.h"
#include "lua/value.h"
#include "policy/cascade.h"

#define RCPTS_MAX 1000000 /* as events have it */

/* What policy() is told of a message, beside its recipients. */
struct facts {
	struct mt_str sender;
	struct mt_str user;
	bool submitted;
};

static const struct mt_field fields[] = {
	{ .name = "sender",
	    .type = MT_STR,
	    .off = offsetof(struct facts, sender) },
	{ .name = "user", .type = MT_STR, .off = offsetof(struct facts, user) },
	{ .name = "submitted",
	    .type = MT_BOOL,
	    .off = offsetof(struct facts, submitted) },
};
#define FIELDS (sizeof(fields) / sizeof(fields[0]))

struct job {
	struct facts facts;
	struct mt_policy *policy; /* a reference; NULL: there is none */
	struct mt_policy_in in; /* rcpts: owned, borrow from Lua */
	struct mt_policy_result result; /* borrows from policy */
	struct mt_err watch; /* what the watch had to say */
};

/* The text at place i of a list; absent at its end. */
static struct mt_str
element(lua_State *lua, int list, int i)
{
	struct mt_str text;

	lua_rawgeti(lua, list, i);
	text = mt_lua_text(lua, -1);
	/* The list keeps it. */
	lua_pop(lua, 1);
	return text;
}

static enum mt_rc
list_length(lua_State *lua, int list, const char *name, size_t *ret_n,
    struct mt_err *err)
{
	int i = 0;

	*ret_n = 0;
	if (lua_type(lua, list) == LUA_TNIL)
		return MT_OK;
	if (lua_type(lua, list) != LUA_TTABLE)
		return mt_fail(err, MT_FORMAT, "%s: is a %s, not a list", name,
		    lua_typename(lua, lua_type(lua, list)));
	while (element(lua, list, i + 1).p != NULL) {
		if (++i > RCPTS_MAX)
			return mt_fail(
			    err, MT_LIMIT, "%s: more than %d", name, RCPTS_MAX);
	}
	lua_rawgeti(lua, list, i + 1);
	if (lua_type(lua, -1) != LUA_TNIL) {
		lua_pop(lua, 1);
		return mt_fail(
		    err, MT_FORMAT, "%s: %d: is no text", name, i + 1);
	}
	lua_pop(lua, 1);
	*ret_n = (size_t)i;
	return MT_OK;
}

static enum mt_rc
read_job(lua_State *lua, struct job *job, struct mt_err *err)
{
	bool seen[FIELDS] = { false };
	size_t requests = 0, i;

	if (mt_lua_table_read(lua, 2, fields, FIELDS, &job->facts, seen, err) !=
		MT_OK ||
	    list_length(lua, 3, "recipients", &job->in.rcpts_n, err) != MT_OK ||
	    list_length(lua, 4, "requests", &requests, err) != MT_OK)
		return err->rc;
	job->in.sender = job->facts.sender;
	job->in.user = job->facts.user;
	job->in.submitted = job->facts.submitted;
	for (i = 0; i < requests; i++)
		job->in.request = mt_policy_request_join(job->in.request,
		    mt_policy_request(element(lua, 4, (int)i + 1)));
	job->in.rcpts =
	    mt_alloc_array(job->in.rcpts_n + 1, sizeof(job->in.rcpts[0]));
	for (i = 0; i < job->in.rcpts_n; i++)
		job->in.rcpts[i].address = element(lua, 3, (int)i + 1);
	return MT_OK;
}

static void
set_word(
    lua_State *lua, const char *name, const char *const *words, unsigned word)
{
	if (word != 0)
		bridge_set_text(lua, name, mt_str(words[word]));
}

static void
push_rcpts(lua_State *lua, const struct job *job)
{
	size_t i;

	lua_createtable(lua, (int)job->in.rcpts_n, 0);
	for (i = 0; i < job->in.rcpts_n; i++) {
		lua_createtable(lua, 0, 2);
		set_word(lua, "mode", mt_words_mode, job->in.rcpts[i].mode);
		if (job->in.rcpts[i].rule.n > 0)
			bridge_set_text(lua, "rule", job->in.rcpts[i].rule);
		lua_rawseti(lua, -2, (int)i + 1);
	}
	lua_setfield(lua, -2, "rcpts");
}

/* The decision, and what was wrong with the snapshot or nil. */
int
bridge_policy_push(lua_State *lua)
{
	const struct job *job = lua_touserdata(lua, 1);
	const struct mt_policy_result *r = &job->result;

	lua_createtable(lua, 0, 9);
	set_word(lua, "mode", mt_words_mode, r->mode);
	set_word(lua, "level", mt_words_level, r->level);
	set_word(lua, "request", mt_words_request, job->in.request);
	set_word(lua, "notice_plain", mt_words_answer, r->notice_plain);
	set_word(lua, "quoted", mt_words_quotes, r->quoted);
	if (r->rule.n > 0)
		bridge_set_text(lua, "rule", r->rule);
	bridge_set_text(lua, "notice", r->notice);
	bridge_set_text(lua, "pixel_url", r->pixel_url);
	push_rcpts(lua, job);
	if (job->watch.rc != MT_OK)
		(void)lua_pushstring(lua, job->watch.msg);
	else
		lua_pushnil(lua);
	return 2;
}

/*
 * handle:policy({sender=, user=, submitted=}, recipients, requests): the
 * decision, or nil and why. Without a snapshot the decision is off.
 */
int
bridge_policy(lua_State *lua)
{
	struct job job = { .policy = NULL };
	struct mt_err err;
	struct bridge *b;
	int answers = 0;

	lua_settop(lua, 4);
	if ((b = bridge_at(lua, 1, &err)) != NULL &&
	    read_job(lua, &job, &err) == MT_OK) {
		job.policy = mt_policy_watch_get(b->watch, &job.watch);
		mt_policy_decide(job.policy, &job.in, &job.result);
		if (job.result.pixel_url.n == 0)
			job.result.pixel_url = mt_str(b->pixel_url);
		answers = bridge_answer(lua, 2, &job, 2);
	} else {
		answers = bridge_fail(lua, &err);
	}
	mt_free(job.in.rcpts);
	mt_policy_unref(job.policy);
	return answers;
}
