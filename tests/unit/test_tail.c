/* SPDX-License-Identifier: BSD-2-Clause */
/* The follower's parts without their sources: lines, lists, state. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "maillog/cut.h"
#include "source.h"
#include "window.h"

/* window.c's lines come here instead of to a reader. */
static struct {
	char text[4096];
	size_t gaps;
	char moment; /* a line that begins with it begins one */
} got;

unsigned
source_line(struct source *s, struct mt_str line, int64_t now)
{
	size_t n = strlen(got.text);

	(void)s;
	(void)now;
	(void)snprintf(
	    got.text + n, sizeof(got.text) - n, "%.*s ", MT_STR_ARG(line));
	return line.n > 0 && line.p[0] == got.moment
	    ? MT_MAILLOG_NEXT | MT_MAILLOG_GOOD
	    : 0;
}

void
source_gap(struct source *s, const char *fmt, ...)
{
	(void)s;
	(void)fmt;
	got.gaps++;
}

static void
lines_are_cut_where_they_end_or_are_too_long(void **state)
{
	char *bytes = mt_alloc((size_t)MT_MAILLOG_LINE * 3);
	struct mt_str line;
	bool skipping = false;
	size_t n;

	(void)state;
	n = mt_maillog_cut(MT_LIT("one\r\ntwo"), &skipping, &line);
	assert_int_equal(n, 5);
	assert_true(mt_str_eqz(line, "one"));
	assert_int_equal(mt_maillog_cut(MT_LIT("two"), &skipping, &line), 0);
	assert_int_equal(mt_maillog_cut(MT_LIT(""), &skipping, &line), 0);
	assert_int_equal(mt_maillog_cut(MT_LIT("\n"), &skipping, &line), 1);
	assert_int_equal(line.n, 0);
	/* Exactly as long as may be, and one more. */
	memset(bytes, 'x', (size_t)MT_MAILLOG_LINE * 3);
	bytes[MT_MAILLOG_LINE] = '\n';
	n = mt_maillog_cut(
	    mt_str_n(bytes, MT_MAILLOG_LINE + 1), &skipping, &line);
	assert_int_equal(n, MT_MAILLOG_LINE + 1);
	assert_int_equal(line.n, MT_MAILLOG_LINE);
	assert_false(skipping);
	bytes[MT_MAILLOG_LINE] = 'x';
	assert_int_equal(
	    mt_maillog_cut(mt_str_n(bytes, MT_MAILLOG_LINE), &skipping, &line),
	    0);
	n = mt_maillog_cut(
	    mt_str_n(bytes, (size_t)MT_MAILLOG_LINE * 2), &skipping, &line);
	assert_int_equal(n, MT_MAILLOG_LINE);
	assert_int_equal(line.n, MT_MAILLOG_LINE);
	assert_true(skipping);
	/* The rest of it is passed over, in as many pieces as it comes. */
	assert_int_equal(
	    mt_maillog_cut(mt_str_n(bytes, MT_MAILLOG_LINE), &skipping, &line),
	    MT_MAILLOG_LINE);
	assert_null(line.p);
	assert_int_equal(
	    mt_maillog_cut(MT_LIT("xx\nnext\n"), &skipping, &line), 3);
	assert_null(line.p);
	assert_false(skipping);
	mt_free(bytes);
}

/* A source whose list is looked at, as one text a poll, the newest first. */
struct scene {
	struct tail_options options;
	struct tail tail;
	struct source source;
	struct window window;
};

static void
scene_begin(struct scene *s, unsigned from)
{
	memset(s, 0, sizeof(*s));
	memset(&got, 0, sizeof(got));
	s->options.from = from;
	s->tail.options = &s->options;
	s->source.tail = &s->tail;
	window_open(&s->source, &s->window, NULL);
}

/* What is read of a list "c b a" after what was read before. */
static const char *
poll_list(struct scene *s, const char *list, bool all)
{
	struct mt_str elements[512], rest = mt_str(list);
	size_t n = 0;

	got.text[0] = '\0';
	while (rest.n > 0 && n < 512)
		(void)mt_str_cut(rest, ' ', &elements[n++], &rest);
	if (window_take(&s->source, &s->window, elements, n, all) ==
	    WINDOW_MORE)
		return "more";
	while (window_work(&s->source, &s->window))
		continue;
	window_recorded(&s->window);
	return got.text;
}

static void
new_elements_are_read_the_oldest_first(void **state)
{
	struct scene s;

	(void)state;
	scene_begin(&s, MT_from_first);
	assert_string_equal(poll_list(&s, "", true), "");
	assert_string_equal(poll_list(&s, "c b a", true), "a b c ");
	assert_string_equal(poll_list(&s, "c b a", true), "");
	assert_string_equal(poll_list(&s, "e d c b a", true), "d e ");
	/* Trimmed, and some more. */
	assert_string_equal(poll_list(&s, "g f e d", true), "f g ");
	assert_string_equal(poll_list(&s, "h g", true), "h ");
	assert_int_equal(got.gaps, 0);
	assert_string_equal(poll_list(&s, "k j", true), "j k ");
	assert_int_equal(got.gaps, 1);
}

static void
equal_elements_are_told_apart_by_their_neighbours(void **state)
{
	struct scene s;

	(void)state;
	scene_begin(&s, MT_from_first);
	assert_string_equal(poll_list(&s, "a", true), "a ");
	assert_string_equal(poll_list(&s, "a a", true), "a ");
	assert_string_equal(poll_list(&s, "a a a", true), "a ");
	assert_string_equal(poll_list(&s, "b a a a", true), "b ");
	assert_string_equal(poll_list(&s, "a b a a a", true), "a ");
	assert_string_equal(poll_list(&s, "a b a b a a a", true), "b a ");
	assert_int_equal(got.gaps, 0);
}

static void
a_part_of_the_list_says_when_it_is_not_enough(void **state)
{
	struct scene s;
	char list[2048], text[16];
	size_t i, n = 0;

	(void)state;
	scene_begin(&s, MT_from_first);
	/* All of a list that was never read is wanted. */
	assert_string_equal(poll_list(&s, "b a", false), "more");
	for (i = 200; i-- > 0;)
		n += (size_t)snprintf(
		    list + n, sizeof(list) - n, "%zu%s", i, i > 0 ? " " : "");
	(void)poll_list(&s, list, true);
	assert_int_equal(s.window.seen.n, MT_TAILED_SEEN);
	assert_string_equal(poll_list(&s, "y x", false), "more");
	/* As many as are remembered are enough, and no fewer. */
	n = (size_t)snprintf(list, sizeof(list), "y x");
	for (i = 200; i-- > 200 - MT_TAILED_SEEN + 1;)
		n += (size_t)snprintf(list + n, sizeof(list) - n, " %zu", i);
	assert_string_equal(poll_list(&s, list, false), "more");
	(void)snprintf(text, sizeof(text), " %d", 200 - MT_TAILED_SEEN);
	(void)snprintf(list + n, sizeof(list) - n, "%s", text);
	assert_string_equal(poll_list(&s, list, false), "x y ");
	assert_int_equal(got.gaps, 0);
}

static void
a_list_is_skipped_at_first_only(void **state)
{
	struct scene s;

	(void)state;
	scene_begin(&s, MT_from_last);
	assert_string_equal(poll_list(&s, "b a", false), "");
	assert_string_equal(poll_list(&s, "c b a", true), "c ");
	scene_begin(&s, MT_from_last);
	assert_string_equal(poll_list(&s, "", true), "");
	assert_string_equal(poll_list(&s, "b a", true), "a b ");
}

static void
a_restart_begins_at_the_first_line_of_a_moment(void **state)
{
	struct mt_tailed_source saved = { .name = NULL };
	struct scene s;

	(void)state;
	scene_begin(&s, MT_from_first);
	got.moment = 'M';
	assert_string_equal(poll_list(&s, "c b M1 a M0", true), "M0 a M1 b c ");
	window_save(&s.window, &saved);
	assert_int_equal(saved.back, 3);
	assert_int_equal(saved.n_seen, 5);
	scene_begin(&s, MT_from_first);
	got.moment = 'M';
	window_open(&s.source, &s.window, &saved);
	assert_string_equal(poll_list(&s, "d c b M1 a M0", true), "M1 b c d ");
	/* Too short a part of the list to begin there. */
	scene_begin(&s, MT_from_first);
	window_open(&s.source, &s.window, &saved);
	assert_string_equal(poll_list(&s, "d c b", false), "more");
	got.moment = 'M';
	assert_string_equal(poll_list(&s, "d c b M1 a M0", true), "M1 b c d ");
	/* What was only read again is not seen anew. */
	assert_string_equal(poll_list(&s, "e d c b M1 a M0", true), "e ");
	assert_int_equal(got.gaps, 0);
	/* After a power loss the spool may lack all of it. */
	scene_begin(&s, MT_from_first);
	s.tail.rebooted = true;
	window_open(&s.source, &s.window, &saved);
	assert_string_equal(poll_list(&s, "d c b M1", false), "more");
	assert_string_equal(
	    poll_list(&s, "d c b M1 a M0", true), "M0 a M1 b c d ");
	assert_string_equal(poll_list(&s, "e d c b M1 a M0", true), "e ");
}

static void
the_state_comes_back_as_it_was(void **state)
{
	char path[] = "/tmp/mt-tail-XXXXXX";
	struct mt_tailed out = { .since = 17 }, in;
	struct mt_tailed_source *s;
	struct mt_err err;
	int dir, fd;
	size_t i;

	(void)state;
	assert_non_null(mkdtemp(path));
	dir = open(path, O_RDONLY | O_DIRECTORY);
	assert_int_equal(mt_tailed_read(dir, &in, &err), MT_ABSENT);
	s = mt_tailed_add(&out, "/var/log/mail.log");
	s->placed = true;
	s->place = (struct mt_place){ 1, 2, 3, 4, 5, UINT32_MAX };
	s->safe = (struct mt_place){ 6, 7, 8, 9, 10, 11 };
	s->counts.lines = 12;
	s->counts.last = INT64_MAX;
	s->unknown[0] = (struct mt_tailed_unknown){ 13, "smtpd" };
	s->n_unknown = 1;
	s = mt_tailed_add(&out, "redis:POSTFIX_MAILLOG");
	s->back = 3;
	s->n_seen = MT_TAILED_SEEN;
	for (i = 0; i < MT_TAILED_SEEN; i++)
		s->seen[i] = UINT64_MAX - i;
	assert_int_equal(mt_tailed_write(dir, &out, &err), MT_OK);
	assert_int_equal(mt_tailed_read(dir, &in, &err), MT_OK);
	assert_int_equal(in.since, 17);
	assert_int_equal(in.n, 2);
	for (i = 0; i < in.n; i++) {
		assert_string_equal(in.sources[i].name, out.sources[i].name);
		mt_free(in.sources[i].name);
		in.sources[i].name = out.sources[i].name;
	}
	assert_memory_equal(in.sources, out.sources, 2 * sizeof(*in.sources));
	assert_null(mt_tailed_find(&in, "/var/log/mail"));
	mt_free(in.sources);
	mt_tailed_done(&out);
	/* Cut short, it is damaged and not half of itself. */
	fd = openat(dir, "tail.state", O_RDWR);
	assert_int_equal(ftruncate(fd, lseek(fd, 0, SEEK_END) - 20), 0);
	(void)close(fd);
	assert_int_equal(mt_tailed_read(dir, &in, &err), MT_FORMAT);
	assert_string_equal(err.msg, "tail.state: damaged");
	(void)unlinkat(dir, "tail.state", 0);
	(void)close(dir);
	(void)rmdir(path);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines_are_cut_where_they_end_or_are_too_long),
		cmocka_unit_test(new_elements_are_read_the_oldest_first),
		cmocka_unit_test(
		    equal_elements_are_told_apart_by_their_neighbours),
		cmocka_unit_test(a_part_of_the_list_says_when_it_is_not_enough),
		cmocka_unit_test(a_list_is_skipped_at_first_only),
		cmocka_unit_test(
		    a_restart_begins_at_the_first_line_of_a_moment),
		cmocka_unit_test(the_state_comes_back_as_it_was),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
