/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A yardstick: the least that a libmilter milter must do to change a body. It
 * keeps the body and hands the same bytes back; it wants nothing else, parses
 * nothing, records nothing.
 *
 *     milter_replace SOCKET
 */
#include <sys/stat.h>

#include <libmilter/mfapi.h>

#include "base/buf.h"
#include "base/mem.h"

#include "bench.h"

#define MOST (64u << 20)

static sfsistat
negotiate(SMFICTX *ctx, unsigned long f0, unsigned long f1, unsigned long f2,
    unsigned long f3, unsigned long *ret_f0, unsigned long *ret_f1,
    unsigned long *ret_f2, unsigned long *ret_f3)
{
	(void)ctx;
	(void)f0;
	(void)f2;
	(void)f3;
	*ret_f0 = SMFIF_CHGBODY;
	*ret_f1 = f1 &
	    (SMFIP_NOCONNECT | SMFIP_NOHELO | SMFIP_NOMAIL | SMFIP_NORCPT |
		SMFIP_NOHDRS | SMFIP_NOEOH | SMFIP_NOUNKNOWN | SMFIP_NODATA |
		SMFIP_NR_BODY);
	*ret_f2 = *ret_f3 = 0;
	return SMFIS_CONTINUE;
}

static sfsistat
body(SMFICTX *ctx, unsigned char *p, size_t n)
{
	struct mt_buf *b = smfi_getpriv(ctx);

	if (b == NULL) {
		b = mt_alloc(sizeof(*b));
		mt_buf_init(b, MOST);
		smfi_setpriv(ctx, b);
	}
	mt_buf_add(b, p, n);
	return SMFIS_NOREPLY; /* agreed on: the mail server does not wait */
}

static void
drop(SMFICTX *ctx)
{
	struct mt_buf *b = smfi_getpriv(ctx);

	if (b == NULL)
		return;
	mt_buf_done(b);
	mt_free(b);
	smfi_setpriv(ctx, NULL);
}

static sfsistat
eom(SMFICTX *ctx)
{
	struct mt_buf *b = smfi_getpriv(ctx);

	if (b != NULL && b->n > 0 &&
	    smfi_replacebody(ctx, (unsigned char *)b->p, (int)b->n) !=
		MI_SUCCESS)
		bench_die("the mail server did not take the body");
	drop(ctx);
	return SMFIS_CONTINUE;
}

static sfsistat
forget(SMFICTX *ctx)
{
	drop(ctx);
	return SMFIS_CONTINUE;
}

int
main(int argc, char **argv)
{
	struct smfiDesc desc = { .xxfi_name = mt_unconst("replace"),
		.xxfi_version = SMFI_VERSION,
		.xxfi_flags = SMFIF_CHGBODY,
		.xxfi_body = body,
		.xxfi_eom = eom,
		.xxfi_abort = forget,
		.xxfi_close = forget,
		.xxfi_negotiate = negotiate };

	if (argc != 2)
		bench_die("usage: milter_replace SOCKET");
	(void)umask(0);
	if (smfi_setconn(argv[1]) != MI_SUCCESS ||
	    smfi_register(desc) != MI_SUCCESS)
		bench_die("%s: cannot listen", argv[1]);
	return smfi_main() == MI_SUCCESS ? 0 : 1;
}
