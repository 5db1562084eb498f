/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What mailtrail-pixel is measured against: a FastCGI program as libfcgi's
 * manual has it, each thread accepting for itself, that answers every request
 * with the same image and looks at nothing.
 *
 *     fcgi_bare SOCKET THREADS
 */
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include <fcgiapp.h>

#include "base/num.h"

#define THREADS_MAX 64
#define BACKLOG 511

static const char answer[] =
    "Content-Type: image/gif\r\n"
    "Content-Length: 43\r\n"
    "Cache-Control: no-store, no-cache, must-revalidate, max-age=0, private\r\n"
    "Pragma: no-cache\r\n"
    "X-Content-Type-Options: nosniff\r\n"
    "Cross-Origin-Resource-Policy: cross-origin\r\n"
    "Referrer-Policy: no-referrer\r\n"
    "X-Robots-Tag: noindex\r\n"
    "\r\n"
    "GIF89a\x01\x00\x01\x00\x80\x00\x00\xff\xff\xff\x00\x00\x00"
    "!\xf9\x04\x01\x00\x00\x00\x00,\x00\x00\x00\x00\x01\x00\x01\x00\x00"
    "\x02\x02\x44\x01\x00;";

static void *
serve(void *arg)
{
	const int *sock = arg;
	FCGX_Request request;

	if (FCGX_InitRequest(&request, *sock, 0) != 0)
		return NULL;
	while (FCGX_Accept_r(&request) == 0) {
		(void)FCGX_PutStr(answer, sizeof(answer) - 1, request.out);
		FCGX_Finish_r(&request);
	}
	return NULL;
}

int
main(int argc, char **argv)
{
	pthread_t threads[THREADS_MAX];
	uint64_t n, i;
	int sock;

	if (argc != 3 || !mt_num_read(mt_str(argv[2]), THREADS_MAX, &n) ||
	    n == 0) {
		(void)fprintf(stderr, "usage: fcgi_bare SOCKET THREADS\n");
		return 64;
	}
	if (FCGX_Init() != 0 ||
	    (sock = FCGX_OpenSocket(argv[1], BACKLOG)) < 0) {
		perror(argv[1]);
		return 71;
	}
	/* The library takes SIGTERM for itself and then ignores it. */
	(void)signal(SIGTERM, SIG_DFL);
	for (i = 0; i < n; i++)
		if (pthread_create(&threads[i], NULL, serve, &sock) != 0)
			return 71;
	for (i = 0; i < n; i++)
		(void)pthread_join(threads[i], NULL);
	return 0;
}
