/* SPDX-License-Identifier: BSD-2-Clause */
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/limits.h"
#include "base/log.h"
#include "base/mem.h"
#include "mail/address.h"
#include "mail/ignore.h"

#define FILE_MAX (16u << 20)

struct mt_ignore {
	struct mt_buf texts; /* owned; "address\0@domain\0" */
	const char **sorted; /* owned; into texts */
	size_t n;
};

static enum mt_rc
add_word(struct mt_ignore *ignore, struct mt_str word, struct mt_err *err)
{
	size_t before = ignore->texts.n;

	if (word.n > 1 && word.n <= MT_MAX_ADDRESS && word.p[0] == '@') {
		mt_buf_c(&ignore->texts, '@');
		mt_domain_key(mt_str_n(word.p + 1, word.n - 1), &ignore->texts);
	} else if (!mt_address_key(word, &ignore->texts)) {
		ignore->texts.n = before;
		return mt_fail(err, MT_CONFIG,
		    "%s: not an address, @domain or /path", mt_quote(word).s);
	}
	mt_buf_c(&ignore->texts, '\0');
	ignore->n++;
	return MT_OK;
}

static enum mt_rc
add_lines(struct mt_ignore *ignore, struct mt_str text, const char *path,
    struct mt_err *err)
{
	struct mt_str line;
	unsigned number = 0;

	while (text.n > 0) {
		(void)mt_str_cut(text, '\n', &line, &text);
		number++;
		line = mt_str_trim(line);
		if (line.n == 0 || line.p[0] == '#')
			continue;
		if (add_word(ignore, line, err) != MT_OK) {
			mt_err_in(err, "%s:%u", path, number);
			return err->rc;
		}
	}
	return MT_OK;
}

static enum mt_rc
add_file(struct mt_ignore *ignore, const char *path, struct mt_err *err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct mt_buf text;
	char bytes[16384];
	ssize_t n = -1;

	mt_buf_init(&text, FILE_MAX);
	while (fd >= 0 && (n = read(fd, bytes, sizeof(bytes))) > 0)
		mt_buf_add(&text, bytes, (size_t)n);
	if (n < 0) {
		mt_err_put_sys(err, "%s", path);
		err->rc = MT_CONFIG;
	} else if (mt_buf_over(&text)) {
		(void)mt_fail(
		    err, MT_CONFIG, "%s: larger than %u bytes", path, FILE_MAX);
	} else {
		err->rc = MT_OK;
		(void)add_lines(ignore, mt_buf_view(&text), path, err);
	}
	if (fd >= 0)
		(void)close(fd);
	mt_buf_done(&text);
	return err->rc;
}

static int
compare(const void *a, const void *b)
{
	const char *const *x = a, *const *y = b;

	return strcmp(*x, *y);
}

static void
sort(struct mt_ignore *ignore)
{
	const char *p = ignore->texts.p;
	size_t i;

	ignore->sorted = mt_alloc_array(ignore->n + 1, sizeof(p));
	for (i = 0; i < ignore->n; i++) {
		ignore->sorted[i] = p;
		p += strlen(p) + 1;
	}
	qsort(ignore->sorted, ignore->n, sizeof(p), compare);
}

enum mt_rc
mt_ignore_load(
    struct mt_str option, struct mt_ignore **ret_ignore, struct mt_err *err)
{
	struct mt_str word, rest = mt_str_trim(option);
	struct mt_ignore *ignore;
	enum mt_rc rc = MT_OK;
	char *path;

	*ret_ignore = NULL;
	if (rest.n == 0)
		return MT_OK;
	ignore = mt_alloc(sizeof(*ignore));
	mt_buf_init(&ignore->texts, SIZE_MAX / 2);
	while (rc == MT_OK && rest.n > 0) {
		(void)mt_str_cut(rest, ' ', &word, &rest);
		if (word.n > 0 && word.p[0] == '/') {
			path = mt_str_dup(word);
			rc = add_file(ignore, path, err);
			mt_free(path);
		} else if (word.n > 0) {
			rc = add_word(ignore, word, err);
		}
	}
	if (rc != MT_OK) {
		mt_ignore_free(ignore);
		return rc;
	}
	sort(ignore);
	*ret_ignore = ignore;
	return MT_OK;
}

void
mt_ignore_free(struct mt_ignore *ignore)
{
	if (ignore == NULL)
		return;
	mt_buf_done(&ignore->texts);
	mt_free(ignore->sorted);
	mt_free(ignore);
}

static bool
has(const struct mt_ignore *ignore, const char *key)
{
	return ignore->n > 0 &&
	    bsearch(&key, ignore->sorted, ignore->n, sizeof(key), compare) !=
	    NULL;
}

bool
mt_ignore_has(const struct mt_ignore *ignore, struct mt_str address)
{
	struct mt_buf key;
	const char *domain;
	bool found = false;

	if (ignore == NULL)
		return false;
	mt_buf_init(&key, MT_MAX_ADDRESS + 1);
	if (mt_address_key(mt_address_strip(address), &key)) {
		domain = strrchr(key.p, '@');
		found = has(ignore, key.p) ||
		    (domain != NULL && has(ignore, domain));
	}
	mt_buf_done(&key);
	return found;
}
