/* SPDX-License-Identifier: BSD-2-Clause */
#include <sys/inotify.h>

#include <stdalign.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include "spool/dir.h"
#include "spool/watch.h"

enum mt_rc
mt_watch_open(const char *dir, int *ret_fd, struct mt_err *err)
{
	int fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);

	if (fd < 0)
		return mt_fail_sys(err, "spool: inotify");
	if (inotify_add_watch(fd, dir,
		IN_MODIFY | IN_CREATE | IN_DELETE | IN_MOVED_FROM |
		    IN_MOVED_TO | IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR) <
	    0) {
		mt_err_put_sys(err, "spool: watch %s", dir);
		(void)close(fd);
		return MT_SYSTEM;
	}
	*ret_fd = fd;
	return MT_OK;
}

static unsigned
judge(const struct inotify_event *event, const char *name)
{
	uint64_t id;

	if (event->mask & (IN_DELETE_SELF | IN_MOVE_SELF | IN_IGNORED))
		return MT_WATCH_GONE;
	if (event->mask & IN_Q_OVERFLOW)
		return MT_WATCH_GROWN | MT_WATCH_CHANGED;
	/* Our own state file and other people's counts do not matter. */
	if (event->len == 0 || !mt_segment_name_read(name, &id))
		return 0;
	return event->mask & IN_MODIFY ? MT_WATCH_GROWN : MT_WATCH_CHANGED;
}

unsigned
mt_watch_take(int fd)
{
	alignas(struct inotify_event) char bytes[16384];
	struct inotify_event event;
	unsigned what = 0;
	ssize_t n, at;

	while ((n = read(fd, bytes, sizeof(bytes))) > 0) {
		for (at = 0; at < n;) {
			memcpy(&event, bytes + at, sizeof(event));
			what |= judge(
			    &event, bytes + at + sizeof(struct inotify_event));
			at += (ssize_t)(sizeof(event) + event.len);
		}
	}
	return what;
}
