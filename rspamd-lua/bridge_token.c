/* SPDX-License-Identifier: BSD-2-Clause */
#include "bridge.h"

#include "base/log.h"
#include "lua/value.h"
#include "token/token.h"

/* handle:token(mode): the token as it stands in a URL, and its id; or nil. */
int
bridge_token(lua_State *lua)
{
	char text[MT_TOKEN_TEXT + 1], hex[MT_TOKEN_HEX + 1];
	struct mt_keys *keys = NULL;
	struct mt_token token;
	struct mt_err err;
	struct bridge *b;
	unsigned mode;

	lua_settop(lua, 2);
	if ((b = bridge_at(lua, 1, &err)) == NULL)
		return bridge_fail(lua, &err);
	mode = mt_word_find(mt_words_mode, mt_lua_text(lua, 2));
	err.rc = MT_OK;
	if (mode <= MT_mode_off)
		(void)mt_fail(&err, MT_FORMAT, "no mode that has tokens");
	else if ((keys = bridge_keys(b, &err)) != NULL &&
	    mt_token_make(keys, (enum mt_mode)mode, &token, &err) == MT_OK) {
		err.rc = MT_OK;
		mt_token_hex(&token, hex);
		if (!mt_token_write(keys, &token, text))
			(void)mt_fail(&err, MT_CONFIG, "the key is gone");
	}
	mt_keys_unref(keys);
	if (err.rc != MT_OK)
		return bridge_fail(lua, &err);
	(void)lua_pushlstring(lua, text, MT_TOKEN_TEXT);
	(void)lua_pushlstring(lua, hex, MT_TOKEN_HEX);
	return 2;
}

/* handle:mark(token, message_id): the marking header's value, or nil. */
int
bridge_mark(lua_State *lua)
{
	char value[MT_MARK_TEXT + 1];
	struct mt_keys *keys = NULL;
	struct mt_token token;
	struct mt_err err;
	struct bridge *b;

	lua_settop(lua, 3);
	if ((b = bridge_at(lua, 1, &err)) == NULL ||
	    (keys = bridge_keys(b, &err)) == NULL)
		return bridge_fail(lua, &err);
	err.rc = MT_OK;
	if (mt_token_check(keys, mt_lua_text(lua, 2), &token))
		mt_mark_make(keys, &token, mt_lua_text(lua, 3), value);
	else
		(void)mt_fail(&err, MT_FORMAT, "no token of ours");
	mt_keys_unref(keys);
	if (err.rc != MT_OK)
		return bridge_fail(lua, &err);
	(void)lua_pushlstring(lua, value, MT_MARK_TEXT);
	return 1;
}

/*
 * handle:marked(value, message_id): whether that is the marking header of that
 * very message. Without keys it is false, and why.
 */
int
bridge_marked(lua_State *lua)
{
	struct mt_keys *keys = NULL;
	struct mt_err err;
	struct bridge *b;
	bool good = false;

	lua_settop(lua, 3);
	if ((b = bridge_at(lua, 1, &err)) != NULL &&
	    (keys = bridge_keys(b, &err)) != NULL) {
		err.rc = MT_OK;
		good = mt_mark_check(keys, mt_lua_text(lua, 3),
		    mt_str_trim(mt_lua_text(lua, 2)), NULL);
	}
	mt_keys_unref(keys);
	lua_pushboolean(lua, good);
	if (err.rc == MT_OK)
		return 1;
	(void)lua_pushstring(lua, err.msg);
	return 2;
}
