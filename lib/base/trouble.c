/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/clock.h"
#include "base/trouble.h"

#define SAY_MS 60000
#define STEADY_MS 2000

void
mt_trouble_init(struct mt_trouble *t)
{
	*t = (struct mt_trouble){ .kind = 0 };
	(void)pthread_mutex_init(&t->lock, NULL);
}

void
mt_trouble_done(struct mt_trouble *t)
{
	(void)pthread_mutex_destroy(&t->lock);
}

bool
mt_trouble_on(struct mt_trouble *t, int kind)
{
	int64_t now = mt_clock_mono_ms();
	bool say;

	(void)pthread_mutex_lock(&t->lock);
	say = !atomic_load(&t->on) || t->kind != kind ||
	    now >= t->said_ms + SAY_MS;
	if (!atomic_load(&t->on)) {
		t->since_ms = now;
		t->count = 0;
	}
	atomic_store(&t->on, true);
	t->kind = kind;
	t->count++;
	t->good_ms = 0;
	if (say)
		t->said_ms = now;
	(void)pthread_mutex_unlock(&t->lock);
	return say;
}

void
mt_trouble_good(struct mt_trouble *t)
{
	if (!atomic_load(&t->on))
		return;
	(void)pthread_mutex_lock(&t->lock);
	if (t->good_ms == 0)
		t->good_ms = mt_clock_mono_ms();
	(void)pthread_mutex_unlock(&t->lock);
}

bool
mt_trouble_over(struct mt_trouble *t, struct mt_trouble_was *ret_was)
{
	bool over = false;

	if (!atomic_load(&t->on))
		return false;
	(void)pthread_mutex_lock(&t->lock);
	/* Another thread may have been first. */
	if (atomic_load(&t->on) && t->good_ms != 0 &&
	    mt_clock_mono_ms() >= t->good_ms + STEADY_MS) {
		over = true;
		atomic_store(&t->on, false);
		ret_was->seconds =
		    (unsigned)((t->good_ms - t->since_ms) / 1000);
		ret_was->count = t->count;
	}
	(void)pthread_mutex_unlock(&t->lock);
	return over;
}
