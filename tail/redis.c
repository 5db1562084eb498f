/* SPDX-License-Identifier: BSD-2-Clause */
/* A list of mailcow's Redis, looked at from time to time. */
#include <inttypes.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "conf/secret.h"
#include "redis/list.h"
#include "window.h"

#define FIRST_ASK 512 /* elements; then four times as many, … */
#define FIRST_ROWS 128 /* of a history: these are ten times as long */
#define MOST_ASKED 131072 /* … up to this */
#define RETRY_MS 1000
#define RETRY_CONFIG_MS 60000 /* a password, a key of another kind */

struct list {
	struct mt_list *list; /* owned */
	struct window window;
	size_t asked; /* 0: nothing is outstanding */
	int64_t due_ms; /* when to connect or ask next */
};

static enum mt_rc
redis_open(
    struct source *s, const struct mt_tailed_source *saved, struct mt_err *err)
{
	struct list *l = mt_alloc(sizeof(*l));

	(void)err;
	s->own = l;
	l->list = mt_list_new(&s->tail->redis, &s->tail->endpoint);
	window_open(s, &l->window, saved);
	return MT_OK;
}

static void
redis_close(struct source *s)
{
	struct list *l = s->own;

	if (l == NULL)
		return;
	mt_list_free(l->list);
	mt_free(l);
}

static bool
fail(struct source *s, const struct mt_err *err)
{
	struct list *l = s->own;

	l->asked = 0;
	l->due_ms = mt_clock_mono_ms() +
	    (err->rc == MT_CONFIG ? RETRY_CONFIG_MS : RETRY_MS);
	source_fails(s, err);
	return false;
}

static enum mt_rc
start(struct source *s, struct mt_err *err)
{
	struct tail *t = s->tail;
	struct list *l = s->own;

	if (mt_secret_option(t->options->mailcow_redis_password_file,
		&t->redis_password, &t->redis.password, err) != MT_OK) {
		mt_err_in(err, "mailcow_redis_password_file");
		return err->rc;
	}
	return mt_list_start(l->list, err);
}

static void
ask(struct source *s, size_t n)
{
	struct list *l = s->own;

	l->asked = n < MOST_ASKED ? n : MOST_ASKED;
	mt_list_ask(l->list, mt_str(s->what), l->asked);
}

/* True: there are lines to read. */
static bool
take(struct source *s, const struct mt_list_answer *answer)
{
	struct list *l = s->own;
	size_t asked = l->asked;

	l->asked = 0;
	l->due_ms = mt_clock_mono_ms() +
	    (int64_t)s->tail->options->mailcow_redis_poll_ms;
	source_works(s);
	if (window_take(s, &l->window, answer->elements, answer->n,
		answer->n < asked || asked == MOST_ASKED) == WINDOW_MORE) {
		ask(s, asked * 4);
		return true;
	}
	return l->window.left > 0;
}

static bool
redis_work(struct source *s)
{
	struct list *l = s->own;
	struct mt_list_answer answer;
	struct mt_err err;
	enum mt_rc rc;

	/* The elements are the answer's, and live until the next. */
	if (l->window.left > 0)
		return window_work(s, &l->window);
	if (mt_clock_mono_ms() >= l->due_ms) {
		if (!mt_list_up(l->list) && start(s, &err) != MT_OK)
			return fail(s, &err);
		if (l->asked == 0)
			ask(s, s->history != NULL ? FIRST_ROWS : FIRST_ASK);
	}
	if (!mt_list_up(l->list))
		return false;
	if (mt_list_work(l->list, &err) != MT_OK)
		return fail(s, &err);
	rc = mt_list_take(l->list, &answer, &err);
	if (rc == MT_OK)
		return take(s, &answer);
	if (rc != MT_ABSENT)
		return fail(s, &err);
	return false;
}

static void
redis_recorded(struct source *s)
{
	struct list *l = s->own;

	window_recorded(&l->window);
}

static void
redis_save(struct source *s, struct mt_tailed_source *out)
{
	const struct list *l = s->own;

	window_save(&l->window, out);
}

static size_t
redis_fds(struct source *s, struct pollfd *out)
{
	const struct list *l = s->own;

	if (!mt_list_up(l->list))
		return 0;
	out[0] = (struct pollfd){ .fd = mt_list_fd(l->list),
		.events = mt_list_events(l->list) };
	return 1;
}

static int64_t
redis_deadline_ms(const struct source *s)
{
	const struct list *l = s->own;
	int64_t link = mt_list_deadline_ms(l->list);

	if (l->asked == 0)
		return l->due_ms > 0 ? l->due_ms : 1;
	return link;
}

const struct source_kind redis_kind = {
	.prefix = "redis:",
	.frame = MT_frame_mailcow,
	.remembers = true,
	.open = redis_open,
	.close = redis_close,
	.work = redis_work,
	.recorded = redis_recorded,
	.save = redis_save,
	.fds = redis_fds,
	.deadline_ms = redis_deadline_ms,
};
