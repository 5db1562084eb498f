/* SPDX-License-Identifier: BSD-2-Clause */
#include "signals.h"

#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/eventfd.h>
#include <unistd.h>

/* A signal handler has no other place to find where to leave its word. */
static int stop_event = -1;

static void
on_stop(int number)
{
	const uint64_t one = 1;
	int was = errno;

	(void)number;
	(void)!write(stop_event, &one, sizeof(one));
	errno = was;
}

enum mt_rc
milter_signals_init(struct mt_err *err)
{
	static const int numbers[] = { SIGTERM, SIGINT, SIGHUP };
	struct sigaction action = { .sa_handler = on_stop };
	sigset_t stop;
	size_t i;

	stop_event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (stop_event < 0)
		return mt_fail_sys(err, "eventfd");
	(void)sigemptyset(&action.sa_mask);
	(void)sigemptyset(&stop);
	for (i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		(void)sigaddset(&stop, numbers[i]);
		(void)sigaction(numbers[i], &action, NULL);
	}
	(void)pthread_sigmask(SIG_UNBLOCK, &stop, NULL);
	return MT_OK;
}

int
milter_signals_fd(void)
{
	return stop_event;
}

/*
 * In place of the C library's, for libmilter's thread, which has all these
 * signals blocked. Ends with the process.
 */
int
sigwait(const sigset_t *set, int *number)
{
	(void)set;
	*number = 0;
	for (;;)
		(void)pause();
}
