/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which process is a program of ours, as /proc has it. Found by its name and
 * the option file on its command line; one that names none has the default's.
 * Says nothing about other containers: a process that is not found may still
 * run there.
 */
#ifndef CTL_RUNNING_H
#define CTL_RUNNING_H

#include <stdbool.h>
#include <sys/types.h>

struct ctl_running {
	pid_t pid; /* 0: none was found */
	bool stopped; /* by SIGSTOP or a debugger: alive, and does nothing */
};

/* conf: path of the option file; by_default: it is where it is looked for. */
struct ctl_running ctl_running_find(
    const char *name, const char *conf, bool by_default);

#endif
