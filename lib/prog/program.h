/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What every daemon's main() shares. A program describes itself in a struct
 * mt_program; mt_program_main does the rest: the command line
 *
 *     -c FILE   option file (default /etc/mailtrail/<name>.conf)
 *     -o N=V    set an option over the file; may be repeated
 *     -t        check the configuration and exit
 *     -d        print all options with their defaults and exit
 *     -n        print the options that differ from their defaults and exit
 *     -v        log what is done in detail
 *     --sample  print the commented sample option file and exit
 *     --mdoc    print the options for the man page and exit
 *     --help, -V, --version
 *
 * signals, readiness (sd_notify) and the exit code, one of sysexits(3).
 *
 * SIGTERM and SIGINT ask to stop, SIGUSR1 to re-read the configuration; all
 * three are blocked in every thread and arrive on two descriptors that poll
 * as readable, or through mt_stopping and mt_reloading. SIGPIPE is ignored.
 */
#ifndef MT_PROG_PROGRAM_H
#define MT_PROG_PROGRAM_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "conf/conf.h"

struct mt_program {
	const char *name; /* "mailtrail-collector" */
	const char *does; /* "move mail events from Redis into MariaDB" */
	const struct mt_conf_desc *conf;
	/*
	 * setup opens what run needs and leaves its state in *ret_state; run
	 * works until mt_stopping(); done accepts a half-done setup and NULL.
	 * An error of setup or run is logged and ends the program with
	 * mt_rc_exit() of its code.
	 */
	enum mt_rc (*setup)(
	    struct mt_conf *conf, void **ret_state, struct mt_err *err);
	enum mt_rc (*run)(void *state, struct mt_err *err);
	void (*done)(void *state);
	/* What -t checks beyond the options, such as files; may be NULL. */
	enum mt_rc (*test)(struct mt_conf *conf, struct mt_err *err);
	/*
	 * For who must answer even so: when the options cannot be used at
	 * start, the error is logged and setup gets NULL.
	 */
	bool conf_optional;
	/* What may follow the options, as in "[LOG...]"; NULL: nothing. */
	const char *operands;
};

int mt_program_main(const struct mt_program *prog, int argc, char **argv);

/* What followed the options, *ret_n words; as long as the program runs. */
char *const *mt_program_operands(size_t *ret_n);

/* Readable once the program shall stop; it stays so. */
int mt_stop_fd(void);
/* Readable when SIGUSR1 has come; mt_reloading() takes it. */
int mt_reload_fd(void);
bool mt_stopping(void);
bool mt_reloading(void);
/* Ask for the stop from within, as SIGTERM would. */
void mt_stop(void);
/*
 * Load the configuration again, from the same file and overrides. On failure
 * the error is logged, saying that the old one is kept, and NULL returned.
 * The caller owns the result's reference.
 */
struct mt_conf *mt_program_reload(void);
/* One line for `systemctl status` ("STATUS=..."); nothing without systemd. */
void mt_program_status(const char *fmt, ...) MT_PRINTF(1, 2);
/* The option host, or else the system's host name; the result is static. */
struct mt_str mt_program_host(struct mt_str option);

#endif
