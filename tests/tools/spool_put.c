/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Put made-up events into a spool, through the real API: for flow tests and
 * benchmarks.
 *
 *     spool_put [-n count] [-k kind] [-t threads] [-s seed] [-H hosts]
 *               [-r events/s] [-m max] [-g segment] [-y sync] directory
 *
 * kind: offer, rcpt, mark or open (count events of it), message (count
 * messages: an offer, a recipient and a mark in one write) or trail (a message
 * and, in a write of its own, its open). The same seed gives the same events;
 * no two events of different seeds are the same. Threads share the count.
 * Prints "events=… failed=… ms=…"; ends with 1 when an append failed.
 */
#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/num.h"
#include "spool/spool.h"

#define THREADS_MAX 64
#define SEED_MAX 511 /* what fits a queue id */
/* 2026-11-01T00:00:00Z, so that runs can be compared. */
#define BEGIN (INT64_C(1793491200) * MT_SECOND)

enum kind { OFFER, RCPT, MARK, OPEN, MESSAGE, TRAIL, KINDS };
static const char *const kinds[KINDS] = { "offer", "rcpt", "mark", "open",
	"message", "trail" };

struct job {
	struct mt_spool *spool;
	enum kind kind;
	uint64_t count;
	uint64_t seed;
	uint64_t hosts;
	uint64_t rate; /* 0: as fast as it goes */
	int64_t started_ms;
	atomic_uint_fast64_t next;
	atomic_uint_fast64_t done;
	atomic_uint_fast64_t failed;
};

/* The texts of one message; the events borrow them. */
struct texts {
	char host[64];
	char queue_id[32];
	char sender[64];
	char rcpt[64];
	char message_id[96];
	char subject[128];
	char token[40];
};

/* splitmix64: well mixed, and the same everywhere. */
static uint64_t
mix(uint64_t x)
{
	x += UINT64_C(0x9e3779b97f4a7c15);
	x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
	return x ^ x >> 31;
}

static char *
put_digits(char *p, uint64_t n, unsigned base, int width)
{
	static const char digits[] =
	    "0123456789BCDFGHJKLMNPQRSTVWXYZbcdfghjklmnpqrstvwxyz";
	int i;

	for (i = width - 1; i >= 0; i--) {
		p[i] = digits[n % base];
		n /= base;
	}
	return p + width;
}

/* A long queue id, as Postfix makes them of the time and an inode. */
static void
make_queue_id(const struct job *job, uint64_t i, int64_t at, char *out)
{
	out = put_digits(out, (uint64_t)(at / MT_SECOND), 52, 6);
	out = put_digits(out, (uint64_t)(at % MT_SECOND), 52, 4);
	*out++ = 'z';
	out = put_digits(out, job->seed << 36 ^ i, 51, 8);
	*out = '\0';
}

static void
make_texts(const struct job *job, uint64_t i, int64_t at, struct texts *t)
{
	uint64_t h = mix(job->seed << 40 ^ i);

	(void)snprintf(t->host, sizeof(t->host), "mail%" PRIu64 ".example.org",
	    h % job->hosts);
	make_queue_id(job, i, at, t->queue_id);
	(void)snprintf(t->sender, sizeof(t->sender), "user%u@example.org",
	    (unsigned)(h >> 8) % 500);
	(void)snprintf(t->rcpt, sizeof(t->rcpt), "reader%u@example.net",
	    (unsigned)(h >> 20) % 5000);
	(void)snprintf(t->message_id, sizeof(t->message_id),
	    "%016" PRIx64 ".%" PRIu64 "@mail.example.org", h, i);
	(void)snprintf(t->subject, sizeof(t->subject),
	    "Offer number %" PRIu64 " for gr\xc3\xbc\xc3\x9f"
	    "e",
	    i);
	(void)snprintf(t->token, sizeof(t->token), "%016" PRIx64 "%016" PRIx64,
	    job->seed, i);
}

static enum mt_rc
add_offer(struct mt_spool_batch *batch, const struct texts *t, int64_t at,
    struct mt_err *err)
{
	struct mt_ev_offer ev = {
		.at = at,
		.host = mt_str(t->host),
		.queue_id = mt_str(t->queue_id),
		.sender = mt_str(t->sender),
		.nrcpt = 1,
		.user = mt_str(t->sender),
		.client = { 4, { 192, 0, 2, 7 } },
		.client_name = MT_LIT("client.example.org"),
		.helo = MT_LIT("client.example.org"),
		.size = 18211,
		.message_id = mt_str(t->message_id),
		.header_from = mt_str(t->sender),
		.subject = mt_str(t->subject),
		.mode = MT_mode_pseudonymous,
		.level = MT_level_domain,
		.rule = MT_LIT("example.org"),
		.reason = MT_reason_done,
		.part = MT_LIT("1.2"),
		.encoding = MT_encoding_quoted_printable,
		.charset = MT_LIT("utf-8"),
		.mark_at = 17002,
	};

	return mt_spool_batch_add(batch, MT_EV_offer, &ev, err);
}

static enum mt_rc
add_rcpt(struct mt_spool_batch *batch, const struct texts *t, int64_t at,
    struct mt_err *err)
{
	struct mt_ev_rcpt ev = {
		.at = at,
		.host = mt_str(t->host),
		.queue_id = mt_str(t->queue_id),
		.rcpt = mt_str(t->rcpt),
	};

	return mt_spool_batch_add(batch, MT_EV_rcpt, &ev, err);
}

static enum mt_rc
add_mark(struct mt_spool_batch *batch, const struct texts *t, int64_t at,
    struct mt_err *err)
{
	struct mt_ev_mark ev = {
		.at = at,
		.host = mt_str(t->host),
		.queue_id = mt_str(t->queue_id),
		.token = mt_str(t->token),
		.mode = MT_mode_pseudonymous,
	};

	return mt_spool_batch_add(batch, MT_EV_mark, &ev, err);
}

static enum mt_rc
add_open(struct mt_spool_batch *batch, const struct texts *t, int64_t at,
    struct mt_err *err)
{
	struct mt_ev_open ev = {
		.at = at + 60 * MT_SECOND,
		.token = mt_str(t->token),
		.host = MT_LIT("pixel.example.org"),
		.twin = (uint64_t)at & 0xffffffff,
		.class = MT_class_human_likely,
		.certainty = MT_certainty_probable,
		.reasons = MT_LIT("agent.browser net.isp"),
		.rules = 1,
		.agent = MT_agent_thunderbird,
		.country = MT_LIT("DE"),
		.asn = 3320,
		.fingerprint = MT_LIT("00112233445566778899aabbccddeeff"),
	};

	return mt_spool_batch_add(batch, MT_EV_open, &ev, err);
}

static enum mt_rc
put(struct job *job, struct mt_spool_batch *batch, uint64_t i,
    struct mt_err *err)
{
	const bool all = job->kind == MESSAGE || job->kind == TRAIL;
	int64_t at = BEGIN + (int64_t)i * 1000 + (int64_t)(job->seed % 1000);
	struct texts t;

	make_texts(job, i, at, &t);
	if ((all || job->kind == OFFER) &&
	    add_offer(batch, &t, at, err) != MT_OK)
		return err->rc;
	if ((all || job->kind == RCPT) && add_rcpt(batch, &t, at, err) != MT_OK)
		return err->rc;
	if ((all || job->kind == MARK) && add_mark(batch, &t, at, err) != MT_OK)
		return err->rc;
	if (job->kind == TRAIL) {
		atomic_fetch_add(&job->done, batch->n);
		if (mt_spool_commit(job->spool, batch, err) != MT_OK)
			return err->rc;
	}
	if ((job->kind == TRAIL || job->kind == OPEN) &&
	    add_open(batch, &t, at, err) != MT_OK)
		return err->rc;
	atomic_fetch_add(&job->done, batch->n);
	return mt_spool_commit(job->spool, batch, err);
}

static void
keep_rate(const struct job *job, uint64_t i)
{
	int64_t due, now = mt_clock_mono_ms();
	struct timespec wait;

	if (job->rate == 0)
		return;
	due = job->started_ms + (int64_t)(i * 1000 / job->rate);
	if (due <= now)
		return;
	wait.tv_sec = (due - now) / 1000;
	wait.tv_nsec = (due - now) % 1000 * 1000000;
	(void)nanosleep(&wait, NULL);
}

static void *
work(void *arg)
{
	struct job *job = arg;
	struct mt_spool_batch batch;
	struct mt_err err;
	uint64_t i;

	mt_spool_batch_init(&batch);
	while ((i = atomic_fetch_add(&job->next, 1)) < job->count) {
		keep_rate(job, i);
		if (put(job, &batch, i, &err) != MT_OK &&
		    atomic_fetch_add(&job->failed, 1) == 0)
			(void)fprintf(stderr, "spool_put: %s\n", err.msg);
	}
	mt_spool_batch_done(&batch);
	return NULL;
}

static _Noreturn void
usage(void)
{
	(void)fputs("usage: spool_put [-n count] [-k kind] [-t threads] "
		    "[-s seed] [-H hosts] [-r rate] [-m max] [-g segment] "
		    "[-y sync] directory\n",
	    stderr);
	exit(64);
}

static uint64_t
number(const char *text, uint64_t max)
{
	uint64_t n;

	if (!mt_num_read_size(mt_str(text), max, &n))
		usage();
	return n;
}

static enum kind
kind_of(const char *text)
{
	unsigned i;

	for (i = 0; i < KINDS; i++)
		if (strcmp(kinds[i], text) == 0)
			return (enum kind)i;
	usage();
}

struct arguments {
	struct mt_spool_options spool;
	uint64_t threads;
};

static void
read_arguments(int argc, char **argv, struct job *job, struct arguments *a)
{
	int c;

	while ((c = getopt(argc, argv, "n:k:t:s:H:r:m:g:y:")) != -1) {
		if (c == 'n')
			job->count = number(optarg, UINT64_MAX);
		else if (c == 'k')
			job->kind = kind_of(optarg);
		else if (c == 't')
			a->threads = number(optarg, THREADS_MAX);
		else if (c == 's')
			job->seed = number(optarg, SEED_MAX);
		else if (c == 'H')
			job->hosts = number(optarg, 1000000);
		else if (c == 'r')
			job->rate = number(optarg, 100000000);
		else if (c == 'm')
			a->spool.max = number(optarg, UINT64_MAX);
		else if (c == 'g')
			a->spool.segment = number(optarg, UINT64_MAX);
		else if (c == 'y')
			a->spool.sync = (enum mt_sync)mt_word_find(
			    mt_words_sync, mt_str(optarg));
		else
			usage();
	}
	if (optind + 1 != argc || a->spool.sync == MT_sync_absent ||
	    a->threads == 0 || job->hosts == 0)
		usage();
	a->spool.dir = mt_str(argv[optind]);
}

int
main(int argc, char **argv)
{
	struct arguments a = { .spool = { .max = UINT64_C(4) << 30,
				   .segment = 16 << 20,
				   .sync = MT_sync_interval },
		.threads = 1 };
	struct job job = {
		.kind = MESSAGE, .count = 1000, .seed = 1, .hosts = 1
	};
	pthread_t threads[THREADS_MAX];
	struct mt_err err;
	uint64_t i;

	(void)signal(SIGXFSZ, SIG_IGN);
	read_arguments(argc, argv, &job, &a);
	if (mt_spool_open(&a.spool, &job.spool, &err) != MT_OK) {
		(void)fprintf(stderr, "spool_put: %s\n", err.msg);
		return 78;
	}
	job.started_ms = mt_clock_mono_ms();
	for (i = 0; i < a.threads; i++)
		if (pthread_create(&threads[i], NULL, work, &job) != 0)
			return 71;
	for (i = 0; i < a.threads; i++)
		(void)pthread_join(threads[i], NULL);
	(void)printf("events=%" PRIu64 " failed=%" PRIu64 " ms=%" PRId64 "\n",
	    (uint64_t)atomic_load(&job.done),
	    (uint64_t)atomic_load(&job.failed),
	    mt_clock_mono_ms() - job.started_ms);
	mt_spool_close(job.spool);
	return atomic_load(&job.failed) == 0 ? 0 : 1;
}
