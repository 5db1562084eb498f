/* SPDX-License-Identifier: BSD-2-Clause */
#include "answer.h"

/*
 * The Status line is said although it is the default: without it Apache would
 * answer conditional requests by itself.
 */
#define GIF \
	"GIF89a\x01\x00\x01\x00\x80\x00\x00\xff\xff\xff\x00\x00\x00" \
	"!\xf9\x04\x01\x00\x00\x00\x00" \
	",\x00\x00\x00\x00\x01\x00\x01\x00\x00" \
	"\x02\x02\x44\x01\x00;"

static const char image[] =
    "Status: 200 OK\r\n"
    "Content-Type: image/gif\r\n"
    "Content-Length: 43\r\n"
    "Cache-Control: no-store, no-cache, must-revalidate, max-age=0, private\r\n"
    "Pragma: no-cache\r\n"
    "X-Content-Type-Options: nosniff\r\n"
    "Cross-Origin-Resource-Policy: cross-origin\r\n"
    "Referrer-Policy: no-referrer\r\n"
    "X-Robots-Tag: noindex\r\n"
    "\r\n" GIF;

static const char refusal[] = "Status: 405 Method Not Allowed\r\n"
			      "Allow: GET, HEAD\r\n"
			      "Content-Length: 0\r\n"
			      "\r\n";

_Static_assert(sizeof(GIF) - 1 == PIXEL_GIF_LEN, "Content-Length is right");

struct mt_str
pixel_answer(enum pixel_method method)
{
	if (method == PIXEL_GET)
		return mt_str_n(image, sizeof(image) - 1);
	if (method == PIXEL_HEAD)
		return mt_str_n(image, sizeof(image) - 1 - PIXEL_GIF_LEN);
	return mt_str_n(refusal, sizeof(refusal) - 1);
}
