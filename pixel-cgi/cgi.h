/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Plain CGI: one request, then the end. The answer goes out before anything
 * else is even looked at, so bad options cost the open, not the image. The
 * command line is not ours: web servers put words of the query there. The
 * option file is $MAILTRAIL_PIXEL_CONF, which no client can set, or the usual
 * one. There is no rate limit, for want of a memory.
 */
#ifndef PIXEL_CGI_H
#define PIXEL_CGI_H

#include <stdbool.h>

/* A web server started us for one request. */
bool pixel_is_cgi(void);
int pixel_cgi_main(void);

#endif
