/* SPDX-License-Identifier: BSD-2-Clause */
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/limits.h"
#include "base/log.h"

#define GATES 64

/* The only mutable state of the library: how to log, and what was held. */
static struct {
	pthread_mutex_t lock;
	bool verbose;
	bool personal;
	int terminal; /* 0 not looked yet, 1 yes, -1 no */
	struct gate {
		const char *fmt;
		int64_t open_ms;
		unsigned held;
	} gates[GATES];
} state = { .lock = PTHREAD_MUTEX_INITIALIZER };

void
mt_log_setup(bool verbose, bool personal)
{
	pthread_mutex_lock(&state.lock);
	state.verbose = verbose;
	state.personal = personal;
	pthread_mutex_unlock(&state.lock);
}

/* One write(2) a line, so that lines of several threads do not mix. */
static void put_line(enum mt_log_level level, unsigned held, const char *fmt,
    va_list ap) MT_PRINTF(3, 0);

static void
put_line(enum mt_log_level level, unsigned held, const char *fmt, va_list ap)
{
	char line[MT_MAX_LOG_LINE];
	int n = 0, k;

	if (state.terminal == 0)
		state.terminal = isatty(STDERR_FILENO) ? 1 : -1;
	if (state.terminal < 0)
		n = snprintf(line, sizeof(line), "<%d>", (int)level);
	k = vsnprintf(line + n, sizeof(line) - (size_t)n - 24, fmt, ap);
	if (k < 0)
		return;
	n += k;
	if ((size_t)n > sizeof(line) - 32)
		n = (int)sizeof(line) - 32;
	if (held > 0)
		n += snprintf(
		    line + n, sizeof(line) - (size_t)n, " held=%u", held);
	line[n++] = '\n';
	if (write(STDERR_FILENO, line, (size_t)n) < 0)
		return; /* nobody left to tell */
}

void
mt_log(enum mt_log_level level, const char *fmt, ...)
{
	va_list ap;

	pthread_mutex_lock(&state.lock);
	if (level != MT_LOG_DEBUG || state.verbose) {
		va_start(ap, fmt);
		put_line(level, 0, fmt, ap);
		va_end(ap);
	}
	pthread_mutex_unlock(&state.lock);
}

/* The gate of a format; when the table is full, formats share the last. */
static struct gate *
find_gate(const char *fmt)
{
	size_t i;

	for (i = 0; i < GATES - 1; i++) {
		if (state.gates[i].fmt == fmt)
			break;
		if (state.gates[i].fmt == NULL) {
			state.gates[i].fmt = fmt;
			break;
		}
	}
	return &state.gates[i];
}

void
mt_log_every(unsigned seconds, enum mt_log_level level, const char *fmt, ...)
{
	int64_t now = mt_clock_mono_ms();
	struct gate *gate;
	va_list ap;

	pthread_mutex_lock(&state.lock);
	gate = find_gate(fmt);
	if (now < gate->open_ms) {
		gate->held++;
	} else {
		va_start(ap, fmt);
		put_line(level, gate->held, fmt, ap);
		va_end(ap);
		gate->held = 0;
		gate->open_ms = now + (int64_t)seconds * 1000;
	}
	pthread_mutex_unlock(&state.lock);
}

struct mt_quoted
mt_quote(struct mt_str s)
{
	static const char hex[] = "0123456789abcdef";
	struct mt_quoted q;
	size_t i, n = 0;

	q.s[n++] = '\'';
	for (i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];

		if (n > sizeof(q.s) - 10) {
			memcpy(q.s + n, "...", 3);
			n += 3;
			break;
		}
		if (c < 0x20 || c == 0x7f || c == '\'' || c == '\\' ||
		    (c >= 0x80 && c < 0xa0)) {
			q.s[n++] = '\\';
			q.s[n++] = 'x';
			q.s[n++] = hex[c >> 4];
			q.s[n++] = hex[c & 15];
		} else {
			q.s[n++] = (char)c;
		}
	}
	q.s[n++] = '\'';
	q.s[n] = '\0';
	return q;
}

struct mt_quoted
mt_quotez(const char *text)
{
	return mt_quote(mt_str(text));
}

struct mt_quoted
mt_quote_address(struct mt_str s)
{
	char masked[MT_MAX_ADDRESS + 8];
	struct mt_str local, domain;
	int n;

	if (state.personal || !mt_str_cut_last(s, '@', &local, &domain) ||
	    local.n == 0)
		return mt_quote(s);
	n = snprintf(masked, sizeof(masked), "%c***@%.*s", local.p[0],
	    (int)(domain.n > MT_MAX_HOST ? MT_MAX_HOST : domain.n), domain.p);
	return mt_quote(mt_str_n(masked, n > 0 ? (size_t)n : 0));
}
