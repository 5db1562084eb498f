/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Borrowed text: a pointer and a length. It owns nothing, need not end in
 * NUL and may hold any byte. A NULL pointer means "absent", which is not the
 * same as empty (p set, n 0). Print it with "%.*s", MT_STR_ARG(s).
 */
#ifndef MT_BASE_STR_H
#define MT_BASE_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct mt_str {
	const char *p;
	size_t n;
};

#define MT_LIT(literal) ((struct mt_str){ (literal), sizeof(literal) - 1 })
#define MT_STR_ARG(s) ((int)(s).n), ((s).p ? (s).p : "")

struct mt_str mt_str(const char *text); /* NULL gives absent */
struct mt_str mt_str_n(const char *p, size_t n);
bool mt_str_eq(struct mt_str a, struct mt_str b);
bool mt_str_eqz(struct mt_str a, const char *b);
/* ASCII letters only: what RFC 5322 and 2045 call case-insensitive. */
bool mt_str_eq_nocase(struct mt_str a, struct mt_str b);
bool mt_str_eqz_nocase(struct mt_str a, const char *b);
bool mt_str_starts(struct mt_str s, const char *prefix);
int mt_str_cmp(struct mt_str a, struct mt_str b);
/* Without the white space (space, tab, CR, LF) at both ends. */
struct mt_str mt_str_trim(struct mt_str s);
/*
 * Cut at the first (last) `at`: *ret_head is what stands before it, *ret_tail
 * what follows. Without one, head is all of s, tail is absent, result false.
 */
bool mt_str_cut(
    struct mt_str s, char at, struct mt_str *ret_head, struct mt_str *ret_tail);
bool mt_str_cut_last(
    struct mt_str s, char at, struct mt_str *ret_head, struct mt_str *ret_tail);

/* Locale-free <ctype.h>, safe for any char. */
char mt_lower(char c);
bool mt_is_space(char c); /* space, tab, CR, LF */
bool mt_is_digit(char c);
bool mt_is_alpha(char c);

/*
 * FNV-1a, 64 bits, going on from h (MT_HASH at first): tells long keys apart.
 * Nothing secret or hostile may rest on it.
 */
#define MT_HASH UINT64_C(0xcbf29ce484222325)
uint64_t mt_str_hash(struct mt_str s, uint64_t h);

#endif
