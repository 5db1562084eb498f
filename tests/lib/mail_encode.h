/* SPDX-License-Identifier: BSD-2-Clause */
/* Leaves for messages that tests make. */
#ifndef MT_TESTS_MAIL_ENCODE_H
#define MT_TESTS_MAIL_ENCODE_H

#include "base/buf.h"
#include "base/str.h"

/* Append base64 of bytes in lines of so many digits, CRLF. */
void mail_add_base64(struct mt_str bytes, size_t line, struct mt_buf *out);

#endif
