/* SPDX-License-Identifier: BSD-2-Clause */
#include "idle.h"

#include <sys/socket.h>

#include "base/mem.h"

#define FDS_MAX 4096

struct pixel_idle_link {
	bool in; /* free to be taken */
	bool missed; /* somebody tried while it was not */
	bool cut; /* and no longer in the row of ages */
	int older, newer; /* -1: none */
};

void
pixel_idle_init(struct pixel_idle *idle)
{
	(void)pthread_mutex_init(&idle->lock, NULL);
	idle->links = mt_alloc_array(FDS_MAX, sizeof(*idle->links));
	idle->oldest = idle->newest = -1;
}

void
pixel_idle_done(struct pixel_idle *idle)
{
	(void)pthread_mutex_destroy(&idle->lock);
	mt_free(idle->links);
}

/* With the lock held. */
static void
link_newest(struct pixel_idle *idle, int fd)
{
	idle->links[fd] = (struct pixel_idle_link){
		.in = true, .older = idle->newest, .newer = -1
	};
	if (idle->newest >= 0)
		idle->links[idle->newest].newer = fd;
	else
		idle->oldest = fd;
	idle->newest = fd;
}

enum pixel_idle_added
pixel_idle_add(struct pixel_idle *idle, int fd)
{
	bool missed;

	if (fd < 0 || fd >= FDS_MAX)
		return PIXEL_IDLE_FULL;
	(void)pthread_mutex_lock(&idle->lock);
	missed = idle->links[fd].missed;
	idle->links[fd].missed = false;
	if (!missed)
		link_newest(idle, fd);
	(void)pthread_mutex_unlock(&idle->lock);
	return missed ? PIXEL_IDLE_MISSED : PIXEL_IDLE_WAITS;
}

/* With the lock held. */
static void
unlink_one(struct pixel_idle *idle, int fd)
{
	struct pixel_idle_link *link = &idle->links[fd];

	if (link->older >= 0)
		idle->links[link->older].newer = link->newer;
	else
		idle->oldest = link->newer;
	if (link->newer >= 0)
		idle->links[link->newer].older = link->older;
	else
		idle->newest = link->older;
}

bool
pixel_idle_take(struct pixel_idle *idle, int fd)
{
	bool in;

	if (fd < 0 || fd >= FDS_MAX)
		return false;
	(void)pthread_mutex_lock(&idle->lock);
	in = idle->links[fd].in;
	if (in && !idle->links[fd].cut)
		unlink_one(idle, fd);
	idle->links[fd].missed = !in;
	idle->links[fd].in = false;
	(void)pthread_mutex_unlock(&idle->lock);
	return in;
}

void
pixel_idle_cut(struct pixel_idle *idle)
{
	int fd;

	(void)pthread_mutex_lock(&idle->lock);
	if ((fd = idle->oldest) >= 0) {
		unlink_one(idle, fd);
		idle->links[fd].cut = true;
		/* Under the lock: nobody can have closed it. */
		(void)shutdown(fd, SHUT_RDWR);
	}
	(void)pthread_mutex_unlock(&idle->lock);
}
