/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "base/err.h"

static const struct {
	const char *name;
	int exit;
} rcs[] = {
	[MT_OK] = { "ok", EX_OK },
	[MT_AGAIN] = { "again", EX_TEMPFAIL },
	[MT_ABSENT] = { "absent", EX_UNAVAILABLE },
	[MT_FORMAT] = { "format", EX_DATAERR },
	[MT_LIMIT] = { "limit", EX_DATAERR },
	[MT_CONFIG] = { "config", EX_CONFIG },
	[MT_SYSTEM] = { "system", EX_OSERR },
};

void
mt_err_put(struct mt_err *err, enum mt_rc rc, int sys, const char *fmt, ...)
{
	va_list ap;

	if (err == NULL)
		return;
	err->rc = rc;
	err->sys = sys;
	va_start(ap, fmt);
	(void)vsnprintf(err->msg, sizeof(err->msg), fmt, ap);
	va_end(ap);
}

void
mt_err_put_sys(struct mt_err *err, const char *fmt, ...)
{
	int sys = errno;
	size_t n;
	va_list ap;

	if (err == NULL)
		return;
	err->rc = MT_SYSTEM;
	err->sys = sys;
	va_start(ap, fmt);
	(void)vsnprintf(err->msg, sizeof(err->msg), fmt, ap);
	va_end(ap);
	n = strlen(err->msg);
	(void)snprintf(err->msg + n, sizeof(err->msg) - n, ": %s",
	    strerrordesc_np(sys) != NULL ? strerrordesc_np(sys) : "unknown");
}

void
mt_err_in(struct mt_err *err, const char *fmt, ...)
{
	char inner[sizeof(err->msg)];
	size_t n;
	va_list ap;

	if (err == NULL)
		return;
	memcpy(inner, err->msg, sizeof(inner));
	inner[sizeof(inner) - 1] = '\0';
	va_start(ap, fmt);
	(void)vsnprintf(err->msg, sizeof(err->msg), fmt, ap);
	va_end(ap);
	n = strlen(err->msg);
	(void)snprintf(err->msg + n, sizeof(err->msg) - n, ": %s", inner);
}

const char *
mt_rc_name(enum mt_rc rc)
{
	return rcs[rc].name;
}

int
mt_rc_exit(enum mt_rc rc)
{
	return rcs[rc].exit;
}
