/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A walk over the messages of a corpus directory: each as it is stored and
 * again converted to CRLF, in the order of their names. Expected results
 * (*.json) and lists (*.md) in it are no messages.
 *
 * The corpora are tests/data/mime, which is always there, and the large one of
 * which it is a selection, when that stands beside the checkout. Tests that use
 * them run in the checkout's top directory.
 */
#ifndef MT_TESTS_MAIL_CORPUS_H
#define MT_TESTS_MAIL_CORPUS_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/str.h"

#define MAIL_CORPUS_OWN "tests/data/mime"
#define MAIL_CORPUS_LARGE "../shared/data/mime"

struct mail_sample {
	const char *path;
	struct mt_str text; /* the whole message */
	bool crlf; /* converted */
};

typedef void mail_visitor(const struct mail_sample *sample, void *arg);

/* Is the large corpus there? */
bool mail_corpus_large(void);
/* How many samples were visited. Ends the program when it cannot read. */
unsigned mail_corpus_walk(const char *dir, mail_visitor *visit, void *arg);
/* Append a file's bytes. */
void mail_corpus_read(const char *path, struct mt_buf *out);
/* Append s with CRLF for each LF that no CR precedes. */
void mail_to_crlf(struct mt_str s, struct mt_buf *out);

#endif
