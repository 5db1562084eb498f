/* SPDX-License-Identifier: BSD-2-Clause */
#include <sys/inotify.h>

#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "watch.h"

#define READ_SIZE 16384

void
watch_init(struct watch *w)
{
	*w = (struct watch){ .fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC) };
}

void
watch_done(struct watch *w)
{
	size_t i;

	if (w->fd >= 0)
		(void)close(w->fd);
	for (i = 0; i < w->n; i++)
		mt_free(w->dirs[i].path);
	mt_free(w->dirs);
	*w = (struct watch){ .fd = -1 };
}

bool
watch_add(struct watch *w, const char *dir)
{
	size_t i;
	int wd;

	if (w->fd < 0)
		return false;
	for (i = 0; i < w->n; i++)
		if (strcmp(w->dirs[i].path, dir) == 0)
			return true;
	wd = inotify_add_watch(w->fd, dir,
	    IN_MODIFY | IN_CREATE | IN_MOVED_FROM | IN_MOVED_TO | IN_ATTRIB |
		IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR);
	if (wd < 0)
		return false;
	w->dirs = mt_realloc_array(w->dirs, w->n + 1, sizeof(*w->dirs));
	w->dirs[w->n++] = (struct watch_dir){ wd, mt_dupz(dir) };
	return true;
}

/* The directory of that name is another one now, or none. */
static void
forget(struct watch *w, size_t i)
{
	(void)inotify_rm_watch(w->fd, w->dirs[i].wd);
	mt_free(w->dirs[i].path);
	w->dirs[i] = w->dirs[--w->n];
}

static void
say(struct watch *w, const struct inotify_event *event, const char *name,
    watch_said *said, void *arg)
{
	size_t i;

	if (event->mask & IN_Q_OVERFLOW) {
		said(arg, NULL, NULL);
		return;
	}
	/* Two names may lead to one directory. */
	for (i = w->n; i-- > 0;) {
		if (w->dirs[i].wd != event->wd)
			continue;
		said(arg, w->dirs[i].path, event->len > 0 ? name : NULL);
		if (event->mask & (IN_DELETE_SELF | IN_MOVE_SELF | IN_IGNORED))
			forget(w, i);
	}
}

void
watch_take(struct watch *w, watch_said *said, void *arg)
{
	struct inotify_event event;
	char bytes[READ_SIZE];
	ssize_t n, at;

	while (w->fd >= 0 && (n = read(w->fd, bytes, sizeof(bytes))) > 0)
		for (at = 0; at < n;
		     at += (ssize_t)(sizeof(event) + event.len)) {
			memcpy(&event, bytes + at, sizeof(event));
			say(w, &event, bytes + at + sizeof(event), said, arg);
		}
}
