/* SPDX-License-Identifier: BSD-2-Clause */
#include "idle.h"

#include <sys/socket.h>

#include "base/mem.h"

#define FDS_MAX 4096

struct pixel_idle_link {
	bool in;
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

bool
pixel_idle_add(struct pixel_idle *idle, int fd)
{
	if (fd < 0 || fd >= FDS_MAX)
		return false;
	(void)pthread_mutex_lock(&idle->lock);
	idle->links[fd] = (struct pixel_idle_link){ true, idle->newest, -1 };
	if (idle->newest >= 0)
		idle->links[idle->newest].newer = fd;
	else
		idle->oldest = fd;
	idle->newest = fd;
	(void)pthread_mutex_unlock(&idle->lock);
	return true;
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
	link->in = false;
}

void
pixel_idle_remove(struct pixel_idle *idle, int fd)
{
	if (fd < 0 || fd >= FDS_MAX)
		return;
	(void)pthread_mutex_lock(&idle->lock);
	if (idle->links[fd].in)
		unlink_one(idle, fd);
	(void)pthread_mutex_unlock(&idle->lock);
}

void
pixel_idle_cut(struct pixel_idle *idle)
{
	int fd;

	(void)pthread_mutex_lock(&idle->lock);
	if ((fd = idle->oldest) >= 0) {
		unlink_one(idle, fd);
		/* Under the lock: nobody can have closed it. */
		(void)shutdown(fd, SHUT_RDWR);
	}
	(void)pthread_mutex_unlock(&idle->lock);
}
