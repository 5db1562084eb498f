/* SPDX-License-Identifier: BSD-2-Clause */
#include "bridge.h"

#include <stddef.h>

#include "base/log.h"
#include "base/utf8.h"
#include "lua/value.h"
#include "mail/header.h"
#include "mail/markup.h"
#include "token/token.h"

/* What markup() is told beside the message. */
struct wishes {
	struct mt_str url;
	struct mt_str notice;
	bool notice_plain;
	bool quoted;
	bool marked;
	bool resigned;
	uint64_t max;
};

#define WISH(field, kind) \
	{ \
		.name = #field, .type = MT_##kind, \
		.off = offsetof(struct wishes, field) \
	}
static const struct mt_field fields[] = {
	WISH(url, STR),
	WISH(notice, STR),
	WISH(notice_plain, BOOL),
	WISH(quoted, BOOL),
	WISH(marked, BOOL),
	WISH(resigned, BOOL),
	WISH(max, SIZE),
};
#define FIELDS (sizeof(fields) / sizeof(fields[0]))

struct job {
	struct mt_markup_in in; /* borrows from Lua */
	struct mt_markup markup; /* owned */
	struct mt_keys *keys; /* of quoted pixels; a reference, or NULL */
};

static bool
is_ours(void *arg, struct mt_str text)
{
	struct mt_token ignored;

	return mt_token_check(arg, text, &ignored);
}

static enum mt_rc
check_url(struct mt_str url, struct mt_err *err)
{
	size_t i;

	if (!mt_str_starts(url, "https://") && !mt_str_starts(url, "http://"))
		return mt_fail(err, MT_FORMAT, "url: no http or https URL");
	for (i = 0; i < url.n; i++)
		if (url.p[i] <= ' ' || url.p[i] > '~')
			return mt_fail(
			    err, MT_FORMAT, "url: not printable ASCII");
	if (url.n > MT_MAX_URL)
		return mt_fail(
		    err, MT_FORMAT, "url: longer than %d bytes", MT_MAX_URL);
	return MT_OK;
}

static enum mt_rc
read_job(lua_State *lua, int message, struct bridge *b, struct job *job,
    struct mt_err *err)
{
	struct mt_str all = mt_lua_text(lua, message);
	struct wishes w = { .max = 0 };
	bool seen[FIELDS] = { false };
	size_t head;

	if (all.p == NULL)
		return mt_fail(err, MT_FORMAT, "the message is a %s, no text",
		    lua_typename(lua, lua_type(lua, message)));
	if (mt_lua_table_read(
		lua, message + 1, fields, FIELDS, &w, seen, err) != MT_OK ||
	    check_url(w.url, err) != MT_OK)
		return err->rc;
	if (w.notice.n > MT_MAX_NOTICE || !mt_utf8_clean(w.notice))
		return mt_fail(err, MT_FORMAT,
		    "notice: not clean UTF-8 of at most %d bytes",
		    MT_MAX_NOTICE);
	if (w.quoted && b == NULL)
		return mt_fail(
		    err, MT_FORMAT, "quoted: only a handle has keys");
	if (w.quoted && (job->keys = bridge_keys(b, err)) == NULL)
		return err->rc;
	head = mt_header_end(all);
	job->in = (struct mt_markup_in){ .head = mt_str_n(all.p, head),
		.body = mt_str_n(all.p + head, all.n - head),
		.url = w.url,
		.notice = w.notice.n > 0 ? w.notice : mt_str(NULL),
		.notice_plain = w.notice_plain,
		.is_ours = w.quoted ? is_ours : NULL,
		.is_ours_arg = job->keys,
		.marked = w.marked,
		.resigned = w.resigned,
		.max = (size_t)w.max };
	return MT_OK;
}

static void
push_edits(lua_State *lua, const struct job *job)
{
	const struct mt_edit *edit;
	size_t i;

	lua_createtable(lua, (int)job->markup.edits_n, 0);
	for (i = 0; i < job->markup.edits_n; i++) {
		edit = &job->markup.edits[i];
		lua_createtable(lua, 0, 3);
		bridge_set_number(lua, "at", job->in.head.n + edit->at);
		bridge_set_number(lua, "remove", edit->remove);
		bridge_set_text(lua, "insert", mt_buf_view(&edit->insert));
		lua_rawseti(lua, -2, (int)i + 1);
	}
}

/* The edits, or nil when there are none; and what was found. */
int
bridge_markup_push(lua_State *lua)
{
	const struct job *job = lua_touserdata(lua, 1);
	const struct mt_markup *m = &job->markup;
	bool done = m->reason == MT_reason_done;

	if (done)
		push_edits(lua, job);
	else
		lua_pushnil(lua);
	lua_createtable(lua, 0, 8);
	bridge_set_text(lua, "reason", mt_str(mt_words_reason[m->reason]));
	if (m->part[0] != '\0')
		bridge_set_text(lua, "part", mt_str(m->part));
	if (m->encoding != MT_encoding_absent)
		bridge_set_text(
		    lua, "encoding", mt_str(mt_words_encoding[m->encoding]));
	if (m->charset[0] != '\0')
		bridge_set_text(lua, "charset", mt_str(m->charset));
	if (done)
		bridge_set_number(lua, "at", m->at - job->in.head.n);
	bridge_set_number(lua, "quoted", m->quoted);
	bridge_set_boolean(lua, "notice_plain", m->noticed_plain);
	return 2;
}

/*
 * bridge.markup(message, wishes), handle:markup(message, wishes): a list of
 * edits {at=, remove=, insert=}, at counted from the message's first byte, 0,
 * and a table {reason="done", ...}; nil and such a table when it is not to be
 * marked; nil and a text when it was called wrongly.
 */
int
bridge_markup(lua_State *lua)
{
	struct job job = { .keys = NULL };
	struct bridge *b = NULL;
	struct mt_err err;
	int message = 1, answers;

	err.rc = MT_OK;
	if (lua_type(lua, 1) == LUA_TUSERDATA) {
		b = bridge_at(lua, 1, &err);
		message = 2;
	}
	lua_settop(lua, message + 1);
	if (err.rc == MT_OK && read_job(lua, message, b, &job, &err) == MT_OK) {
		mt_markup_make(&job.in, &job.markup);
		answers = bridge_answer(lua, 2, &job, 2);
		mt_markup_done(&job.markup);
	} else {
		answers = bridge_fail(lua, &err);
	}
	mt_keys_unref(job.keys);
	return answers;
}
