/* SPDX-License-Identifier: BSD-2-Clause */
#include "mail_encode.h"

void
mail_add_base64(struct mt_str bytes, size_t line, struct mt_buf *out)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghij"
				     "klmnopqrstuvwxyz0123456789+/";
	unsigned bits;
	size_t i, k, column = 0;

	for (i = 0; i < bytes.n; i += 3) {
		bits = 0;
		for (k = 0; k < 3; k++)
			bits = bits << 8 |
			    (unsigned char)(i + k < bytes.n ? bytes.p[i + k]
							    : 0);
		for (k = 0; k < 4; k++) {
			mt_buf_c(out,
			    i + k > bytes.n
				? '='
				: digits[bits >> (18 - 6 * k) & 63]);
			if (++column % line == 0)
				mt_buf_z(out, "\r\n");
		}
	}
	mt_buf_z(out, "\r\n");
}
