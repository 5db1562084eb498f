/* SPDX-License-Identifier: BSD-2-Clause */
#include <sys/file.h>

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/num.h"
#include "spool/keep.h"
#include "spool/tailed.h"

#define FILE_NAME "tail.state"
#define STATE_MAX (4u << 20)
#define WORDS (2 + MT_TAILED_SEEN)
#define COUNTS (sizeof(struct mt_tailed_counts) / sizeof(uint64_t))

struct mt_tailed_source *
mt_tailed_add(struct mt_tailed *tailed, const char *name)
{
	struct mt_tailed_source *s;

	tailed->sources = mt_realloc_array(
	    tailed->sources, tailed->n + 1, sizeof(*tailed->sources));
	s = &tailed->sources[tailed->n++];
	memset(s, 0, sizeof(*s));
	s->name = mt_dupz(name);
	return s;
}

struct mt_tailed_source *
mt_tailed_find(const struct mt_tailed *tailed, const char *name)
{
	size_t i;

	for (i = 0; i < tailed->n; i++)
		if (strcmp(tailed->sources[i].name, name) == 0)
			return &tailed->sources[i];
	return NULL;
}

void
mt_tailed_done(struct mt_tailed *tailed)
{
	size_t i;

	for (i = 0; i < tailed->n; i++)
		mt_free(tailed->sources[i].name);
	mt_free(tailed->sources);
	*tailed = (struct mt_tailed){ .n = 0 };
}

bool
mt_tailed_served(int dir_fd)
{
	int fd = openat(dir_fd, MT_TAILED_LOCK, O_RDONLY | O_CLOEXEC);
	bool served;

	if (fd < 0)
		return errno != ENOENT;
	served = flock(fd, LOCK_SH | LOCK_NB) != 0;
	(void)close(fd);
	return served;
}

static bool
read_nums(const struct mt_str *w, size_t n, uint64_t *out)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (!mt_num_read(w[i], UINT64_MAX, &out[i]))
			return false;
	return true;
}

static bool
read_place(const struct mt_str *w, struct mt_place *place)
{
	uint64_t n[6];

	if (!read_nums(w, 6, n))
		return false;
	*place = (struct mt_place){ n[0], n[1], n[2], n[3], n[4], n[5] };
	return true;
}

static bool
read_seen(const struct mt_str *w, size_t n, struct mt_tailed_source *s)
{
	size_t i;

	if (!mt_num_read(w[0], UINT64_MAX, &s->back))
		return false;
	for (i = 1; i < n; i++)
		if (w[i].n != 16 || !mt_keep_hex(w[i], &s->seen[i - 1]))
			return false;
	s->n_seen = n - 1;
	return true;
}

static bool
read_unknown(const struct mt_str *w, struct mt_tailed_source *s)
{
	struct mt_tailed_unknown *u = &s->unknown[s->n_unknown];

	if (s->n_unknown == MT_TAILED_UNKNOWN || w[1].n >= sizeof(u->program) ||
	    !mt_num_read(w[0], UINT64_MAX, &u->lines))
		return false;
	memcpy(u->program, w[1].p, w[1].n);
	s->n_unknown++;
	return true;
}

static bool
read_counts(const struct mt_str *w, struct mt_tailed_counts *c)
{
	uint64_t n[COUNTS];

	if (!read_nums(w, COUNTS, n))
		return false;
	memcpy(c, n, sizeof(n));
	return true;
}

static bool
read_line(struct mt_str line, struct mt_tailed *t)
{
	struct mt_tailed_source *s;
	struct mt_str w[WORDS];
	size_t n = mt_keep_words(line, w, WORDS);
	char *name;
	uint64_t since;

	if (n == 2 && mt_str_eqz(w[0], "boot") && w[1].n <= MT_BOOT_ID) {
		memcpy(t->boot, w[1].p, w[1].n);
		return true;
	}
	if (n == 2 && mt_str_eqz(w[0], "since") &&
	    mt_num_read(w[1], INT64_MAX, &since)) {
		t->since = (int64_t)since;
		return true;
	}
	if (n == 2 && mt_str_eqz(w[0], "source")) {
		name = mt_str_dup(w[1]);
		(void)mt_tailed_add(t, name);
		mt_free(name);
		return true;
	}
	if (t->n == 0 || n > WORDS)
		return false;
	s = &t->sources[t->n - 1];
	if (n == 7 && mt_str_eqz(w[0], "place"))
		return s->placed = read_place(&w[1], &s->place);
	if (n == 7 && mt_str_eqz(w[0], "safe"))
		return read_place(&w[1], &s->safe);
	if (n >= 2 && mt_str_eqz(w[0], "seen"))
		return read_seen(&w[1], n - 1, s);
	if (n == 1 + COUNTS && mt_str_eqz(w[0], "count"))
		return read_counts(&w[1], &s->counts);
	return n == 3 && mt_str_eqz(w[0], "unknown") && read_unknown(&w[1], s);
}

static enum mt_rc
parse(struct mt_str text, struct mt_tailed *t, struct mt_err *err)
{
	struct mt_str line;
	unsigned number = 1;

	(void)mt_str_cut(text, '\n', &line, &text);
	if (!mt_str_eqz(line, "mailtrail-tail 1"))
		return mt_fail(
		    err, MT_FORMAT, "%s:1: unknown version", FILE_NAME);
	while (text.n > 0) {
		number++;
		(void)mt_str_cut(text, '\n', &line, &text);
		if (!read_line(line, t))
			return mt_fail(err, MT_FORMAT, "%s:%u: not understood",
			    FILE_NAME, number);
	}
	return MT_OK;
}

enum mt_rc
mt_tailed_read(int dir_fd, struct mt_tailed *ret_tailed, struct mt_err *err)
{
	struct mt_tailed t = { .n = 0 };
	struct mt_buf text;
	enum mt_rc rc;

	mt_buf_init(&text, STATE_MAX);
	rc = mt_keep_read(dir_fd, FILE_NAME, &text, &t.at, err);
	if (rc == MT_OK)
		rc = parse(mt_buf_view(&text), &t, err);
	mt_buf_done(&text);
	if (rc != MT_OK) {
		mt_tailed_done(&t);
		return rc;
	}
	*ret_tailed = t;
	return MT_OK;
}

static void
print_place(const char *word, const struct mt_place *p, struct mt_buf *out)
{
	mt_buf_printf(out,
	    "%s %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64
	    " %" PRIu64 "\n",
	    word, p->dev, p->ino, p->offset, p->until, p->checked, p->sum);
}

static void
print_source(const struct mt_tailed_source *s, struct mt_buf *out)
{
	uint64_t counts[COUNTS];
	size_t i;

	mt_buf_printf(out, "source %s\n", s->name);
	if (s->placed) {
		print_place("place", &s->place, out);
		print_place("safe", &s->safe, out);
	}
	if (s->n_seen > 0) {
		mt_buf_printf(out, "seen %" PRIu64, s->back);
		for (i = 0; i < s->n_seen; i++)
			mt_buf_printf(out, " %016" PRIx64, s->seen[i]);
		mt_buf_c(out, '\n');
	}
	memcpy(counts, &s->counts, sizeof(counts));
	mt_buf_z(out, "count");
	for (i = 0; i < COUNTS; i++)
		mt_buf_printf(out, " %" PRIu64, counts[i]);
	mt_buf_c(out, '\n');
	for (i = 0; i < s->n_unknown; i++)
		mt_buf_printf(out, "unknown %" PRIu64 " %s\n",
		    s->unknown[i].lines, s->unknown[i].program);
}

enum mt_rc
mt_tailed_write(int dir_fd, const struct mt_tailed *tailed, struct mt_err *err)
{
	char boot[MT_BOOT_ID + 1];
	struct mt_buf text;
	enum mt_rc rc;
	size_t i;

	mt_buf_init(&text, STATE_MAX);
	mt_buf_z(&text, "mailtrail-tail 1\n");
	mt_state_boot(boot);
	if (boot[0] != '\0')
		mt_buf_printf(&text, "boot %s\n", boot);
	mt_buf_printf(&text, "since %" PRId64 "\n", tailed->since);
	for (i = 0; i < tailed->n; i++)
		print_source(&tailed->sources[i], &text);
	rc = mt_keep_write(dir_fd, FILE_NAME, &text, true, err);
	mt_buf_done(&text);
	return rc;
}
