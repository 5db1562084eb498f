/* SPDX-License-Identifier: BSD-2-Clause */
#include <inttypes.h>
#include <poll.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "prog/program.h"
#include "source.h"

#define SAVE_MS 1000
#define RETRY_MS 200 /* while the spool takes nothing */
#define SUMMARY_MS 60000
#define UNKNOWN_MS 3600000
#define IDLE_MS 60000
#define LAST_ROUNDS 64 /* of what streams hold, at the end */
#define FIXED_FDS 3 /* stop, reload, watch */

enum mt_rc
tail_setup(struct mt_conf *conf, void **ret_state, struct mt_err *err)
{
	struct tail *t = mt_alloc(sizeof(*t));
	struct mt_err why;

	*ret_state = t;
	if (setup_begin(t, conf, err) != MT_OK)
		return err->rc;
	if (mt_spool_check(t->spool, &why) != MT_OK)
		mt_log(MT_LOG_WARNING, "%s", why.msg);
	mt_log(MT_LOG_INFO, "reading logs=%zu", t->n_sources);
	return MT_OK;
}

void
tail_done(void *state)
{
	struct tail *t = state;

	if (t == NULL)
		return;
	setup_save(t);
	setup_end(t);
	mt_free(t);
}

/* Bring to the spool what waits; false: it still takes nothing. */
static bool
record_all(struct tail *t)
{
	bool all = true;
	size_t i;

	for (i = 0; i < t->n_sources && all; i++)
		all = source_record(t->sources[i]);
	t->full = !all;
	if (t->full)
		t->retry_ms = mt_clock_mono_ms() + RETRY_MS;
	return all;
}

/* True: there is more to do at once. */
static bool
work(struct tail *t)
{
	bool more = false;
	struct source *s;
	size_t i;

	if (t->full && mt_clock_mono_ms() >= t->retry_ms)
		(void)record_all(t);
	for (i = 0; i < t->n_sources; i++) {
		s = t->sources[i];
		if (s->ended || (t->full && !s->kind->loses))
			continue;
		more |= s->kind->work(s);
		if (!source_record(s)) {
			t->full = true;
			t->retry_ms = mt_clock_mono_ms() + RETRY_MS;
		}
	}
	return more;
}

static bool
all_ended(const struct tail *t)
{
	size_t i;

	for (i = 0; i < t->n_sources; i++)
		if (!t->sources[i]->ended)
			return false;
	return !t->full;
}

static struct mt_tailed_counts
sum_counts(const struct tail *t)
{
	struct mt_tailed_counts sum = { .lines = 0 };
	const struct mt_tailed_counts *c;
	size_t i;

	for (i = 0; i < t->n_sources; i++) {
		c = &t->sources[i]->counts;
		sum.lines += c->lines;
		sum.events += c->events;
		sum.ignored += c->ignored;
		sum.unknown += c->unknown;
		sum.damaged += c->damaged;
		sum.cut += c->cut;
		sum.gaps += c->gaps;
		sum.behind += c->behind;
	}
	return sum;
}

static void
summarize(struct tail *t, int64_t now)
{
	const struct mt_tailed_counts sum = sum_counts(t), *said = &t->said;

	t->summary_ms = now;
	if (sum.lines == said->lines && sum.gaps == said->gaps)
		return;
	/* After a reload it begins anew. */
	if (sum.lines < said->lines)
		t->said = (struct mt_tailed_counts){ .lines = 0 };
	mt_log(MT_LOG_INFO,
	    "read lines=%" PRIu64 " events=%" PRIu64 " ignored=%" PRIu64
	    " unknown=%" PRIu64 " damaged=%" PRIu64 " cut=%" PRIu64
	    " gaps=%" PRIu64 " behind=%" PRIu64,
	    sum.lines - said->lines, sum.events - said->events,
	    sum.ignored - said->ignored, sum.unknown - said->unknown,
	    sum.damaged - said->damaged, sum.cut - said->cut,
	    sum.gaps - said->gaps, sum.behind);
	mt_program_status("read %" PRIu64 " lines, %" PRIu64
			  " bytes to be read",
	    sum.lines, sum.behind);
	t->said = sum;
}

static void
tell_unknown(struct tail *t, int64_t now)
{
	size_t i;

	t->unknown_ms = now;
	for (i = 0; i < t->n_sources; i++)
		source_tell(t->sources[i]);
}

static void
say_over(struct mt_trouble *trouble, const char *what)
{
	struct mt_trouble_was was;

	if (mt_trouble_over(trouble, &was))
		mt_log(MT_LOG_INFO, "%s: well again after s=%u failures=%u",
		    what, was.seconds, was.count);
}

static bool
in_trouble(const struct tail *t)
{
	size_t i;

	for (i = 0; i < t->n_sources; i++)
		if (atomic_load(&t->sources[i]->trouble.on))
			return true;
	return atomic_load(&t->spool_trouble.on) ||
	    atomic_load(&t->state_trouble.on);
}

static void
upkeep(struct tail *t)
{
	int64_t now = mt_clock_mono_ms();
	size_t i;

	if (t->unsaved && now >= t->saved_ms + SAVE_MS) {
		setup_save(t);
		t->saved_ms = now;
	}
	if (now >= t->summary_ms + SUMMARY_MS)
		summarize(t, now);
	if (now >= t->unknown_ms + UNKNOWN_MS)
		tell_unknown(t, now);
	say_over(&t->spool_trouble, "spool");
	say_over(&t->state_trouble, "state_dir");
	for (i = 0; i < t->n_sources; i++)
		say_over(&t->sources[i]->trouble, t->sources[i]->name);
}

static void
sooner(int64_t *deadline, int64_t at)
{
	if (at != 0 && at < *deadline)
		*deadline = at;
}

static int
idle_ms(const struct tail *t)
{
	int64_t now = mt_clock_mono_ms(), deadline = now + IDLE_MS;
	const struct source *s;
	size_t i;

	if (t->unsaved && t->dir_fd >= 0)
		sooner(&deadline, t->saved_ms + SAVE_MS);
	if (t->full)
		sooner(&deadline, t->retry_ms);
	if (in_trouble(t))
		sooner(&deadline, now + SAVE_MS);
	for (i = 0; i < t->n_sources; i++) {
		s = t->sources[i];
		if (s->kind->deadline_ms != NULL && !s->ended &&
		    !(t->full && !s->kind->loses))
			sooner(&deadline, s->kind->deadline_ms(s));
	}
	return deadline <= now ? 0 : (int)(deadline - now) + 1;
}

static void
wait_for_work(struct tail *t)
{
	struct pollfd p[FIXED_FDS + TAIL_SOURCES * SOURCE_FDS];
	struct source *s;
	nfds_t n = FIXED_FDS;
	size_t i;

	p[0] = (struct pollfd){ .fd = mt_stop_fd(), .events = POLLIN };
	p[1] = (struct pollfd){ .fd = mt_reload_fd(), .events = POLLIN };
	p[2] = (struct pollfd){ .fd = t->watch.fd, .events = POLLIN };
	/* Nobody is heard who could not be served. */
	if (t->full)
		p[2].events = 0;
	for (i = 0; i < t->n_sources; i++) {
		s = t->sources[i];
		if (s->kind->fds != NULL && !s->ended &&
		    !(t->full && !s->kind->loses))
			n += (nfds_t)s->kind->fds(s, &p[n]);
	}
	(void)poll(p, n, idle_ms(t));
}

/* What streams hold already would be gone with us. */
static void
drain(struct tail *t)
{
	struct source *s;
	unsigned round;
	size_t i;

	for (i = 0; i < t->n_sources; i++) {
		s = t->sources[i];
		for (round = 0; round < LAST_ROUNDS && !s->ended &&
		     !s->kind->remembers && s->kind->work(s);
		     round++)
			if (!source_record(s))
				break;
	}
	if (record_all(t))
		return;
	for (i = 0; i < t->n_sources; i++)
		if (!t->sources[i]->kind->remembers &&
		    t->sources[i]->batch.n > 0)
			mt_log(MT_LOG_ERR,
			    "%s: stopping, and the spool takes nothing; lost "
			    "events=%zu",
			    t->sources[i]->name, t->sources[i]->batch.n);
}

enum mt_rc
tail_run(void *state, struct mt_err *err)
{
	struct tail *t = state;
	bool more;

	t->summary_ms = t->unknown_ms = mt_clock_mono_ms();
	while (!mt_stopping() && !all_ended(t)) {
		if (mt_reloading() && setup_again(t, err) != MT_OK)
			return err->rc;
		watch_take(&t->watch, file_said, t);
		more = work(t);
		upkeep(t);
		if (!more && !all_ended(t))
			wait_for_work(t);
	}
	drain(t);
	summarize(t, mt_clock_mono_ms());
	tell_unknown(t, mt_clock_mono_ms());
	return MT_OK;
}

static enum mt_rc
test_words(const struct tail_options *o, struct mt_err *err)
{
	const struct source_kind *kind;
	struct mt_str word, rest;
	struct mt_buf words;
	enum mt_rc rc;

	mt_buf_init(&words, 65536);
	rc = setup_words(o, &words, err);
	rest = mt_str_trim(mt_buf_view(&words));
	while (rc == MT_OK && rest.n > 0) {
		(void)mt_str_cut(rest, ' ', &word, &rest);
		if (word.n == 0)
			continue;
		rc = source_kind_of(word, &kind, err);
		if (rc == MT_OK && kind == &api_kind)
			rc = api_options(o, err);
	}
	mt_buf_done(&words);
	return rc;
}

enum mt_rc
tail_test(struct mt_conf *conf, struct mt_err *err)
{
	const struct tail_options *o = mt_conf_values(conf);
	struct mt_ignore *ignore;

	if (mt_ignore_load(o->ignore_addresses, &ignore, err) != MT_OK) {
		mt_err_in(err, "ignore_addresses");
		return err->rc;
	}
	mt_ignore_free(ignore);
	return test_words(o, err);
}
