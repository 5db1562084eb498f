/* SPDX-License-Identifier: BSD-2-Clause */
/* One thread of the pool; server.c and worker.c only. */
#ifndef PIXEL_WORKER_H
#define PIXEL_WORKER_H

#include <pthread.h>
#include <stdatomic.h>

#include "idle.h"
#include "listen.h"
#include "site.h"

struct pixel_worker {
	struct pixel_server *server;
	pthread_t thread;
	atomic_int busy; /* the connection it is at; -1: none */
};

struct pixel_server {
	struct pixel_listener listener;
	int epoll;
	unsigned n;
	unsigned started;
	struct pixel_worker *workers; /* owned */
	atomic_uint running;
	atomic_uint connections;
	struct pixel_idle idle;
	atomic_ulong counts[PIXEL_OUTCOMES];
	pthread_mutex_t lock;
	struct pixel_site *site; /* under lock; NULL: answer only */
};

void *pixel_worker_run(void *worker);

#endif
