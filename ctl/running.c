/* SPDX-License-Identifier: BSD-2-Clause */
#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/num.h"
#include "base/str.h"
#include "running.h"

#define CMDLINE_MAX 4096

/* A file of a process, NUL-terminated; false when it cannot be read. */
static bool
read_file(pid_t pid, const char *name, char *out, size_t size, size_t *ret_n)
{
	char path[64];
	ssize_t n;
	int fd;

	(void)snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, name);
	if ((fd = open(path, O_RDONLY | O_CLOEXEC)) < 0)
		return false;
	n = read(fd, out, size - 1);
	(void)close(fd);
	if (n <= 0)
		return false;
	out[n] = '\0';
	*ret_n = (size_t)n;
	return true;
}

/* What follows "-c", in the same word or the next; absent without one. */
static struct mt_str
conf_option(const char *line, size_t n)
{
	const char *p = line, *end = line + n;

	/* The first word is the program. */
	for (p += strlen(p) + 1; p < end; p += strlen(p) + 1) {
		if (strncmp(p, "-c", 2) != 0)
			continue;
		if (p[2] != '\0')
			return mt_str(p + 2);
		p += 3;
		return p < end ? mt_str(p) : mt_str(NULL);
	}
	return mt_str(NULL);
}

static bool
is_conf(pid_t pid, struct mt_str said, const char *conf)
{
	char path[PATH_MAX];
	struct stat a, b;

	if (mt_str_eqz(said, conf))
		return true;
	if (said.p[0] == '/')
		(void)snprintf(path, sizeof(path), "%s", said.p);
	else
		(void)snprintf(
		    path, sizeof(path), "/proc/%d/cwd/%s", (int)pid, said.p);
	return stat(path, &a) == 0 && stat(conf, &b) == 0 &&
	    a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

static bool
is_ours(pid_t pid, const char *name, const char *conf, bool by_default)
{
	char line[CMDLINE_MAX], *base;
	struct mt_str said;
	size_t n;

	if (!read_file(pid, "cmdline", line, sizeof(line), &n))
		return false;
	base = strrchr(line, '/');
	if (strcmp(base != NULL ? base + 1 : line, name) != 0)
		return false;
	said = conf_option(line, n);
	return said.p == NULL ? by_default : is_conf(pid, said, conf);
}

/* "pid (name) S ...": the name may hold anything, even ")". */
static char
read_state(pid_t pid)
{
	char stat[1024], *end;
	size_t n;

	if (!read_file(pid, "stat", stat, sizeof(stat), &n) ||
	    (end = strrchr(stat, ')')) == NULL || end[1] == '\0')
		return '\0';
	return end[2];
}

struct ctl_running
ctl_running_find(const char *name, const char *conf, bool by_default)
{
	struct ctl_running found = { 0, false };
	struct dirent *e;
	uint64_t pid;
	char state;
	DIR *dir = opendir("/proc");

	if (dir == NULL)
		return found;
	while (found.pid == 0 && (e = readdir(dir)) != NULL) {
		if (!mt_num_read(mt_str(e->d_name), INT_MAX, &pid) ||
		    !is_ours((pid_t)pid, name, conf, by_default))
			continue;
		state = read_state((pid_t)pid);
		if (state == '\0' || state == 'Z' || state == 'X')
			continue;
		found.pid = (pid_t)pid;
		found.stopped = state == 'T' || state == 't';
	}
	(void)closedir(dir);
	return found;
}
