/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Markup of one message, from its bytes to the marked message's bytes in a
 * buffer that is there already, beside memcpy of the message twice.
 *
 *     bench_markup time FILE PAIRS     one line a pair, see bench.h
 *     bench_markup make FILE PAIRS     the same, but the pieces are not copied
 *     bench_markup memory FILE         "<bytes at the peak> <message's bytes>"
 *     bench_markup loop FILE TIMES     ours only, for a profiler
 *     bench_markup any FILE            CPU ns of one make, whatever it says
 *     bench_markup peak FILE           as memory, whatever it says
 *
 * For any and peak, every token that is quoted is one of ours.
 *
 * The peak counts the message itself and all that markup took, not the marked
 * copy: the milter hands the pieces on as they are.
 */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/mem.h"
#include "mail/header.h"
#include "mail/markup.h"

#include "bench.h"

#define SAMPLE_NS 20000000 /* a sample takes at least this long */

struct job {
	struct mt_markup_in in;
	struct mt_str message;
	char *out; /* room for the marked message, or for two copies */
	bool copies; /* the marked message is put there */
};

/* The compiler does not see through these, so nothing is left out. */
static void *(*volatile copy)(void *, const void *, size_t) = memcpy;

static void
mark(struct job *job)
{
	struct mt_markup m;
	struct mt_str piece;
	size_t i, n = job->in.head.n;

	mt_markup_make(&job->in, &m);
	if (!job->copies) {
		mt_markup_done(&m);
		return;
	}
	copy(job->out, job->in.head.p, n);
	for (i = 0; mt_markup_piece(&m, job->in.body, i, &piece); i++) {
		if (piece.n > 0)
			copy(job->out + n, piece.p, piece.n);
		n += piece.n;
	}
	mt_markup_done(&m);
}

static void
copy_twice(struct job *job)
{
	copy(job->out, job->message.p, job->message.n);
	copy(job->out + job->message.n, job->message.p, job->message.n);
}

/* Of this process: neither side waits for anything, others may run beside. */
static int64_t
cpu_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
	return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

static int64_t
take(struct job *job, void (*act)(struct job *), uint64_t times)
{
	int64_t start = cpu_ns();
	uint64_t i;

	for (i = 0; i < times; i++)
		act(job);
	return cpu_ns() - start;
}

/* How many times make a sample long enough to be measured. */
static uint64_t
calibrate(struct job *job, void (*act)(struct job *))
{
	uint64_t times = 1;

	while (take(job, act, times) < SAMPLE_NS)
		times *= 2;
	return times;
}

static void
compare(struct job *job, uint64_t pairs)
{
	uint64_t ours_n = calibrate(job, mark);
	uint64_t theirs_n = calibrate(job, copy_twice);
	double ours, theirs;

	while (pairs-- > 0) {
		ours = (double)take(job, mark, ours_n) / (double)ours_n;
		theirs =
		    (double)take(job, copy_twice, theirs_n) / (double)theirs_n;
		printf("%.1f %.1f\n", ours, theirs);
	}
}

/* As the milter asks by default. */
static bool
is_ours(void *arg, struct mt_str token)
{
	(void)token;
	return *(const bool *)arg;
}

/* A message that is refused would be measured as very fast. */
static void
check(const struct job *job, const char *path)
{
	struct mt_markup m;
	struct mt_buf line;

	mt_markup_make(&job->in, &m);
	if (m.reason != MT_reason_done) {
		mt_buf_init(&line, 1000);
		mt_markup_explain(&m, &line);
		bench_die("%s: %s", path, line.p);
	}
	mt_markup_done(&m);
}

/* What the program itself needs is not the message's: it is read in first. */
static void
warm_up(const struct job *job)
{
	struct job small = *job;
	struct mt_markup m;

	small.in.head = MT_LIT("Content-Type: text/html\n\n");
	small.in.body = MT_LIT("<html><body><p>Hello.</p></body></html>\n");
	mt_markup_make(&small.in, &m);
	mt_markup_done(&m);
}

/* Of three samples the one that was disturbed least. */
static void
measure_once(struct job *job)
{
	uint64_t times = calibrate(job, mark);
	int64_t best = INT64_MAX, ns;
	int i;

	for (i = 0; i < 3; i++) {
		ns = take(job, mark, times) / (int64_t)times;
		best = ns < best ? ns : best;
	}
	printf("%lld\n", (long long)best);
}

int
main(int argc, char **argv)
{
	struct job job = { .in.url = MT_LIT("https://pixel.example.org/i/"
					    "AbCdEfGhIjKlMnOpQrStUvWxYz01234567"
					    ".gif"),
		.in.is_ours = is_ours };
	bool any;
	uint64_t before;
	char *bytes;
	size_t n;

	if (argc < 3)
		bench_die("usage: bench_markup "
			  "time|make|memory|loop|any|peak FILE [N]");
	any = strcmp(argv[1], "any") == 0 || strcmp(argv[1], "peak") == 0;
	job.in.is_ours_arg = &any;
	warm_up(&job);
	before = bench_status("VmRSS");
	bytes = bench_read_file(argv[2], &n);
	job.message = mt_str_n(bytes, n);
	n = mt_header_end(job.message);
	job.in.head = mt_str_n(bytes, n);
	job.in.body = mt_str_n(bytes + n, job.message.n - n);
	job.copies = strcmp(argv[1], "make") != 0 && !any;
	if (!any)
		check(&job, argv[2]);
	else
		mark(&job);
	if (strcmp(argv[1], "any") == 0) {
		measure_once(&job);
	} else if (strcmp(argv[1], "memory") == 0 ||
	    strcmp(argv[1], "peak") == 0) {
		printf("%llu %zu\n",
		    (unsigned long long)(bench_status("VmHWM") - before),
		    job.message.n);
	} else if (strcmp(argv[1], "loop") == 0) {
		job.out = mt_alloc(2 * job.message.n + 65536);
		take(&job, mark,
		    argc > 3 ? bench_number("TIMES", argv[3], 1000000) : 1);
		mt_free(job.out);
	} else {
		job.out = mt_alloc(2 * job.message.n + 65536);
		compare(&job,
		    argc > 3 ? bench_number("PAIRS", argv[3], 10000) : 15);
		mt_free(job.out);
	}
	mt_free(bytes);
	return 0;
}
