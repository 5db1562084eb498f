/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/limits.h"
#include "base/mem.h"
#include "token/random.h"
#include "token/ring.h"
#include "token/text64.h"

#define KEY_TEXT 45 /* base64 of a key and NUL */
#define SUFFIX ".new"

static const char head[] =
    "# Keys that sign Mailtrail's tokens; `mailtrail key rotate` adds one.\n"
    "# <id> <created> <base64 of 32 bytes> [active]\n";

/* A change of the file: one at a time, as long as its directory is locked. */
struct change {
	const char *path;
	char *dir; /* owned */
	char *new_path; /* owned */
	int dir_fd;
};

static enum mt_rc
begin(struct change *change, const char *path, struct mt_err *err)
{
	struct mt_str dir, base;
	struct mt_buf text;

	*change = (struct change){ .path = path, .dir_fd = -1 };
	if (!mt_str_cut_last(mt_str(path), '/', &dir, &base))
		dir = MT_LIT(".");
	else if (dir.n == 0)
		dir = MT_LIT("/");
	change->dir = mt_str_dup(dir);
	mt_buf_init(&text, strlen(path) + sizeof(SUFFIX));
	mt_buf_z(&text, path);
	mt_buf_z(&text, SUFFIX);
	change->new_path = mt_buf_take(&text);
	mt_buf_done(&text);
	change->dir_fd = open(change->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (change->dir_fd < 0 || flock(change->dir_fd, LOCK_EX) != 0)
		return mt_fail(
		    err, MT_CONFIG, "%s: %s", change->dir, strerror(errno));
	return MT_OK;
}

static void
end(struct change *change)
{
	if (change->dir_fd >= 0)
		(void)close(change->dir_fd);
	mt_free(change->dir);
	mt_free(change->new_path);
}

static void
print_key(struct mt_buf *out, const struct mt_key_info *info,
    const uint8_t *secret, bool active)
{
	char created[MT_TIME_LEN + 1];
	char text[KEY_TEXT];

	mt_time_write(info->created, 'T', true, created);
	mt_text64_write(MT_TEXT64_PLAIN, secret, MT_MAC_KEY, text);
	mt_buf_printf(out, "%u %s %s%s\n", info->id, created, text,
	    active ? " active" : "");
	mt_wipe(text, sizeof(text));
}

static bool
write_all(int fd, const char *p, size_t n)
{
	ssize_t done;

	while (n > 0) {
		done = write(fd, p, n);
		if (done < 0 && errno == EINTR)
			continue;
		if (done <= 0)
			return false;
		p += done;
		n -= (size_t)done;
	}
	return true;
}

/*
 * Put text in the place of the file. like: whose owner and mode it gets; NULL:
 * ours, with the directory's group when we may.
 */
static enum mt_rc
replace(const struct change *change, struct mt_str text,
    const struct stat *like, struct mt_err *err)
{
	struct stat dir;
	int fd, bad;

	(void)unlink(change->new_path); /* of one that was killed */
	fd = open(change->new_path,
	    O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return mt_fail_sys(err, "%s", change->new_path);
	if (like != NULL)
		bad = fchown(fd, like->st_uid, like->st_gid);
	else if (fstat(change->dir_fd, &dir) == 0 &&
	    fchown(fd, (uid_t)-1, dir.st_gid) != 0 && errno != EPERM)
		bad = -1;
	else
		bad = 0;
	if (bad != 0 ||
	    fchmod(fd, like != NULL ? like->st_mode & 0740 : 0640) != 0 ||
	    !write_all(fd, text.p, text.n) || fsync(fd) != 0 ||
	    rename(change->new_path, change->path) != 0) {
		(void)mt_fail_sys(err, "%s", change->new_path);
		(void)unlink(change->new_path);
		(void)close(fd);
		return MT_SYSTEM;
	}
	(void)close(fd);
	if (fsync(change->dir_fd) != 0)
		return mt_fail_sys(err, "%s", change->dir);
	return MT_OK;
}

static enum mt_rc
add_new(struct mt_buf *out, unsigned id, int64_t created, struct mt_err *err)
{
	struct mt_key_info info = { .id = id, .created = created };
	uint8_t secret[MT_MAC_KEY];

	if (mt_random(secret, sizeof(secret), err) != MT_OK)
		return err->rc;
	print_key(out, &info, secret, true);
	mt_wipe(secret, sizeof(secret));
	return MT_OK;
}

enum mt_rc
mt_keys_create(const char *path, int64_t now, struct mt_err *err)
{
	struct change change;
	struct mt_buf text;
	enum mt_rc rc;
	struct stat st;

	mt_buf_init(&text, MT_MAX_SECRET);
	mt_buf_z(&text, head);
	rc = begin(&change, path, err);
	if (rc == MT_OK && lstat(path, &st) == 0)
		rc = mt_fail(err, MT_CONFIG,
		    "%s: exists already; `mailtrail key rotate` adds a key",
		    path);
	if (rc == MT_OK)
		rc = add_new(&text, 0, now, err);
	if (rc == MT_OK)
		rc = replace(&change, mt_buf_view(&text), NULL, err);
	end(&change);
	mt_wipe(text.p, text.n);
	mt_buf_done(&text);
	return rc;
}

/* The ring's text with a new active key and without what may go. */
static enum mt_rc
print_rotated(const struct mt_keys *ring, int64_t now, int64_t keep_from,
    struct mt_buf *out, unsigned *ret_id, unsigned *ret_dropped,
    struct mt_err *err)
{
	bool used[MT_KEYS_MAX] = { false };
	const struct mt_key_info *info;
	unsigned id, dropped = 0;
	size_t i;

	mt_buf_z(out, head);
	for (i = 0; i < ring->n; i++) {
		info = &ring->keys[i].info;
		if (info->retired != 0 && info->retired < keep_from) {
			dropped++;
			continue;
		}
		used[info->id] = true;
		print_key(out, info, ring->keys[i].secret, false);
		/* The order of keys is that of their times. */
		if (now <= info->created)
			now = info->created + 1;
	}
	/* The next number: one that was dropped long ago comes back last. */
	id = ring->keys[ring->n - 1].info.id;
	for (i = 0; i < MT_KEYS_MAX; i++) {
		id = (id + 1) % MT_KEYS_MAX;
		if (!used[id])
			break;
	}
	if (i == MT_KEYS_MAX)
		return mt_fail(err, MT_LIMIT,
		    "%s: all 16 keys are still needed; rotate less often",
		    ring->path);
	*ret_id = id;
	*ret_dropped = dropped;
	return add_new(out, id, now, err);
}

enum mt_rc
mt_keys_rotate(const char *path, int64_t now, int64_t keep_from,
    unsigned *ret_id, unsigned *ret_dropped, struct mt_err *err)
{
	unsigned id = 0, dropped = 0;
	struct mt_keys *ring = NULL;
	struct change change;
	struct mt_buf text;
	enum mt_rc rc;

	mt_buf_init(&text, MT_MAX_SECRET);
	rc = begin(&change, path, err);
	if (rc == MT_OK)
		rc = mt_keys_load(path, &ring, err);
	if (rc == MT_OK)
		rc = print_rotated(
		    ring, now, keep_from, &text, &id, &dropped, err);
	if (rc == MT_OK)
		rc = replace(&change, mt_buf_view(&text), &ring->seen, err);
	end(&change);
	mt_keys_unref(ring);
	mt_wipe(text.p, text.n);
	mt_buf_done(&text);
	if (rc != MT_OK)
		return rc;
	*ret_id = id;
	if (ret_dropped != NULL)
		*ret_dropped = dropped;
	return MT_OK;
}
