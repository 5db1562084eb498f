/* SPDX-License-Identifier: BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "hook_scene.h"

#define LONGEST_MS 10000 /* of any case, under a sanitizer too */

void
put_header(struct scene *s, const char *name, const char *value)
{
	milter_message_header(&s->m, mt_str(name), mt_str(value));
}

void
set_scene(struct scene *s, bool hooked)
{
	char sender[] = "<alice@example.org>", size[] = "SIZE=4321";
	char *argv[] = { sender, size, NULL };

	*s = (struct scene){ .base.refs = 1 };
	s->options.hook = MT_LIT("hook.lua");
	s->options.hook_instructions = 1000000;
	s->options.hook_time_ms = 1000;
	s->options.hook_memory = 4194304;
	s->options.quoted = MT_quotes_remove;
	s->options.notice = MT_LIT("Seen.");
	s->base.options = &s->options;
	s->base.hook = hooked ? (void *)s : NULL; /* only asked for */
	s->site.base = &s->base;
	s->site.refs = 1000000; /* never freed */
	milter_client_init(&s->client);
	(void)mt_ip_read(MT_LIT("192.0.2.7"), &s->client.ip);
	mt_buf_z(&s->client.helo, "client.example");
	milter_message_init(&s->m);
	milter_message_begin(&s->m, &s->site);
	milter_message_sender(&s->m, argv);
	milter_message_rcpt(&s->m, MT_LIT("<bob@example.com>"));
	milter_message_rcpt(&s->m, MT_LIT("<ben@example.com>"));
	milter_message_text(&s->m, TEXT_QUEUE_ID, "4jWQqq1YRQz1cQdJ");
	milter_message_text(&s->m, TEXT_USER, "alice@example.org");
	put_header(s, "Received", " from a");
	put_header(s, "Subject", " Sp\xc3\xa4te\n Post ");
	put_header(s, "received", " from b");
	s->m.rcpt = mt_alloc_array(2, sizeof(s->m.rcpt[0]));
	s->m.rcpt[0].address = mt_str("bob@example.com");
	s->m.rcpt[1].address = mt_str("ben@example.com");
	s->m.submitted = true;
	s->m.request = MT_request_yes;
	s->m.decision.mode = MT_mode_identified;
	s->m.decision.level = MT_level_domain;
	s->m.decision.rule = MT_LIT("example.org");
}

void
strike_scene(struct scene *s)
{
	milter_message_done(&s->m);
	milter_client_done(&s->client);
}

static void
render(const struct milter_said *said, char *out)
{
	(void)snprintf(out, RENDERED, "%s%s%s%.*s%s%s%s%.*s",
	    mt_words_mode[said->mode], said->sets ? " set" : "",
	    said->noticed ? " notice=" : "",
	    MT_STR_ARG(mt_buf_view(&said->notice)),
	    said->notice_plain == MT_answer_yes	     ? " plain"
		: said->notice_plain == MT_answer_no ? " not-plain"
						     : "",
	    said->quoted != MT_quotes_absent ? " quoted=" : "",
	    mt_words_quotes[said->quoted],
	    MT_STR_ARG(mt_buf_view(&said->extra)));
}

enum mt_rc
try_hook(struct scene *s, struct mt_str text, char *out)
{
	struct milter_state *state = NULL;
	struct milter_said said;
	struct mt_err err = { .rc = MT_OK };
	enum mt_rc rc;

	milter_said_init(&said);
	rc = milter_state_new(&s->options, text, &state, &err);
	if (rc == MT_OK)
		rc = milter_state_run(state, &s->m, &s->client, &err);
	if (rc == MT_OK)
		rc = milter_answer_read(state->lua, &said, &err);
	if (rc == MT_OK)
		render(&said, out);
	else
		(void)snprintf(out, RENDERED, "%s", err.msg);
	milter_said_done(&said);
	milter_state_free(state);
	return rc;
}

void
check_hooks(const struct hook_case *c, size_t n)
{
	char got[RENDERED];
	struct scene s;
	int64_t begun;
	enum mt_rc rc;

	for (; n > 0; n--, c++) {
		set_scene(&s, true);
		begun = mt_clock_mono_ms();
		rc = try_hook(&s, mt_str(c->lua), got);
		if (rc != c->rc || strstr(got, c->want) == NULL)
			fail_msg("%s: %s: %s", c->name, mt_rc_name(rc), got);
		if (mt_clock_mono_ms() - begun > LONGEST_MS)
			fail_msg("%s: took too long", c->name);
		strike_scene(&s);
	}
}
