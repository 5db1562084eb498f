/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * HTTP clients that fetch pixels: many connections kept alive, one request at
 * a time on each, the paths of a file in turn, each from another client's
 * address as a trusted proxy would name it (X-Forwarded-For).
 *
 *     bench_load PORT PATHS CONNECTIONS REQUESTS
 *
 * Prints requests a second. Anything but 200 and a body is an error.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/num.h"
#include "base/str.h"

#include "bench.h"

#define MAX_CONNECTIONS 256
#define MAX_REPLY 4096

static const char agent[] =
    "Mozilla/5.0 (X11; Linux x86_64; rv:115.0) Gecko/20100101 "
    "Thunderbird/115.4.1";

struct client {
	int fd;
	size_t n; /* bytes of reply */
	char reply[MAX_REPLY];
};

struct load {
	struct mt_str paths; /* lines */
	struct mt_str left; /* of paths */
	uint16_t port;
	uint64_t to_send, to_receive;
	uint64_t redials; /* how often a connection may still be lost */
	struct client *clients;
	struct pollfd *polled;
	nfds_t n;
};

static int
dial(uint16_t port)
{
	struct sockaddr_in sin = { .sin_family = AF_INET,
		.sin_port = htons(port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd, on = 1;

	if ((fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) == -1 ||
	    connect(fd, (struct sockaddr *)&sin, sizeof(sin)) == -1)
		bench_die("port %u: %s", port, strerror(errno));
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	return fd;
}

static void
ask(struct load *load, struct client *client)
{
	struct mt_str path;
	char request[1024];
	uint64_t id = load->to_send--;
	int n;

	if (load->left.n == 0)
		load->left = load->paths;
	mt_str_cut(load->left, '\n', &path, &load->left);
	n = snprintf(request, sizeof(request),
	    "GET %.*s HTTP/1.1\r\nHost: pixel.example.org\r\n"
	    "User-Agent: %s\r\nAccept: image/*\r\n"
	    "X-Forwarded-For: 198.18.%u.%u\r\n\r\n",
	    MT_STR_ARG(path), agent, (unsigned)(id >> 8) & 255,
	    (unsigned)id & 255);
	if (n <= 0 || (size_t)n >= sizeof(request))
		bench_die("a path of %zu bytes", path.n);
	/* When the connection is gone, recv says so. */
	(void)send(client->fd, request, (size_t)n, MSG_NOSIGNAL);
	client->n = 0;
}

/* Whether the reply is whole; dies when it is not what it should be. */
static bool
whole(const struct client *client)
{
	static const char field[] = "\r\nContent-Length: ";
	const char *end, *length;
	struct mt_str digits, rest;
	uint64_t n;

	if ((end = strstr(client->reply, "\r\n\r\n")) == NULL)
		return false;
	if (strncmp(client->reply, "HTTP/1.1 200 ", 13) != 0 ||
	    (length = strcasestr(client->reply, field)) == NULL)
		bench_die("not the answer we want:\n%s", client->reply);
	mt_str_cut(mt_str(length + sizeof(field) - 1), '\r', &digits, &rest);
	if (!mt_num_read(digits, MAX_REPLY, &n) || n == 0)
		bench_die("a body of %.*s bytes", MT_STR_ARG(digits));
	return client->n >= (size_t)(end + 4 - client->reply) + n;
}

static void
hear(struct load *load, struct client *client)
{
	ssize_t got;

	got = recv(client->fd, client->reply + client->n,
	    MAX_REPLY - 1 - client->n, 0);
	if (got <= 0 && client->n == 0 && load->redials-- > 0) {
		/* A server closes a connection after so many requests. */
		close(client->fd);
		client->fd = dial(load->port);
		load->polled[client - load->clients].fd = client->fd;
		load->to_send++;
		ask(load, client);
		return;
	}
	if (got <= 0)
		bench_die("connection lost inside a reply, or too often");
	client->n += (size_t)got;
	client->reply[client->n] = '\0';
	if (!whole(client))
		return;
	load->to_receive--;
	if (load->to_send > 0)
		ask(load, client);
}

static void
work(struct load *load)
{
	nfds_t i;

	while (load->to_receive > 0) {
		if (poll(load->polled, load->n, 10000) <= 0)
			bench_die("no answer for ten seconds");
		for (i = 0; i < load->n && load->to_receive > 0; i++) {
			if (load->polled[i].revents != 0)
				hear(load, &load->clients[i]);
		}
	}
}

int
main(int argc, char **argv)
{
	struct load load = { 0 };
	uint64_t requests;
	int64_t start;
	char *paths;
	size_t n;
	nfds_t i;

	if (argc != 5)
		bench_die("usage: bench_load PORT PATHS CONNECTIONS REQUESTS");
	load.port = (uint16_t)bench_number("PORT", argv[1], 65535);
	paths = bench_read_file(argv[2], &n);
	load.paths = load.left = mt_str_n(paths, n);
	load.n = bench_number("CONNECTIONS", argv[3], MAX_CONNECTIONS);
	requests = bench_number("REQUESTS", argv[4], 1000000000);
	if (n == 0 || load.n == 0 || requests < load.n)
		bench_die("no paths, or fewer requests than connections");
	load.to_send = load.to_receive = requests;
	load.redials = requests / 100 + load.n;
	load.clients = mt_alloc_array(load.n, sizeof(*load.clients));
	load.polled = mt_alloc_array(load.n, sizeof(*load.polled));
	for (i = 0; i < load.n; i++) {
		load.clients[i].fd = dial(load.port);
		load.polled[i].fd = load.clients[i].fd;
		load.polled[i].events = POLLIN;
	}
	start = bench_now_ns();
	for (i = 0; i < load.n; i++)
		ask(&load, &load.clients[i]);
	work(&load);
	printf("%.1f\n",
	    (double)requests * 1e9 / (double)(bench_now_ns() - start));
	for (i = 0; i < load.n; i++)
		close(load.clients[i].fd);
	mt_free(load.polled);
	mt_free(load.clients);
	mt_free(paths);
	return 0;
}
