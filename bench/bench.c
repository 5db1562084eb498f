/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/num.h"
#include "base/str.h"

#include "bench.h"

int64_t
bench_now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

void
bench_die(const char *fmt, ...)
{
	va_list ap;

	fprintf(stderr, "%s: ", program_invocation_short_name);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	exit(1);
}

void
bench_must(enum mt_rc rc, const struct mt_err *err)
{
	if (rc != MT_OK)
		bench_die("%s", err->msg);
}

uint64_t
bench_number(const char *what, const char *text, uint64_t max)
{
	uint64_t n;

	if (!mt_num_read(mt_str(text), max, &n))
		bench_die("%s: '%s' is no number up to %llu", what, text,
		    (unsigned long long)max);
	return n;
}

char *
bench_read_file(const char *path, size_t *ret_n)
{
	struct stat st;
	char *p;
	size_t n = 0;
	ssize_t got;
	int fd;

	if ((fd = open(path, O_RDONLY | O_CLOEXEC)) == -1 ||
	    fstat(fd, &st) == -1)
		bench_die("%s: cannot open it", path);
	p = mt_alloc((size_t)st.st_size + 1);
	while ((got = read(fd, p + n, (size_t)st.st_size - n)) > 0)
		n += (size_t)got;
	if (n != (size_t)st.st_size)
		bench_die("%s: cannot read it", path);
	close(fd);
	*ret_n = n;
	return p;
}

uint64_t
bench_status(const char *name)
{
	struct mt_str head, tail, digits;
	uint64_t kb;
	char line[256];
	FILE *f;

	if ((f = fopen("/proc/self/status", "re")) == NULL)
		bench_die("/proc/self/status: cannot open it");
	while (fgets(line, sizeof(line), f) != NULL) {
		if (!mt_str_cut(mt_str(line), ':', &head, &tail) ||
		    !mt_str_eqz(head, name))
			continue;
		mt_str_cut(mt_str_trim(tail), ' ', &digits, &tail);
		if (!mt_num_read(digits, UINT64_MAX / 1024, &kb))
			break;
		fclose(f);
		return kb * 1024;
	}
	bench_die("/proc/self/status: no %s", name);
}
