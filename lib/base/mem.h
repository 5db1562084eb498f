/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Memory. Running out aborts: no branch that no test can reach. What
 * strangers can make large is limited before it is allocated, and that limit
 * is an ordinary MT_LIMIT.
 */
#ifndef MT_BASE_MEM_H
#define MT_BASE_MEM_H

#include <stddef.h>

#include "base/str.h"

void *mt_alloc(size_t n); /* zeroed */
void *mt_alloc_array(size_t n, size_t size); /* zeroed */
/* Contents beyond the old size are not set. */
void *mt_realloc_array(void *p, size_t n, size_t size);
void mt_free(void *p); /* NULL is fine */
char *mt_dupz(const char *text);
char *mt_str_dup(struct mt_str s); /* NUL-terminated copy */
/* Overwrite a secret before its memory goes away. */
void mt_wipe(void *p, size_t n);
/* For foreign prototypes that forgot const (MYSQL_BIND.buffer, smfi_*). */
void *mt_unconst(const void *p);

#endif
