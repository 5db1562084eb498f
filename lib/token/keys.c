/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/num.h"
#include "token/ring.h"
#include "token/text64.h"

#define WORDS_MAX 4 /* of a line */

enum mt_rc
mt_ring_open(
    const char *path, int *ret_fd, struct stat *ret_stat, struct mt_err *err)
{
	enum mt_rc rc;
	struct stat st;
	int fd;

	/* O_NONBLOCK: a FIFO by that name must not stop us. */
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0 && errno == ENOENT)
		return mt_fail(err, MT_ABSENT, "%s: no such file", path);
	if (fd < 0)
		return mt_fail(err, MT_CONFIG, "%s: %s", path, strerror(errno));
	if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))
		rc = mt_fail(err, MT_CONFIG, "%s: not a regular file", path);
	else if ((st.st_mode & 0007) != 0)
		rc = mt_fail(err, MT_CONFIG,
		    "%s: mode %04o opens it to everybody; chmod 0640", path,
		    (unsigned)st.st_mode & 07777);
	else if ((st.st_mode & 0020) != 0)
		rc = mt_fail(err, MT_CONFIG,
		    "%s: mode %04o lets its group write; chmod 0640", path,
		    (unsigned)st.st_mode & 07777);
	else {
		*ret_fd = fd;
		*ret_stat = st;
		return MT_OK;
	}
	(void)close(fd);
	return rc;
}

enum mt_rc
mt_ring_read(int fd, const char *path, char *out, size_t max, size_t *ret_n,
    struct mt_err *err)
{
	size_t n = 0;
	ssize_t got;

	while (n < max) {
		got = read(fd, out + n, max - n);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return mt_fail(
			    err, MT_CONFIG, "%s: %s", path, strerror(errno));
		if (got == 0)
			break;
		n += (size_t)got;
	}
	if (n == max)
		return mt_fail(
		    err, MT_CONFIG, "%s: larger than %zu bytes", path, max - 1);
	*ret_n = n;
	return MT_OK;
}

/* Words of a line, at most max; more are counted but not kept. */
static size_t
split(struct mt_str line, struct mt_str *words, size_t max)
{
	size_t i = 0, start, n = 0;

	for (;;) {
		while (i < line.n && mt_is_space(line.p[i]))
			i++;
		if (i == line.n)
			return n;
		for (start = i; i < line.n && !mt_is_space(line.p[i]); i++)
			;
		if (n < max)
			words[n] = mt_str_n(line.p + start, i - start);
		n++;
	}
}

static enum mt_rc
read_key(struct mt_keys *ring, struct mt_str line, struct mt_err *err)
{
	struct mt_str words[WORDS_MAX];
	struct mt_key *key;
	uint64_t id;
	size_t n;

	n = split(line, words, WORDS_MAX);
	if (n < 3 || n > 4 || (n == 4 && !mt_str_eqz(words[3], "active")))
		return mt_fail(err, MT_CONFIG,
		    "not '<id> <created> <base64 of 32 bytes> [active]'");
	if (!mt_num_read(words[0], MT_KEYS_MAX - 1, &id))
		return mt_fail(err, MT_CONFIG, "id: not a number from 0 to 15");
	if (ring->by_id[id] != NULL)
		return mt_fail(err, MT_CONFIG,
		    "id: %u stands here a second time", (unsigned)id);
	key = &ring->keys[ring->n];
	if (!mt_time_read(words[1], &key->info.created) ||
	    key->info.created <= 0)
		return mt_fail(err, MT_CONFIG,
		    "created: not a time such as 2026-11-20T16:41:37Z");
	if (!mt_text64_read(MT_TEXT64_PLAIN, words[2], key->secret, MT_MAC_KEY))
		return mt_fail(err, MT_CONFIG, "key: not 32 bytes in base64");
	key->info.id = (unsigned)id;
	key->info.active = n == 4;
	ring->by_id[id] = key;
	ring->n++;
	return MT_OK;
}

static enum mt_rc
read_lines(struct mt_keys *ring, struct mt_str text, struct mt_err *err)
{
	struct mt_str line, rest = text;
	unsigned n = 0;

	while (rest.n > 0) {
		n++;
		(void)mt_str_cut(rest, '\n', &line, &rest);
		line = mt_str_trim(line);
		if (line.n == 0 || line.p[0] == '#')
			continue;
		if (read_key(ring, line, err) != MT_OK) {
			mt_err_in(err, "%s:%u", ring->path, n);
			return err->rc;
		}
	}
	return MT_OK;
}

/* Into order of creation; ids of one time by id, so that all agree. */
static void
sort(struct mt_keys *ring)
{
	struct mt_key key;
	size_t i, at;

	for (i = 1; i < ring->n; i++) {
		key = ring->keys[i];
		for (at = i; at > 0; at--) {
			const struct mt_key_info *before =
			    &ring->keys[at - 1].info;

			if (before->created < key.info.created ||
			    (before->created == key.info.created &&
				before->id < key.info.id))
				break;
			ring->keys[at] = ring->keys[at - 1];
		}
		ring->keys[at] = key;
	}
	mt_wipe(&key, sizeof(key));
}

static enum mt_rc
link_keys(struct mt_keys *ring, struct mt_err *err)
{
	struct mt_key *key;
	size_t i;

	sort(ring);
	for (i = 0; i < ring->n; i++) {
		key = &ring->keys[i];
		key->mac = mt_mac_new(key->secret);
		ring->by_id[key->info.id] = key;
		if (!key->info.active)
			continue;
		if (ring->active != NULL)
			return mt_fail(err, MT_CONFIG,
			    "%s: keys %u and %u are both active", ring->path,
			    ring->active->info.id, key->info.id);
		ring->active = key;
	}
	if (ring->active == NULL)
		return mt_fail(
		    err, MT_CONFIG, "%s: no key is active", ring->path);
	/* What is newer than the active key waits for its turn. */
	for (i = 0; i + 1 < ring->n && &ring->keys[i] != ring->active; i++)
		ring->keys[i].info.retired = ring->keys[i + 1].info.created;
	return MT_OK;
}

enum mt_rc
mt_keys_parse(const char *path, struct mt_str text, struct mt_keys **ret_keys,
    struct mt_err *err)
{
	struct mt_keys *ring = mt_alloc(sizeof(*ring));

	atomic_init(&ring->refs, 1);
	ring->path = mt_dupz(path);
	if (read_lines(ring, text, err) != MT_OK ||
	    link_keys(ring, err) != MT_OK) {
		mt_keys_unref(ring);
		return err->rc;
	}
	*ret_keys = ring;
	return MT_OK;
}

enum mt_rc
mt_keys_load(const char *path, struct mt_keys **ret_keys, struct mt_err *err)
{
	char text[MT_MAX_SECRET + 1];
	struct stat st;
	enum mt_rc rc;
	size_t n = 0;
	int fd;

	rc = mt_ring_open(path, &fd, &st, err);
	if (rc == MT_ABSENT)
		return mt_fail(err, MT_CONFIG,
		    "%s: no such file; `mailtrail key new` makes it", path);
	if (rc != MT_OK)
		return rc;
	rc = mt_ring_read(fd, path, text, sizeof(text), &n, err);
	(void)close(fd);
	if (rc == MT_OK)
		rc = mt_keys_parse(path, mt_str_n(text, n), ret_keys, err);
	if (rc == MT_OK)
		(*ret_keys)->seen = st;
	mt_wipe(text, sizeof(text));
	return rc;
}

struct mt_keys *
mt_keys_ref(struct mt_keys *keys)
{
	(void)atomic_fetch_add(&keys->refs, 1);
	return keys;
}

void
mt_keys_unref(struct mt_keys *keys)
{
	size_t i;

	if (keys == NULL || atomic_fetch_sub(&keys->refs, 1) > 1)
		return;
	for (i = 0; i < keys->n; i++)
		mt_mac_free(keys->keys[i].mac);
	mt_free(keys->path);
	mt_wipe(keys, sizeof(*keys));
	mt_free(keys);
}

bool
mt_keys_stale(const struct mt_keys *keys)
{
	const struct stat *seen = &keys->seen;
	struct stat st;

	if (stat(keys->path, &st) != 0)
		return true;
	return st.st_dev != seen->st_dev || st.st_ino != seen->st_ino ||
	    st.st_size != seen->st_size || st.st_mode != seen->st_mode ||
	    st.st_mtim.tv_sec != seen->st_mtim.tv_sec ||
	    st.st_mtim.tv_nsec != seen->st_mtim.tv_nsec;
}

size_t
mt_keys_n(const struct mt_keys *keys)
{
	return keys->n;
}

struct mt_key_info
mt_keys_at(const struct mt_keys *keys, size_t i)
{
	return keys->keys[i].info;
}
