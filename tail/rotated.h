/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What became of a file's earlier selves. A rotated one has the file's name, a
 * dot or a hyphen, and then digits and "-._T" only: mail.log.1,
 * mail.log-20261120, maillog.20261120-235959; compressed, an ending of letters
 * more. They are in the order of their last changes, and where those are equal
 * in the order of names: a smaller number is later, a greater date is.
 */
#ifndef TAIL_ROTATED_H
#define TAIL_ROTATED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "spool/tailed.h"

struct rotated {
	char name[256];
	uint64_t dev, ino;
	int64_t ns; /* when it was last changed */
	uint64_t size;
	bool compressed;
};

struct rotated_list {
	struct rotated *files; /* owned; the oldest first */
	size_t n;
};

/*
 * What cannot be listed is as good as not there. A file that is renamed
 * meanwhile may be missing from a listing: so it is made until two agree.
 */
void rotated_list(const char *dir, const char *base, struct rotated_list *out);
void rotated_done(struct rotated_list *list);

/* Bytes that tell whether a file is the one. */
#define ROTATED_CHECK 256
/*
 * Is this the file, or a copy of it? One of which nothing was read has nothing
 * to be known by but the inode.
 */
bool rotated_is(int fd, const struct mt_place *place);

#endif
