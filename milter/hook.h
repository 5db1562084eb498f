/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The policy hook: a Lua file of the administrator's, asked once about each
 * message at the end of its header. docs/hook.md says what it sees and may
 * say. Whatever goes wrong in it costs its own word, never the message: the
 * error is logged and the policy's decision stands.
 *
 * The file runs anew for each message, in an environment of its own, so that
 * nothing of one message is seen by the next. The Lua states it runs in are
 * kept and used again, each by one thread at a time; a state that met an error
 * is thrown away.
 */
#ifndef MILTER_HOOK_H
#define MILTER_HOOK_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/words.h"
#include "options.h"

struct milter_client;
struct milter_hook;
struct milter_message;

/* What the hook said of a message. */
struct milter_said {
	enum mt_mode mode; /* absent: nothing */
	bool sets; /* the mode is meant as a rule that turns on */
	bool noticed; /* the notice was given; empty: none */
	struct mt_buf notice;
	enum mt_answer notice_plain; /* absent: nothing */
	enum mt_quotes quoted; /* absent: nothing */
	struct mt_buf extra; /* a JSON object; empty: nothing */
};

void milter_said_init(struct milter_said *said);
void milter_said_done(struct milter_said *said);

/*
 * Read and try the file of option hook. The error says file and line. Borrows
 * the options.
 */
MT_MUST_CHECK enum mt_rc milter_hook_new(const struct milter_options *o,
    struct milter_hook **ret_hook, struct mt_err *err);
void milter_hook_free(struct milter_hook *hook); /* NULL is fine */
/* Any thread. said is as after init unless the result is MT_hook_done. */
enum mt_hook milter_hook_ask(struct milter_hook *hook,
    const struct milter_message *m, const struct milter_client *client,
    struct milter_said *said);

#endif
