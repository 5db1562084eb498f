/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the hook's function returned. Nothing here allocates in Lua or runs
 * anything there, so that it needs no protected call.
 */
#include "hook_state.h"

#include <math.h>
#include <stddef.h>
#include <string.h>

#include <jansson.h>

#include "base/limits.h"
#include "base/log.h"
#include "base/utf8.h"
#include "lua/value.h"
#include "message.h"

#define EXTRA_NAME_MAX 64
#define EXTRA_NAMES_MAX 50
#define DIGITS 15 /* of a number that is no integer */

/* What an answer may hold beside `extra`. */
struct answer {
	unsigned mode;
	struct mt_str notice;
	bool notice_plain;
	unsigned quoted;
	bool set;
};

/* clang-format off */
#define FIELD(field, kind, table) \
	{ .name = #field, \
		.type = MT_##kind, \
		.off = offsetof(struct answer, field), \
		.words = (table) }
/* clang-format on */
enum { MODE, NOTICE, NOTICE_PLAIN, QUOTED, SET, FIELDS };
static const struct mt_field fields[FIELDS] = {
	[MODE] = FIELD(mode, ENUM, mt_words_mode),
	[NOTICE] = FIELD(notice, STR, NULL),
	[NOTICE_PLAIN] = FIELD(notice_plain, BOOL, NULL),
	[QUOTED] = FIELD(quoted, ENUM, mt_words_quotes),
	[SET] = FIELD(set, BOOL, NULL),
};

static enum mt_rc
wrong_type(lua_State *lua, const char *wanted, struct mt_err *err)
{
	return mt_fail(err, MT_FORMAT, "is a %s, not a %s",
	    lua_typename(lua, lua_type(lua, -1)), wanted);
}

static enum mt_rc
check_text(struct mt_str text, size_t max, struct mt_err *err)
{
	if (text.n > max)
		return mt_fail(err, MT_FORMAT, "is longer than %zu bytes", max);
	if (!mt_utf8_clean(text))
		return mt_fail(err, MT_FORMAT, "is not clean UTF-8");
	return MT_OK;
}

/* The value on top as JSON. */
static enum mt_rc
read_value(lua_State *lua, json_t **ret_value, struct mt_err *err)
{
	struct mt_str text;

	switch (lua_type(lua, -1)) {
	case LUA_TSTRING:
		text = mt_lua_text(lua, -1);
		if (check_text(text, MT_MAX_EXTRA, err) != MT_OK)
			return err->rc;
		*ret_value = json_stringn(text.p, text.n);
		return MT_OK;
	case LUA_TBOOLEAN:
		*ret_value = json_boolean(lua_toboolean(lua, -1));
		return MT_OK;
	case LUA_TNUMBER:
		if (lua_isinteger(lua, -1))
			*ret_value = json_integer(lua_tointeger(lua, -1));
		else if (isfinite(lua_tonumber(lua, -1)))
			*ret_value = json_real(lua_tonumber(lua, -1));
		else
			return mt_fail(err, MT_FORMAT, "is no finite number");
		return MT_OK;
	default:
		return wrong_type(lua, "text, number or boolean", err);
	}
}

/* The pair on top, name below value, into the object. */
static enum mt_rc
read_extra_pair(lua_State *lua, json_t *object, struct mt_err *err)
{
	struct mt_str name = mt_lua_text(lua, -2);
	json_t *value = NULL;

	if (name.p == NULL)
		return mt_fail(err, MT_FORMAT, "a name is a %s, not a text",
		    lua_typename(lua, lua_type(lua, -2)));
	if (name.n == 0 || check_text(name, EXTRA_NAME_MAX, err) != MT_OK)
		return mt_fail(err, MT_FORMAT,
		    "name %s is not clean UTF-8 of 1 to %d bytes",
		    mt_quote(name).s, EXTRA_NAME_MAX);
	if (read_value(lua, &value, err) != MT_OK) {
		mt_err_in(err, "%s", mt_quote(name).s);
		return err->rc;
	}
	if (json_object_size(object) == EXTRA_NAMES_MAX) {
		json_decref(value);
		return mt_fail(
		    err, MT_FORMAT, "more than %d names", EXTRA_NAMES_MAX);
	}
	/* Lua's texts end in NUL, and this one holds no other. */
	if (json_object_set_new(object, name.p, value) != 0)
		return mt_fail(err, MT_FORMAT, "%s: no JSON", mt_quote(name).s);
	return MT_OK;
}

static int
add_json(const char *p, size_t n, void *out)
{
	mt_buf_add(out, p, n);
	return 0;
}

static enum mt_rc
read_extra(lua_State *lua, struct milter_said *said, struct mt_err *err)
{
	json_t *object;

	if (lua_type(lua, -1) != LUA_TTABLE)
		return wrong_type(lua, "table", err);
	object = json_object();
	err->rc = MT_OK;
	lua_pushnil(lua);
	while (err->rc == MT_OK && lua_next(lua, -2) != 0) {
		(void)read_extra_pair(lua, object, err);
		lua_pop(lua, 1);
	}
	if (err->rc == MT_OK && json_object_size(object) > 0 &&
	    (json_dump_callback(object, add_json, &said->extra,
		 JSON_COMPACT | JSON_SORT_KEYS | JSON_REAL_PRECISION(DIGITS)) !=
		    0 ||
		mt_buf_over(&said->extra)))
		(void)mt_fail(err, MT_FORMAT, "is longer than %d bytes of JSON",
		    MT_MAX_EXTRA);
	json_decref(object);
	return err->rc;
}

/* The pair on top of the stack, name below value. */
static enum mt_rc
read_pair(lua_State *lua, struct answer *answer, bool *seen,
    struct milter_said *said, struct mt_err *err)
{
	struct mt_str name = mt_lua_text(lua, -2);

	if (name.p == NULL || !mt_str_eqz(name, "extra"))
		return mt_lua_pair_read(lua, fields, FIELDS, answer, seen, err);
	if (read_extra(lua, said, err) != MT_OK)
		mt_err_in(err, "extra");
	return err->rc;
}

static enum mt_rc
heed(const struct answer *answer, const bool *seen, struct milter_said *said,
    struct mt_err *err)
{
	if (seen[NOTICE] &&
	    check_text(answer->notice, MT_MAX_NOTICE, err) != MT_OK) {
		mt_err_in(err, "notice");
		return err->rc;
	}
	if (answer->set && answer->mode == MT_mode_absent)
		return mt_fail(err, MT_FORMAT, "set: has no mode to set");
	said->mode = (enum mt_mode)answer->mode;
	said->sets = answer->set;
	said->quoted = (enum mt_quotes)answer->quoted;
	if (seen[NOTICE_PLAIN])
		said->notice_plain =
		    answer->notice_plain ? MT_answer_yes : MT_answer_no;
	said->noticed = seen[NOTICE];
	mt_buf_str(&said->notice, answer->notice);
	return MT_OK;
}

enum mt_rc
milter_answer_read(lua_State *lua, struct milter_said *said, struct mt_err *err)
{
	struct answer answer = { .mode = MT_mode_absent };
	bool seen[FIELDS] = { false };

	err->rc = MT_OK;
	if (lua_isnoneornil(lua, -1))
		return MT_OK;
	if (lua_type(lua, -1) != LUA_TTABLE)
		return mt_fail(err, MT_FORMAT,
		    "the answer is a %s, not a table or nil",
		    lua_typename(lua, lua_type(lua, -1)));
	lua_pushnil(lua);
	while (err->rc == MT_OK && lua_next(lua, -2) != 0) {
		(void)read_pair(lua, &answer, seen, said, err);
		lua_pop(lua, 1);
	}
	if (err->rc == MT_OK)
		(void)heed(&answer, seen, said, err);
	if (err->rc != MT_OK)
		mt_err_in(err, "the answer");
	return err->rc;
}
