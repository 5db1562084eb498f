/* SPDX-License-Identifier: BSD-2-Clause */
#include "bridge.h"

#include <string.h>

#include "base/log.h"
#include "event/event.h"
#include "lua/value.h"
#include "token/random.h"

/* A batch this large is written, and the next begun. */
#define BATCH 1048576

/*
 * What every event of ours needs and a caller need not know: which host, and
 * a twin that tells two events of one microsecond apart.
 */
static enum mt_rc
complete(const struct bridge *b, const struct mt_field *f, void *ev, bool *seen,
    struct mt_err *err)
{
	struct mt_str host = mt_str(b->host);
	uint32_t random = 0;
	uint64_t twin;

	if (f->type == MT_STR && strcmp(f->name, "host") == 0) {
		memcpy((char *)ev + f->off, &host, sizeof(host));
		*seen = true;
	} else if (f->type == MT_NUM && strcmp(f->name, "twin") == 0) {
		if (mt_random(&random, sizeof(random), err) != MT_OK)
			return err->rc;
		twin = random;
		memcpy((char *)ev + f->off, &twin, sizeof(twin));
		*seen = true;
	}
	return MT_OK;
}

static enum mt_rc
read_fields(lua_State *lua, int index, const struct bridge *b,
    const struct mt_event_desc *desc, union mt_event_any *ret_ev,
    struct mt_err *err)
{
	bool seen[MT_MAX_FIELDS] = { false };
	const struct mt_field *f;
	size_t i;

	memset(ret_ev, 0, sizeof(*ret_ev));
	if (mt_lua_table_read(
		lua, index, desc->fields, desc->n, ret_ev, seen, err) != MT_OK)
		return err->rc;
	for (i = 0; i < desc->n; i++) {
		f = &desc->fields[i];
		if (seen[i] || (f->flags & (MT_REQ | MT_KEY)) == 0)
			continue;
		if (complete(b, f, ret_ev, &seen[i], err) != MT_OK)
			return err->rc;
		if (!seen[i])
			return mt_fail(err, MT_FORMAT, "%s: missing", f->name);
	}
	return MT_OK;
}

/* The event of a name and a table on the stack; texts borrow from both. */
static enum mt_rc
read_event(lua_State *lua, int name, int table, const struct bridge *b,
    enum mt_event *ret_id, union mt_event_any *ret_ev, struct mt_err *err)
{
	struct mt_str text = mt_lua_text(lua, name);
	enum mt_event id;

	if (text.p == NULL)
		return mt_fail(err, MT_FORMAT,
		    "an event's name is a %s, not a text",
		    lua_typename(lua, lua_type(lua, name)));
	id = mt_event_find(text);
	if (id == MT_EV_N)
		return mt_fail(
		    err, MT_FORMAT, "no event is called %s", mt_quote(text).s);
	if (read_fields(lua, table, b, &mt_events[id], ret_ev, err) != MT_OK) {
		mt_err_in(err, "%s", mt_events[id].name);
		return err->rc;
	}
	*ret_id = id;
	return MT_OK;
}

/* handle:put(name, table): true, or nil and why. */
int
bridge_put(lua_State *lua)
{
	union mt_event_any ev;
	struct mt_spool *spool;
	struct mt_err err;
	struct bridge *b;
	enum mt_event id = MT_EV_N;

	lua_settop(lua, 3);
	if ((b = bridge_at(lua, 1, &err)) == NULL ||
	    read_event(lua, 2, 3, b, &id, &ev, &err) != MT_OK ||
	    (spool = bridge_spool(b, &err)) == NULL ||
	    mt_spool_put(spool, id, &ev, &err) != MT_OK)
		return bridge_fail(lua, &err);
	lua_pushboolean(lua, 1);
	return 1;
}

/* Element i of the list at index 2, a pair of name and table, to the batch. */
static enum mt_rc
add(lua_State *lua, int i, const struct bridge *b, struct mt_spool_batch *batch,
    struct mt_err *err)
{
	union mt_event_any ev;
	enum mt_event id = MT_EV_N;
	int top = lua_gettop(lua);

	lua_rawgeti(lua, 2, i);
	if (lua_type(lua, -1) != LUA_TTABLE) {
		lua_settop(lua, top);
		return mt_fail(err, MT_FORMAT,
		    "event %d: is no table of name and table", i);
	}
	lua_rawgeti(lua, top + 1, 1);
	lua_rawgeti(lua, top + 1, 2);
	err->rc = MT_OK;
	if (read_event(lua, top + 2, top + 3, b, &id, &ev, err) != MT_OK)
		mt_err_in(err, "event %d", i);
	else if (mt_spool_batch_add(batch, id, &ev, err) == MT_OK)
		err->rc = MT_OK;
	lua_settop(lua, top);
	return err->rc;
}

/* How many there are, up to the first hole. */
static int
length(lua_State *lua, int index)
{
	int n = 0;
	bool more;

	do {
		lua_rawgeti(lua, index, n + 1);
		more = lua_type(lua, -1) > LUA_TNIL;
		lua_pop(lua, 1);
	} while (more && ++n < INT32_MAX);
	return n;
}

static enum mt_rc
put_list(lua_State *lua, struct bridge *b, int *ret_taken, struct mt_err *err)
{
	struct mt_spool *spool = bridge_spool(b, err);
	struct mt_spool_batch batch;
	int n = length(lua, 2), i;

	if (spool == NULL)
		return err->rc;
	err->rc = MT_OK;
	mt_spool_batch_init(&batch);
	for (i = 1; err->rc == MT_OK && i <= n; i++) {
		if (add(lua, i, b, &batch, err) != MT_OK ||
		    (i < n && batch.bytes.n < BATCH))
			continue;
		if (mt_spool_commit(spool, &batch, err) == MT_OK) {
			err->rc = MT_OK;
			*ret_taken = i;
		}
	}
	mt_spool_batch_done(&batch);
	return err->rc;
}

/*
 * handle:put_all{{name, table}, ...}: as one write, unless they are very many:
 * true, or nil, why, and how many of the first were taken all the same.
 */
int
bridge_put_all(lua_State *lua)
{
	struct mt_err err;
	struct bridge *b;
	int taken = 0;

	lua_settop(lua, 2);
	if ((b = bridge_at(lua, 1, &err)) != NULL &&
	    lua_type(lua, 2) != LUA_TTABLE)
		(void)mt_fail(&err, MT_FORMAT, "is no list of events");
	else if (b != NULL && put_list(lua, b, &taken, &err) == MT_OK) {
		lua_pushboolean(lua, 1);
		return 1;
	}
	(void)bridge_fail(lua, &err);
	lua_pushinteger(lua, taken);
	return 3;
}

static void
describe_field(lua_State *lua, const struct mt_field *f)
{
	lua_Integer i;

	lua_createtable(lua, 0, 6);
	bridge_set_text(lua, "name", mt_str(f->name));
	bridge_set_text(lua, "type", mt_str(mt_type_name(f->type)));
	bridge_set_boolean(
	    lua, "required", (f->flags & (MT_REQ | MT_KEY)) != 0);
	bridge_set_boolean(lua, "key", (f->flags & MT_KEY) != 0);
	if (f->max > 0)
		bridge_set_number(lua, "max", f->max);
	if (f->words == NULL)
		return;
	lua_newtable(lua);
	for (i = 1; f->words[i] != NULL; i++) {
		(void)lua_pushstring(lua, f->words[i]);
		lua_rawseti(lua, -2, (int)i);
	}
	lua_setfield(lua, -2, "words");
}

/* bridge.events(): what may be put, as events.def declares it. */
int
bridge_events(lua_State *lua)
{
	const struct mt_event_desc *desc;
	size_t i;

	lua_createtable(lua, 0, MT_EV_N);
	for (desc = mt_events; desc < mt_events + MT_EV_N; desc++) {
		lua_createtable(lua, (int)desc->n, 0);
		for (i = 0; i < desc->n; i++) {
			describe_field(lua, &desc->fields[i]);
			lua_rawseti(lua, -2, (int)i + 1);
		}
		lua_setfield(lua, -2, desc->name);
	}
	return 1;
}
