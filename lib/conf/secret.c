/* SPDX-License-Identifier: BSD-2-Clause */
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/limits.h"
#include "base/mem.h"
#include "conf/secret.h"

static enum mt_rc
read_secret(int fd, const char *path, struct mt_buf *out, struct mt_err *err)
{
	char chunk[MT_MAX_SECRET + 2];
	struct stat st;
	ssize_t n;

	if (fstat(fd, &st) != 0)
		return mt_fail_sys(err, "%s", path);
	if ((st.st_mode & 007) != 0)
		return mt_fail(err, MT_CONFIG,
		    "%s: open to everybody (mode %04o); chmod o= it", path,
		    (unsigned)(st.st_mode & 07777));
	n = read(fd, chunk, sizeof(chunk));
	if (n < 0)
		return mt_fail_sys(err, "%s", path);
	while (n > 0 && (chunk[n - 1] == '\n' || chunk[n - 1] == '\r'))
		n--;
	mt_buf_add(out, chunk, (size_t)n);
	mt_wipe(chunk, sizeof(chunk));
	if (mt_buf_over(out))
		return mt_fail(err, MT_CONFIG, "%s: longer than %d bytes", path,
		    MT_MAX_SECRET);
	if (out->n == 0)
		return mt_fail(err, MT_CONFIG, "%s: is empty", path);
	return MT_OK;
}

enum mt_rc
mt_secret_read(const char *path, struct mt_buf *out, struct mt_err *err)
{
	enum mt_rc rc;
	int fd;

	mt_buf_init(out, MT_MAX_SECRET);
	if ((fd = open(path, O_RDONLY | O_CLOEXEC)) < 0)
		rc = mt_fail_sys(err, "%s", path);
	else
		rc = read_secret(fd, path, out, err);
	if (fd >= 0)
		(void)close(fd);
	if (rc != MT_OK) {
		mt_secret_done(out);
		return err->rc = MT_CONFIG;
	}
	return MT_OK;
}

enum mt_rc
mt_secret_option(struct mt_str path, struct mt_buf *out,
    struct mt_str *ret_text, struct mt_err *err)
{
	char *name;
	enum mt_rc rc;

	*ret_text = mt_str(NULL);
	if (path.n == 0)
		return MT_OK;
	mt_secret_done(out);
	name = mt_str_dup(path);
	rc = mt_secret_read(name, out, err);
	mt_free(name);
	if (rc == MT_OK)
		*ret_text = mt_buf_view(out);
	else
		mt_buf_init(out, 0);
	return rc;
}

void
mt_secret_done(struct mt_buf *secret)
{
	if (secret->cap > 0)
		mt_wipe(secret->p, secret->cap);
	mt_buf_done(secret);
}
