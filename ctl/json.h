/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What --json prints, with jansson. Texts that are no clean UTF-8 (nothing of
 * ours stores such) are written with \xHH in them rather than left out.
 */
#ifndef CTL_JSON_H
#define CTL_JSON_H

#include <stdint.h>
#include <stdio.h>

#include <jansson.h>

#include "base/str.h"

json_t *ctl_json_str(struct mt_str s); /* null when absent */
json_t *ctl_json_time(int64_t at); /* RFC 3339; null when 0 */
json_t *ctl_json_num(uint64_t n);
json_t *ctl_json_dec(struct mt_str text); /* "-1.500" is -1.5 */
/* A member's text, NULL when it is none; a member's number, else 0. */
const char *ctl_json_text(const json_t *object, const char *name);
uint64_t ctl_json_count(const json_t *object, const char *name);
/* Set a member; the value is taken. */
void ctl_json_set(json_t *object, const char *name, json_t *value);
/* Print and free. */
void ctl_json_print(json_t *value, FILE *out);

#endif
