/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Runs a fuzz target over the files of its corpus directories, so that every
 * build checks the corpus, with any compiler. libFuzzer brings its own main.
 */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
replay_file(const char *path)
{
	struct stat st;
	uint8_t *data;
	size_t n;
	FILE *f = fopen(path, "rb");

	if (f == NULL || fstat(fileno(f), &st) != 0) {
		perror(path);
		exit(1);
	}
	n = (size_t)st.st_size;
	/* Exactly n bytes on the heap: a sanitizer sees a read beyond them. */
	data = malloc(n > 0 ? n : 1);
	if (data == NULL || fread(data, 1, n, f) != n) {
		perror(path);
		exit(1);
	}
	(void)fclose(f);
	(void)LLVMFuzzerTestOneInput(data, n);
	free(data);
}

static unsigned
replay_dir(const char *dir)
{
	char path[4096];
	struct dirent *entry;
	unsigned n = 0;
	DIR *d = opendir(dir);

	if (d == NULL) {
		perror(dir);
		exit(1);
	}
	while ((entry = readdir(d)) != NULL) {
		if (entry->d_name[0] == '.')
			continue;
		(void)snprintf(path, sizeof(path), "%s/%s", dir, entry->d_name);
		replay_file(path);
		n++;
	}
	(void)closedir(d);
	return n;
}

int
main(int argc, char **argv)
{
	unsigned n = 0;
	int i;

	for (i = 1; i < argc; i++)
		n += replay_dir(argv[i]);
	(void)printf("%u inputs\n", n);
	return n > 0 ? 0 : 1; /* an empty corpus tests nothing */
}
