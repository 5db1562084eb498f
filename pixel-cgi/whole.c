/* SPDX-License-Identifier: BSD-2-Clause */
#include "whole.h"

#include <stdint.h>

#define HEAD 8 /* version, type, id (2), length (2), padding, reserved */
#define VERSION 1

/* Types of records from a web server. */
enum {
	BEGIN_REQUEST = 1,
	PARAMS = 4,
	STDIN = 5,
};

struct record {
	unsigned version;
	unsigned type;
	size_t length; /* of the content; 0 ends a stream */
	size_t size; /* of the whole record */
};

/* False: there is less than a record. */
static bool
take(struct mt_str *rest, struct record *record)
{
	const unsigned char *p = (const unsigned char *)rest->p;

	if (rest->n < HEAD)
		return false;
	record->version = p[0];
	record->type = p[1];
	record->length = (size_t)p[4] << 8 | p[5];
	record->size = HEAD + record->length + p[6];
	if (rest->n < record->size)
		return false;
	*rest = mt_str_n(rest->p + record->size, rest->n - record->size);
	return true;
}

bool
pixel_whole(struct mt_str bytes)
{
	struct record r;
	bool named = false; /* the parameters have ended */

	if (bytes.n > 0 && bytes.p[0] != VERSION)
		return true;
	while (take(&bytes, &r)) {
		/* Others, such as FCGI_GET_VALUES, are whole by themselves. */
		if (r.version != VERSION ||
		    (r.type != BEGIN_REQUEST && r.type != PARAMS &&
			r.type != STDIN))
			return true;
		if (r.type == STDIN && r.length == 0 && named)
			return true;
		if (r.type == PARAMS && r.length == 0)
			named = true;
	}
	return false;
}
