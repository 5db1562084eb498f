/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Connections that wait for a request, or the rest of one, by age. Who takes
 * one has it alone, until it is added again. When there are too many
 * the oldest is shut down: whoever holds thousands of them must not keep out a
 * web server that has just come with a request. It is shut down, not closed:
 * its worker sees that as an event and closes it, so that no descriptor is
 * closed that somebody else is just about to use. Any thread.
 */
#ifndef PIXEL_IDLE_H
#define PIXEL_IDLE_H

#include <pthread.h>
#include <stdbool.h>

struct pixel_idle {
	pthread_mutex_t lock;
	struct pixel_idle_link *links; /* owned, by descriptor */
	int oldest, newest; /* -1: there is none */
};

void pixel_idle_init(struct pixel_idle *idle);
void pixel_idle_done(struct pixel_idle *idle);

enum pixel_idle_added {
	PIXEL_IDLE_WAITS, /* anybody's from here on: touch it no more */
	PIXEL_IDLE_MISSED, /* still ours: somebody could not take it meanwhile
			    */
	PIXEL_IDLE_FULL /* still ours: the descriptor is too high to be kept */
};
enum pixel_idle_added pixel_idle_add(struct pixel_idle *idle, int fd);
/*
 * Before anything is done with it. False: it is another's, who is told of the
 * attempt when he adds it.
 */
bool pixel_idle_take(struct pixel_idle *idle, int fd);
/* Shut down the one that has waited longest. */
void pixel_idle_cut(struct pixel_idle *idle);

#endif
