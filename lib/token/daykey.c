/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "token/daykey.h"
#include "token/random.h"
#include "token/ring.h"
#include "token/text64.h"

#define DATE_LEN 10
#define KEY_TEXT 44
#define LINE_LEN (DATE_LEN + 1 + KEY_TEXT + 1)
#define PREFIX_4 24 /* bits of the network that may be told apart */
#define PREFIX_6 48

struct mt_daykey {
	pthread_mutex_t lock;
	char *path; /* owned */
	struct mt_mac *mac; /* NULL: no key of that day */
	int64_t day; /* since 1970 */
};

struct mt_daykey *
mt_daykey_new(const char *path)
{
	struct mt_daykey *key = mt_alloc(sizeof(*key));

	(void)pthread_mutex_init(&key->lock, NULL);
	key->path = mt_dupz(path);
	return key;
}

void
mt_daykey_free(struct mt_daykey *key)
{
	if (key == NULL)
		return;
	mt_mac_free(key->mac);
	(void)pthread_mutex_destroy(&key->lock);
	mt_free(key->path);
	mt_free(key);
}

static void
date_of(int64_t day, char *out)
{
	char text[MT_TIME_LEN + 1];

	mt_time_write(day * MT_DAY, 'T', true, text);
	memcpy(out, text, DATE_LEN);
}

/* Open and lock; the lock goes with the descriptor. */
static enum mt_rc
open_file(const char *path, int flags, int *ret_fd, struct mt_err *err)
{
	enum mt_rc rc;
	struct stat st;
	int fd;

	fd = open(
	    path, O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | flags, 0600);
	if (fd < 0 && errno == ENOENT && (flags & O_CREAT) == 0)
		return mt_fail(err, MT_ABSENT, "%s: no such file", path);
	if (fd < 0)
		return mt_fail(err, MT_CONFIG, "%s: %s", path, strerror(errno));
	if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))
		rc = mt_fail(err, MT_CONFIG, "%s: not a regular file", path);
	else if ((st.st_mode & 0007) != 0)
		rc = mt_fail(err, MT_CONFIG,
		    "%s: mode %04o opens it to everybody; chmod 0600", path,
		    (unsigned)st.st_mode & 07777);
	else if (flock(fd, LOCK_EX) != 0)
		rc = mt_fail_sys(err, "%s", path);
	else {
		*ret_fd = fd;
		return MT_OK;
	}
	(void)close(fd);
	return rc;
}

/* Whose day the line in the file is, by its text; false: nobody's. */
static bool
read_line(int fd, char *line, uint8_t *secret)
{
	return pread(fd, line, LINE_LEN, 0) == LINE_LEN &&
	    line[DATE_LEN] == ' ' && line[LINE_LEN - 1] == '\n' &&
	    mt_text64_read(MT_TEXT64_PLAIN,
		mt_str_n(line + DATE_LEN + 1, KEY_TEXT), secret, MT_MAC_KEY);
}

static enum mt_rc
overwrite(
    int fd, const char *path, const char *line, off_t keep, struct mt_err *err)
{
	ssize_t n;

	do
		n = pwrite(fd, line, LINE_LEN, 0);
	while (n < 0 && errno == EINTR);
	if (n != LINE_LEN || ftruncate(fd, keep) != 0 || fdatasync(fd) != 0)
		return mt_fail_sys(err, "%s", path);
	return MT_OK;
}

static enum mt_rc
make_key(int fd, const char *path, const char *date, uint8_t *secret,
    struct mt_err *err)
{
	char line[LINE_LEN + 1];
	enum mt_rc rc;

	if (mt_random(secret, MT_MAC_KEY, err) != MT_OK)
		return err->rc;
	memcpy(line, date, DATE_LEN);
	line[DATE_LEN] = ' ';
	mt_text64_write(
	    MT_TEXT64_PLAIN, secret, MT_MAC_KEY, line + DATE_LEN + 1);
	line[LINE_LEN - 1] = '\n';
	rc = overwrite(fd, path, line, LINE_LEN, err);
	mt_wipe(line, sizeof(line));
	return rc;
}

static enum mt_rc
share_key(
    int fd, const char *path, int64_t day, uint8_t *secret, struct mt_err *err)
{
	char line[LINE_LEN], date[DATE_LEN], tomorrow[DATE_LEN];
	enum mt_rc rc = MT_OK;

	date_of(day, date);
	date_of(day + 1, tomorrow);
	if (!read_line(fd, line, secret))
		memset(line, 0, sizeof(line));
	if (memcmp(line, tomorrow, DATE_LEN) == 0)
		rc = mt_fail(err, MT_ABSENT,
		    "%s: the key of %.10s was destroyed already", path, date);
	else if (memcmp(line, date, DATE_LEN) != 0)
		rc = make_key(fd, path, date, secret, err);
	mt_wipe(line, sizeof(line));
	return rc;
}

/* With the lock held. */
static enum mt_rc
turn(struct mt_daykey *key, int64_t day, struct mt_err *err)
{
	uint8_t secret[MT_MAC_KEY];
	enum mt_rc rc;
	int fd;

	if (key->mac != NULL && key->day == day)
		return MT_OK;
	mt_mac_free(key->mac);
	key->mac = NULL;
	if ((rc = open_file(key->path, O_CREAT, &fd, err)) != MT_OK)
		return rc;
	rc = share_key(fd, key->path, day, secret, err);
	(void)close(fd);
	if (rc == MT_OK) {
		key->mac = mt_mac_new(secret);
		key->day = day;
	}
	mt_wipe(secret, sizeof(secret));
	return rc;
}

enum mt_rc
mt_daykey_turn(struct mt_daykey *key, int64_t now, struct mt_err *err)
{
	enum mt_rc rc;

	(void)pthread_mutex_lock(&key->lock);
	rc = turn(key, now / MT_DAY, err);
	(void)pthread_mutex_unlock(&key->lock);
	return rc;
}

enum mt_rc
mt_fingerprint_make(struct mt_daykey *key, int64_t now, const struct mt_ip *ip,
    enum mt_agent agent, const struct mt_token *token, char *out,
    struct mt_err *err)
{
	struct mt_ip net;
	char kind[2] = { (char)ip->family, (char)agent };
	uint8_t sum[MT_MAC_SUM];
	enum mt_rc rc;

	if (ip->family == 0)
		return mt_fail(err, MT_ABSENT, "no address");
	net = mt_ip_prefix(ip, ip->family == 4 ? PREFIX_4 : PREFIX_6);
	(void)pthread_mutex_lock(&key->lock);
	rc = turn(key, now / MT_DAY, err);
	if (rc == MT_OK) {
		const struct mt_str parts[] = {
			{ kind, sizeof(kind) },
			{ (const char *)net.b, sizeof(net.b) },
			{ (const char *)token->id, sizeof(token->id) },
		};
		mt_mac_sum(key->mac, parts, 3, sum);
	}
	(void)pthread_mutex_unlock(&key->lock);
	if (rc == MT_OK)
		mt_token_hex_of(sum, MT_FINGERPRINT_HEX / 2, out);
	mt_wipe(&net, sizeof(net));
	return rc;
}

enum mt_rc
mt_daykey_expire(const char *path, int64_t now, struct mt_err *err)
{
	static const char nothing[LINE_LEN];
	char line[LINE_LEN], today[DATE_LEN], tomorrow[DATE_LEN];
	uint8_t secret[MT_MAC_KEY];
	enum mt_rc rc;
	int fd;

	if ((rc = open_file(path, 0, &fd, err)) != MT_OK)
		return rc;
	date_of(now / MT_DAY, today);
	date_of(now / MT_DAY + 1, tomorrow);
	if (read_line(fd, line, secret) && memcmp(line, today, DATE_LEN) != 0 &&
	    memcmp(line, tomorrow, DATE_LEN) != 0)
		rc = overwrite(fd, path, nothing, 0, err);
	(void)close(fd);
	mt_wipe(line, sizeof(line));
	mt_wipe(secret, sizeof(secret));
	return rc;
}
