/* SPDX-License-Identifier: BSD-2-Clause */
#include "bridge.h"

#include <string.h>
#include <unistd.h>

#include <lauxlib.h>

#include "base/clock.h"
#include "base/limits.h"
#include "base/mem.h"

#define LOOK_MS 1000 /* between looks at the key file */

/* Whether the value at index is a handle, without raising or allocating. */
static struct bridge *
to_handle(lua_State *lua, int index)
{
	struct bridge *b = lua_touserdata(lua, index);
	bool same;

	if (b == NULL || lua_type(lua, index) != LUA_TUSERDATA ||
	    !lua_getmetatable(lua, index))
		return NULL;
	/* The metatable is the function's first upvalue. */
	same = lua_rawequal(lua, -1, lua_upvalueindex(1)) != 0;
	lua_pop(lua, 1);
	return same ? b : NULL;
}

struct bridge *
bridge_at(lua_State *lua, int index, struct mt_err *err)
{
	struct bridge *b = to_handle(lua, index);

	if (b == NULL)
		(void)mt_fail(err, MT_FORMAT,
		    "not called with a colon on what open() gave");
	else if (b->host == NULL)
		(void)mt_fail(err, MT_FORMAT, "closed");
	else
		return b;
	return NULL;
}

struct mt_spool *
bridge_spool(struct bridge *b, struct mt_err *err)
{
	if (b->spool != NULL && b->pid != getpid()) {
		/* The parent's, whose locks our copy would keep. */
		mt_spool_close(b->spool);
		b->spool = NULL;
	}
	if (b->spool == NULL) {
		if (mt_spool_open(&b->place, &b->spool, err) != MT_OK)
			return NULL;
		b->pid = getpid();
	}
	return b->spool;
}

static void
load_keys(struct bridge *b)
{
	struct mt_keys *fresh = NULL;

	b->keys_at_ms = mt_clock_mono_ms();
	if (b->keys != NULL && !mt_keys_stale(b->keys))
		return;
	if (mt_keys_load(b->keys_path, &fresh, &b->keys_err) != MT_OK)
		return;
	mt_keys_unref(b->keys);
	b->keys = fresh;
}

struct mt_keys *
bridge_keys(struct bridge *b, struct mt_err *err)
{
	if (b->keys_at_ms == 0 || mt_clock_mono_ms() - b->keys_at_ms >= LOOK_MS)
		load_keys(b);
	if (b->keys == NULL) {
		*err = b->keys_err;
		return NULL;
	}
	return mt_keys_ref(b->keys);
}

static void
done(struct bridge *b)
{
	struct bridge was = *b;

	memset(b, 0, sizeof(*b));
	mt_spool_close(was.spool);
	mt_policy_watch_free(was.watch);
	mt_keys_unref(was.keys);
	mt_free(was.host);
	mt_free(was.spool_dir);
	mt_free(was.keys_path);
	mt_free(was.pixel_url);
}

static char *
host_of(struct mt_str option)
{
	char name[MT_MAX_HOST + 1] = "";

	if (option.n > 0)
		return mt_str_dup(option);
	if (gethostname(name, sizeof(name) - 1) != 0)
		return mt_dupz("localhost");
	return mt_dupz(name);
}

static void
fill(struct bridge *b, const struct bridge_options *o)
{
	char *path = mt_str_dup(o->policy_snapshot);

	b->host = host_of(o->host);
	b->spool_dir = mt_str_dup(o->spool_dir);
	b->place = (struct mt_spool_options){ .dir = mt_str(b->spool_dir),
		.max = o->spool_max,
		.segment = o->spool_segment,
		.sync = (enum mt_sync)o->spool_sync };
	/* An event loop never waits for a disk; mailtrail-ship syncs. */
	if (b->place.sync == MT_sync_always)
		b->place.sync = MT_sync_interval;
	b->watch = mt_policy_watch_new(path);
	b->keys_path = mt_str_dup(o->token_keys);
	if (o->pixel_url.n > 0)
		b->pixel_url = mt_str_dup(o->pixel_url);
	mt_free(path);
}

/* What mt_spool_open says of options, without a spool. */
static enum mt_rc
check(const struct bridge_options *o, struct mt_err *err)
{
	if (o->spool_dir.n == 0 || o->spool_dir.p[0] != '/')
		return mt_fail(err, MT_CONFIG, "spool_dir: not a full path");
	if (o->spool_segment > o->spool_max / 2)
		return mt_fail(err, MT_CONFIG,
		    "spool_segment: more than half of spool_max");
	return MT_OK;
}

int
bridge_open(lua_State *lua)
{
	struct bridge_options options;
	struct bridge *b;
	struct mt_err err;

	lua_settop(lua, 1);
	b = lua_newuserdata(lua, sizeof(*b));
	memset(b, 0, sizeof(*b));
	lua_pushvalue(lua, lua_upvalueindex(1));
	(void)lua_setmetatable(lua, -2);
	if (bridge_options_read(lua, 1, &options, &err) != MT_OK ||
	    check(&options, &err) != MT_OK)
		return bridge_fail(lua, &err);
	fill(b, &options);
	return 1;
}

/* handle:close(), and its end. */
int
bridge_close(lua_State *lua)
{
	struct bridge *b = to_handle(lua, 1);

	if (b != NULL && b->host != NULL)
		done(b);
	return 0;
}
