/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Fill a spool with the events of a busy mail host.
 *
 *     bench_fill DIR HOST EVENTS SEED
 *
 * Until EVENTS are appended, message after message: an offer, one to four
 * recipients; half of the messages are marked and get none to three opens.
 * Times run through the last four hours. The same HOST, EVENTS and SEED at
 * another time give other events (queue ids carry the time). Prints how many
 * rows of each event table must come of it: "offer=… rcpt=… mark=… open=…".
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "spool/spool.h"

#include "bench.h"

#define SPAN (4 * 3600 * MT_SECOND)

struct state {
	struct mt_spool *spool;
	struct mt_spool_batch batch;
	struct mt_str host;
	uint64_t random;
	uint64_t n[MT_EV_N]; /* events so far */
	uint64_t events;
};

/* xorshift64: the same seed gives the same mail. */
static uint64_t
below(struct state *s, uint64_t n)
{
	s->random ^= s->random << 13;
	s->random ^= s->random >> 7;
	s->random ^= s->random << 17;
	return s->random % n;
}

static char *
digits52(char *end, uint64_t n, int least)
{
	static const char digits[] =
	    "0123456789BCDFGHJKLMNPQRSTVWXYZbcdfghjklmnpqrstvwxyz";

	for (; n > 0 || least > 0; least--, n /= 52)
		*--end = digits[n % 52];
	return end;
}

/* A long queue id of this time, as Postfix makes them (mail/queue_id.h). */
static struct mt_str
queue_id(int64_t at, char out[32])
{
	static const char inode[] = "zGd4"; /* no two ids of one microsecond */
	char text[32], *end = text + sizeof(text), *p;

	p = end - (sizeof(inode) - 1);
	memcpy(p, inode, sizeof(inode) - 1);
	p = digits52(p, (uint64_t)(at % MT_SECOND), 4);
	p = digits52(p, (uint64_t)(at / MT_SECOND), 6);
	memcpy(out, p, (size_t)(end - p));
	return mt_str_n(out, (size_t)(end - p));
}

static void
add(struct state *s, enum mt_event id, const void *ev)
{
	struct mt_err err = { 0 };

	bench_must(mt_spool_batch_add(&s->batch, id, ev, &err), &err);
	s->n[id]++;
	s->events++;
}

static void
add_recipients(struct state *s, const struct mt_ev_offer *offer)
{
	char address[64];
	uint64_t i, first = below(s, 5000);

	for (i = 0; i < offer->nrcpt; i++) {
		snprintf(address, sizeof(address),
		    "reader.%" PRIu64 "@customer%" PRIu64 ".example.com",
		    first + i, (first + i) % 400);
		add(s, MT_EV_rcpt,
		    &(struct mt_ev_rcpt){ .at = offer->at,
			.host = offer->host,
			.queue_id = offer->queue_id,
			.rcpt = mt_str(address) });
	}
}

static void
add_opens(struct state *s, const struct mt_ev_offer *offer)
{
	static const enum mt_class classes[] = { MT_class_human_likely,
		MT_class_proxied_possible, MT_class_prefetch,
		MT_class_scanner };
	struct mt_ev_open open = { .host = s->host,
		.rules = 1,
		.certainty = MT_certainty_probable,
		.reasons = MT_LIT("agent_browser"),
		.agent = MT_agent_browser };
	char token[33], fingerprint[33];
	uint64_t left = below(s, 4);

	snprintf(token, sizeof(token), "%016" PRIx64 "%016" PRIx64,
	    below(s, UINT64_MAX), below(s, UINT64_MAX));
	add(s, MT_EV_mark,
	    &(struct mt_ev_mark){ .at = offer->at,
		.host = offer->host,
		.queue_id = offer->queue_id,
		.token = mt_str(token),
		.mode = MT_mode_pseudonymous });
	for (; left > 0; left--) {
		snprintf(fingerprint, sizeof(fingerprint),
		    "%016" PRIx64 "%016" PRIx64, below(s, UINT64_MAX),
		    below(s, UINT64_MAX));
		open.at = offer->at + (int64_t)below(s, 1800 * MT_SECOND);
		open.token = mt_str(token);
		open.twin = below(s, UINT32_MAX);
		open.class = classes[below(s, 4)];
		open.fingerprint = mt_str(fingerprint);
		add(s, MT_EV_open, &open);
	}
}

static void
add_message(struct state *s, int64_t at)
{
	char id[32], sender[64], message_id[96], subject[96];
	bool marked = below(s, 2) == 0;
	struct mt_ev_offer offer = { .at = at + 2500,
		.host = s->host,
		.nrcpt = 1 + below(s, 4),
		.client = { .family = 4, .b = { 192, 0, 2, 25 } },
		.client_name = MT_LIT("client.example.org"),
		.helo = MT_LIT("client.example.org"),
		.daemon = MT_LIT("ORIGINATING"),
		.size = below(s, 200000),
		.mailer = MT_LIT("Mozilla Thunderbird"),
		.mode = marked ? MT_mode_pseudonymous : MT_mode_off,
		.level = marked ? MT_level_domain : MT_level_none,
		.reason = marked ? MT_reason_done : MT_reason_off };

	offer.queue_id = queue_id(at, id);
	snprintf(sender, sizeof(sender),
	    "writer.%" PRIu64 "@dept%" PRIu64 ".example.org", below(s, 500),
	    below(s, 40));
	snprintf(message_id, sizeof(message_id),
	    "%" PRIx64 ".%" PRId64 "@client.example.org", s->random, at);
	snprintf(subject, sizeof(subject), "Re: your order number %" PRIu64,
	    below(s, 100000000));
	offer.sender = offer.user = offer.header_from = mt_str(sender);
	offer.message_id = mt_str(message_id);
	offer.subject = mt_str(subject);
	if (marked) {
		offer.part = MT_LIT("1.2");
		offer.charset = MT_LIT("utf-8");
		offer.encoding = MT_encoding_quoted_printable;
		offer.mark_at = 1 + offer.size / 2;
		offer.rule = mt_str_n(
		    strchr(sender, '@') + 1, strlen(strchr(sender, '@') + 1));
	}
	add(s, MT_EV_offer, &offer);
	add_recipients(s, &offer);
	if (marked)
		add_opens(s, &offer);
}

int
main(int argc, char **argv)
{
	struct mt_spool_options options = { .max = UINT64_C(1) << 36,
		.segment = UINT64_C(16) << 20,
		.sync = MT_sync_interval };
	struct state s = { 0 };
	struct mt_err err = { 0 };
	uint64_t events;
	int64_t at, step;

	if (argc != 5)
		bench_die("usage: bench_fill DIR HOST EVENTS SEED");
	options.dir = mt_str(argv[1]);
	s.host = mt_str(argv[2]);
	events = bench_number("EVENTS", argv[3], 100000000);
	s.random = 88172645463325252 +
	    bench_number("SEED", argv[4], 1000000000) * 2654435761;
	bench_must(mt_spool_open(&options, &s.spool, &err), &err);
	mt_spool_batch_init(&s.batch);
	at = mt_clock_now() - SPAN;
	for (step = SPAN / (int64_t)(events + 1); s.events < events;
	     at += 1 + 4 * step) {
		add_message(&s, at);
		bench_must(mt_spool_commit(s.spool, &s.batch, &err), &err);
	}
	mt_spool_batch_done(&s.batch);
	mt_spool_close(s.spool);
	printf("offer=%" PRIu64 " rcpt=%" PRIu64 " mark=%" PRIu64
	       " open=%" PRIu64 "\n",
	    s.n[MT_EV_offer], s.n[MT_EV_rcpt], s.n[MT_EV_mark],
	    s.n[MT_EV_open]);
	return 0;
}
