/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the C benchmarks share: one sample of an action, numbers from the
 * command line, and the end of the program when something is wrong (a
 * benchmark that goes on after an error measures the error).
 *
 * A program that compares prints one line a pair, "<ours> <theirs>" in
 * nanoseconds an action, alternating the two; bench/run reads these lines.
 */
#ifndef MT_BENCH_BENCH_H
#define MT_BENCH_BENCH_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

int64_t bench_now_ns(void); /* never steps back */

/* Prints "<program>: <text>" and exits with 1. */
_Noreturn void bench_die(const char *fmt, ...) MT_PRINTF(1, 2);
void bench_must(enum mt_rc rc, const struct mt_err *err);
/* A number from the command line, at most max. */
uint64_t bench_number(const char *what, const char *text, uint64_t max);
/* The file's bytes, which the caller frees; *ret_n without the added NUL. */
char *bench_read_file(const char *path, size_t *ret_n);
/* A line of /proc/self/status such as "VmHWM", in bytes. */
uint64_t bench_status(const char *name);

#endif
