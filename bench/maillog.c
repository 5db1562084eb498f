/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reading log lines into events that go nowhere.
 *
 *     bench_maillog FILE TIMES [lines]
 *
 * The file is read whole, then all its lines are read TIMES times, each time by
 * a new reader; "lines": with events of kind line. One line a time:
 * "<lines> <nanoseconds>".
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "maillog/maillog.h"

#include "bench.h"

static enum mt_rc
count(void *arg, enum mt_event id, const void *ev, struct mt_err *err)
{
	uint64_t *events = arg;

	(void)id;
	(void)ev;
	(void)err;
	(*events)++;
	return MT_OK;
}

/* All lines by a new reader; how many they were. */
static uint64_t
read_all(const struct mt_maillog_options *options, struct mt_str bytes,
    int64_t now, uint64_t *events)
{
	struct mt_maillog *log;
	struct mt_str line, rest;
	struct mt_err err;
	enum mt_maillog_kind kind;
	uint64_t lines = 0;

	bench_must(mt_maillog_new(options, &log, &err), &err);
	for (rest = bytes; rest.n > 0; lines++) {
		(void)mt_str_cut(rest, '\n', &line, &rest);
		bench_must(
		    mt_maillog_line(log, line, now, count, events, &kind, &err),
		    &err);
	}
	mt_maillog_free(log);
	return lines;
}

int
main(int argc, char **argv)
{
	struct mt_maillog_options options = { .host = MT_LIT("mx1") };
	uint64_t times, lines, i, events = 0;
	int64_t began, now = mt_clock_now();
	size_t n;
	char *bytes;

	if (argc < 3)
		bench_die("usage: bench_maillog FILE TIMES [lines]");
	times = bench_number("times", argv[2], UINT32_MAX);
	options.keep_lines = argc > 3 && strcmp(argv[3], "lines") == 0;
	bytes = bench_read_file(argv[1], &n);
	for (i = 0; i < times; i++) {
		began = bench_now_ns();
		lines = read_all(&options, mt_str_n(bytes, n), now, &events);
		printf(
		    "%" PRIu64 " %" PRId64 "\n", lines, bench_now_ns() - began);
	}
	if (events == 0)
		bench_die("no events in %s", argv[1]);
	mt_free(bytes);
	return 0;
}
