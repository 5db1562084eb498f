/* SPDX-License-Identifier: BSD-2-Clause */
#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "prog/program.h"
#include "prog/signals.h"

/*
 * Two descriptors, so that libmilter, which waits for SIGTERM itself, and a
 * thread of ours that waits for SIGUSR1 do not take each other's signal.
 */
static int stop_fd = -1;
static int reload_fd = -1;

enum mt_rc
mt_signals_init(struct mt_err *err)
{
	sigset_t stop, reload;

	(void)signal(SIGPIPE, SIG_IGN);
	/* A file size limit is an error of write(2), no reason to die. */
	(void)signal(SIGXFSZ, SIG_IGN);
	(void)sigemptyset(&stop);
	(void)sigaddset(&stop, SIGTERM);
	(void)sigaddset(&stop, SIGINT);
	(void)sigemptyset(&reload);
	(void)sigaddset(&reload, SIGUSR1);
	(void)pthread_sigmask(SIG_BLOCK, &stop, NULL);
	(void)pthread_sigmask(SIG_BLOCK, &reload, NULL);
	stop_fd = signalfd(-1, &stop, SFD_CLOEXEC | SFD_NONBLOCK);
	reload_fd = signalfd(-1, &reload, SFD_CLOEXEC | SFD_NONBLOCK);
	if (stop_fd < 0 || reload_fd < 0)
		return mt_fail_sys(err, "signalfd");
	return MT_OK;
}

int
mt_stop_fd(void)
{
	return stop_fd;
}

int
mt_reload_fd(void)
{
	return reload_fd;
}

static bool
readable(int fd)
{
	struct pollfd pfd = { .fd = fd, .events = POLLIN };

	return poll(&pfd, 1, 0) == 1 && (pfd.revents & POLLIN) != 0;
}

bool
mt_stopping(void)
{
	/* Never read: the signal stays pending, for every thread to see. */
	return readable(stop_fd);
}

bool
mt_reloading(void)
{
	struct signalfd_siginfo info;

	return read(reload_fd, &info, sizeof(info)) == (ssize_t)sizeof(info);
}

void
mt_stop(void)
{
	/* To the process: it stays pending where every thread sees it. */
	(void)kill(getpid(), SIGTERM);
}
