/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <pthread.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/mem.h"
#include "policy/snapshot.h"

#define LOOK_MS 1000

/* What tells one file from another that was put in its place. */
struct identity {
	bool exists;
	dev_t dev;
	ino_t ino;
	off_t size;
	struct timespec mtime, ctime;
};

struct mt_policy_watch {
	char *path; /* owned */
	pthread_mutex_t lock; /* of all below */
	struct mt_policy *policy; /* one reference, or NULL */
	int64_t looked_ms;
	bool looking; /* a thread is at it; only that one uses `seen` */
	bool again;
	bool tried;
	struct identity seen;
};

struct mt_policy_watch *
mt_policy_watch_new(const char *path)
{
	struct mt_policy_watch *watch = mt_alloc(sizeof(*watch));

	watch->path = mt_dupz(path);
	watch->again = true;
	pthread_mutex_init(&watch->lock, NULL);
	return watch;
}

void
mt_policy_watch_free(struct mt_policy_watch *watch)
{
	if (watch == NULL)
		return;
	mt_policy_unref(watch->policy);
	pthread_mutex_destroy(&watch->lock);
	mt_free(watch->path);
	mt_free(watch);
}

void
mt_policy_watch_again(struct mt_policy_watch *watch)
{
	pthread_mutex_lock(&watch->lock);
	watch->again = true;
	pthread_mutex_unlock(&watch->lock);
}

static struct identity
identify(const char *path)
{
	struct identity id = { .exists = false };
	struct stat st;

	if (stat(path, &st) != 0)
		return id;
	id.exists = true;
	id.dev = st.st_dev;
	id.ino = st.st_ino;
	id.size = st.st_size;
	id.mtime = st.st_mtim;
	id.ctime = st.st_ctim;
	return id;
}

static bool
same_time(struct timespec a, struct timespec b)
{
	return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
}

static bool
same(const struct identity *a, const struct identity *b)
{
	return a->exists == b->exists && a->dev == b->dev && a->ino == b->ino &&
	    a->size == b->size && same_time(a->mtime, b->mtime) &&
	    same_time(a->ctime, b->ctime);
}

/*
 * The file is identified before it is opened: one that is replaced in between
 * is merely read twice. What is no fault of the file (no descriptor left) must
 * not let us miss it, and with it somebody's refusal: try again until it can
 * be read, or is known to be bad.
 */
static void
look(struct mt_policy_watch *watch, bool again, struct mt_err *err)
{
	struct identity now = identify(watch->path);
	struct mt_policy *fresh = NULL, *old = NULL;

	if (watch->tried && !again && same(&now, &watch->seen))
		goto out;
	watch->seen = now;
	watch->tried = true;
	if (mt_policy_open(watch->path, &fresh, err) == MT_OK)
		err->rc = MT_OK;
	else if (err->rc == MT_SYSTEM)
		watch->tried = false;
out:
	pthread_mutex_lock(&watch->lock);
	if (fresh != NULL) {
		old = watch->policy;
		watch->policy = fresh;
	}
	watch->looking = false;
	pthread_mutex_unlock(&watch->lock);
	mt_policy_unref(old);
}

struct mt_policy *
mt_policy_watch_get(struct mt_policy_watch *watch, struct mt_err *err)
{
	struct mt_policy *policy;
	int64_t now = mt_clock_mono_ms();
	bool due, again;

	err->rc = MT_OK;
	pthread_mutex_lock(&watch->lock);
	again = watch->again;
	due = !watch->looking && (again || now - watch->looked_ms >= LOOK_MS);
	if (due) {
		watch->looking = true;
		watch->looked_ms = now;
		watch->again = false;
	}
	pthread_mutex_unlock(&watch->lock);
	if (due)
		look(watch, again, err);
	pthread_mutex_lock(&watch->lock);
	policy = mt_policy_ref(watch->policy);
	pthread_mutex_unlock(&watch->lock);
	return policy;
}
