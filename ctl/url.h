/* SPDX-License-Identifier: BSD-2-Clause */
/* Pixels' URLs: <pixel_url>/i/<token>.gif. */
#ifndef CTL_URL_H
#define CTL_URL_H

#include <stddef.h>

#include "base/str.h"

/* The URL of a token's pixel; out has size bytes. */
void ctl_pixel_url(
    struct mt_str base, const char *token, char *out, size_t size);
/* What may be the token of a URL: after the last '/', without ".gif". */
struct mt_str ctl_url_token(struct mt_str url);

#endif
