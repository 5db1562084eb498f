/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A message of Alice's, decided, for the milter's hook; and tables of cases
 * that are a Lua file and what is answered, or the error.
 */
#ifndef TESTS_HOOK_SCENE_H
#define TESTS_HOOK_SCENE_H

#include "hook_state.h"
#include "message.h"

#define DECIDE(body) "function decide(m)\n" body "\nend"
#define RENDERED 4096 /* bytes for an answer or error */

struct scene {
	struct milter_options options;
	struct milter_base base;
	struct milter_site site;
	struct milter_client client;
	struct milter_message m;
};

/* With headers kept for a hook, or not. */
void set_scene(struct scene *s, bool hooked);
void strike_scene(struct scene *s);
void put_header(struct scene *s, const char *name, const char *value);

/* Load, run and read an answer; the answer, or the error, as a text. */
enum mt_rc try_hook(struct scene *s, struct mt_str lua, char *out);

struct hook_case {
	const char *name;
	const char *lua;
	enum mt_rc rc;
	const char *want; /* contained in the answer or error */
};

void check_hooks(const struct hook_case *c, size_t n);
#define CHECK(table) check_hooks(table, sizeof(table) / sizeof((table)[0]))

#endif
