/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Any bytes as a message: what tests/lib/mail_property.h says must hold.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "../lib/mail_property.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct mt_str notice = { NULL, 0 };
	struct mt_markup_in in;
	struct mt_markup m;
	struct mt_buf line;
	const char *wrong;

	/* An odd length stands for one with a notice: files stay messages. */
	if (size % 2 != 0)
		notice = MT_LIT("Dies ist \xc3\xa4 <Hinweis>.\nZeile zwei.");
	in = mail_input(mt_str_n((const char *)data, size), notice);
	in.resigned = true;
	mt_markup_make(&in, &m);
	mt_buf_init(&line, 1024);
	mt_markup_explain(&m, &line);
	wrong = mail_property(&in, &m);
	if (wrong != NULL || mt_buf_over(&line)) {
		(void)fprintf(stderr, "%s: %s\n", line.p,
		    wrong != NULL ? wrong : "too long a line");
		abort();
	}
	mt_buf_done(&line);
	mt_markup_done(&m);
	return 0;
}
