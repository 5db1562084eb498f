/* SPDX-License-Identifier: BSD-2-Clause */
#include <sys/stat.h>

#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/str.h"
#include "base/sum.h"
#include "rotated.h"

#define FILES_MAX 4096
#define LISTINGS 20 /* until two agree */
#define NS INT64_C(1000000000)

/* What stands behind the file's own name; NULL: it is none of its selves. */
static const char *
ending(const char *name, const char *base)
{
	size_t n = strlen(base);

	if (strncmp(name, base, n) != 0 || (name[n] != '.' && name[n] != '-') ||
	    !mt_is_digit(name[n + 1]))
		return NULL;
	return name + n + 1;
}

static bool
is_compressed(const char *end)
{
	static const char *const known[] = { ".gz", ".xz", ".bz2", ".zst",
		".lz4", ".Z" };
	size_t i, n = strspn(end, "0123456789-._T");

	/* The dot before "gz" is among those. */
	for (i = 0; n > 0 && i < sizeof(known) / sizeof(known[0]); i++)
		if (strcmp(end + n - 1, known[i]) == 0)
			return true;
	return false;
}

static bool
is_plain(const char *end)
{
	return end[strspn(end, "0123456789-._T")] == '\0';
}

static bool
look(int dir_fd, const char *name, const char *base, struct rotated *out)
{
	const char *end = ending(name, base);
	struct stat st;

	if (end == NULL || strlen(name) >= sizeof(out->name) ||
	    (!is_plain(end) && !is_compressed(end)) ||
	    fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) != 0 ||
	    !S_ISREG(st.st_mode))
		return false;
	*out = (struct rotated){
		.dev = st.st_dev,
		.ino = st.st_ino,
		.ns = (int64_t)st.st_mtim.tv_sec * NS + st.st_mtim.tv_nsec,
		.size = (uint64_t)st.st_size,
		.compressed = !is_plain(end),
	};
	memcpy(out->name, name, strlen(name) + 1);
	return true;
}

/* mail.log.2 is older than mail.log.1, -20261120 than -20261121. */
static int
compare_names(const char *a, const char *b)
{
	size_t n = strlen(a), m = strlen(b);

	if (strchr(a, '-') == NULL && strchr(b, '-') == NULL) {
		if (n != m)
			return n < m ? 1 : -1;
		return -strcmp(a, b);
	}
	return strcmp(a, b);
}

static int
compare(const void *a, const void *b)
{
	const struct rotated *x = a, *y = b;

	if (x->ns != y->ns)
		return x->ns < y->ns ? -1 : 1;
	return compare_names(x->name, y->name);
}

static void
list_once(const char *dir, const char *base, struct rotated_list *out)
{
	struct rotated found;
	struct dirent *e;
	DIR *d = opendir(dir);

	*out = (struct rotated_list){ NULL, 0 };
	if (d == NULL)
		return;
	while (out->n < FILES_MAX && (e = readdir(d)) != NULL) {
		if (!look(dirfd(d), e->d_name, base, &found))
			continue;
		out->files = mt_realloc_array(
		    out->files, out->n + 1, sizeof(*out->files));
		out->files[out->n++] = found;
	}
	(void)closedir(d);
	if (out->n > 1)
		qsort(out->files, out->n, sizeof(*out->files), compare);
}

static bool
is_same(const struct rotated_list *a, const struct rotated_list *b)
{
	size_t i;

	if (a->n != b->n)
		return false;
	for (i = 0; i < a->n; i++)
		if (a->files[i].ino != b->files[i].ino ||
		    strcmp(a->files[i].name, b->files[i].name) != 0)
			return false;
	return true;
}

void
rotated_list(const char *dir, const char *base, struct rotated_list *out)
{
	struct rotated_list before;
	unsigned i;

	list_once(dir, base, out);
	for (i = 0; i < LISTINGS; i++) {
		before = *out;
		list_once(dir, base, out);
		if (is_same(&before, out))
			break;
		rotated_done(&before);
	}
	if (i < LISTINGS)
		rotated_done(&before);
}

void
rotated_done(struct rotated_list *list)
{
	mt_free(list->files);
	*list = (struct rotated_list){ NULL, 0 };
}

static bool
sum_before(int fd, uint64_t offset, uint64_t n, uint64_t *ret_sum)
{
	char bytes[ROTATED_CHECK];

	if (n > sizeof(bytes) || n > offset ||
	    pread(fd, bytes, n, (off_t)(offset - n)) != (ssize_t)n)
		return false;
	*ret_sum = mt_sum(0, bytes, n);
	return true;
}

bool
rotated_is(int fd, const struct mt_place *place)
{
	struct stat st;
	uint64_t sum;

	if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))
		return false;
	if (place->until == 0)
		return place->dev == st.st_dev && place->ino == st.st_ino;
	return place->checked > 0 &&
	    sum_before(fd, place->until, place->checked, &sum) &&
	    sum == place->sum;
}
