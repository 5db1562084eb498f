/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What lib/maillog makes of logs, for people who look for shapes it does not
 * know, and for comparing it with other readers.
 *
 *     maillog_survey [-e] [-l] [-z ZONE] [-n NOW] FILE...
 *
 * Without -e: how many lines were of which kind, and each line of a program we
 * know that has no known shape. -e: the events instead, one a line (-l: with
 * those of kind line). NOW is RFC 3339; without it, the clock's.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "maillog/maillog.h"

#include "maillog_text.h"

#define MAX_LINE 16777216
#define MAX_FILE ((size_t)1 << 33)
#define CHUNK 1048576

static const char *const kinds[] = { "event", "silent", "ignored", "unknown",
	"foreign", "damaged" };

struct survey {
	bool events;
	uint64_t lines[6];
	struct mt_maillog_options options;
	int64_t now;
};

static enum mt_rc
show(void *arg, enum mt_event id, const void *ev, struct mt_err *err)
{
	const struct survey *s = arg;
	struct mt_buf text;

	(void)err;
	if (!s->events)
		return MT_OK;
	mt_buf_init(&text, MAX_LINE);
	maillog_text(&text, id, ev, false);
	puts(text.p);
	mt_buf_done(&text);
	return MT_OK;
}

static void
look_at(struct survey *s, const char *path)
{
	struct mt_maillog *log;
	struct mt_buf bytes;
	struct mt_str rest, line, tail;
	struct mt_err err;
	enum mt_maillog_kind kind;
	FILE *f = fopen(path, "r");
	size_t n = 1;

	if (f == NULL || mt_maillog_new(&s->options, &log, &err) != MT_OK) {
		perror(path);
		exit(1);
	}
	mt_buf_init(&bytes, MAX_FILE);
	while (n > 0 && mt_buf_reserve(&bytes, CHUNK)) {
		n = fread(bytes.p + bytes.n, 1, CHUNK, f);
		bytes.n += n;
	}
	(void)fclose(f);
	for (rest = mt_buf_view(&bytes); rest.n > 0; rest = tail) {
		(void)mt_str_cut(rest, '\n', &line, &tail);
		if (mt_maillog_line(log, line, s->now, show, s, &kind, &err) !=
		    MT_OK)
			exit(1);
		s->lines[kind]++;
		if (!s->events && kind == MT_MAILLOG_UNKNOWN)
			printf("%s: %.*s\n", path, MT_STR_ARG(line));
	}
	mt_maillog_free(log);
	mt_buf_done(&bytes);
}

int
main(int argc, char **argv)
{
	struct survey s = { .now = mt_clock_now() };
	int c;
	size_t i;

	s.options.host = MT_LIT("mx.example.org");
	while ((c = getopt(argc, argv, "eln:z:")) != -1) {
		if (c == 'e')
			s.events = true;
		else if (c == 'l')
			s.options.keep_lines = true;
		else if (c == 'z')
			s.options.zone = optarg;
		else if (c != 'n' || !mt_time_read(mt_str(optarg), &s.now))
			return 64;
	}
	for (; optind < argc; optind++)
		look_at(&s, argv[optind]);
	for (i = 0; !s.events && i < 6; i++)
		printf("%s %" PRIu64 "\n", kinds[i], s.lines[i]);
	return 0;
}
