/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What lib/maillog makes of logs, for people who look for shapes it does not
 * know, and for comparing it with other readers.
 *
 *     maillog_survey [-gl] [-z ZONE] [-n NOW] FILE...
 *
 * Without -g: how many lines were of which kind, and each line of a program we
 * know that has no known shape. -g: what every line came to, as it stands in
 * tests/data/maillog/ (.events; read there with -z UTC -n
 * 2026-12-01T00:00:00Z). -l: with events of kind line. NOW is RFC 3339; without
 * it, the clock's.
 */
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"

#include "maillog_text.h"

#define MAX_TEXT ((size_t)1 << 34)
#define MAX_FILE ((size_t)1 << 33)
#define KINDS 6

struct survey {
	struct mt_maillog_options options;
	int64_t now;
	bool golden;
	uint64_t lines[KINDS];
};

static enum mt_rc
drop(void *arg, enum mt_event id, const void *ev, struct mt_err *err)
{
	(void)arg;
	(void)id;
	(void)ev;
	(void)err;
	return MT_OK;
}

static void
count(struct survey *s, const char *path, struct mt_str log)
{
	struct mt_maillog *reader;
	struct mt_str line;
	struct mt_err err;
	enum mt_maillog_kind kind;

	if (mt_maillog_new(&s->options, &reader, &err) != MT_OK)
		return;
	while (log.n > 0) {
		(void)mt_str_cut(log, '\n', &line, &log);
		if (mt_maillog_line(
			reader, line, s->now, drop, NULL, &kind, &err) != MT_OK)
			break;
		s->lines[kind]++;
		if (kind == MT_MAILLOG_UNKNOWN)
			printf("%s: %.*s\n", path, MT_STR_ARG(line));
	}
	mt_maillog_free(reader);
}

static void
look_at(struct survey *s, const char *path)
{
	struct mt_buf log, text;

	mt_buf_init(&log, MAX_FILE);
	mt_buf_init(&text, MAX_TEXT);
	maillog_read(path, &log);
	if (s->golden) {
		maillog_golden(&s->options, mt_buf_view(&log), s->now, &text);
		(void)fwrite(text.p, 1, text.n, stdout);
	} else {
		count(s, path, mt_buf_view(&log));
	}
	mt_buf_done(&text);
	mt_buf_done(&log);
}

int
main(int argc, char **argv)
{
	static const char *const kinds[KINDS] = { "event", "silent", "ignored",
		"unknown", "foreign", "damaged" };
	struct survey s = { .now = mt_clock_now(),
		.options.host = MAILLOG_HOST };
	int c;
	size_t i;

	while ((c = getopt(argc, argv, "gln:z:")) != -1) {
		if (c == 'g')
			s.golden = true;
		else if (c == 'l')
			s.options.keep_lines = true;
		else if (c == 'z')
			s.options.zone = optarg;
		else if (c != 'n' || !mt_time_read(mt_str(optarg), &s.now))
			return 64;
	}
	for (; optind < argc; optind++)
		look_at(&s, argv[optind]);
	for (i = 0; !s.golden && i < KINDS; i++)
		printf("%s %" PRIu64 "\n", kinds[i], s.lines[i]);
	return 0;
}
