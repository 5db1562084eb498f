/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A request, as far as it matters, copied out of the CGI environment so that
 * the web server can have its answer and its memory back before anything is
 * judged. Every byte of the environment is foreign. A hit lives on a worker's
 * stack and is wiped after its verdict: address and agent go nowhere else.
 */
#ifndef PIXEL_HIT_H
#define PIXEL_HIT_H

#include <stdint.h>

#include "base/ip.h"
#include "base/str.h"
#include "judge.h"
#include "token/token.h"
#include "trust.h"

#define PIXEL_AGENT_MAX 512 /* bytes of the agent that are looked at */

enum pixel_method { PIXEL_GET, PIXEL_HEAD, PIXEL_OTHER };

struct pixel_hit {
	enum pixel_method method;
	bool body; /* a request body follows */
	char token[MT_TOKEN_TEXT]; /* of the path, not yet checked */
	size_t token_n; /* 0: there was none */
	struct mt_ip client;
	char agent[PIXEL_AGENT_MAX]; /* lower case */
	size_t agent_n;
	pixel_facts facts; /* what the request's headers say */
};

/* env: NULL-terminated "NAME=value"; trust may be NULL. */
void pixel_hit_read(char *const *env, const struct pixel_trust *trust,
    struct pixel_hit *ret_hit);

#endif
