/* SPDX-License-Identifier: BSD-2-Clause */
/* Lives of one queue id, told apart whatever order their events came in. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "life.h"

#define MOST 32
#define START INT64_C(1795200000000000)

/*
 * Events as letters: c client, p pickup, o offer, m message-id, a active,
 * d deliver, n notification, r removed, x refused as a whole, f a report; ':'
 * is a second, '.' a microsecond later. A letter in upper case, a report and an
 * offer apart, is logged by the second.
 */
static size_t
read_events(const char *text, struct store_event *events)
{
	static const struct {
		char letter;
		enum mt_event id;
		enum mt_step step;
	} letters[] = {
		{ 'c', MT_EV_queue, MT_step_client },
		{ 'p', MT_EV_queue, MT_step_pickup },
		{ 'm', MT_EV_queue, MT_step_message_id },
		{ 'a', MT_EV_queue, MT_step_active },
		{ 'n', MT_EV_queue, MT_step_notified_failure },
		{ 'r', MT_EV_queue, MT_step_removed },
		{ 'd', MT_EV_deliver, MT_step_absent },
		{ 'o', MT_EV_offer, MT_step_absent },
		{ 'x', MT_EV_reject, MT_step_absent },
		{ 'f', MT_EV_notice, MT_step_absent },
	};
	int64_t at = START + 123; /* no whole second */
	size_t i, n = 0;

	for (; *text != '\0'; text++) {
		if (*text == ':' || *text == '.') {
			at += *text == ':' ? MT_SECOND : 1;
			continue;
		}
		for (i = 0; letters[i].letter != mt_lower(*text); i++)
			;
		memset(&events[n], 0, sizeof(events[n]));
		events[n].id = letters[i].id;
		events[n].event.queue.at =
		    *text == mt_lower(*text) ? at : at - at % MT_SECOND;
		if (letters[i].id == MT_EV_queue) {
			events[n].event.queue.step = letters[i].step;
			events[n].event.queue.line = n;
		} else if (letters[i].id == MT_EV_reject) {
			events[n].event.reject.action = MT_action_reject;
			events[n].event.reject.judge = MT_judge_milter;
		}
		n++;
	}
	return n;
}

/* "3@0 2?@5": how many events, when they are born in seconds; ? ambiguous. */
static void
write_lives(const struct life *lives, size_t n, char *out, size_t size)
{
	size_t i, used = 0;

	for (i = 0; i < n; i++)
		used += (size_t)snprintf(out + used, size - used,
		    "%s%zu%s@%lld", i == 0 ? "" : " ", lives[i].n,
		    lives[i].ambiguous ? "?" : "",
		    (long long)((lives[i].born - START) / MT_SECOND));
}

static size_t
roll(uint64_t *dice, size_t n)
{
	*dice = *dice * UINT64_C(6364136223846793005) + 1442695040888963407;
	return (size_t)(*dice >> 33) % n;
}

static void
lives_are_told_apart_in_any_order(void **state)
{
	static const struct {
		const char *id, *events, *lives;
	} cases[] = {
		{ "ABCDEF", "c.o.m.a.d.r", "6@0" },
		/* The next client begins another, whether or not the end of
		 * the first was logged. */
		{ "ABCDEF", "c.o.a.d.r:c.o.a", "5@0 3@1" },
		{ "ABCDEF", "c.o.a.d::c.o.a.r", "4@0 4@2" },
		/* So does anything after an end. */
		{ "ABCDEF", "a.d.r:a.d.r", "3@0 3@1" },
		{ "ABCDEF", "o:o", "1@0 1@1" },
		{ "ABCDEF", "c:o", "2@1" },
		/* Of whole seconds only what can have happened. */
		{ "ABCDEF", "CMADR:::CMADR", "5@0 5@3" },
		{ "ABCDEF", "..CoMADR:::CoMADR", "6@0 6@3" },
		{ "ABCDEF", "CMAD:RCMADR", "5?@0 5?@1" },
		/* A refused message has no end in older logs. */
		{ "ABCDEF", "c.o.x::c.o.a.d.r", "3@0 5@2" },
		{ "ABCDEF", "CoX:::CoMADR", "3@0 6@3" },
		/* A report that comes later is about what was before. */
		{ "ABCDEF", "c.a.d.r::f:c.a", "5@0 2@3" },
		/* A long id has one life, come what may. */
		{ "4jWMmX0MFzz1bYQW", "c.o.a.d.r:c.o", "7@-1" },
	};
	struct store_event events[MOST];
	const struct store_event *order[MOST] = { NULL };
	struct life lives[MOST];
	char found[256];
	size_t i, k, n, round, at;
	uint64_t dice = 7;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		n = read_events(cases[i].events, events);
		for (round = 0; round < 50; round++) {
			for (k = 0; k < n; k++) {
				at = roll(&dice, k + 1);
				order[k] = order[at];
				order[at] = &events[k];
			}
			k = life_split(mt_str(cases[i].id), order, n, lives);
			if (cases[i].id[0] == '4') {
				assert_int_equal(k, 1);
				assert_int_equal(lives[0].n, n);
				continue;
			}
			write_lives(lives, k, found, sizeof(found));
			assert_string_equal(found, cases[i].lives);
		}
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lives_are_told_apart_in_any_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
