/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A yardstick: a libmilter milter that is asked what ours is asked - client,
 * envelope, headers, end of message - and does nothing with it. It skips the
 * body.
 *
 *     milter_noop SOCKET
 */
#include <sys/stat.h>

#include <libmilter/mfapi.h>

#include "base/mem.h"

#include "bench.h"

static sfsistat
negotiate(SMFICTX *ctx, unsigned long f0, unsigned long f1, unsigned long f2,
    unsigned long f3, unsigned long *ret_f0, unsigned long *ret_f1,
    unsigned long *ret_f2, unsigned long *ret_f3)
{
	(void)ctx;
	(void)f0;
	(void)f2;
	(void)f3;
	*ret_f0 = 0;
	*ret_f1 = f1 &
	    (SMFIP_SKIP | SMFIP_NOEOH | SMFIP_NOUNKNOWN | SMFIP_NODATA |
		SMFIP_NR_CONN | SMFIP_NR_HELO | SMFIP_NR_MAIL | SMFIP_NR_RCPT |
		SMFIP_NR_HDR);
	*ret_f2 = *ret_f3 = 0;
	return SMFIS_CONTINUE;
}

/* NOREPLY was agreed on: the mail server does not wait for an answer. */
static sfsistat
ignore(void *a, void *b)
{
	(void)a;
	(void)b;
	return SMFIS_NOREPLY;
}

static sfsistat
connected(SMFICTX *ctx, char *name, _SOCK_ADDR *address)
{
	(void)ctx;
	return ignore(name, address);
}

static sfsistat
helo(SMFICTX *ctx, char *name)
{
	return ignore(ctx, name);
}

static sfsistat
envelope(SMFICTX *ctx, char **args)
{
	return ignore(ctx, args);
}

static sfsistat
header(SMFICTX *ctx, char *name, char *value)
{
	(void)ctx;
	return ignore(name, value);
}

static sfsistat
body(SMFICTX *ctx, unsigned char *p, size_t n)
{
	(void)n;
	(void)ignore(ctx, p);
	return SMFIS_SKIP;
}

static sfsistat
eom(SMFICTX *ctx)
{
	(void)ctx;
	return SMFIS_CONTINUE;
}

int
main(int argc, char **argv)
{
	struct smfiDesc desc = { .xxfi_name = mt_unconst("noop"),
		.xxfi_version = SMFI_VERSION,
		.xxfi_connect = connected,
		.xxfi_helo = helo,
		.xxfi_envfrom = envelope,
		.xxfi_envrcpt = envelope,
		.xxfi_header = header,
		.xxfi_body = body,
		.xxfi_eom = eom,
		.xxfi_negotiate = negotiate };

	if (argc != 2)
		bench_die("usage: milter_noop SOCKET");
	(void)umask(0);
	if (smfi_setconn(argv[1]) != MI_SUCCESS ||
	    smfi_register(desc) != MI_SUCCESS)
		bench_die("%s: cannot listen", argv[1]);
	return smfi_main() == MI_SUCCESS ? 0 : 1;
}
