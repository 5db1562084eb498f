/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Results and errors. A function that can fail returns enum mt_rc and takes a
 * struct mt_err, last, which lives on its caller's stack. Inner code says what
 * is wrong; each layer that knows more puts in front what we were doing with
 * mt_err_in: "collector.conf:7: batch: larger than 10000". The library neither
 * logs nor exits; programs log once, where they decide.
 *
 * There are seven classes because callers do seven different things.
 */
#ifndef MT_BASE_ERR_H
#define MT_BASE_ERR_H

enum mt_rc {
	MT_OK = 0,
	MT_AGAIN, /* a peer is away or busy: keep the data, try later */
	MT_ABSENT, /* looked, and it is not there */
	MT_FORMAT, /* input is not what the format allows */
	MT_LIMIT, /* input is larger than a limit we set */
	MT_CONFIG, /* an operator has to change something */
	MT_SYSTEM /* the operating system said no; see err.sys */
};

struct mt_err {
	enum mt_rc rc;
	int sys; /* errno at the time of mt_fail_sys, else 0 */
	char msg[512];
};

#define MT_MUST_CHECK __attribute__((warn_unused_result))
#define MT_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))

/*
 * return mt_fail(err, MT_FORMAT, "…", …): a macro whose value is the code, so
 * that the compiler sees which code a function returns. mt_fail_sys adds
 * ": <strerror(errno)>" and is MT_SYSTEM.
 */
#define mt_fail(err, code, ...) \
	(mt_err_put((err), (code), 0, __VA_ARGS__), (code))
#define mt_fail_sys(err, ...) (mt_err_put_sys((err), __VA_ARGS__), MT_SYSTEM)

void mt_err_put(struct mt_err *err, enum mt_rc rc, int sys, const char *fmt,
    ...) MT_PRINTF(4, 5);
void mt_err_put_sys(struct mt_err *err, const char *fmt, ...) MT_PRINTF(2, 3);
/* Put "context: " in front of the message. */
void mt_err_in(struct mt_err *err, const char *fmt, ...) MT_PRINTF(2, 3);
/* The word for a code: "again", "absent", ... */
const char *mt_rc_name(enum mt_rc rc);
/* The sysexits(3) code a program ends with for a code. */
int mt_rc_exit(enum mt_rc rc);

#endif
