/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "child.h"

static enum mt_rc
start(const char *const *argv, bool both, const int *out, pid_t *ret_pid,
    struct mt_err *err)
{
	posix_spawn_file_actions_t files;
	posix_spawnattr_t attr;
	sigset_t defaults;
	int rc;

	(void)posix_spawn_file_actions_init(&files);
	(void)posix_spawn_file_actions_addopen(
	    &files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
	(void)posix_spawn_file_actions_adddup2(&files, out[1], STDOUT_FILENO);
	if (both)
		(void)posix_spawn_file_actions_adddup2(
		    &files, out[1], STDERR_FILENO);
	else
		(void)posix_spawn_file_actions_addopen(
		    &files, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
	(void)posix_spawnattr_init(&attr);
	(void)sigemptyset(&defaults);
	(void)sigaddset(&defaults, SIGPIPE); /* main ignores it */
	(void)posix_spawnattr_setsigdefault(&attr, &defaults);
	(void)posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGDEF);
	rc = posix_spawnp(ret_pid, argv[0], &files, &attr,
	    (char *const *)mt_unconst(argv), environ);
	(void)posix_spawnattr_destroy(&attr);
	(void)posix_spawn_file_actions_destroy(&files);
	if (rc == ENOENT)
		return mt_fail(err, MT_ABSENT, "%s: not found", argv[0]);
	errno = rc;
	return rc == 0 ? MT_OK : mt_fail_sys(err, "%s", argv[0]);
}

/* Until the end of its output; false when the time is up. */
static bool
read_output(int fd, int64_t until_ms, struct mt_buf *out)
{
	struct pollfd pfd = { .fd = fd, .events = POLLIN };
	char chunk[4096];
	int64_t left;
	ssize_t n;

	for (;;) {
		left = until_ms - mt_clock_mono_ms();
		if (left <= 0 || poll(&pfd, 1, (int)left) == 0)
			return false;
		n = read(fd, chunk, sizeof(chunk));
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return true;
		mt_buf_add(out, chunk, (size_t)n);
	}
}

enum mt_rc
ctl_spawn(const char *const *argv, bool both, unsigned timeout_ms,
    struct mt_buf *out, int *ret_code, struct mt_err *err)
{
	int64_t until_ms = mt_clock_mono_ms() + timeout_ms;
	int fds[2], status = 0;
	enum mt_rc rc;
	pid_t pid = 0;
	bool ended;

	if (pipe2(fds, O_CLOEXEC) != 0)
		return mt_fail_sys(err, "pipe");
	rc = start(argv, both, fds, &pid, err);
	(void)close(fds[1]);
	if (rc != MT_OK) {
		(void)close(fds[0]);
		return rc;
	}
	ended = read_output(fds[0], until_ms, out);
	(void)close(fds[0]);
	if (!ended)
		(void)kill(pid, SIGKILL);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (!ended)
		return mt_fail(err, MT_AGAIN, "%s: no end after %u ms", argv[0],
		    timeout_ms);
	*ret_code =
	    WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
	return MT_OK;
}
