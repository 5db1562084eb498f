/* SPDX-License-Identifier: BSD-2-Clause */
#include <sys/inotify.h>

#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "spool/dir.h"
#include "spool/watch.h"

#define READ_SIZE 16384

enum mt_rc
mt_watch_init(struct mt_watch *watch, const char *dir, struct mt_err *err)
{
	*watch = (struct mt_watch){ .fd = -1 };
	watch->fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	if (watch->fd < 0)
		return mt_fail_sys(err, "spool: inotify");
	/* A producer that leaves a segment lets it be deleted: CLOSE_WRITE. */
	if (inotify_add_watch(watch->fd, dir,
		IN_MODIFY | IN_CLOSE_WRITE | IN_CREATE | IN_DELETE |
		    IN_MOVED_FROM | IN_MOVED_TO | IN_DELETE_SELF |
		    IN_MOVE_SELF | IN_ONLYDIR) < 0) {
		mt_err_put_sys(err, "spool: watch %s", dir);
		mt_watch_done(watch);
		return MT_SYSTEM;
	}
	watch->bytes = mt_alloc(READ_SIZE);
	return MT_OK;
}

void
mt_watch_done(struct mt_watch *watch)
{
	if (watch->fd >= 0)
		(void)close(watch->fd);
	mt_free(watch->bytes);
	*watch = (struct mt_watch){ .fd = -1 };
}

static enum mt_watch_event
judge(const struct inotify_event *event, const char *name, uint64_t *ret_id)
{
	if (event->mask & (IN_DELETE_SELF | IN_MOVE_SELF | IN_IGNORED))
		return MT_WATCH_GONE;
	if (event->mask & IN_Q_OVERFLOW)
		return MT_WATCH_MISSED;
	/* Whoever holds the directory open is not told that it was deleted. */
	if (event->len > 0 && strcmp(name, "ship.lock") == 0 &&
	    (event->mask & (IN_DELETE | IN_MOVED_FROM)))
		return MT_WATCH_GONE;
	/* Our own state file and other people's counts do not matter. */
	if (event->len == 0 || !mt_segment_name_read(name, ret_id))
		return MT_WATCH_NOTHING;
	return event->mask & (IN_MODIFY | IN_CLOSE_WRITE) ? MT_WATCH_GROWN
							  : MT_WATCH_CHANGED;
}

enum mt_watch_event
mt_watch_next(struct mt_watch *watch, uint64_t *ret_id)
{
	enum mt_watch_event what = MT_WATCH_NOTHING;
	struct inotify_event event;
	const char *name;
	ssize_t n;

	while (what == MT_WATCH_NOTHING) {
		if (watch->at == watch->n) {
			n = read(watch->fd, watch->bytes, READ_SIZE);
			if (n <= 0)
				break;
			watch->at = 0;
			watch->n = (size_t)n;
		}
		memcpy(&event, watch->bytes + watch->at, sizeof(event));
		name = watch->bytes + watch->at + sizeof(event);
		watch->at += sizeof(event) + event.len;
		what = judge(&event, name, ret_id);
	}
	return what;
}
