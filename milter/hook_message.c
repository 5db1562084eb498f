/* SPDX-License-Identifier: BSD-2-Clause */
#include "hook_state.h"

#include <string.h>

#include <lauxlib.h>

#include "message.h"

#define BYTES_A_STEP 16

static void
set_text(lua_State *lua, const char *name, struct mt_str text)
{
	if (text.p == NULL)
		return;
	(void)lua_pushlstring(lua, text.p, text.n);
	lua_setfield(lua, -2, name);
}

/* Absent when empty. */
static void
set_buf(lua_State *lua, const char *name, const struct mt_buf *buf)
{
	if (buf->n > 0)
		set_text(lua, name, mt_buf_view(buf));
}

static void
set_number(lua_State *lua, const char *name, uint64_t n)
{
	lua_pushinteger(lua, (lua_Integer)n);
	lua_setfield(lua, -2, name);
}

static void
set_boolean(lua_State *lua, const char *name, bool value)
{
	lua_pushboolean(lua, value);
	lua_setfield(lua, -2, name);
}

static void
set_envelope(lua_State *lua, const struct milter_message *m,
    const struct milter_client *client)
{
	char ip[MT_IP_LEN];
	size_t i;

	set_text(lua, "queue_id", milter_message_get(m, TEXT_QUEUE_ID));
	set_text(lua, "sender", mt_buf_view(&m->text[TEXT_SENDER]));
	set_text(lua, "user", milter_message_get(m, TEXT_USER));
	lua_createtable(lua, (int)m->rcpts_kept, 0);
	for (i = 0; i < m->rcpts_kept; i++) {
		(void)lua_pushlstring(
		    lua, m->rcpt[i].address.p, m->rcpt[i].address.n);
		lua_rawseti(lua, -2, (lua_Integer)i + 1);
	}
	lua_setfield(lua, -2, "recipients");
	if (client->ip.family != 0) {
		mt_ip_write(&client->ip, ip);
		set_text(lua, "client", mt_str(ip));
	}
	set_buf(lua, "client_name", &client->name);
	set_buf(lua, "helo", &client->helo);
	set_buf(lua, "daemon", &client->daemon);
	set_number(lua, "size", m->size);
	if (m->declared > 0)
		set_number(lua, "declared", m->declared);
	set_boolean(lua, "submitted", m->submitted);
	set_boolean(lua, "headers_cut", mt_buf_over(&m->fields));
}

static void
set_policy(lua_State *lua, const struct milter_message *m)
{
	const struct mt_policy_result *d = &m->decision;

	if (m->request != MT_request_absent)
		set_text(lua, "request", mt_str(mt_words_request[m->request]));
	set_text(lua, "mode", mt_str(mt_words_mode[d->mode]));
	set_text(lua, "level", mt_str(mt_words_level[d->level]));
	set_text(lua, "rule", d->rule);
	set_text(lua, "notice", milter_message_notice(m));
	set_boolean(lua, "notice_plain", milter_message_notice_plain(m));
	set_text(
	    lua, "quoted", mt_str(mt_words_quotes[milter_message_quoted(m)]));
	set_text(lua, "pixel_url", milter_message_pixel_url(m));
}

void
milter_message_push(lua_State *lua)
{
	struct milter_state *state = milter_state_of(lua);

	lua_createtable(lua, 0, 24);
	set_envelope(lua, state->message, state->client);
	set_policy(lua, state->message);
	(void)lua_rawgeti(lua, LUA_REGISTRYINDEX, state->methods);
	(void)lua_setmetatable(lua, -2);
}

/* The next field of those kept, "name NUL value NUL"; false: no more. */
static bool
next_field(struct mt_str *rest, struct mt_str *ret_name, struct mt_str *ret)
{
	return mt_str_cut(*rest, '\0', ret_name, rest) &&
	    mt_str_cut(*rest, '\0', ret, rest);
}

/* The kept header, paid for; methods are called with a message. */
static struct mt_str
fields_of(lua_State *lua, const char *method)
{
	const struct milter_message *m = milter_state_of(lua)->message;
	struct mt_str fields;

	if (lua_type(lua, 1) != LUA_TTABLE)
		(void)luaL_error(
		    lua, "call it with a colon: message:%s(...)", method);
	if (m == NULL)
		(void)luaL_error(lua, "there is no message yet");
	fields = mt_buf_view(&m->fields);
	milter_state_charge(lua, fields.n / BYTES_A_STEP);
	return fields;
}

/* message:header(name): the first field's value, or nil. */
static int
first_header(lua_State *lua)
{
	struct mt_str rest = fields_of(lua, "header"), name, value;
	const char *wanted = luaL_checkstring(lua, 2);

	while (next_field(&rest, &name, &value))
		if (mt_str_eqz_nocase(name, wanted)) {
			(void)lua_pushlstring(lua, value.p, value.n);
			return 1;
		}
	lua_pushnil(lua);
	return 1;
}

static void
push_field(lua_State *lua, struct mt_str name, struct mt_str value)
{
	lua_createtable(lua, 0, 2);
	set_text(lua, "name", name);
	set_text(lua, "value", value);
}

/*
 * message:headers(name): all values of the name, in order; without a name all
 * fields, as tables of name and value.
 */
static int
all_headers(lua_State *lua)
{
	struct mt_str rest = fields_of(lua, "headers"), name, value;
	const char *wanted = luaL_optstring(lua, 2, NULL);
	lua_Integer n = 0;

	lua_newtable(lua);
	while (next_field(&rest, &name, &value)) {
		if (wanted == NULL)
			push_field(lua, name, value);
		else if (mt_str_eqz_nocase(name, wanted))
			(void)lua_pushlstring(lua, value.p, value.n);
		else
			continue;
		lua_rawseti(lua, -2, ++n);
	}
	return 1;
}

void
milter_message_open(lua_State *lua)
{
	lua_pushcfunction(lua, first_header);
	lua_setfield(lua, -2, "header");
	lua_pushcfunction(lua, all_headers);
	lua_setfield(lua, -2, "headers");
}
