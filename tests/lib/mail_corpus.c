/* SPDX-License-Identifier: BSD-2-Clause */
#include <fts.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "mail_corpus.h"

#define MAX_SAMPLE (64U * 1024 * 1024)

static void
give_up(const char *path)
{
	perror(path);
	exit(1);
}

bool
mail_corpus_large(void)
{
	return access(MAIL_CORPUS_LARGE, R_OK) == 0;
}

void
mail_corpus_read(const char *path, struct mt_buf *out)
{
	char block[16384];
	size_t n;
	FILE *f = fopen(path, "rb");

	if (f == NULL)
		give_up(path);
	while ((n = fread(block, 1, sizeof(block), f)) > 0)
		mt_buf_add(out, block, n);
	if (ferror(f) || mt_buf_over(out))
		give_up(path);
	(void)fclose(f);
}

void
mail_to_crlf(struct mt_str s, struct mt_buf *out)
{
	size_t i;

	for (i = 0; i < s.n; i++) {
		if (s.p[i] == '\n' && (i == 0 || s.p[i - 1] != '\r'))
			mt_buf_c(out, '\r');
		mt_buf_c(out, s.p[i]);
	}
}

static bool
is_message(const FTSENT *e)
{
	return e->fts_info == FTS_F && strstr(e->fts_name, ".json") == NULL &&
	    strstr(e->fts_name, ".md") == NULL;
}

static void
visit_both(const char *path, mail_visitor *visit, void *arg)
{
	struct mail_sample sample = { .path = path };
	struct mt_buf text, crlf;

	mt_buf_init(&text, MAX_SAMPLE);
	mail_corpus_read(path, &text);
	sample.text = mt_buf_view(&text);
	visit(&sample, arg);
	mt_buf_init(&crlf, 2 * (size_t)MAX_SAMPLE);
	mail_to_crlf(mt_buf_view(&text), &crlf);
	sample.text = mt_buf_view(&crlf);
	sample.crlf = true;
	visit(&sample, arg);
	mt_buf_done(&text);
	mt_buf_done(&crlf);
}

static int
by_name(const FTSENT **a, const FTSENT **b)
{
	return strcmp((*a)->fts_name, (*b)->fts_name);
}

unsigned
mail_corpus_walk(const char *dir, mail_visitor *visit, void *arg)
{
	char path[4096];
	char *const dirs[] = { path, NULL };
	unsigned n = 0;
	FTSENT *e;
	FTS *fts;

	(void)snprintf(path, sizeof(path), "%s", dir);
	fts = fts_open(dirs, FTS_PHYSICAL | FTS_NOCHDIR, by_name);
	if (fts == NULL)
		give_up(dir);
	while ((e = fts_read(fts)) != NULL) {
		if (!is_message(e))
			continue;
		visit_both(e->fts_path, visit, arg);
		n += 2;
	}
	(void)fts_close(fts);
	return n;
}
