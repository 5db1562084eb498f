/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Appending events to the spool, beside a bare write(2) of the same bytes to a
 * file opened with O_APPEND in the same directory.
 *
 *     bench_spool DIR one|batch|ready never|interval|always \
 *         PAIRS APPENDS
 *
 * one: a pixel's open event an append. batch: a marked message with two
 * recipients, so offer, two rcpt and mark in one append. ready: the same, with
 * the events encoded before. The bare side has its bytes ready; ours encodes
 * (but for ready), sums and writes them, and makes new segments as usual. With
 * always, the bare side syncs after each write as well. Each pair has a new
 * spool and a new file. One line a pair, see bench.h.
 */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "spool/format.h"
#include "spool/spool.h"

#include "bench.h"

struct trail {
	struct mt_ev_offer offer;
	struct mt_ev_rcpt rcpt[2];
	struct mt_ev_mark mark;
	struct mt_ev_open open;
};

struct job {
	const char *dir;
	bool batch; /* or ready */
	bool ready;
	uint64_t appends;
	struct mt_spool_options options;
	struct trail trail;
	struct mt_buf bytes; /* what one append writes */
};

static void
describe(struct trail *t)
{
	int64_t now = mt_clock_now();
	struct mt_str host = MT_LIT("mx1.example.org");
	struct mt_str queue_id = MT_LIT("4dG2kQ2mzCzGd4");
	struct mt_str token = MT_LIT("0123456789abcdef0123456789abcdef");
	struct mt_ip client = { .family = 4, .b = { 192, 0, 2, 25 } };
	size_t i;

	t->offer = (struct mt_ev_offer){ .at = now,
		.host = host,
		.queue_id = queue_id,
		.sender = MT_LIT("alice@example.org"),
		.nrcpt = 2,
		.user = MT_LIT("alice@example.org"),
		.client = client,
		.client_name = MT_LIT("client.example.org"),
		.helo = MT_LIT("client.example.org"),
		.daemon = MT_LIT("ORIGINATING"),
		.size = 34567,
		.message_id = MT_LIT("c0ffee-1234567890@example.org"),
		.header_from = MT_LIT("alice@example.org"),
		.subject = MT_LIT("The figures of the third quarter"),
		.mailer = MT_LIT("Mozilla Thunderbird"),
		.mode = MT_mode_identified,
		.level = MT_level_mailbox,
		.rule = MT_LIT("alice@example.org"),
		.reason = MT_reason_done,
		.part = MT_LIT("1.2"),
		.encoding = MT_encoding_quoted_printable,
		.charset = MT_LIT("utf-8"),
		.mark_at = 23456 };
	for (i = 0; i < 2; i++)
		t->rcpt[i] = (struct mt_ev_rcpt){ .at = now,
			.host = host,
			.queue_id = queue_id,
			.rcpt = i == 0 ? MT_LIT("bob@example.com")
				       : MT_LIT("carol@example.net") };
	t->mark = (struct mt_ev_mark){ .at = now,
		.host = host,
		.queue_id = queue_id,
		.token = token,
		.mode = MT_mode_identified };
	t->open = (struct mt_ev_open){ .at = now,
		.token = token,
		.host = host,
		.twin = 3735928559,
		.class = MT_class_human_likely,
		.certainty = MT_certainty_probable,
		.reasons = MT_LIT("agent_thunderbird"),
		.rules = 1,
		.agent = MT_agent_thunderbird,
		.country = MT_LIT("AT"),
		.asn = 64500,
		.fingerprint = MT_LIT("fedcba9876543210fedcba9876543210") };
}

/* Append a record of the same length and, but for its sum, bytes. */
static void
record(struct mt_buf *out, enum mt_event id, const void *ev)
{
	char head[MT_RECORD_HEAD] = "";
	size_t at = out->n;
	struct mt_err err = { 0 };

	mt_buf_add(out, head, sizeof(head));
	bench_must(mt_event_encode(id, ev, out, &err), &err);
	mt_record_set_length(out->p + at, out->n - at - MT_RECORD_HEAD);
}

static void
prepare(struct job *job)
{
	struct trail *t = &job->trail;

	mt_buf_init(&job->bytes, MT_SPOOL_BATCH_MAX);
	if (job->batch) {
		record(&job->bytes, MT_EV_offer, &t->offer);
		record(&job->bytes, MT_EV_rcpt, &t->rcpt[0]);
		record(&job->bytes, MT_EV_rcpt, &t->rcpt[1]);
		record(&job->bytes, MT_EV_mark, &t->mark);
	} else {
		record(&job->bytes, MT_EV_open, &t->open);
	}
}

static void
append_batch(struct mt_spool *spool, struct mt_spool_batch *b, struct trail *t)
{
	struct mt_err err = { 0 };

	t->rcpt[0].at = t->rcpt[1].at = t->mark.at = ++t->offer.at;
	bench_must(mt_spool_batch_add(b, MT_EV_offer, &t->offer, &err), &err);
	bench_must(mt_spool_batch_add(b, MT_EV_rcpt, &t->rcpt[0], &err), &err);
	bench_must(mt_spool_batch_add(b, MT_EV_rcpt, &t->rcpt[1], &err), &err);
	bench_must(mt_spool_batch_add(b, MT_EV_mark, &t->mark, &err), &err);
	bench_must(mt_spool_commit(spool, b, &err), &err);
}

/* The records of one append, to be sealed and written again and again. */
static void
append_ready(
    struct mt_spool *spool, struct mt_spool_batch *b, struct mt_str records)
{
	struct mt_err err = { 0 };

	mt_buf_str(&b->bytes, records);
	b->n = 4;
	bench_must(mt_spool_commit(spool, b, &err), &err);
}

static double
ours(struct job *job)
{
	struct mt_spool_batch batch;
	struct mt_spool *spool;
	struct mt_err err = { 0 };
	int64_t start, ns;
	uint64_t i;

	bench_must(mt_spool_open(&job->options, &spool, &err), &err);
	mt_spool_batch_init(&batch);
	start = bench_now_ns();
	for (i = 0; i < job->appends; i++) {
		if (job->ready) {
			append_ready(spool, &batch, mt_buf_view(&job->bytes));
			continue;
		}
		if (job->batch) {
			append_batch(spool, &batch, &job->trail);
			continue;
		}
		job->trail.open.at++;
		bench_must(
		    mt_spool_put(spool, MT_EV_open, &job->trail.open, &err),
		    &err);
	}
	ns = bench_now_ns() - start;
	mt_spool_batch_done(&batch);
	mt_spool_close(spool);
	return (double)ns / (double)job->appends;
}

static double
bare(struct job *job, int dir_fd)
{
	bool sync = job->options.sync == MT_sync_always;
	int64_t start, ns;
	uint64_t i;
	int fd;

	fd = openat(dir_fd, "bare",
	    O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC, 0600);
	if (fd == -1)
		bench_die("%s/bare: cannot make it", job->dir);
	start = bench_now_ns();
	for (i = 0; i < job->appends; i++) {
		if (write(fd, job->bytes.p, job->bytes.n) !=
			(ssize_t)job->bytes.n ||
		    (sync && fdatasync(fd) == -1))
			bench_die("%s/bare: cannot write", job->dir);
	}
	ns = bench_now_ns() - start;
	close(fd);
	return (double)ns / (double)job->appends;
}

/* Both sides begin each pair with an empty directory. */
static void
empty(int dir_fd)
{
	struct dirent *entry;
	DIR *dir;

	if ((dir = fdopendir(dup(dir_fd))) == NULL)
		bench_die("cannot read the directory");
	rewinddir(dir);
	while ((entry = readdir(dir)) != NULL) {
		if (entry->d_type == DT_REG)
			unlinkat(dir_fd, entry->d_name, 0);
	}
	closedir(dir);
}

int
main(int argc, char **argv)
{
	struct job job = { .options = { .max = UINT64_C(1) << 36,
			       .segment = UINT64_C(16) << 20 } };
	uint64_t pairs;
	double a, b;
	int dir_fd;

	if (argc != 6)
		bench_die("usage: bench_spool DIR one|batch|ready "
			  "never|interval|always PAIRS APPENDS");
	job.dir = argv[1];
	job.options.dir = mt_str(argv[1]);
	job.ready = strcmp(argv[2], "ready") == 0;
	job.batch = job.ready || strcmp(argv[2], "batch") == 0;
	if (!job.batch && strcmp(argv[2], "one") != 0)
		bench_die("'%s' is none of one, batch, ready", argv[2]);
	job.options.sync = mt_word_find(mt_words_sync, mt_str(argv[3]));
	if (job.options.sync == MT_sync_absent)
		bench_die("'%s' is no sync mode", argv[3]);
	pairs = bench_number("PAIRS", argv[4], 10000);
	job.appends = bench_number("APPENDS", argv[5], 100000000);
	if ((dir_fd = open(job.dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) == -1)
		bench_die("%s: cannot open it", job.dir);
	describe(&job.trail);
	prepare(&job);
	while (pairs-- > 0) {
		empty(dir_fd);
		a = ours(&job);
		empty(dir_fd);
		b = bare(&job, dir_fd);
		printf("%.1f %.1f\n", a, b);
	}
	empty(dir_fd);
	mt_buf_done(&job.bytes);
	close(dir_fd);
	return 0;
}
